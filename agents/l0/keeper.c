// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void block_signals(sigset_t *set)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* The child's exit status; 128 + the signal that ended it. */
static int wait_for_end(pid_t pid, const sigset_t *set)
{
	int status;

	for (;;) {
		int sig = sigwaitinfo(set, NULL);

		if (sig > 0 && sig != SIGCHLD)
			kill(pid, SIGKILL); /* it may be in guest mode, deaf to all else */
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
	}
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static void run_child(pid_t parent, const sigset_t *set, int (*run)(void *arg), void *arg)
	__attribute__((noreturn));

static void run_child(pid_t parent, const sigset_t *set, int (*run)(void *arg), void *arg)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigprocmask(SIG_UNBLOCK, set, NULL);
	_exit(run(arg));
}

int keeper_run(struct quiet *q, int (*run)(void *arg), void *arg, char *why, size_t len)
{
	pid_t pid, parent = getpid();
	sigset_t set;
	int ret;

	block_signals(&set);
	ret = quiet_begin(q, why, len);
	if (ret)
		return ret;
	pid = fork();
	if (!pid)
		run_child(parent, &set, run, arg);
	if (pid < 0) {
		ret = -errno;
		snprintf(why, len, "cannot start the measuring process: %s", strerror(errno));
	} else {
		ret = wait_for_end(pid, &set);
	}
	quiet_end(q);
	return ret;
}
