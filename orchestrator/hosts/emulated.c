// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/emulated.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* One Bochs. */
struct emulator {
	char *bochsrc, *commands, *log, *errors; /* files in the run directory */
	pid_t pid;				 /* leads its process group; 0: none or ended */
	int status;				 /* what waitpid() said */
	int pidfd;				 /* of pid, readable when it has ended, or -1 */
	int screen; /* the terminal that it shows its screen on, or -1 */
};

const char *host_emulated_share(void)
{
	const char *dir = getenv("BXSHARE");

	return dir && *dir ? dir : "/usr/share/bochs";
}

/*
 * sync=none: time is instructions, and idle time is skipped. fastboot: no wait for a key at the boot
 * menu. action=fatal: never a question. The debugger that Debian's build has stops at a prompt unless
 * it is given a file of commands.
 */
static char *describe_machine(const struct host_session *s, const struct emulator *e,
			      const char *image)
{
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
			 share, share, (long long)s->cfg->megabytes, (long long)s->cfg->cpus,
			 (long long)s->cfg->ips, image, s->console_path, s->records_path, e->log);
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
	return error_set(err, -EINVAL, "%s: quotes and newlines in a path confuse Bochs", *out);
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
	return ret ? ret : write_text(e->commands, "c\n", err);
}

static int provision(struct host_session *s, struct error *err)
{
	struct emulator *e = xcalloc(1, sizeof(*e));
	__cleanup_free char *dir = NULL;
	int ret = absolute_path(s->run_dir, &dir, err);

	s->priv = e;
	e->pidfd = e->screen = -1;
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
static int open_channel(struct host_session *s, struct error *err)
{
	int ret = write_text(s->console_path, "", err);

	return ret ? ret : write_text(s->records_path, "", err);
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
	in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	errors = open(e->errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(errors, 2) == 2)
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int power_on(struct host_session *s, struct error *err)
{
	struct emulator *e = s->priv;
	pid_t parent = getpid();

	e->pid = fork();
	if (e->pid == 0)
		run_bochs(e, parent);
	if (e->pid < 0) {
		e->pid = 0;
		return error_set(err, -errno, "cannot fork: %s", strerror(errno));
	}
	e->pidfd = (int)syscall(SYS_pidfd_open, e->pid, 0);
	s->wake_fd = e->pidfd;
	return 0;
}

static void power_off(struct emulator *e)
{
	if (e->pid)
		e->status = subprocess_end_group(e->pid, 0);
	e->pid = 0;
}

static int power(struct host_session *s, enum host_power want, struct error *err)
{
	if (want == HOST_POWER_ON)
		return power_on(s, err);
	power_off(s->priv);
	return 0;
}

/* Appends the end of a file; nothing if it cannot be read. */
static void read_tail(const char *path, struct strbuf *out)
{
	char tail[LOG_TAIL];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return;
	n = fstat(fd, &st) || st.st_size <= LOG_TAIL ? 0 : st.st_size - LOG_TAIL;
	n = pread(fd, tail, sizeof(tail), n);
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
	name = errors.len ? strstr(errors.buf, SCREEN_LINE) : NULL;
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
 */
static void drain_screen(struct emulator *e)
{
	char screen[16384];

	if (e->screen < 0)
		open_screen(e);
	while (e->screen >= 0 && read(e->screen, screen, sizeof(screen)) > 0)
		;
}

static bool is_on(struct host_session *s)
{
	struct emulator *e = s->priv;
	pid_t pid = e->pid;

	drain_screen(e);
	if (!pid || waitpid(pid, &e->status, WNOHANG) == 0)
		return pid;
	e->pid = 0;
	s->wake_fd = -1;
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

static int postmortem(struct host_session *s, struct strbuf *why)
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

static void release(struct host_session *s)
{
	struct emulator *e = s->priv;

	if (!e)
		return;
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
}

const struct host_driver host_emulated = {
	.name = "emulated",
	.help = "an Intel VMX machine in software (the Bochs PC emulator); its clock counts "
		"instructions",
	/*
	 * Of the boot only what is worse than an error goes to the serial line, which takes 8680
	 * instructions a byte at the default rate; from /init on, warnings too. A panic repeats the
	 * whole log (panic_print). The TSC is the clock, and its rate is told (tsc_early_khz, by
	 * host_cmdline()): CPUID states another one.
	 */
	.cmdline = "console=ttyS0,115200 loglevel=3 sysctl.kernel.printk=5 panic_print=32 nokaslr "
		   "tsc=reliable nestlab.clock=emulated",
	/*
	 * Bochs' page-modification log holds addresses that are not page-aligned (Intel SDM volume
	 * 3C, section 29.3.6: they are), at which vmx.c warns. It takes dirty logging to see that,
	 * which selftests do, and no measurement.
	 */
	.selftest_cmdline = "kvm_intel.pml=0",
	.parallel = 0,
	.probe = host_emulated_probe,
	.provision = provision,
	.open_channel = open_channel,
	.power = power,
	.is_on = is_on,
	.postmortem = postmortem,
	.release = release,
};
