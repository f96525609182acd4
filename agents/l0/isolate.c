// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Keeps @len bytes, with room for a NUL; what does not fit is counted. */
static void keep(struct isolated *out, size_t *alloc, const char *data, size_t len)
{
	while (out->len + len + 1 > *alloc && *alloc < ISOLATE_OUTPUT_MAX) {
		char *more = realloc(out->output, 2 * *alloc);

		if (!more)
			break;
		out->output = more;
		*alloc *= 2;
	}
	if (out->len + len + 1 > *alloc) {
		out->lost += len;
		return;
	}
	memcpy(out->output + out->len, data, len);
	out->len += len;
	out->output[out->len] = '\0';
}

/* Until when there is nothing to do but wait: beats when it is time for that. */
static int64_t next_wake(const struct isolate_pulse *pulse, int64_t *beat, int64_t deadline)
{
	int64_t now = now_ms();

	if (!pulse)
		return deadline;
	if (now >= *beat) {
		if (*beat)
			pulse->beat(pulse->arg);
		*beat = now + (int64_t)pulse->every_s * 1000;
	}
	return *beat < deadline ? *beat : deadline;
}

/* Reads until the process has ended and the pipe is empty; false when the time is up. */
static bool follow(int pipe_fd, int pid_fd, int64_t deadline, const struct isolate_pulse *pulse,
		   struct isolated *out, size_t *alloc)
{
	struct pollfd p[2] = {{.fd = pipe_fd, .events = POLLIN}, {.fd = pid_fd, .events = POLLIN}};
	int64_t beat = 0;
	char chunk[16384];

	for (;;) {
		int64_t left = next_wake(pulse, &beat, deadline) - now_ms();
		ssize_t n;

		if (now_ms() >= deadline)
			return false;
		if (poll(p, 2, left > 0 ? (int)left : 0) <= 0)
			continue;
		if (!p[0].revents && p[1].revents)
			return true;
		if (!p[0].revents)
			continue;
		n = read(pipe_fd, chunk, sizeof(chunk));
		if (n > 0)
			keep(out, alloc, chunk, (size_t)n);
		else if (!n)
			p[0].fd = -1; /* no writer is left; poll() skips it */
	}
}

/* Follows the process to its end, or brings that about, with all that it started. */
static void see_to_end(pid_t pid, int pipe_fd, int64_t deadline, const struct isolate_pulse *pulse,
		       struct isolated *out, size_t *alloc)
{
	int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);

	out->timed_out = !follow(pipe_fd, pid_fd, deadline, pulse, out, alloc);
	kill(-pid, SIGKILL);
	while (waitpid(pid, &out->status, 0) < 0 && errno == EINTR)
		;
	if (pid_fd >= 0)
		close(pid_fd);
}

static void be_child(int (*run)(void *arg, int fd), void *arg, int fd)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(run(arg, fd));
}

int isolate_run(int (*run)(void *arg, int fd), void *arg, unsigned int limit_s,
		const struct isolate_pulse *pulse, struct isolated *out)
{
	size_t alloc = 65536;
	int pipes[2];
	pid_t pid;

	*out = (struct isolated){.output = calloc(1, alloc)};
	if (!out->output || pipe2(pipes, O_CLOEXEC))
		goto fail;
	pid = fork();
	if (pid < 0)
		goto fail_pipes;
	if (!pid)
		be_child(run, arg, pipes[1]);
	setpgid(pid, pid); /* in both: whoever comes first */
	close(pipes[1]);
	see_to_end(pid, pipes[0], now_ms() + (int64_t)limit_s * 1000, pulse, out, &alloc);
	close(pipes[0]);
	return 0;
fail_pipes:
	close(pipes[0]);
	close(pipes[1]);
fail:
	free(out->output);
	out->output = NULL;
	return -(errno ? errno : ENOMEM);
}

void isolate_describe(const struct isolated *end, unsigned int limit_s, char *text, size_t size)
{
	if (end->timed_out)
		snprintf(text, size, "no end within %u s", limit_s);
	else if (WIFSIGNALED(end->status))
		snprintf(text, size, "signal %d (%s)", WTERMSIG(end->status),
			 strsignal(WTERMSIG(end->status)));
	else
		snprintf(text, size, "exit status %d", WEXITSTATUS(end->status));
}
