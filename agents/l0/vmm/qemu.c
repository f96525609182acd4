// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/l0/clock.h"
#include "agents/l0/cpus.h"
#include "agents/l0/files.h"
#include "agents/l0/vmm/l1_boot.h"
#include "agents/l0/vmm/l1_fault.h"
#include "agents/l0/vmm/l1_vmm.h"
#include "agents/l0/vmm/qmp.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

#define BELL_FD	     3 /* in QEMU */
#define MONITOR_FD   4
#define INCOMING_FD  5
#define END_LIMIT_MS 5000 /* from QEMU's hanging up to its end */
#define AGE_MS	     3000 /* of L0's clock: the second, and a QEMU's start */
/* The same where that start takes seconds, as each instruction is one of 10 ns; to sleep costs nothing there. */
#define EMULATED_AGE_MS 10000
#define CROSS_AGE_MS \
	20000 /* the same where that QEMU's clock is another host's, which may be faster meanwhile */

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

enum l1_end qemu_describe_status(int status, char *what, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(what, size, "QEMU was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(what, size, "QEMU ended with status %d", WEXITSTATUS(status));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return L1_END_KILLED;
	return L1_END_OTHER;
}

/* It ended by itself before it answered, and not because KVM could not do something. */
static bool is_refusal(const struct qemu *q, int status)
{
	char messages[L1_END_CONSOLE];

	qemu_tail(QEMU_MESSAGES, messages, sizeof(messages));
	return WIFEXITED(status) && q->is_new && !strcasestr(messages, "kvm");
}

/* It has hung up, so its end is near. */
static enum l1_end wait_for_end(struct qemu *q, char *what, size_t size)
{
	int64_t deadline = clock_ms() + END_LIMIT_MS;
	enum l1_end end;
	int status;

	while (clock_ms() < deadline) {
		if (waitpid(q->pid, &status, WNOHANG) == q->pid) {
			q->pid = 0;
			end = qemu_describe_status(status, what, size);
			return is_refusal(q, status) ? L1_END_REFUSED : end;
		}
		usleep(1000);
	}
	snprintf(what, size, "QEMU hung up and did not end");
	return L1_END_OTHER;
}

int qemu_report_end(struct qemu *q, enum l1_end end, const char *what)
{
	char console[L1_END_CONSOLE], messages[L1_END_MESSAGES];

	qemu_tail(QEMU_CONSOLE, console, sizeof(console));
	qemu_tail(QEMU_MESSAGES, messages, sizeof(messages));
	return l1_end_report(q->sink, "the Linux L1", end, what, messages, console);
}

int qemu_report_reset(struct qemu *q)
{
	char console[L1_END_CONSOLE];

	qemu_tail(QEMU_CONSOLE, console, sizeof(console));
	if (l1_end_is_panic(console))
		return qemu_report_end(q, L1_END_PANIC, "a panic of its kernel");
	return qemu_report_end(q, L1_END_RESET, "a reset without a panic: a triple fault");
}

/* L1 asked for a reset, and -no-reboot made that the end. */
static int report_shutdown(struct qemu *q)
{
	char what[96];

	if (!strcmp(q->monitor.shutdown, "guest-reset"))
		return qemu_report_reset(q);
	snprintf(what, sizeof(what), "QEMU shut it down: %s", q->monitor.shutdown);
	return qemu_report_end(q, L1_END_OTHER, what);
}

int qemu_report_hang_up(struct qemu *q)
{
	enum l1_end end;
	char what[96];

	qmp_read_events(&q->monitor);
	if (q->monitor.shutdown[0])
		return report_shutdown(q);
	end = wait_for_end(q, what, sizeof(what));
	return qemu_report_end(q, end, what);
}

int qemu_report_command(struct qemu *q, const char *command, int ret)
{
	char what[320];

	if (ret == -EPIPE || ret == -ECONNRESET)
		return qemu_report_hang_up(q);
	if (ret == -EPROTO)
		snprintf(what, sizeof(what), "%s: %s", command, q->monitor.error);
	else
		snprintf(what, sizeof(what), "%s: %s", command, strerror(-ret));
	return qemu_report_end(q, L1_END_OTHER, what);
}

/* ---- making it ---- */

/* Not through a mapping: a full /tmp is an error of write(2), and a signal there. */
static int write_initramfs(void)
{
	int fd = open(QEMU_INITRAMFS, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), ret;
	char *bytes = NULL;
	size_t room;

	if (fd < 0)
		return -errno;
	ret = l1_initramfs_room(NULL, &room);
	if (!ret)
		bytes = malloc(room);
	if (!ret)
		ret = bytes ? l1_initramfs_write(NULL, bytes, room) : -ENOMEM;
	if (!ret)
		ret = file_write_all(fd, bytes, room);
	free(bytes);
	close(fd);
	return ret;
}

int qemu_make_folder(void)
{
	if (mkdir(QEMU_DIRECTORY, 0700) && errno != EEXIST)
		return -errno;
	if (mkdir(QEMU_SAVED, 0700) && errno != EEXIST)
		return -errno;
	unlink(QEMU_CONSOLE);
	unlink(QEMU_MESSAGES);
	return 0;
}

int qemu_make_files(const struct plan_measure *m)
{
	int ret = qemu_make_folder();

	if (ret)
		return ret;
	ret = l1_fault_prepare(m, QEMU_SAVED);
	if (ret)
		return ret;
	return write_initramfs();
}

/* @fds become BELL_FD, MONITOR_FD, INCOMING_FD, as far as they are there; nothing else of the agent's is left open. */
static void pass_descriptors(const int *fds, size_t n)
{
	int in = open("/dev/null", O_RDONLY),
	    out = open(QEMU_MESSAGES, O_WRONLY | O_CREAT | O_APPEND, 0600), copies[3];

	for (size_t i = 0; i < n; i++)
		copies[i] = fcntl(fds[i], F_DUPFD, 64); /* out of the way of each other */
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (size_t i = 0; i < n; i++)
		dup2(copies[i], BELL_FD + (int)i);
	for (int fd = BELL_FD + (int)n; fd < 128; fd++)
		close(fd);
}

static void become_qemu(const struct qemu *q, char *const argv[], const int *fds, size_t n)
	__attribute__((noreturn));

static void become_qemu(const struct qemu *q, char *const argv[], const int *fds, size_t n)
{
	/* where a disk's changes go; QEMU takes /tmp for /var/tmp, which an initramfs lacks */
	char variable[64], preload[] = "LD_PRELOAD=" QEMU_PRELOAD,
			   folder[] = "TMPDIR=" QEMU_DIRECTORY;
	char *const with_memory[] = {preload, variable, NULL}, *const without[] = {NULL};
	char *const with_folder[] = {folder, NULL};
	char *const *environment = q->phys ? with_memory : without;

	snprintf(variable, sizeof(variable), QEMU_DEVMEM_VARIABLE "=%llx",
		 (unsigned long long)q->phys);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pass_descriptors(fds, n);
	if (q->disk && access("/var/tmp", W_OK))
		environment = with_folder;
	execve(QEMU_PROGRAM, argv, environment);
	dprintf(2, "%s: %s\n", QEMU_PROGRAM, strerror(errno));
	_exit(127);
}

static int execute(struct qemu *q, char *const argv[], int incoming)
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
		become_qemu(q, argv, (const int[]){bell[1], monitor[1], incoming},
			    incoming < 0 ? 2 : 3);
	close(bell[1]);
	close(monitor[1]);
	q->bell = bell[0];
	q->monitor.lines.fd = monitor[0];
	if (q->pid < 0) {
		q->pid = 0;
		return -errno;
	}
	return 0;
}

/* One CPU for each of L1's, where the machine has CPUs to measure on (cpus.h). */
static int pin_cpus(struct qemu *q)
{
	static const char key[] = "\"thread-id\": ";
	char reply[4096];
	const char *at = reply;
	int ret;

	if (cpus_nth(0) < 0)
		return 0;
	ret = qmp_execute(&q->monitor, "query-cpus-fast", "", reply, sizeof(reply));
	for (unsigned int i = 0; !ret && (at = strstr(at, key)); i++) {
		pid_t thread = (pid_t)strtol(at += sizeof(key) - 1, NULL, 10);
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(cpus_nth(i), &one);
		if (sched_setaffinity(thread, sizeof(one), &one))
			return -errno;
	}
	return ret;
}

int qemu_start(struct qemu *q, int incoming)
{
	static struct qemu_args args;
	const struct qemu_files files = {.kernel = q->kernel,
					 .initramfs = QEMU_INITRAMFS,
					 .console = QEMU_CONSOLE,
					 .bell = BELL_FD,
					 .monitor = MONITOR_FD,
					 .incoming = incoming < 0 ? 0 : INCOMING_FD,
					 .disk = q->disk,
					 .format = q->format,
					 .without_kvm = q->without_kvm};
	int ret = qemu_args_make(&args, &q->m, &files);

	if (ret)
		return ret;
	q->is_new = incoming < 0;
	ret = execute(q, args.argv, incoming);
	if (ret)
		return ret;
	ret = qmp_open(&q->monitor, q->monitor.lines.fd);
	if (ret)
		return qemu_report_command(q, "start", ret);
	q->is_new = false;
	ret = pin_cpus(q);
	if (ret)
		return qemu_report_command(q, "query-cpus-fast", ret);
	return 0;
}

int qemu_open_memory(struct qemu *q, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	q->guest = pid;
	q->mem = open(path, O_RDWR | O_CLOEXEC);
	if (q->mem < 0)
		return -errno;
	return 0;
}

int qemu_find_mail(struct qemu *q)
{
	int ret = qmp_host_address(&q->monitor, QEMU_MAIL, &q->mail);

	if (ret)
		return qemu_report_command(q, "gpa2hva", ret);
	return qemu_open_memory(q, q->pid);
}

int qemu_peek(void *vmm, size_t at, void *to, size_t len)
{
	const struct qemu *q = vmm;

	if (pread(q->mem, to, len, (off_t)(q->mail + at)) == (ssize_t)len)
		return 0;
	return -EIO;
}

int qemu_poke(void *vmm, size_t at, const void *from, size_t len)
{
	const struct qemu *q = vmm;

	if (pwrite(q->mem, from, len, (off_t)(q->mail + at)) == (ssize_t)len)
		return 0;
	return -EIO;
}

int qemu_write_head(struct qemu *q)
{
	static const struct mail head = {.magic = MAIL_MAGIC};

	return qemu_poke(q, 0, &head, sizeof(head));
}

int qemu_continue(struct qemu *q)
{
	int ret = qmp_execute(&q->monitor, "cont", "", NULL, 0);

	if (ret)
		return qemu_report_command(q, "cont", ret);
	return 0;
}

void qemu_let_age(const struct qemu *q)
{
	bool is_emulated = !strcmp(host_clock.name, "emulated");

	if (q->without_kvm)
		return;
	if (q->m.destination[0])
		usleep(CROSS_AGE_MS * 1000);
	else if (is_emulated)
		usleep(EMULATED_AGE_MS * 1000);
	else
		usleep(AGE_MS * 1000);
}

/* The machine is made, and waits for `cont`. */
static int prepare(struct qemu *q)
{
	int ret = qemu_find_mail(q);

	if (ret)
		return ret;
	ret = qemu_write_head(q);
	if (ret)
		return ret;
	qemu_let_age(q);
	return qemu_continue(q);
}

int qemu_check_program(struct sink *s)
{
	if (!access(QEMU_PROGRAM, X_OK))
		return 0;
	sink_skip(s, "%s: no QEMU here (%s)", QEMU_PROGRAM, strerror(errno));
	return VM_SAID;
}

/* Twice as much where L1 goes from one QEMU to another. */
int qemu_find_memory(struct qemu *q)
{
	size_t need = QEMU_SIZE;

	if (q->m.scenario == PLAN_LIVE_MIGRATE && !plan_measure_crosses(&q->m))
		need *= 2;
	if (q->m.backing == PLAN_BACKING_HUGETLB)
		return vm_backing_reserve_huge(need, q->sink);
	if (q->m.memory != PLAN_UNMANAGED)
		return 0;
	if (access(QEMU_PRELOAD, R_OK)) {
		sink_skip(q->sink, "%s: QEMU maps no part of /dev/mem without it (%s)",
			  QEMU_PRELOAD, strerror(errno));
		return VM_SAID;
	}
	return vm_memory_find_unmanaged(need, &q->phys, q->sink);
}

int qemu_make(struct qemu *q)
{
	int ret = qemu_check_program(q->sink);

	if (ret)
		return ret;
	ret = qemu_find_memory(q);
	if (ret)
		return ret;
	ret = qemu_make_files(&q->m);
	if (ret)
		return ret;
	ret = qemu_start(q, -1);
	if (ret)
		return ret;
	return prepare(q);
}

void qemu_init(struct qemu *q, const struct plan_measure *m, const char *kernel, struct sink *s)
{
	*q = (struct qemu){.sink = s,
			   .m = *m,
			   .kernel = kernel,
			   .bell = -1,
			   .mem = -1,
			   .monitor.lines.fd = -1};
}

/* ---- running it ---- */

int qemu_wait_line(struct qemu *q, int64_t deadline)
{
	struct pollfd p[] = {{.fd = q->bell, .events = POLLIN},
			     {.fd = q->monitor.lines.fd, .events = POLLIN}};
	int64_t left;

	while ((left = deadline - clock_ms()) > 0) {
		if (poll(p, 2, (int)left) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents & POLLIN)
			return 0;
		if (p[0].revents || (p[1].revents && qmp_read_events(&q->monitor)))
			return qemu_report_hang_up(q);
		if (q->monitor.shutdown[0])
			return report_shutdown(q);
	}
	return -ETIMEDOUT;
}

int qemu_wait(void *vmm, unsigned int ms, bool *rung)
{
	struct qemu *q = vmm;
	int ret = qemu_wait_line(q, clock_ms() + ms);
	char byte;

	if (ret == -ETIMEDOUT)
		return 0;
	if (ret)
		return ret;
	if (recv(q->bell, &byte, 1, MSG_DONTWAIT) != 1)
		return qemu_report_hang_up(q);
	*rung = true;
	return 0;
}

int qemu_run(void *vmm, unsigned int limit_s)
{
	char what[64];
	bool rung = false;
	int ret = qemu_wait(vmm, limit_s * 1000, &rung);

	if (ret || rung)
		return ret;
	snprintf(what, sizeof(what), "nothing within %u s", limit_s);
	return qemu_report_end(vmm, L1_END_SILENT, what);
}

void qemu_kill(void *vmm)
{
	const struct qemu *q = vmm;

	kill(q->guest, SIGKILL);
}

static void close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void qemu_close_memory(struct qemu *q)
{
	close_descriptor(&q->mem);
}

void qemu_end(struct qemu *q)
{
	if (q->pid) {
		kill(q->pid, SIGKILL);
		waitpid(q->pid, NULL, 0);
		q->pid = 0;
	}
	close_descriptor(&q->mem);
	close_descriptor(&q->bell);
	close_descriptor(&q->monitor.lines.fd);
}
