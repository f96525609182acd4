// SPDX-License-Identifier: GPL-2.0-only
/* l1_libvirt_helper.c - the helper that has libvirt (agents/libvirt/main.c): orders, answers, events; and the QEMUs that it starts. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/l0/vmm/libvirt.h"
#include "common/clock.h"

#define REAP_MS	     20
#define ALIVE_MS     1000 /* else its host, where it is busy, would think it dead */
#define END_LIMIT_MS 5000

/* Is it an event? Then it is noted. */
static bool note_event(struct libvirt *l, const char *line)
{
	static const char stopped[] = "event stopped ";

	if (strncmp(line, stopped, sizeof(stopped) - 1))
		return false;
	snprintf(l->stopped, sizeof(l->stopped), "%.63s", line + sizeof(stopped) - 1);
	return true;
}

void libvirt_reap(struct libvirt *l)
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

int libvirt_wait_for_answer(struct libvirt *l)
{
	int64_t deadline = clock_ms() + l->limit_ms, beat = clock_ms() + ALIVE_MS;
	char line[LIBVIRT_LINE_MAX];

	for (;;) {
		int ret = 0;

		libvirt_reap(l);
		while (lines_take(&l->answers, line, sizeof(line))) {
			const char *text = strchr(line, ' ');

			if (note_event(l, line))
				continue;
			snprintf(l->line, sizeof(l->line), "%s", text ? text + 1 : "");
			return strncmp(line, "ok", 2) ? -EPROTO : 0;
		}
		ret = lines_read(&l->answers, REAP_MS);
		if (clock_ms() > beat) {
			sink_alive(l->qemu.sink);
			beat = clock_ms() + ALIVE_MS;
		}
		if (ret && ret != -ETIMEDOUT)
			return ret;
		if (clock_ms() > deadline)
			return -ETIMEDOUT;
	}
}

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

int libvirt_give_order(struct libvirt *l, const char *word, const char *argument)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s %s\n", word, argument), ret;

	if ((size_t)n >= sizeof(line))
		return -EMSGSIZE;
	/* it reads one order after the other, so there is room */
	if (write(l->orders, line, (size_t)n) != n)
		return -EPIPE;
	ret = libvirt_wait_for_answer(l);
	l->is_mute = ret == -ETIMEDOUT;
	return ret;
}

int libvirt_order(struct libvirt *l, const char *word, const char *argument)
{
	int ret = libvirt_give_order(l, word, argument);

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

int libvirt_start_helper(struct libvirt *l)
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
	l->answers.fd = answers[0];
	if (l->helper < 0) {
		l->helper = 0;
		return -errno;
	}
	return 0;
}

int libvirt_read_events(struct libvirt *l)
{
	char line[LIBVIRT_LINE_MAX];
	int ret = lines_read(&l->answers, 0);

	while (lines_take(&l->answers, line, sizeof(line)))
		note_event(l, line);
	if (ret && ret != -ETIMEDOUT)
		return libvirt_report(l, "wait", ret);
	return 0;
}

/* ---- its QEMUs ---- */

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

void libvirt_note_end(struct libvirt *l)
{
	libvirt_reap(l);
	close(l->guest_fd);
	l->guest_fd = -1;
}

void libvirt_end_helper(struct libvirt *l)
{
	int64_t deadline = clock_ms() + END_LIMIT_MS;
	bool is_hung = false;

	close(l->orders);
	/* what a broken kernel keeps from ending is left to the end of the boot */
	while (l->helper && clock_ms() < deadline + END_LIMIT_MS) {
		is_hung = clock_ms() > deadline;
		if (is_hung)
			kill(l->helper, SIGKILL);
		usleep(1000);
		libvirt_reap(l);
	}
	close(l->answers.fd);
	if (is_hung && l->guest_fd >= 0) /* nobody else ends L1 then */
		syscall(SYS_pidfd_send_signal, l->guest_fd, SIGKILL, NULL, 0);
}
