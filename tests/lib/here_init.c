// SPDX-License-Identifier: GPL-2.0-only
/*
 * here_init.c - the first process of an emulated machine with VMX, on which it runs /agent as host `here`
 * does: a process on a kernel that runs, on a machine made quiet and put back. A static program; what
 * it finds it says on the console, a line "here: ..." each.
 *
 *	1. with a real clock (/proc/cmdline without nestlab.clock=emulated): what the agent says
 *	2. killed with SIGKILL while it measures: what --restore does
 *	3. /plan, its records by a pipe to the second serial line: the boot's own stream
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <linux/serial.h>

#include "agents/l0/init.h"

#define JOURNAL "/tmp/here.journal"

/* Settings that this kernel has, and that the agent changes. */
static const struct {
	const char *path,
		*odd; /* what it is set to at first, so that there is something to change */
} settings[] = {
	{"/sys/module/kvm/parameters/halt_poll_ns", "123456"},
	{"/proc/sys/vm/stat_interval", "7"},
};
#define COUNT (sizeof(settings) / sizeof(settings[0]))

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("here: cannot write %s: %s\n", path, strerror(errno));
	close(fd);
}

static void get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	close(fd);
}

/* How many settings are as they were at first. */
static size_t count_as_before(void)
{
	size_t n = 0;
	char now[64];

	for (size_t i = 0; i < COUNT; i++) {
		get(settings[i].path, now, sizeof(now));
		n += !strcmp(now, settings[i].odd);
	}
	return n;
}

static void tell_settings(const char *when)
{
	printf("here: %s: %zu of %zu settings as before, the journal is %s\n", when,
	       count_as_before(), COUNT, access(JOURNAL, F_OK) ? "gone" : "there");
}

/* Starts the agent; its records come out of the pipe. */
static pid_t start_agent(int *records)
{
	char *const argv[] = {"/agent", "--plan", "/plan", "--quiet", JOURNAL, NULL};
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(pipes[1], 1);
		execv(argv[0], argv);
		_exit(127);
	}
	close(pipes[1]);
	*records = pipes[0];
	return pid;
}

static int end_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int count_of(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void measure_by_the_tsc(void)
{
	static char all[1 << 20];
	char cmdline[4096], *clock;
	size_t len = 0;
	int records;
	ssize_t n;
	pid_t pid;

	get("/proc/cmdline", cmdline, sizeof(cmdline));
	clock = strstr(cmdline, "nestlab.clock=emulated");
	if (clock)
		memset(clock, ' ', strlen("nestlab.clock=emulated"));
	put("/tmp/cmdline", cmdline);
	if (mount("/tmp/cmdline", "/proc/cmdline", NULL, MS_BIND, NULL))
		printf("here: cannot bind: %s\n", strerror(errno));
	pid = start_agent(&records);
	while (len < sizeof(all) - 1 && (n = read(records, all + len, sizeof(all) - 1 - len)) > 0)
		len += (size_t)n;
	close(records);
	printf("here: tsc: exit status %d, %d in ns, %d fatal\n", end_of(pid),
	       count_of(all, "\"unit\":\"ns\""), count_of(all, "\"type\":\"fatal\""));
	printf("here: tsc: %.*s\n", (int)strcspn(all, "\n"), all);
	clock = strstr(all, "\"type\":\"fatal\"");
	if (clock)
		printf("here: tsc: %.*s\n", (int)strcspn(clock, "\n"), clock);
	umount("/proc/cmdline");
	tell_settings("after that");
}

/* Until the first measurement has begun. */
static void kill_while_it_measures(void)
{
	char *const restore[] = {"/agent", "--restore", JOURNAL, NULL};
	static char all[65536];
	size_t len = 0;
	int records;
	ssize_t n;
	pid_t pid = start_agent(&records);

	while (!strstr(all, "\"begin\"") && len < sizeof(all) - 1 &&
	       (n = read(records, all + len, sizeof(all) - 1 - len)) > 0)
		len += (size_t)n;
	kill(pid, SIGKILL);
	printf("here: killed: %d\n", end_of(pid));
	while (read(records, all, sizeof(all)) > 0)
		; /* its child dies with it */
	close(records);
	tell_settings("killed");
	pid = fork();
	if (!pid)
		execv(restore[0], restore);
	printf("here: restore: exit status %d\n", end_of(pid));
	tell_settings("restored");
}

static int open_line(void)
{
	int fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);
	struct termios t;

	tcgetattr(fd, &t);
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	tcsetattr(fd, TCSANOW, &t);
	return fd;
}

/* Until the last byte has left: what is in a buffer goes with the machine. */
static void drain(int fd)
{
	unsigned int lsr = 0;
	int left = 1;

	while (!ioctl(fd, TIOCOUTQ, &left) && left)
		sched_yield();
	while (!ioctl(fd, TIOCSERGETLSR, &lsr) && !(lsr & TIOCSER_TEMT))
		sched_yield();
}

static void measure_for_the_boot(void)
{
	int line = open_line(), records;
	char chunk[4096];
	ssize_t n;
	pid_t pid = start_agent(&records);

	while ((n = read(records, chunk, sizeof(chunk))) > 0)
		if (write(line, chunk, (size_t)n) != n)
			printf("here: the serial line takes no more\n");
	printf("here: plan: exit status %d\n", end_of(pid));
	tell_settings("at the end");
	drain(STDOUT_FILENO);
	drain(line);
}

static void power_off(void)
{
	int fd = open("/dev/port", O_WRONLY);

	for (const char *p = INIT_EMULATOR_OFF_WORD; *p; p++)
		pwrite(fd, p, 1, INIT_EMULATOR_OFF_PORT);
}

int main(void)
{
	static const char *const mounts[][2] = {
		{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i][1], 0755);
		mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL);
	}
	symlink("/proc/self/fd/1", "/dev/stdout"); /* as udev does */
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < COUNT; i++)
		put(settings[i].path, settings[i].odd);
	tell_settings("at first");
	measure_by_the_tsc();
	kill_while_it_measures();
	measure_for_the_boot();
	power_off();
	return 0;
}
