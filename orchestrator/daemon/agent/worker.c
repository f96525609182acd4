// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/agent/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"

#define STOP_MS 20000 /* its boots clean up, and are given back */

static void __attribute__((noreturn)) become_agent(const char *const *argv, int log)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(log, 1) >= 0 && dup2(log, 2) >= 0)
		execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int watch_process(struct worker *w, struct error *err)
{
	w->pidfd = syscall(SYS_pidfd_open, w->pid, 0);
	if (w->pidfd >= 0)
		return 0;
	return error_set(err, -errno, "worker %d: pidfd_open: %s", (int)w->pid, strerror(errno));
}

static int start_process(struct worker *w, struct error *err)
{
	__cleanup_free char *programs = fs_program_dir();
	__cleanup_free char *program = xasprintf("%s/nestlab", programs);
	__cleanup_free char *url = xasprintf("unix:%s", w->socket);
	__cleanup_free char *spool = xasprintf("%s/spool", w->state);
	__cleanup_free char *slots = xasprintf("%d", w->slots);
	__cleanup_free char *path = xasprintf("%s/worker.log", w->state);
	const char *argv[] = {program,	 "agent", "--url",    "unix", "--spool", "spool",
			      "--slots", slots,	  "--serves", NULL,   NULL};
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	argv[3] = url;
	argv[5] = spool;
	argv[9] = w->serves ? w->serves : "emulated";
	if (log < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	w->pid = fork();
	if (!w->pid)
		become_agent(argv, log);
	close(log);
	if (w->pid < 0)
		return error_set(err, -errno, "cannot fork: %s", strerror(errno));
	return watch_process(w, err);
}

/* The one that holds the spool's lock has its number in it. False: nobody does. */
static bool find_process(struct worker *w)
{
	__cleanup_free char *lock = xasprintf("%s/spool/lock", w->state);
	struct strbuf text = STRBUF_INIT;
	int fd;

	if (!fs_exists(lock))
		return false;
	if (!fs_lock(lock, false, &fd, NULL)) {
		close(fd);
		return false;
	}
	if (!fs_read_file(lock, 64, &text, NULL))
		w->pid = atoi(text.buf);
	strbuf_release(&text);
	return w->pid > 0 && !watch_process(w, NULL);
}

static void forget_process(struct worker *w)
{
	if (w->pidfd < 0)
		return;
	waitpid(w->pid, NULL, WNOHANG); /* ours, or an earlier daemon's */
	close(w->pidfd);
	w->pidfd = -1;
}

bool worker_is_running(struct worker *w)
{
	struct pollfd p = {.fd = w->pidfd, .events = POLLIN};

	if (!w->slots)
		return true;
	if (w->pidfd >= 0 && poll(&p, 1, 0) == 0)
		return true;
	forget_process(w);
	return false;
}

int worker_ensure(struct worker *w, struct error *err)
{
	if (worker_is_running(w))
		return 0;
	if (find_process(w)) {
		log_info("worker %d is at work", (int)w->pid);
		return 0;
	}
	return start_process(w, err);
}

void worker_stop(struct worker *w)
{
	struct pollfd p = {.fd = w->pidfd, .events = POLLIN};

	if (w->pidfd < 0)
		return;
	kill(w->pid, SIGTERM);
	if (poll(&p, 1, STOP_MS) == 0)
		log_warning("worker %d does not end; it is left alone", (int)w->pid);
	forget_process(w);
}
