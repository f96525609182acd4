// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/l0/kvm_stats.h"
#include "agents/l0/l1_boot.h"
#include "agents/l0/l1_vmm.h"
#include "agents/l0/qmp.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

#define DIRECTORY    "/tmp/nestlab-l1"
#define INITRAMFS    DIRECTORY "/initramfs"
#define CONSOLE	     DIRECTORY "/console"
#define MESSAGES     DIRECTORY "/messages" /* what QEMU itself says */
#define BELL_FD	     3			   /* in QEMU */
#define MONITOR_FD   4
#define END_LIMIT_MS 5000 /* from QEMU's hanging up to its end */
#define TAIL_BYTES   960

struct qemu {
	struct sink *sink;
	pid_t pid; /* 0: none */
	int bell, mem;
	struct qmp monitor;
	uint64_t mail; /* where L1's mail page is in QEMU */
	uint64_t phys; /* of unmanaged memory */
};

void qemu_tail(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END), from = 0;
	ssize_t n = 0;
	char *line = NULL;

	if (end > (off_t)size - 1)
		from = end - ((off_t)size - 1);
	if (fd >= 0) {
		n = pread(fd, text, size - 1, from);
		close(fd);
	}
	text[n < 0 ? 0 : n] = '\0';
	if (from)
		line = strchr(text, '\n');
	if (line && line[1])
		memmove(text, line + 1, strlen(line + 1) + 1);
}

/* ---- how it ended ---- */

static void describe_status(int status, char *what, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(what, size, "QEMU was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(what, size, "QEMU ended with status %d", WEXITSTATUS(status));
}

/* It has hung up, so its end is near. */
static void wait_for_end(struct qemu *q, char *what, size_t size)
{
	int64_t deadline = clock_ms() + END_LIMIT_MS;
	int status;

	while (clock_ms() < deadline) {
		if (waitpid(q->pid, &status, WNOHANG) == q->pid) {
			q->pid = 0;
			describe_status(status, what, size);
			return;
		}
		usleep(1000);
	}
	snprintf(what, size, "QEMU hung up and did not end");
}

static const char *or_nothing(const char *text)
{
	return text[0] ? text : "(nothing)";
}

/* What happened to L1 instead of a ring, with what its console and QEMU say of it. */
static int report_end(struct qemu *q, const char *what)
{
	char console[TAIL_BYTES], messages[TAIL_BYTES / 2];

	qemu_tail(CONSOLE, console, sizeof(console));
	qemu_tail(MESSAGES, messages, sizeof(messages));
	sink_fail(q->sink, SINK_GUEST, "records of the agent inside L1", what,
		  "the Linux L1 did not answer; QEMU says: %s; L1's console ends: %s",
		  or_nothing(messages), or_nothing(console));
	return VM_SAID;
}

/* L1 asked for a reset, and -no-reboot made that the end. */
static int report_shutdown(struct qemu *q)
{
	char console[TAIL_BYTES], what[96];

	if (strcmp(q->monitor.shutdown, "guest-reset")) {
		snprintf(what, sizeof(what), "QEMU shut it down: %s", q->monitor.shutdown);
		return report_end(q, what);
	}
	qemu_tail(CONSOLE, console, sizeof(console));
	if (strstr(console, "Kernel panic"))
		return report_end(q, "a panic of its kernel");
	return report_end(q, "a reset without a panic: a triple fault");
}

static int report_hang_up(struct qemu *q)
{
	char what[96];

	qmp_read_events(&q->monitor);
	if (q->monitor.shutdown[0])
		return report_shutdown(q);
	wait_for_end(q, what, sizeof(what));
	return report_end(q, what);
}

/* A command failed: @ret is what qmp_execute() gave. */
static int report_command(struct qemu *q, const char *command, int ret)
{
	char what[320];

	if (ret == -EPIPE || ret == -ECONNRESET)
		return report_hang_up(q);
	snprintf(what, sizeof(what), "%s: %s", command,
		 ret == -EPROTO ? q->monitor.error : strerror(-ret));
	return report_end(q, what);
}

/* ---- making it ---- */

/* Not through a mapping: a full /tmp is an error of write(2), and a signal there. */
static int write_initramfs(void)
{
	int fd = open(INITRAMFS, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), ret;
	char *bytes = NULL;
	size_t room, done = 0;

	if (fd < 0)
		return -errno;
	ret = l1_initramfs_room(&room);
	if (!ret)
		bytes = malloc(room);
	if (!ret)
		ret = bytes ? l1_initramfs_write(bytes, room) : -ENOMEM;
	while (!ret && done < room) {
		ssize_t n = write(fd, bytes + done, room - done);

		if (n < 0)
			ret = -errno;
		else
			done += (size_t)n;
	}
	free(bytes);
	close(fd);
	return ret;
}

static int make_files(void)
{
	if (mkdir(DIRECTORY, 0700) && errno != EEXIST)
		return -errno;
	unlink(CONSOLE);
	unlink(MESSAGES);
	return write_initramfs();
}

static void become_qemu(const struct qemu *q, const struct qemu_args *a, int bell, int monitor)
	__attribute__((noreturn));

/* The two sockets become BELL_FD and MONITOR_FD; nothing else of the agent's is left open. */
static void become_qemu(const struct qemu *q, const struct qemu_args *a, int bell, int monitor)
{
	char variable[64], preload[] = "LD_PRELOAD=" QEMU_PRELOAD;
	char *const with_memory[] = {preload, variable, NULL}, *const without[] = {NULL};
	int in = open("/dev/null", O_RDONLY), out = open(MESSAGES, O_WRONLY | O_CREAT, 0600);

	snprintf(variable, sizeof(variable), QEMU_DEVMEM_VARIABLE "=%llx",
		 (unsigned long long)q->phys);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bell = fcntl(bell, F_DUPFD, 10);
	monitor = fcntl(monitor, F_DUPFD, 10);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	dup2(bell, BELL_FD);
	dup2(monitor, MONITOR_FD);
	for (int fd = MONITOR_FD + 1; fd < 64; fd++)
		close(fd);
	execve(QEMU_PROGRAM, a->argv, q->phys ? with_memory : without);
	dprintf(2, "%s: %s\n", QEMU_PROGRAM, strerror(errno));
	_exit(127);
}

static int start(struct qemu *q, const struct qemu_args *a)
{
	int bell[2], monitor[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, bell))
		return -errno;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, monitor)) {
		close(bell[0]);
		close(bell[1]);
		return -errno;
	}
	q->pid = fork();
	if (!q->pid)
		become_qemu(q, a, bell[1], monitor[1]);
	close(bell[1]);
	close(monitor[1]);
	q->bell = bell[0];
	q->monitor.fd = monitor[0];
	if (q->pid < 0) {
		q->pid = 0;
		return -errno;
	}
	return 0;
}

static int open_memory(struct qemu *q)
{
	char path[64];
	int ret = qmp_host_address(&q->monitor, QEMU_MAIL, &q->mail);

	if (ret)
		return report_command(q, "gpa2hva", ret);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)q->pid);
	q->mem = open(path, O_RDWR | O_CLOEXEC);
	return q->mem < 0 ? -errno : 0;
}

static int qemu_peek(void *vmm, size_t at, void *to, size_t len)
{
	const struct qemu *q = vmm;

	if (pread(q->mem, to, len, (off_t)(q->mail + at)) == (ssize_t)len)
		return 0;
	return -EIO;
}

static int qemu_poke(void *vmm, size_t at, const void *from, size_t len)
{
	const struct qemu *q = vmm;

	if (pwrite(q->mem, from, len, (off_t)(q->mail + at)) == (ssize_t)len)
		return 0;
	return -EIO;
}

/* The machine is made, and waits for `cont`. */
static int prepare(struct qemu *q)
{
	static const struct mail head = {.magic = MAIL_MAGIC};
	int ret = qmp_open(&q->monitor, q->monitor.fd);

	if (ret)
		return report_command(q, "start", ret);
	ret = open_memory(q);
	if (ret)
		return ret;
	ret = qemu_poke(q, 0, &head, sizeof(head));
	if (ret)
		return ret;
	ret = qmp_execute(&q->monitor, "cont", "", NULL, 0);
	if (ret)
		return report_command(q, "cont", ret);
	return 0;
}

static int check_programs(const struct plan_measure *m, struct sink *s)
{
	if (access(QEMU_PROGRAM, X_OK)) {
		sink_skip(s, "%s: no QEMU here (%s)", QEMU_PROGRAM, strerror(errno));
		return VM_SAID;
	}
	if (m->memory == PLAN_UNMANAGED && access(QEMU_PRELOAD, R_OK)) {
		sink_skip(s, "%s: QEMU maps no part of /dev/mem without it (%s)", QEMU_PRELOAD,
			  strerror(errno));
		return VM_SAID;
	}
	return 0;
}

static int qemu_make(struct qemu *q, const struct plan_measure *m, const char *kernel)
{
	static struct qemu_args args;
	const struct qemu_files files = {.kernel = kernel,
					 .initramfs = INITRAMFS,
					 .console = CONSOLE,
					 .bell = BELL_FD,
					 .monitor = MONITOR_FD};
	int ret = check_programs(m, q->sink);

	if (ret)
		return ret;
	if (m->memory == PLAN_UNMANAGED)
		ret = vm_memory_find_unmanaged((size_t)QEMU_MEGABYTES << 20, &q->phys, q->sink);
	if (ret)
		return ret;
	ret = qemu_args_make(&args, m, &files);
	if (ret)
		return ret;
	ret = make_files();
	if (ret)
		return ret;
	ret = start(q, &args);
	if (ret)
		return ret;
	return prepare(q);
}

static int qemu_open(const struct plan_measure *m, const char *kernel, struct sink *s, void **vmm)
{
	static struct qemu q;

	q = (struct qemu){.sink = s, .bell = -1, .mem = -1, .monitor.fd = -1};
	*vmm = &q;
	return qemu_make(&q, m, kernel);
}

/* ---- running it ---- */

static int qemu_run(void *vmm, unsigned int limit_s)
{
	struct qemu *q = vmm;
	int64_t deadline = clock_ms() + (int64_t)limit_s * 1000;
	struct pollfd p[] = {{.fd = q->bell, .events = POLLIN},
			     {.fd = q->monitor.fd, .events = POLLIN}};
	char what[64], byte;

	for (;;) {
		int64_t left = deadline - clock_ms();

		if (left <= 0) {
			snprintf(what, sizeof(what), "nothing within %u s", limit_s);
			return report_end(q, what);
		}
		if (poll(p, 2, (int)left) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents && recv(q->bell, &byte, 1, MSG_DONTWAIT) == 1)
			return 0;
		if (p[0].revents || (p[1].revents && qmp_read_events(&q->monitor)))
			return report_hang_up(q);
		if (q->monitor.shutdown[0])
			return report_shutdown(q);
	}
}

/* KVM tells a VM's statistics to the process alone whose VM it is. */
static struct kvm_stats *qemu_stats(void *vmm)
{
	(void)vmm;
	return NULL;
}

static void qemu_close(void *vmm)
{
	struct qemu *q = vmm;

	if (!q)
		return;
	if (q->pid) {
		kill(q->pid, SIGKILL);
		waitpid(q->pid, NULL, 0);
	}
	if (q->mem >= 0)
		close(q->mem);
	if (q->bell >= 0)
		close(q->bell);
	if (q->monitor.fd >= 0)
		close(q->monitor.fd);
}

const struct l1_vmm l1_vmm_qemu = {
	.open = qemu_open,
	.peek = qemu_peek,
	.poke = qemu_poke,
	.run = qemu_run,
	.stats = qemu_stats,
	.close = qemu_close,
};
