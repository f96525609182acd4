// SPDX-License-Identifier: GPL-2.0-only
#include "common/cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t requested, insisted;
static int pipe_fds[2] = {-1, -1};
static int insisted_fds[2] = {-1, -1};

static void on_signal(int sig)
{
	int saved = errno;

	if (requested && sig == SIGINT && !insisted) {
		insisted = 1;
		if (write(insisted_fds[1], "", 1) < 0)
			errno = saved;
	}
	requested = 1;
	/* The byte is never read, so the read end stays readable for ever. */
	if (write(pipe_fds[1], "", 1) < 0)
		errno = saved;
	errno = saved;
}

/* nohup(1) has it ignored: then the end of the terminal is not the end of the run. */
static bool is_hangup_ignored(void)
{
	struct sigaction before;

	return !sigaction(SIGHUP, NULL, &before) && before.sa_handler == SIG_IGN;
}

void cancel_install(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	if (pipe_fds[0] >= 0 || pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) ||
	    pipe2(insisted_fds, O_CLOEXEC | O_NONBLOCK))
		return;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (!is_hangup_ignored())
		sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN); /* a write fails instead: see output.h */
	signal(SIGXFSZ, SIG_IGN); /* likewise, and the message names the file */
}

void cancel_request(void)
{
	on_signal(0);
}

bool cancel_requested(void)
{
	return requested;
}

int cancel_fd(void)
{
	return pipe_fds[0];
}

bool cancel_insisted(void)
{
	return insisted;
}

int cancel_insisted_fd(void)
{
	return insisted_fds[0];
}

int cancel_error(struct error *err)
{
	return error_set(err, -ECANCELED, "cancelled");
}
