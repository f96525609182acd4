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
#include <unistd.h>

#include "common/clock.h"

#define OUTPUT_FIRST 65536

/* A child process, and what the parent knows of it. */
struct child {
	pid_t pid;
	int pid_fd;		     /* readable when it has ended */
	int pipe_fd;		     /* the reading end */
	int64_t deadline, next_beat; /* as of clock_ms() */
	const struct isolate_watch *watch;
	struct isolated *out;
	size_t alloc; /* of out->output */
	size_t seen;  /* bytes that came so far */
};

/* Keeps @len bytes, with room for a NUL. false: there is no memory for them. */
static bool append_output(struct child *c, const char *data, size_t len)
{
	struct isolated *out = c->out;

	while (out->len + len + 1 > c->alloc) {
		char *more = realloc(out->output, 2 * c->alloc);

		if (!more)
			return false;
		out->output = more;
		c->alloc *= 2;
	}
	memcpy(out->output + out->len, data, len);
	out->len += len;
	out->output[out->len] = '\0';
	return true;
}

static void take_output(struct child *c, const char *data, size_t len)
{
	c->seen += len;
	if (c->seen >= ISOLATE_OUTPUT_MAX)
		c->out->lost += len;
	else if (c->watch && c->watch->on_output)
		c->watch->on_output(c->watch->arg, data, len);
	else if (!append_output(c, data, len))
		c->out->lost += len;
}

/* Calls on_beat() if it is time for that; until when there is then nothing to do but wait. */
static int64_t beat(struct child *c)
{
	const struct isolate_watch *watch = c->watch;
	int64_t now = clock_ms();

	if (!watch || !watch->every_s)
		return c->deadline;
	if (now >= c->next_beat) {
		watch->on_beat(watch->arg);
		c->next_beat = now + (int64_t)watch->every_s * 1000;
	}
	if (c->next_beat < c->deadline)
		return c->next_beat;
	return c->deadline;
}

/*
 * Reads until the process has ended and the pipe is empty; false when the time is up. The end of the pipe
 * alone says nothing: whatever the process started may hold it open for longer, or may have closed it.
 */
static bool read_to_end(struct child *c)
{
	struct pollfd p[2] = {{.fd = c->pipe_fd, .events = POLLIN},
			      {.fd = c->pid_fd, .events = POLLIN}};
	char chunk[16384];

	for (;;) {
		int64_t wake = beat(c), now = clock_ms();
		int timeout = 0;
		ssize_t n;

		if (now >= c->deadline)
			return false;
		if (now < wake)
			timeout = (int)(wake - now);
		if (poll(p, 2, timeout) <= 0)
			continue;
		if (!p[0].revents && p[1].revents)
			return true;
		if (!p[0].revents)
			continue;
		n = read(c->pipe_fd, chunk, sizeof(chunk));
		if (n > 0)
			take_output(c, chunk, (size_t)n);
		else if (!n)
			p[0].fd = -1; /* no writer is left; poll() skips it */
	}
}

/* Waits for the end of the process and kills its group then, or at the deadline. */
static void wait_or_kill(struct child *c)
{
	c->out->timed_out = !read_to_end(c);
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &c->out->status, 0) < 0 && errno == EINTR)
		;
}

static void run_child(int (*run)(void *arg, int fd), void *arg, int fd) __attribute__((noreturn));

static void run_child(int (*run)(void *arg, int fd), void *arg, int fd)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(run(arg, fd));
}

/* The parent's part: @fd is the pipe's writing end, which is the child's alone. */
static int follow_child(struct child *c, int fd, unsigned int limit_s)
{
	setpgid(c->pid, c->pid); /* in both processes: whoever comes first */
	close(fd);
	c->deadline = clock_ms() + (int64_t)limit_s * 1000;
	if (c->watch)
		c->next_beat = clock_ms() + (int64_t)c->watch->every_s * 1000;
	c->pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pid_fd < 0) { /* nothing would tell of its end */
		int ret = -errno;

		kill(-c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
		return ret;
	}
	wait_or_kill(c);
	close(c->pid_fd);
	return 0;
}

int isolate_run(int (*run)(void *arg, int fd), void *arg, unsigned int limit_s,
		const struct isolate_watch *watch, struct isolated *out)
{
	struct child c = {.watch = watch, .out = out, .alloc = OUTPUT_FIRST};
	int pipes[2], ret;

	*out = (struct isolated){.output = malloc(OUTPUT_FIRST)};
	if (!out->output)
		return -ENOMEM;
	out->output[0] = '\0';
	if (pipe2(pipes, O_CLOEXEC)) {
		ret = -errno;
		goto out_output;
	}
	c.pipe_fd = pipes[0];
	c.pid = fork();
	if (c.pid < 0) {
		ret = -errno;
		close(pipes[1]);
		goto out_pipe;
	}
	if (!c.pid)
		run_child(run, arg, pipes[1]);
	ret = follow_child(&c, pipes[1], limit_s);
out_pipe:
	close(pipes[0]);
out_output:
	if (ret) {
		free(out->output);
		out->output = NULL;
	}
	return ret;
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
