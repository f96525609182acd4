// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/emulated.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/emulated_trace.h"

/* The last line of Bochs' log when the guest powered itself off (by Bochs' own port, as the agent
 * does it, or by ACPI), or died of a triple fault. */
#define LOG_PORT_OFF	 "Shutdown port: shutdown requested"
#define LOG_ACPI_OFF	 "ACPI control: soft power off"
#define LOG_TRIPLE_FAULT "exception with no resolution"
#define LOG_FATAL	 ">>PANIC<< "
#define LOG_TAIL	 16384

/* On its stderr: the terminal that it made for the screen of the machine. */
#define SCREEN_LINE   "Bochs connected to screen \""
#define TERMINAL_PATH "/dev/pts/"

/* How often the screen is drained: oftener while much comes. */
#define SCREEN_POLL_MIN_MS 20
#define SCREEN_POLL_MAX_MS 5000
#define SCREEN_BUSY_BYTES  2048 /* in one go: a busy screen. A terminal holds 64 KiB. */

/* One Bochs. */
struct emulator {
	char *bochsrc, *commands, *log, *errors; /* files in the run directory */
	pid_t pid;				 /* leads its process group; 0: none or ended */
	int status;				 /* what waitpid() said */
	int pidfd;				 /* of pid, readable when it has ended, or -1 */
	int screen;		      /* the terminal that it shows its screen on, or -1 */
	struct emulated_trace *trace; /* NULL: nobody follows its instructions */
	int out;		      /* its stdout, or -1: nowhere */
};

/*
 * sync=none: time is instructions, and idle time is skipped. fastboot: no wait for a key at the boot
 * menu. action=fatal: never a question. The debugger that Debian's build has stops at a prompt unless
 * it is given a file of commands.
 */
static char *describe_machine(const struct host_session *s, const struct emulator *e,
			      const char *image)
{
	const struct emulated_config *c = s->cfg->own;
	const char *share = host_emulated_share();

	return xasprintf("display_library: term\n"
			 "romimage: file=\"%s/" HOST_EMULATED_BIOS "\", options=fastboot\n"
			 "vgaromimage: file=\"%s/" HOST_EMULATED_VGABIOS "\"\n"
			 "megs: %lld\n"
			 "cpu: model=" HOST_EMULATED_CPU ", count=%lld, ips=%lld, "
			 "reset_on_triple_fault=0\n"
			 "clock: sync=none, time0=1700000000\n"
			 "ata0-master: type=cdrom, path=\"%s\", status=inserted\n"
			 "boot: cdrom\n"
			 "com1: enabled=1, mode=file, dev=\"%s\"\n"
			 "com2: enabled=1, mode=file, dev=\"%s\"\n"
			 "log: \"%s\"\n"
			 "panic: action=fatal\n"
			 "error: action=report\n"
			 "info: action=ignore\n"
			 "debug: action=ignore\n",
			 share, share, (long long)c->megabytes, (long long)c->cpus,
			 (long long)c->ips, image, s->console_path, s->records_path, e->log);
}

static int write_text(const char *path, const char *text, struct error *err)
{
	return fs_write_file(path, text, strlen(text), err);
}

/* Bochs is started in the run directory, so everything is named from the root. */
static int absolute_path(const char *path, char **out, struct error *err)
{
	*out = realpath(path, NULL);
	if (!*out)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!strpbrk(*out, "\"\n"))
		return 0;
	return error_set(err, -EINVAL,
			 "%s: Bochs cannot read a path with quotes or newlines; use another folder",
			 *out);
}

static int write_configuration(struct host_session *s, struct emulator *e, struct error *err)
{
	__cleanup_free char *image = NULL;
	__cleanup_free char *machine = NULL;
	int ret = absolute_path(s->image, &image, err);

	if (ret)
		return ret;
	machine = describe_machine(s, e, image);
	ret = write_text(e->bochsrc, machine, err);
	if (ret)
		return ret;
	if (s->tracer)
		return emulated_trace_open(s->tracer, e->commands, &e->trace, &e->out, err);
	return write_text(e->commands, "c\n", err);
}

static int emulated_provision(struct host_session *s, struct error *err)
{
	struct emulator *e = xcalloc(1, sizeof(*e));
	__cleanup_free char *dir = NULL;
	int ret = absolute_path(s->run_dir, &dir, err);

	s->priv = e;
	e->pidfd = e->screen = e->out = -1;
	if (ret)
		return ret;
	e->bochsrc = xasprintf("%s/bochsrc", dir);
	e->commands = xasprintf("%s/commands", dir);
	e->log = xasprintf("%s/emulator.log", dir);
	e->errors = xasprintf("%s/emulator.err", dir);
	return write_configuration(s, e, err);
}

/* Bochs makes its serial ports' files itself; empty ones that are there from the start show whether
 * the disk takes them. */
static int emulated_open_channel(struct host_session *s, struct error *err)
{
	int ret = write_text(s->console_path, "", err);

	if (ret)
		return ret;
	return write_text(s->records_path, "", err);
}

/*
 * In the child, and other threads may have been about: nothing that takes a lock (setenv() would).
 * Never returns. stdin is /dev/null: the idle loop of Bochs' text display sleeps a
 * millisecond on stdin each time the guest halts, unless there is something to read. Of a 10 s boot
 * that writes 20 kB to its serial line, 7 s went there.
 */
static void run_bochs(const struct emulator *e, pid_t parent) __attribute__((noreturn));

static void run_bochs(const struct emulator *e, pid_t parent)
{
	const char *const argv[] = {"env",	"TERM=xterm", "bochs",	   "-q", "-f",
				    e->bochsrc, "-rc",	      e->commands, NULL};
	int in, out, errors;
	sigset_t none;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	out = e->out;
	if (out < 0)
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	errors = open(e->errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(errors, 2) == 2)
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void power_off(struct emulator *e)
{
	if (e->pid)
		e->status = subprocess_end_group(e->pid, 0);
	e->pid = 0;
	emulated_trace_close(e->trace);
	e->trace = NULL;
}

/* After the fork: who wakes us, and who follows. */
static int watch_bochs(struct emulator *e, struct error *err)
{
	e->pidfd = (int)syscall(SYS_pidfd_open, e->pid, 0);
	if (e->pidfd < 0)
		return error_set(err, -errno, "cannot watch the emulator: %s", strerror(errno));
	if (e->trace)
		return emulated_trace_start(e->trace, err);
	return 0;
}

static int power_on(struct host_session *s, struct error *err)
{
	struct emulator *e = s->priv;
	pid_t parent = getpid();
	int ret;

	e->pid = fork();
	if (e->pid == 0)
		run_bochs(e, parent);
	if (e->pid < 0) {
		ret = error_set(err, -errno, "cannot fork: %s", strerror(errno));
		e->pid = 0;
		return ret;
	}
	ret = watch_bochs(e, err);
	if (ret) {
		power_off(e);
		return ret;
	}
	s->wake_fd = e->pidfd;
	s->poll_ms = SCREEN_POLL_MIN_MS;
	return 0;
}

static int emulated_power(struct host_session *s, enum host_power want, struct error *err)
{
	if (want == HOST_POWER_ON)
		return power_on(s, err);
	power_off(s->priv);
	s->wake_fd = -1;
	s->poll_ms = 0;
	return 0;
}

/* Appends the end of a file; nothing if it cannot be read. */
static void read_tail(const char *path, struct strbuf *out)
{
	char tail[LOG_TAIL];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	off_t from = 0;
	ssize_t n;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size > LOG_TAIL)
		from = st.st_size - LOG_TAIL;
	n = pread(fd, tail, sizeof(tail), from);
	if (n > 0)
		strbuf_add(out, tail, n);
	close(fd);
}

/* Opens the screen's terminal, once Bochs has said which one it is. */
static void open_screen(struct emulator *e)
{
	struct strbuf errors = STRBUF_INIT;
	char *name, *end = NULL;

	read_tail(e->errors, &errors);
	name = strstr(errors.buf, SCREEN_LINE);
	if (name) {
		name += strlen(SCREEN_LINE);
		end = strchr(name, '"');
	}
	if (end) {
		*end = '\0';
		if (!strncmp(name, TERMINAL_PATH, strlen(TERMINAL_PATH)))
			e->screen = open(name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	}
	strbuf_release(&errors);
}

/*
 * What the screen shows is of no use, but someone has to take it: of the cursor alone some 70 kB come in
 * seven minutes, which is what the terminal holds, and then Bochs waits for ever, in n_tty_write().
 * Returns how much came.
 */
static size_t drain_screen(struct emulator *e)
{
	char screen[16384];
	size_t all = 0;
	ssize_t n;

	if (e->screen < 0)
		open_screen(e);
	while (e->screen >= 0 && (n = read(e->screen, screen, sizeof(screen))) > 0)
		all += n;
	return all;
}

/* The terminal cannot wake us: each blink of the cursor would. A quiet screen is looked at less and
 * less often, far more often still than it takes to fill the terminal. */
static int next_screen_poll(int before, size_t bytes)
{
	if (bytes > SCREEN_BUSY_BYTES)
		return SCREEN_POLL_MIN_MS;
	if (2 * before > SCREEN_POLL_MAX_MS)
		return SCREEN_POLL_MAX_MS;
	return 2 * before;
}

static bool emulated_is_on(struct host_session *s)
{
	struct emulator *e = s->priv;
	pid_t pid = e->pid;

	s->poll_ms = next_screen_poll(s->poll_ms, drain_screen(e));
	if (!pid)
		return false;
	s->starved_s = subprocess_starved_s(pid);
	if (waitpid(pid, &e->status, WNOHANG) == 0)
		return true;
	e->pid = 0;
	s->wake_fd = -1;
	s->poll_ms = 0;
	kill(-pid, SIGKILL); /* whatever else is in its group */
	return false;
}

/* "exit status 1", or "killed by signal 9 (Killed)" */
static void describe_status(int status, struct strbuf *out)
{
	if (WIFSIGNALED(status))
		strbuf_addf(out, "killed by signal %d (%s)", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	else
		strbuf_addf(out, "exit status %d", WEXITSTATUS(status));
}

/* The last line of Bochs' that says why it ended; its length is *len. */
static const char *find_reason(const struct strbuf *text, int *len)
{
	const char *reason = NULL, *next = text->buf;

	while ((next = strstr(next, LOG_FATAL))) {
		next += strlen(LOG_FATAL);
		reason = next;
	}
	*len = reason ? (int)strcspn(reason, "\n") : 0;
	return reason;
}

static int judge_end(const struct emulator *e, const struct strbuf *log, struct strbuf *why)
{
	int len;
	const char *reason = find_reason(log, &len);

	if (reason && (strstr(reason, LOG_PORT_OFF) || strstr(reason, LOG_ACPI_OFF))) {
		strbuf_addstr(why, "the machine powered itself off");
		return 0;
	}
	if (reason && strstr(reason, LOG_TRIPLE_FAULT)) {
		strbuf_addstr(why, "the machine reset (a triple fault)");
		return -ECONNRESET;
	}
	strbuf_addstr(why, "the emulator failed: ");
	describe_status(e->status, why);
	if (reason)
		strbuf_addf(why, ": %.*s", len, reason);
	strbuf_addf(why, " (%s)", e->log);
	return -EIO;
}

static int emulated_postmortem(struct host_session *s, struct strbuf *why)
{
	struct emulator *e = s->priv;
	struct strbuf log = STRBUF_INIT;
	int ret;

	read_tail(e->errors, &log);
	read_tail(e->log, &log);
	ret = judge_end(e, &log, why);
	strbuf_release(&log);
	return ret;
}

/* The largest piece that a process has for itself alone. */
static int find_ram(const char *maps, struct host_memory *out, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(maps, 0, &text, err);

	for (char *next = NULL, *line = ret ? NULL : strtok_r(text.buf, "\n", &next); line;
	     line = strtok_r(NULL, "\n", &next)) {
		unsigned long long from, upto;
		int end = 0;

		/* "FROM-UPTO rw-p OFFSET DEVICE INODE", and no path */
		if (sscanf(line, "%llx-%llx rw-p %*s %*s 0%n", &from, &upto, &end) != 2 || !end ||
		    line[end + strspn(line + end, " ")])
			continue;
		if (upto - from > out->upto - out->from) {
			out->from = from;
			out->upto = upto;
		}
	}
	strbuf_release(&text);
	return ret;
}

/* Bochs is our child, so its memory is ours to read and write. */
static int emulated_find_memory(struct host_session *s, struct host_memory *out, struct error *err)
{
	const struct emulator *e = s->priv;
	__cleanup_free char *maps = xasprintf("/proc/%d/maps", (int)e->pid);
	__cleanup_free char *mem = xasprintf("/proc/%d/mem", (int)e->pid);
	int ret;

	*out = (struct host_memory){.fd = -1};
	ret = find_ram(maps, out, err);
	if (ret)
		return ret;
	if (!out->upto)
		return error_set(err, -ENODEV, "%s: the machine's memory is not there", maps);
	out->fd = open(mem, O_RDWR | O_CLOEXEC);
	if (out->fd < 0)
		return error_set(err, -errno, "%s: %s", mem, strerror(errno));
	return 0;
}

static int emulated_release(struct host_session *s, struct error *err)
{
	struct emulator *e = s->priv;

	(void)err;
	if (!e)
		return 0;
	power_off(e);
	if (e->pidfd >= 0)
		close(e->pidfd);
	if (e->screen >= 0)
		close(e->screen);
	free(e->bochsrc);
	free(e->commands);
	free(e->log);
	free(e->errors);
	free(e);
	s->priv = NULL;
	return 0;
}

const struct host_driver host_emulated = {
	.name = "emulated",
	.help = "an Intel VMX machine in software (the Bochs PC emulator); its clock counts "
		"instructions",
	.clock = HOST_CLOCK_EMULATED,
	.parallel = 0,
	.keys = host_emulated_keys,
	.configure = host_emulated_configure,
	.free_config = free,
	.cmdline = host_emulated_cmdline,
	.probe = host_emulated_probe,
	.cannot_trace = host_emulated_cannot_trace,
	.provision = emulated_provision,
	.open_channel = emulated_open_channel,
	.power = emulated_power,
	.is_on = emulated_is_on,
	.postmortem = emulated_postmortem,
	.find_memory = emulated_find_memory,
	.release = emulated_release,
};
