// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/agent/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/subprocess.h"

#define GRACE_MS 10000 /* a run cleans up: emulators, files */

static void __attribute__((noreturn))
become_command(const char *const *argv, const char *cwd, int log, pid_t parent)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (in >= 0 && dup2(in, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0 && !chdir(cwd))
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int watch(struct command_process *p, const char *what, struct error *err)
{
	setpgid(p->pid, p->pid);
	p->pidfd = syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd >= 0)
		return 0;
	error_set(err, -errno, "%s: pidfd_open: %s", what, strerror(errno));
	kill(-p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	return err->code;
}

int command_start(const char *const *argv, const char *cwd, const char *log,
		  struct command_process *out, struct error *err)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	pid_t parent = getpid();

	if (fd < 0)
		return error_set(err, -errno, "%s: %s", log, strerror(errno));
	out->pid = fork();
	if (!out->pid)
		become_command(argv, cwd, fd, parent);
	close(fd);
	if (out->pid < 0)
		return error_set(err, -errno, "cannot fork: %s", strerror(errno));
	return watch(out, argv[0], err);
}

static int status_of(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

int command_reap(struct command_process *p)
{
	int status = 0;

	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-p->pid, SIGKILL); /* what it left behind */
	close(p->pidfd);
	return status_of(status);
}

void command_end(struct command_process *p)
{
	subprocess_end_group(p->pid, GRACE_MS);
	close(p->pidfd);
}
