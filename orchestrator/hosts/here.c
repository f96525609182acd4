// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/here.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/journal.h"

#define PROBE_LIMIT_MS 10000
#define RESTORE_MS     10000
#define LOCK	       "this machine"
#define OFF_GRACE_MS   5000 /* for the agent to put the machine back */

/* One agent. */
struct here {
	char *journal;
	struct journal *lock;
	pid_t pid; /* leads its process group; 0: none or ended */
	int pidfd; /* readable when it has ended, or -1 */
	int status;
};

static const char *const no_keys[] = {NULL};

static int here_configure(const struct json_node *file, void **own, struct error *err)
{
	(void)file;
	(void)err;
	*own = NULL;
	return 0;
}

/* The kernel has been given its command line by somebody else. */
static char *here_cmdline(const struct host_config *cfg, enum host_purpose purpose)
{
	struct strbuf line = STRBUF_INIT;

	(void)cfg;
	(void)purpose;
	if (fs_read_file("/proc/cmdline", 0, &line, NULL))
		return xstrdup("");
	line.buf[strcspn(line.buf, "\n")] = '\0';
	return strbuf_detach(&line);
}

/* ---- can it? ---- */

/* "WHAT: REMEDY" is what the agent says of each missing thing. */
static void note_missing(const char *line, void *arg)
{
	struct host_found *found = arg;

	found->ready = false;
	strbuf_addf(&found->missing, "%s\n", line);
}

static int here_probe(const struct host_config *cfg, const struct places *places,
		      struct host_found *found, struct error *err)
{
	const char *const argv[] = {places->agent, "--check", NULL};
	const struct subprocess sp = {
		.argv = argv, .on_line = note_missing, .arg = found, .timeout_ms = PROBE_LIMIT_MS};
	int status;

	(void)cfg;
	if (!fs_exists(places->agent)) {
		host_found_lacks(found, places->agent, "not there (make)");
		return 0;
	}
	return subprocess_run(&sp, &status, err);
}

/* ---- a boot that is none ---- */

/* The agent's: what it has changed. The other one, lock, keeps a second run away. */
static char *journal_path(const struct host_config *cfg)
{
	return xasprintf("%s/here.journal", cfg->state_dir);
}

/* What an agent that was killed left changed. */
static int restore_machine(const char *agent, const char *journal, struct error *err)
{
	const char *const argv[] = {agent, "--restore", journal, NULL};
	const struct subprocess sp = {.argv = argv, .timeout_ms = RESTORE_MS, .undoes = true};

	if (!fs_exists(journal))
		return 0;
	return subprocess_run(&sp, NULL, err);
}

static int here_rescue(const struct host_config *cfg, struct strbuf *did, struct error *err)
{
	__cleanup_free char *journal = journal_path(cfg);
	struct journal *lock;
	struct places places;
	int ret = journal_open(cfg, LOCK, &lock, err);

	if (ret)
		return ret;
	places_find(&places, NULL);
	if (fs_exists(journal)) {
		ret = restore_machine(places.agent, journal, err);
		if (!ret)
			strbuf_addstr(did, "the machine's settings are as they were\n");
	}
	places_free(&places);
	journal_close(lock);
	return ret;
}

static int here_provision(struct host_session *s, struct error *err)
{
	struct here *h = xcalloc(1, sizeof(*h));
	int ret;

	s->priv = h;
	h->pidfd = -1;
	h->journal = journal_path(s->cfg);
	ret = journal_open(s->cfg, LOCK, &h->lock, err);
	if (ret)
		return ret;
	return restore_machine(s->agent, h->journal, err);
}

static int here_open_channel(struct host_session *s, struct error *err)
{
	int ret = fs_write_file(s->console_path, "", 0, err);

	if (ret)
		return ret;
	return fs_write_file(s->records_path, "", 0, err);
}

/* In the child: nothing that takes a lock. Never returns. */
static void run_agent(const struct host_session *s, const struct here *h, pid_t parent)
	__attribute__((noreturn));

static void run_agent(const struct host_session *s, const struct here *h, pid_t parent)
{
	const char *tests = s->selftests ? s->selftests : "/selftests";
	const char *l1 = s->l1_kernel ? s->l1_kernel : "/l1/vmlinux";
	const char *disk = s->l1_image ? s->l1_image : "/l1/disk";
	const char *const argv[] = {s->agent,
				    "--plan",
				    s->plan,
				    "--records",
				    s->records_path,
				    "--selftests",
				    tests,
				    "--quiet",
				    h->journal,
				    "--l1-kernel",
				    l1,
				    "--l1-image",
				    disk,
				    NULL};
	sigset_t none;
	int in, out;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* it has a machine to put back */
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	out = open(s->console_path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2)
		execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void end_agent(struct here *h)
{
	if (h->pid)
		h->status = subprocess_end_group(h->pid, OFF_GRACE_MS);
	h->pid = 0;
}

static int start_agent(struct host_session *s, struct error *err)
{
	struct here *h = s->priv;
	pid_t parent = getpid();
	int ret;

	h->pid = fork();
	if (h->pid == 0)
		run_agent(s, h, parent);
	if (h->pid < 0) {
		ret = error_set(err, -errno, "cannot fork: %s", strerror(errno));
		h->pid = 0;
		return ret;
	}
	h->pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0);
	if (h->pidfd < 0) {
		ret = error_set(err, -errno, "cannot watch the agent: %s", strerror(errno));
		end_agent(h);
		return ret;
	}
	s->wake_fd = h->pidfd;
	return 0;
}

static int here_power(struct host_session *s, enum host_power want, struct error *err)
{
	if (want == HOST_POWER_ON)
		return start_agent(s, err);
	end_agent(s->priv);
	s->wake_fd = -1;
	return 0;
}

static bool here_is_on(struct host_session *s)
{
	struct here *h = s->priv;

	if (!h->pid)
		return false;
	if (waitpid(h->pid, &h->status, WNOHANG) == 0)
		return true;
	h->pid = 0;
	s->wake_fd = -1;
	return false;
}

static int here_postmortem(struct host_session *s, struct strbuf *why)
{
	const struct here *h = s->priv;

	if (WIFSIGNALED(h->status))
		strbuf_addf(why, "the agent was killed by signal %d (%s)", WTERMSIG(h->status),
			    strsignal(WTERMSIG(h->status)));
	else
		strbuf_addf(why, "the agent ended with exit status %d", WEXITSTATUS(h->status));
	return -EIO;
}

static int here_release(struct host_session *s, struct error *err)
{
	struct here *h = s->priv;
	int ret = 0;

	if (!h)
		return 0;
	end_agent(h);
	if (h->lock)
		ret = restore_machine(s->agent, h->journal, err);
	journal_close(h->lock);
	if (h->pidfd >= 0)
		close(h->pidfd);
	free(h->journal);
	free(h);
	s->priv = NULL;
	return ret;
}

const struct host_driver host_here = {
	.name = "here",
	.help = "the machine that nestlab runs on, with the kernel that it runs; nothing is booted",
	.clock = HOST_CLOCK_TSC,
	.runs_in_place = true,
	.parallel = 1,
	.keys = no_keys,
	.configure = here_configure,
	.free_config = free,
	.cmdline = here_cmdline,
	.probe = here_probe,
	.rescue = here_rescue,
	.identify = host_identify_machine,
	.provision = here_provision,
	.open_channel = here_open_channel,
	.power = here_power,
	.is_on = here_is_on,
	.postmortem = here_postmortem,
	.release = here_release,
};
