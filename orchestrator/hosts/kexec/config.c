// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/scratch.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/journal.h"
#include "orchestrator/hosts/kexec/kexec.h"

#define PROBE_LIMIT_MS	30000
#define RESCUE_PAUSE_MS 2000

const char *const kexec_keys[] = {"ssh",     "ssh_options", "console",	      "directory",
				  "cmdline", "watchdog_s",  "return_limit_s", NULL};

static const struct host_number numbers[] = {
	{"watchdog_s", offsetof(struct kexec_config, watchdog_s), 600, 10, 6553},
	{"return_limit_s", offsetof(struct kexec_config, return_limit_s), 900, 1, 86400},
};

static const struct host_text texts[] = {
	{"ssh", offsetof(struct kexec_config, ssh), true, NULL},
	{"directory", offsetof(struct kexec_config, directory), false, "/var/tmp/nestlab"},
	{"cmdline", offsetof(struct kexec_config, cmdline), false, ""},
};

/* ---- the host file ---- */

static int read_list(const struct json_node *file, const char *key, char ***out, struct error *err)
{
	struct json_node list, item;
	int ret = json_member(file, key, false, &list, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = json_as_array(&list, err);
	if (ret)
		return ret;
	*out = xcalloc(json_length(&list) + 1, sizeof(char *));
	for (size_t i = 0; !ret && i < json_length(&list); i++) {
		const char *text;

		json_element(&list, i, &item);
		ret = json_as_string(&item, &text, err);
		if (!ret)
			(*out)[i] = xstrdup(text);
	}
	return ret;
}

/* What a shell, or ssh, would take for something else. */
static int check_words(const struct json_node *file, const struct kexec_config *c,
		       struct error *err)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

	if (c->directory[0] != '/' || c->directory[strspn(c->directory, plain)])
		return json_error(
			file, err,
			"directory: expected a path from the root, of letters, digits and "
			"/._- only, found \"%s\"",
			c->directory);
	if (!c->ssh[0] || c->ssh[0] == '-')
		return json_error(file, err, "ssh: \"%s\" is no destination", c->ssh);
	if (!c->console.command)
		return json_error(
			file, err,
			"console: needs a \"command\" whose output is the server's serial line");
	if (strpbrk(c->cmdline, "\n'\"\\"))
		return json_error(file, err, "cmdline: no quotes, backslashes or newlines");
	return 0;
}

int kexec_configure(const struct json_node *file, void **own, struct error *err)
{
	struct kexec_config *c = xcalloc(1, sizeof(*c));
	int ret;

	*own = c;
	ret = host_read_texts(file, texts, ARRAY_SIZE(texts), c, err);
	if (ret)
		return ret;
	ret = host_console_read(file, &c->console, err);
	if (ret)
		return ret;
	ret = read_list(file, "ssh_options", &c->options, err);
	if (ret)
		return ret;
	ret = host_read_numbers(file, numbers, ARRAY_SIZE(numbers), c, err);
	if (ret)
		return ret;
	return check_words(file, c, err);
}

static void free_list(char **list)
{
	for (char **item = list; item && *item; item++)
		free(*item);
	free(list);
}

void kexec_free_config(void *own)
{
	struct kexec_config *c = own;

	free_list(c->options);
	host_console_release(&c->console);
	free(c->ssh);
	free(c->directory);
	free(c->cmdline);
	free(c);
}

char *kexec_cmdline(const struct host_config *cfg, enum host_purpose purpose)
{
	const struct kexec_config *c = cfg->own;

	(void)purpose;
	/* A BMC's watchdog counts from its driver's start on, before there is an agent. */
	return xasprintf("console=%s,%lld loglevel=5 panic_print=32 panic=5 " HOST_FIXED_LAYOUT
			 " nestlab.end=reboot nestlab.watchdog=%lld "
			 "ipmi_watchdog.start_now=1 ipmi_watchdog.timeout=%lld%s%s",
			 c->console.device, (long long)c->console.speed, (long long)c->watchdog_s,
			 (long long)c->watchdog_s, c->cmdline[0] ? " " : "", c->cmdline);
}

/* ---- ssh ---- */

const char **kexec_ssh_argv(const struct kexec_config *c, const char *command)
{
	static const char *const own[] = {"ssh", "-T",
					  "-o",	 "BatchMode=yes",
					  "-o",	 "StrictHostKeyChecking=yes",
					  "-o",	 "ConnectTimeout=10",
					  "-o",	 "ServerAliveInterval=5",
					  "-o",	 "ServerAliveCountMax=3"};
	size_t n = ARRAY_SIZE(own), more = 0;
	const char **argv;

	while (c->options && c->options[more])
		more++;
	argv = xcalloc(n + more + 4, sizeof(*argv));
	memcpy(argv, own, sizeof(own));
	for (size_t i = 0; i < more; i++)
		argv[n++] = c->options[i];
	argv[n++] = "--";
	argv[n++] = c->ssh;
	argv[n] = command;
	return argv;
}

/*
 * Lock-down (kernel_lockdown(7)) allows no kernel that is not signed. A kdump kernel (kexec_crash_loaded) is
 * no hindrance: it has memory of its own, and ours is loaded beside it.
 */
char *kexec_check_script(const struct kexec_config *c)
{
	return xasprintf(
		"lacks() { echo \"missing $1\"; }\n"
		"[ \"$(id -u)\" = 0 ] || lacks 'root: log in as root, or as somebody whom sudo lets be it'\n"
		"[ \"$(uname -m)\" = x86_64 ] || lacks 'x86_64: our kernels run on no other machine'\n"
		"command -v kexec >/dev/null || lacks 'kexec: not there (apt-get install kexec-tools)'\n"
		"[ -e /sys/kernel/kexec_loaded ] || "
		"lacks 'CONFIG_KEXEC: the kernel of the server cannot do it'\n"
		"case $(cat /proc/sys/kernel/kexec_load_disabled 2>/dev/null) in 1) "
		"lacks 'kexec_load: switched off until the next boot (kernel.kexec_load_disabled)';; esac\n"
		"case $(cat /sys/kernel/security/lockdown 2>/dev/null) in ''|*'[none]'*) ;; *) "
		"lacks 'lock-down: only signed kernels may be loaded; switch Secure Boot off';; esac\n"
		"mkdir -p -m 700 %s 2>/dev/null && [ -w %s ] || lacks '%s: cannot be written to'\n"
		"echo \"boot $(cat /proc/sys/kernel/random/boot_id)\"\n"
		"for f in %s/*; do case ${f##*/} in *.part) ;; *) echo \"has ${f##*/}\";; esac; done\n",
		c->directory, c->directory, c->directory, c->directory);
}

/* ---- can it run? ---- */

static void note_line(const char *line, void *arg)
{
	struct host_found *found = arg;

	if (strncmp(line, "missing ", 8))
		return;
	found->ready = false;
	strbuf_addf(&found->missing, "%s\n", line + 8);
}

/* The check that a boot begins with, too, through a pipe that subprocess.h does not have: a file. */
static int run_check(const struct kexec_config *c, const char *script, struct host_found *found,
		     struct strbuf *errors, int *status, struct error *err)
{
	const char **argv = kexec_ssh_argv(c, "sh -s");
	const struct subprocess sp = {.argv = argv,
				      .stdin_path = script,
				      .on_line = note_line,
				      .arg = found,
				      .errors = errors,
				      .timeout_ms = PROBE_LIMIT_MS};
	int ret = subprocess_run(&sp, status, err);

	free(argv);
	return ret;
}

static void describe(const struct kexec_config *c, struct json_object *id)
{
	json_object_object_add(id, "ssh", json_object_new_string(c->ssh));
	if (c->cmdline[0])
		json_object_object_add(id, "cmdline", json_object_new_string(c->cmdline));
}

int kexec_probe(const struct host_config *cfg, const struct places *places,
		struct host_found *found, struct error *err)
{
	const struct kexec_config *c = cfg->own;
	__cleanup_free char *script = kexec_check_script(c);
	__cleanup_free char *path = NULL;
	struct strbuf errors = STRBUF_INIT;
	struct scratch s;
	int status, ret = scratch_begin(NULL, NULL, &s, err);

	(void)places;
	if (ret)
		return ret;
	path = xasprintf("%s/check", s.dir);
	ret = fs_write_file(path, script, strlen(script), err);
	if (!ret)
		ret = run_check(c, path, found, &errors, &status, err);
	scratch_end(&s);
	if (ret == -ETIMEDOUT || (!ret && status)) {
		char *complaint = errors.len ? errors.buf : (char *)"no answer within 30 s";

		complaint[strcspn(complaint, "\r\n")] = '\0';
		host_found_lacks(found, c->ssh, complaint);
		ret = 0;
	}
	describe(c, found->identity);
	strbuf_release(&errors);
	return ret;
}

/* ---- after a crash of ours ---- */

/* ssh's exit status, or an error. */
static int unload(const struct kexec_config *c, struct strbuf *said, int *status, struct error *err)
{
	const char **argv = kexec_ssh_argv(c, "kexec -u");
	const struct subprocess sp = {.argv = argv, .errors = said, .timeout_ms = PROBE_LIMIT_MS};
	int ret;

	strbuf_reset(said);
	ret = subprocess_run(&sp, status, err);
	free(argv);
	if (ret == -ETIMEDOUT)
		*status = KEXEC_SSH_LOST;
	return ret == -ETIMEDOUT ? 0 : ret;
}

static int judge_unload(const struct kexec_config *c, int status, struct strbuf *said,
			struct error *err)
{
	if (!status)
		return 0;
	said->buf[strcspn(said->buf, "\r\n")] = '\0';
	if (status == KEXEC_SSH_LOST)
		return error_set(err, -EHOSTUNREACH,
				 "%s does not answer within %lld s (%s): reset it, and try again",
				 c->ssh, (long long)c->return_limit_s, said->buf);
	return error_set(err, -EIO, "%s: kexec -u: %s", c->ssh, said->buf);
}

/* A server that was jumped away from comes back by itself, and is waited for; a kernel that is loaded only is
 * taken out. */
static int wait_and_unload(const struct kexec_config *c, struct error *err)
{
	double until = clock_seconds() + (double)c->return_limit_s;
	struct pollfd cancelled = {.fd = cancel_fd(), .events = POLLIN};
	struct strbuf said = STRBUF_INIT;
	int status = 0, ret = unload(c, &said, &status, err);

	if (!ret && status == KEXEC_SSH_LOST)
		log_info("%s does not answer yet; waiting for %lld s at most", c->ssh,
			 (long long)c->return_limit_s);
	while (!ret && status == KEXEC_SSH_LOST && clock_seconds() < until) {
		if (poll(&cancelled, 1, RESCUE_PAUSE_MS) > 0)
			ret = cancel_error(err);
		else
			ret = unload(c, &said, &status, err);
	}
	if (!ret)
		ret = judge_unload(c, status, &said, err);
	strbuf_release(&said);
	return ret;
}

int kexec_rescue(const struct host_config *cfg, struct strbuf *did, struct error *err)
{
	const struct kexec_config *c = cfg->own;
	struct journal *j;
	int ret = journal_open(cfg, c->ssh, &j, err);

	if (ret)
		return ret;
	if (journal_string(j, "loaded")) {
		ret = wait_and_unload(c, err);
		if (!ret)
			ret = journal_note(j, "loaded", NULL, err);
		if (!ret)
			strbuf_addf(did,
				    "%s runs its own system, and none of our kernels is loaded\n",
				    c->ssh);
	}
	journal_close(j);
	return ret;
}
