// SPDX-License-Identifier: GPL-2.0-only
/* l1_libvirt.c - libvirt as the VMM of a Linux L1. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agents/l0/vmm/libvirt.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

#define BELL	     QEMU_DIRECTORY "/bell"
#define DESCRIPTION  QEMU_DIRECTORY "/l1.xml"
#define FOUND_OUT    QEMU_DIRECTORY "/capabilities.gz"
#define ANSWER_MS    120000 /* of L0's clock; probing QEMU alone takes some 12 s */
#define REAP_MS	     20
#define ALIVE_MS     1000 /* else its host, where it is busy, would think it dead */
#define END_LIMIT_MS 5000
#define XML_MAX	     8192

/* ---- the helper: orders and answers ---- */

static int read_more(struct libvirt *l, int limit_ms)
{
	struct pollfd p = {.fd = l->answers, .events = POLLIN};
	ssize_t n;

	if (l->len == sizeof(l->buf) - 1)
		return -EMSGSIZE;
	if (poll(&p, 1, limit_ms) <= 0)
		return -ETIMEDOUT;
	n = read(l->answers, l->buf + l->len, sizeof(l->buf) - 1 - l->len);
	if (n < 0)
		return -errno;
	if (!n)
		return -EPIPE;
	l->len += (size_t)n;
	return 0;
}

static bool take_line(struct libvirt *l, char *line, size_t size)
{
	char *end = memchr(l->buf, '\n', l->len);
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - l->buf);
	snprintf(line, size, "%.*s", (int)len, l->buf);
	l->len -= len + 1;
	memmove(l->buf, end + 1, l->len);
	return true;
}

/* Is it an event? Then it is noted. */
static bool note_event(struct libvirt *l, const char *line)
{
	static const char stopped[] = "event stopped ";

	if (strncmp(line, stopped, sizeof(stopped) - 1))
		return false;
	snprintf(l->stopped, sizeof(l->stopped), "%.63s", line + sizeof(stopped) - 1);
	return true;
}

/* libvirt lets its QEMUs go, and waits for their ends by kill(2): somebody has to take note of them. Process 1 is busy, so this one
 * does (PR_SET_CHILD_SUBREAPER). */
static void reap(struct libvirt *l)
{
	char words[96];
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == l->helper)
			l->helper = 0;
		else if (qemu_describe_status(status, words, sizeof(words)) == L1_END_KILLED)
			*(pid == l->qemu.guest ? &l->was_killed : &l->other_was_killed) = true;
	}
}

/* The next answer, whose text is in l->line. 0; -EPROTO: it is an error; else an errno. */
static int wait_for_answer(struct libvirt *l)
{
	int64_t deadline = clock_ms() + ANSWER_MS, beat = clock_ms() + ALIVE_MS;
	char line[LIBVIRT_LINE_MAX];

	for (;;) {
		int ret = 0;

		reap(l);
		while (take_line(l, line, sizeof(line))) {
			const char *text = strchr(line, ' ');

			if (note_event(l, line))
				continue;
			snprintf(l->line, sizeof(l->line), "%s", text ? text + 1 : "");
			return strncmp(line, "ok", 2) ? -EPROTO : 0;
		}
		ret = read_more(l, REAP_MS);
		if (clock_ms() > beat) {
			sink_alive(l->qemu.sink);
			beat = clock_ms() + ALIVE_MS;
		}
		if (ret && (ret != -ETIMEDOUT || clock_ms() > deadline))
			return ret;
	}
}

/* libvirt's words, its log and L1's console. "refused" are settings that this libvirt does not take. */
int libvirt_report(struct libvirt *l, const char *order, int ret)
{
	static const char refused[] = "refused ";
	enum l1_end end = L1_END_OTHER;
	char what[LIBVIRT_LINE_MAX + 64];

	if (ret == -EPROTO && !strncmp(l->line, refused, sizeof(refused) - 1))
		end = L1_END_REFUSED;
	if (ret == -EPROTO)
		snprintf(what, sizeof(what), "libvirt: %s: %s", order, l->line);
	else if (ret == -EPIPE)
		snprintf(what, sizeof(what), "%s: libvirt's helper ended", order);
	else
		snprintf(what, sizeof(what), "%s: %s", order, strerror(-ret));
	return qemu_report_end(&l->qemu, end, what);
}

static int give_order(struct libvirt *l, const char *word, const char *argument)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s %s\n", word, argument);

	if (write(l->orders, line, (size_t)n) != n)
		return -EPIPE;
	return wait_for_answer(l);
}

int libvirt_order(struct libvirt *l, const char *word, const char *argument)
{
	int ret = give_order(l, word, argument);

	if (ret)
		return libvirt_report(l, word, ret);
	return 0;
}

static void become_helper(int orders, int answers, bool has_peers) __attribute__((noreturn));

static void become_helper(int orders, int answers, bool has_peers)
{
	char *const alone[] = {(char[]){LIBVIRT_HELPER}, (char[]){LIBVIRT_ROOT},
			       (char[]){LIBVIRT_CAPABILITIES}, NULL};
	char *const pair[] = {(char[]){LIBVIRT_HELPER}, (char[]){"--pair"}, (char[]){LIBVIRT_ROOT},
			      (char[]){LIBVIRT_CAPABILITIES}, NULL};
	char *const env[] = {(char[]){"HOME=/"}, (char[]){"PATH=/usr/bin:/usr/sbin"}, NULL};
	int log = open(QEMU_MESSAGES, O_WRONLY | O_CREAT | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	dup2(orders, 0);
	dup2(answers, 1);
	dup2(log, 2);
	for (int fd = 3; fd < 128; fd++)
		close(fd);
	execve(LIBVIRT_HELPER, has_peers ? pair : alone, env);
	_exit(127);
}

static int start_helper(struct libvirt *l)
{
	int orders[2], answers[2];

	if (pipe2(orders, O_CLOEXEC))
		return -errno;
	if (pipe2(answers, O_CLOEXEC)) {
		close(orders[0]);
		close(orders[1]);
		return -errno;
	}
	signal(SIGPIPE, SIG_IGN); /* of a helper that has ended */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	l->helper = fork();
	if (!l->helper)
		become_helper(orders[0], answers[1], plan_measure_has_peers(&l->qemu.m));
	close(orders[0]);
	close(answers[1]);
	l->orders = orders[1];
	l->answers = answers[0];
	if (l->helper < 0) {
		l->helper = 0;
		return -errno;
	}
	return 0;
}

/* ---- making it ---- */

static int write_description(struct libvirt *l)
{
	const struct libvirt_files files = {.kernel = l->qemu.kernel,
					    .initramfs = QEMU_INITRAMFS,
					    .console = QEMU_CONSOLE,
					    .bell = BELL,
					    .phys = l->qemu.phys};
	static char xml[XML_MAX];
	int fd, ret = libvirt_xml_make(xml, sizeof(xml), &l->qemu.m, &files);

	if (ret)
		return ret;
	fd = open(DESCRIPTION, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, xml, strlen(xml)) != (ssize_t)strlen(xml))
		ret = -ENOSPC;
	close(fd);
	return ret;
}

/* Open on both sides here: QEMU's opening waits for no reader, and there is no end of file. */
static int make_bell(struct libvirt *l)
{
	unlink(BELL);
	if (mkfifo(BELL, 0600))
		return -errno;
	l->qemu.bell = open(BELL, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (l->qemu.bell < 0)
		return -errno;
	return 0;
}

int libvirt_find_mail(struct libvirt *l, int pid)
{
	char command[64];
	int ret;
	const char *at;

	snprintf(command, sizeof(command), "gpa2hva 0x%llx", (unsigned long long)QEMU_MAIL);
	ret = libvirt_order(l, "hmp", command);
	if (ret)
		return ret;
	at = strstr(l->line, ") is 0x");
	if (!at)
		return libvirt_report(l, "gpa2hva", -EPROTO);
	l->qemu.mail = strtoull(at + sizeof(") is ") - 1, NULL, 16);
	l->guest_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return qemu_open_memory(&l->qemu, pid);
}

static int check_fit(struct libvirt *l)
{
	if (plan_measure_has_peers(&l->qemu.m) && access(LIBVIRT_DAEMON, X_OK)) {
		sink_skip(l->qemu.sink, "%s: no daemon of libvirt here (%s)", LIBVIRT_DAEMON,
			  strerror(errno));
		return VM_SAID;
	}
	if (access(LIBVIRT_HELPER, X_OK)) {
		sink_skip(l->qemu.sink, "%s: no libvirt here (%s)", LIBVIRT_HELPER,
			  strerror(errno));
		return VM_SAID;
	}
	return qemu_find_memory(&l->qemu);
}

static int make_parts(struct libvirt *l)
{
	int ret = qemu_make_files(&l->qemu.m);

	if (ret)
		return ret;
	ret = make_bell(l);
	if (ret)
		return ret;
	ret = write_description(l);
	if (ret)
		return ret;
	return start_helper(l);
}

static int make_domain(struct libvirt *l)
{
	int ret = wait_for_answer(l); /* to being there */

	if (ret)
		return libvirt_report(l, "connect", ret);
	ret = libvirt_order(l, "create", DESCRIPTION);
	if (ret)
		return ret;
	ret = libvirt_find_mail(l, atoi(l->line));
	if (ret)
		return ret;
	ret = qemu_write_head(&l->qemu);
	if (ret)
		return ret;
	qemu_let_age(&l->qemu.m);
	return libvirt_order(l, "resume", "");
}

static int libvirt_open(const struct plan_measure *m, const char *kernel, struct sink *s,
			void **vmm)
{
	static struct libvirt l;
	int ret;

	l = (struct libvirt){.orders = -1, .answers = -1, .guest_fd = -1};
	qemu_init(&l.qemu, m, kernel, s);
	*vmm = &l;
	ret = check_fit(&l);
	if (ret)
		return ret;
	ret = make_parts(&l);
	if (ret)
		return ret;
	return make_domain(&l);
}

/* ---- running it ---- */

static int libvirt_peek(void *vmm, size_t at, void *to, size_t len)
{
	return qemu_peek(&((struct libvirt *)vmm)->qemu, at, to, len);
}

static int libvirt_poke(void *vmm, size_t at, const void *from, size_t len)
{
	return qemu_poke(&((struct libvirt *)vmm)->qemu, at, from, len);
}

static int read_events(struct libvirt *l)
{
	char line[LIBVIRT_LINE_MAX];
	int ret = read_more(l, 0);

	while (take_line(l, line, sizeof(line)))
		note_event(l, line);
	if (ret && ret != -ETIMEDOUT)
		return libvirt_report(l, "wait", ret);
	return 0;
}

/* By itself it shuts down at a reset alone. libvirt kills, too, but what it has stopped has not failed. */
static int report_stop(struct libvirt *l)
{
	enum l1_end end = L1_END_OTHER;
	char what[128];

	if (!strcmp(l->stopped, "shutdown"))
		return qemu_report_reset(&l->qemu);
	reap(l);
	if (!strcmp(l->stopped, "failed") && l->was_killed)
		end = L1_END_KILLED;
	snprintf(what, sizeof(what), "libvirt: the domain stopped: %s%s", l->stopped,
		 end == L1_END_KILLED ? " (QEMU was killed by signal 9)" : "");
	return qemu_report_end(&l->qemu, end, what);
}

/* libvirt waits for it to be taken note of. */
void libvirt_note_end(struct libvirt *l)
{
	reap(l);
	close(l->guest_fd);
	l->guest_fd = -1;
}

static int libvirt_wait(void *vmm, unsigned int ms, bool *rung)
{
	struct libvirt *l = vmm;
	int64_t deadline = clock_ms() + ms, left;
	struct pollfd p[] = {{.fd = l->qemu.bell, .events = POLLIN},
			     {.fd = l->answers, .events = POLLIN},
			     {.fd = l->guest_fd, .events = POLLIN}};
	char byte;

	while ((left = deadline - clock_ms()) > 0) {
		int ret = 0;

		if (poll(p, 3, (int)left) < 0 && errno != EINTR)
			return -errno;
		if (p[2].revents) {
			libvirt_note_end(l);
			p[2].fd = -1;
		}
		if (p[0].revents && read(l->qemu.bell, &byte, 1) == 1) {
			*rung = true;
			return 0;
		}
		if (p[1].revents)
			ret = read_events(l);
		if (!ret && l->stopped[0])
			ret = report_stop(l);
		if (ret)
			return ret;
	}
	return 0;
}

static int libvirt_run(void *vmm, unsigned int limit_s)
{
	struct libvirt *l = vmm;
	char what[64];
	bool rung = false;
	int ret = libvirt_wait(vmm, limit_s * 1000, &rung);

	if (ret || rung)
		return ret;
	snprintf(what, sizeof(what), "nothing within %u s", limit_s);
	return qemu_report_end(&l->qemu, L1_END_SILENT, what);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* By virDomainSave and virDomainRestore, or live. When L1 is stopped and runs again libvirt alone knows: the time is that of the
 * two calls. */
static int libvirt_move(void *vmm, bool live, struct l1_moved *out)
{
	struct libvirt *l = vmm;
	uint64_t begin = now_us();
	struct stat st;
	int ret;

	if (live) {
		ret = libvirt_migrate(l, out);
		out->duration_us = now_us() - begin;
		return ret;
	}
	out->in_l2 = qemu_is_in_l2(l->qemu.guest);
	ret = libvirt_order(l, "save", QEMU_STATE);
	if (ret)
		return ret;
	if (!stat(QEMU_STATE, &st))
		out->bytes = (uint64_t)st.st_size;
	qemu_close_memory(&l->qemu);
	libvirt_note_end(l);
	ret = libvirt_order(l, "restore", QEMU_STATE);
	if (ret)
		return ret;
	out->downtime_us = out->duration_us = now_us() - begin;
	unlink(QEMU_STATE);
	return libvirt_find_mail(l, atoi(l->line));
}

/* What libvirt had to find out about QEMU goes to whoever makes the next image of this kernel. Not before all is measured;
 * and without it the next boot takes longer, no more. */
static void pass_capabilities(struct libvirt *l)
{
	if (!give_order(l, "capabilities", FOUND_OUT) && !strncmp(l->line, "new", 3))
		sink_file(l->qemu.sink, "libvirt-capabilities", FOUND_OUT);
}

/* It ends its domain when nobody gives orders any more. */
static void end_helper(struct libvirt *l)
{
	int64_t deadline = clock_ms() + END_LIMIT_MS;

	close(l->orders);
	while (l->helper) {
		if (clock_ms() > deadline)
			kill(l->helper, SIGKILL);
		usleep(1000);
		reap(l);
	}
	close(l->answers);
}

static void libvirt_close(void *vmm)
{
	struct libvirt *l = vmm;

	if (!l)
		return;
	if (l->qemu.mem >= 0) /* there is a domain */
		pass_capabilities(l);
	if (l->helper)
		end_helper(l);
	libvirt_note_end(l);
	qemu_end(&l->qemu);
}

static void libvirt_kill(void *vmm)
{
	qemu_kill(&((struct libvirt *)vmm)->qemu);
}

static struct kvm_stats *libvirt_stats(void *vmm)
{
	(void)vmm; /* as of QEMU */
	return NULL;
}

const struct l1_vmm l1_vmm_libvirt = {
	.open = libvirt_open,
	.peek = libvirt_peek,
	.poke = libvirt_poke,
	.run = libvirt_run,
	.wait = libvirt_wait,
	.move = libvirt_move,
	.stats = libvirt_stats,
	.kill = libvirt_kill,
	.close = libvirt_close,
};
