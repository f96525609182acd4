// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/kexec/kexec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "common/shell.h"
#include "orchestrator/hosts/channel.h"
#include "orchestrator/hosts/journal.h"

#define RETURN_POLL_MS 5000

/* A file that the server needs. */
struct cargo {
	char *path; /* here */
	char hash[SHA256_HEX];
	bool there;
};

enum { KERNEL, INITRD, TICKET, CARGOES };

/* One boot of a server. */
struct server {
	struct cargo cargo[CARGOES];
	char *script, *log;
	struct process ssh;
	struct channel *channel;
	struct journal *journal;
	int events;	     /* epoll: ssh and channel */
	size_t step;	     /* of steps[] */
	char boot_id[64];    /* of its own system, before */
	bool loaded, jumped; /* what has to be undone, or waited for */
	double asked_since;  /* is it back?; 0: not asked yet */
	bool back;
};

static const struct kexec_config *config(const struct host_session *s)
{
	return s->cfg->own;
}

static char *run_file(const struct host_session *s, const char *name)
{
	return xasprintf("%s/%s", s->run_dir, name);
}

/* Runs @command in the server's shell, with the file @input on its stdin. */
static int start_ssh(struct host_session *s, const char *command, const char *input,
		     struct error *err)
{
	struct server *v = s->priv;
	const char **argv = kexec_ssh_argv(config(s), command);
	const struct process_setting setting = {.argv = argv, .log = v->log, .stdin_path = input};
	int ret;

	process_end(&v->ssh);
	ret = process_start(&v->ssh, &setting, err);
	free(argv);
	s->wake_fd = v->ssh.wake;
	return ret ? ret : HOST_GOES_ON;
}

static int start_script(struct host_session *s, const char *script, struct error *err)
{
	struct server *v = s->priv;
	int ret = fs_write_file(v->script, script, strlen(script), err);

	if (ret)
		return ret;
	return start_ssh(s, "sh -s", v->script, err);
}

/* ---- check ---- */

static int start_check(struct host_session *s, struct error *err)
{
	__cleanup_free char *script = kexec_check_script(config(s));

	return start_script(s, script, err);
}

static void note_there(struct server *v, const char *hash, size_t len)
{
	for (int i = 0; i < TICKET; i++)
		if (strlen(v->cargo[i].hash) == len && !memcmp(v->cargo[i].hash, hash, len))
			v->cargo[i].there = true;
}

static int end_check(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;

	for (const char *line = v->ssh.said.buf; *line;) {
		size_t len = strcspn(line, "\n");

		if (!strncmp(line, "missing ", 8))
			return error_set(err, -ENODEV, "%s cannot run: %.*s", config(s)->ssh,
					 (int)len - 8, line + 8);
		if (!strncmp(line, "boot ", 5) && len - 5 < sizeof(v->boot_id))
			memcpy(v->boot_id, line + 5, len - 5);
		if (!strncmp(line, "has ", 4))
			note_there(v, line + 4, len - 4);
		line += len + (line[len] == '\n');
	}
	if (!v->boot_id[0])
		return error_set(err, -EIO, "%s: does not say which boot it is in (%s)",
				 config(s)->ssh, v->log);
	return 0;
}

/* ---- upload: by its hash, and only what is not there ---- */

static int start_put(struct host_session *s, const struct cargo *cargo, struct error *err)
{
	const char *dir = config(s)->directory;
	__cleanup_free char *command = NULL;

	if (cargo->there)
		return 0;
	command = xasprintf("set -e; umask 077; cd %s; cat >%s.part; "
			    "[ \"$(sha256sum <%s.part | cut -c1-64)\" = %s ]; mv %s.part %s",
			    dir, cargo->hash, cargo->hash, cargo->hash, cargo->hash, cargo->hash);
	return start_ssh(s, command, cargo->path, err);
}

static int put_kernel(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;

	return start_put(s, &v->cargo[KERNEL], err);
}

static int put_initrd(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;

	return start_put(s, &v->cargo[INITRD], err);
}

static int put_ticket(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;

	return start_put(s, &v->cargo[TICKET], err);
}

/* ---- load ---- */

/* The ticket follows the initramfs, and neither it nor the whole stays on the server's disk. */
static int start_load(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	const char *ticket = v->cargo[TICKET].hash;
	__cleanup_free char *script =
		xasprintf("set -e; umask 077; cd %s\n"
			  "trap 'rm -f %s %s.whole' EXIT\n"
			  "cat %s %s >%s.whole\n"
			  "kexec -a -l %s --initrd=%s.whole --command-line='%s' >&2\n"
			  "[ \"$(cat /sys/kernel/kexec_loaded)\" = 1 ]\n"
			  "echo loaded\n",
			  config(s)->directory, ticket, ticket, v->cargo[INITRD].hash, ticket,
			  ticket, v->cargo[KERNEL].hash, ticket, s->cmdline);
	int ret;

	ret = journal_note(v->journal, "loaded", json_object_new_string(v->boot_id), err);
	if (ret)
		return ret;
	v->loaded = true; /* or half so */
	return start_script(s, script, err);
}

static int end_load(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;

	if (strstr(v->ssh.said.buf, "loaded\n"))
		return 0;
	return error_set(err, -EIO, "%s: the kernel cannot be loaded (%s)", config(s)->ssh, v->log);
}

/* In order; start() gives 0 where there is nothing to do. */
static const struct {
	const char *name;
	int (*start)(struct host_session *s, struct error *err);
	int (*end)(struct host_session *s, struct error *err);
} steps[] = {
	{"check", start_check, end_check}, {"kernel", put_kernel, NULL},
	{"initramfs", put_initrd, NULL},   {"ticket", put_ticket, NULL},
	{"load", start_load, end_load},
};

static int start_steps(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	int ret = 0;

	for (; !ret && v->step < ARRAY_SIZE(steps); v->step++) {
		ret = steps[v->step].start(s, err);
		if (ret)
			return ret;
	}
	s->wake_fd = -1;
	return ret;
}

static int end_step(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	int ret = process_result(&v->ssh, err);

	if (ret)
		return error_prefix(err, ret, "%s: %s", config(s)->ssh, steps[v->step].name);
	ret = steps[v->step].end ? steps[v->step].end(s, err) : 0;
	v->step++;
	return ret;
}

/* ---- a boot ---- */

static int write_ticket(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	char text[TICKET_BYTES];
	int ret;

	host_console_ticket(&config(s)->console, &s->ticket);
	ret = ticket_format(&s->ticket, text);
	if (ret)
		return error_set(err, ret, "console: \"%s\" is too long",
				 config(s)->console.device);
	s->ticketed = true;
	ret = kexec_write_ticket(v->cargo[TICKET].path, text, sizeof(text), err);
	explicit_bzero(text, sizeof(text));
	return ret;
}

static int begin(struct host_session *s, struct error *err)
{
	static const char *const names[] = {
		[KERNEL] = "kernel", [INITRD] = "initrd", [TICKET] = "ticket.cpio"};
	struct server *v = xcalloc(1, sizeof(*v));
	int ret;

	s->priv = v;
	v->ssh = (struct process)PROCESS_INIT;
	v->events = -1;
	v->script = run_file(s, "script");
	v->log = run_file(s, "ssh.log");
	for (int i = 0; i < CARGOES; i++)
		v->cargo[i].path = run_file(s, names[i]);
	ret = journal_open(s->cfg, config(s)->ssh, &v->journal, err);
	if (ret)
		return ret;
	ret = kexec_extract(s->image, v->cargo[KERNEL].path, v->cargo[INITRD].path, err);
	if (ret)
		return ret;
	ret = write_ticket(s, err);
	for (int i = 0; !ret && i < CARGOES; i++)
		ret = sha256_file(v->cargo[i].path, v->cargo[i].hash, err);
	return ret;
}

static int kexec_provision(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	int ret;

	if (!v) {
		ret = begin(s, err);
		if (ret)
			return ret;
		return start_steps(s, err);
	}
	if (!process_look(&v->ssh))
		return HOST_GOES_ON;
	ret = end_step(s, err);
	if (ret)
		return ret;
	return start_steps(s, err);
}

static int start_channel(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	const struct channel_setting setting = {
		.line = {.ticket = &s->ticket,
			 .console_path = s->console_path,
			 .records_path = s->records_path},
		.argv = (const char *const *)config(s)->console.command,
		.log_path = v->log,
	};
	int ret = channel_start(&setting, &v->channel, err);

	if (!ret)
		s->wake_fd = channel_fd(v->channel);
	return ret;
}

static int kexec_open_channel(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	struct strbuf why = STRBUF_INIT;
	enum channel_state state;
	int ret = 0;

	if (!v->channel)
		ret = start_channel(s, err);
	if (ret)
		return ret;
	state = channel_state(v->channel, &why);
	if (state == CHANNEL_FAILED)
		ret = error_set(err, -EIO, "no serial line of %s: %s (%s)", config(s)->ssh, why.buf,
				v->log);
	else if (state != CHANNEL_OPEN)
		ret = HOST_GOES_ON;
	strbuf_release(&why);
	return ret;
}

static int watch(struct server *v, int fd, struct error *err)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (epoll_ctl(v->events, EPOLL_CTL_ADD, fd, &event))
		return error_set(err, -errno, "cannot watch the server: %s", strerror(errno));
	return 0;
}

/* The jump ends the connection, and nothing tells when. */
static int jump(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	int ret = start_ssh(s, "sync; kexec -e", NULL, err);

	if (ret != HOST_GOES_ON)
		return ret;
	v->jumped = true;
	v->events = epoll_create1(EPOLL_CLOEXEC);
	if (v->events < 0)
		return error_set(err, -errno, "cannot watch the server: %s", strerror(errno));
	s->wake_fd = v->events;
	ret = watch(v, v->ssh.wake, err);
	if (ret)
		return ret;
	return watch(v, channel_fd(v->channel), err);
}

/* A server without a BMC is not switched off: it comes back by itself (release()). */
static int kexec_power(struct host_session *s, enum host_power want, struct error *err)
{
	if (want == HOST_POWER_ON)
		return jump(s, err);
	s->wake_fd = -1;
	return 0;
}

static bool jump_failed(struct server *v)
{
	return process_look(&v->ssh) &&
	       !(WIFEXITED(v->ssh.status) && WEXITSTATUS(v->ssh.status) == KEXEC_SSH_LOST);
}

static bool kexec_is_on(struct host_session *s)
{
	struct server *v = s->priv;

	if (!channel_serves(v->channel, s))
		return false;
	return !jump_failed(v);
}

static int kexec_postmortem(struct host_session *s, struct strbuf *why)
{
	struct server *v = s->priv;
	struct error err = {0};

	if (jump_failed(v)) {
		process_result(&v->ssh, &err);
		strbuf_addf(why, "%s did not jump: %s", config(s)->ssh,
			    err.code ? err.text : "kexec -e came back");
		v->jumped = false;
	} else {
		strbuf_addstr(why, "the serial line is lost: ");
		channel_state(v->channel, why);
	}
	return -EIO;
}

/* ---- its own system again ---- */

static int ask_whether_back(struct host_session *s, struct error *err)
{
	static const char command[] = "cat /proc/sys/kernel/random/boot_id";
	static const char unload[] = "kexec -u; cat /proc/sys/kernel/random/boot_id";
	struct server *v = s->priv;

	return start_ssh(s, v->jumped ? command : unload, NULL, err);
}

/* Its answer is the id of a boot: of the one before, as long as it has not jumped yet. */
static bool is_back(const struct server *v)
{
	const char *said = v->ssh.said.buf;
	size_t len = strlen(v->boot_id);

	if (!v->ssh.said.len || (WIFEXITED(v->ssh.status) && WEXITSTATUS(v->ssh.status)))
		return false;
	return !v->jumped || strncmp(said, v->boot_id, len) != 0;
}

/* 0: it is back; HOST_GOES_ON. */
static int wait_for_return(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	const struct kexec_config *c = config(s);

	if (cancel_insisted())
		return error_set(err, -ECANCELED, "%s: broken off by the second Ctrl-C: %s", c->ssh,
				 v->jumped ? "it runs our kernel, or is on its way back"
					   : "our kernel may be loaded");
	if (!v->asked_since) {
		v->asked_since = clock_seconds();
		return ask_whether_back(s, err);
	}
	if (v->ssh.name) {
		if (!process_look(&v->ssh))
			return HOST_GOES_ON;
		if (is_back(v))
			return 0;
		process_end(&v->ssh);
		s->wake_fd = -1;
		s->poll_ms = RETURN_POLL_MS;
		if (clock_seconds() - v->asked_since < c->return_limit_s)
			return HOST_GOES_ON;
		return error_set(err, -ETIMEDOUT,
				 "%s has not come back to its own system within %lld s: reset it",
				 c->ssh, (long long)c->return_limit_s);
	}
	s->poll_ms = 0;
	return ask_whether_back(s, err);
}

static void free_server(struct server *v)
{
	channel_stop(v->channel);
	process_end(&v->ssh);
	if (v->events >= 0)
		close(v->events);
	for (int i = 0; i < CARGOES; i++) {
		unlink(v->cargo[i].path); /* the boot's key is in one, the others are the image's */
		free(v->cargo[i].path);
	}
	journal_close(v->journal);
	free(v->script);
	free(v->log);
	free(v);
}

static int kexec_release(struct host_session *s, struct error *err)
{
	struct server *v = s->priv;
	int ret = 0;

	if (!v)
		return 0;
	if (v->loaded)
		ret = wait_for_return(s, err);
	if (ret == HOST_GOES_ON)
		return ret;
	s->wake_fd = -1;
	s->poll_ms = 0;
	if (!ret && v->loaded)
		ret = journal_note(v->journal, "loaded", NULL, err);
	if (ret)
		error_append(err, ret, "; or: %s host rescue %s", shell_program(), s->cfg->name);
	free_server(v);
	s->priv = NULL;
	return ret;
}

static const char *const kernel_config[] = {"pc", "bare-metal", NULL};

const struct host_driver host_kexec = {
	.name = "kexec",
	.help = "a Linux server that our kernel is jumped to on, by ssh; it comes back by itself",
	.clock = HOST_CLOCK_TSC,
	.parallel = 1,
	.boot_limit_s = 300,
	.kernel_config = kernel_config,
	.keys = kexec_keys,
	.configure = kexec_configure,
	.free_config = kexec_free_config,
	.cmdline = kexec_cmdline,
	.probe = kexec_probe,
	.rescue = kexec_rescue,
	.identify = host_identify_machine,
	.provision = kexec_provision,
	.open_channel = kexec_open_channel,
	.power = kexec_power,
	.is_on = kexec_is_on,
	.postmortem = kexec_postmortem,
	.release = kexec_release,
};
