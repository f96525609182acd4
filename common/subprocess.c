// SPDX-License-Identifier: GPL-2.0-only
#include "common/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"

#define END_GRACE_MS 2000

/* A running program and the pipe that its output comes through. */
struct running {
	const struct subprocess *sp;
	pid_t pid;
	int pidfd;	    /* readable when it has ended */
	int out;	    /* -1 when nothing is read or all was */
	int log;	    /* -1, or where output lines are kept as well */
	struct strbuf line; /* an unfinished line, for on_line */
	int64_t deadline;   /* ms, 0: none */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void set_environment(const char *const *env)
{
	for (; env && *env; env++) {
		if (strchr(*env, '='))
			putenv((char *)(uintptr_t)*env);
		else
			unsetenv(*env);
	}
}

/* In the child; never returns. What goes wrong is told through @report. */
static void child(const struct subprocess *sp, int out, int log, int report, pid_t parent)
	__attribute__((noreturn));

static void child(const struct subprocess *sp, int out, int log, int report, pid_t parent)
{
	int in = open(sp->stdin_path ? sp->stdin_path : "/dev/null", O_RDONLY | O_CLOEXEC);
	int code;
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	set_environment(sp->env);
	if (in >= 0 && dup2(in, 0) == 0 && dup2(out >= 0 ? out : log, 1) == 1 &&
	    dup2(sp->out    ? log
		 : out >= 0 ? out
			    : log,
		 2) == 2 &&
	    (!sp->cwd || !chdir(sp->cwd)))
		execvp(sp->argv[0], (char *const *)(uintptr_t)sp->argv);
	code = errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

/* Waits for exec to have worked: the report pipe closes, or says why not. */
static int await_exec(struct running *r, int report, struct error *err)
{
	int code = 0;

	if (read(report, &code, sizeof(code)) <= 0)
		return 0;
	waitpid(r->pid, NULL, 0);
	return error_set(err, -code, "%s: cannot run: %s", r->sp->argv[0], strerror(code));
}

static int start(struct running *r, struct error *err)
{
	const struct subprocess *sp = r->sp;
	bool piped = sp->out || sp->on_line;
	int out[2] = {-1, -1}, report[2], ret;
	const char *log = sp->log_path ? sp->log_path : "/dev/null";
	pid_t parent = getpid();

	r->log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (r->log < 0)
		return error_set(err, -errno, "%s: cannot open: %s", log, strerror(errno));
	if ((piped && pipe2(out, O_CLOEXEC)) || pipe2(report, O_CLOEXEC))
		return error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	r->pid = fork();
	if (r->pid == 0)
		child(sp, out[1], r->log, report[1], parent);
	if (out[1] >= 0)
		close(out[1]);
	close(report[1]);
	r->out = out[0];
	if (r->pid < 0)
		ret = error_set(err, -errno, "cannot fork: %s", strerror(errno));
	else
		ret = await_exec(r, report[0], err);
	close(report[0]);
	if (ret)
		return ret;
	setpgid(r->pid, r->pid);
	r->pidfd = syscall(SYS_pidfd_open, r->pid, 0);
	r->deadline = sp->timeout_ms ? now_ms() + sp->timeout_ms : 0;
	return 0;
}

static void take_lines(struct running *r, const char *data, size_t len)
{
	if (r->log >= 0 && r->sp->log_path && !r->sp->out && write(r->log, data, len) < 0)
		return; /* the log is a convenience; a full disk is found by who needs the output */
	strbuf_add(&r->line, data, len);
	for (char *nl; (nl = memchr(r->line.buf, '\n', r->line.len));) {
		size_t used = nl - r->line.buf + 1;

		*nl = '\0';
		r->sp->on_line(r->line.buf, r->sp->arg);
		memmove(r->line.buf, r->line.buf + used, r->line.len - used);
		r->line.len -= used;
		r->line.buf[r->line.len] = '\0';
	}
}

static void take_output(struct running *r)
{
	char chunk[16384];
	ssize_t n = read(r->out, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		if (r->line.len && r->sp->on_line)
			r->sp->on_line(r->line.buf, r->sp->arg);
		close(r->out);
		r->out = -1;
		return;
	}
	if (r->sp->out)
		strbuf_add(r->sp->out, chunk, n);
	if (r->sp->on_line)
		take_lines(r, chunk, n);
}

/* Until it has ended and its output is read: 0, -ECANCELED or -ETIMEDOUT. */
static int follow(struct running *r, struct error *err)
{
	bool ended = false;

	while (!ended || r->out >= 0) {
		struct pollfd fds[] = {
			{.fd = ended ? -1 : r->pidfd, .events = POLLIN},
			{.fd = r->out, .events = POLLIN},
			{.fd = cancel_fd(), .events = POLLIN},
		};
		int64_t left = r->deadline ? r->deadline - now_ms() : -1;

		if (r->deadline && left <= 0)
			return error_set(err, -ETIMEDOUT, "%s: not done within %d s",
					 r->sp->argv[0], r->sp->timeout_ms / 1000);
		if (poll(fds, 3, left) < 0 && errno != EINTR)
			return error_set(err, -errno, "poll: %s", strerror(errno));
		if (cancel_requested())
			return cancel_error(err);
		if (fds[1].revents)
			take_output(r);
		if (fds[0].revents) {
			ended = true;
			/* A grandchild may hold the pipe: take what is there, wait for no more. */
			while (r->out >= 0 && poll(&(struct pollfd){r->out, POLLIN, 0}, 1, 0) > 0)
				take_output(r);
			break;
		}
	}
	return 0;
}

static int exit_status(int wstatus)
{
	return WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
}

static int judge(const struct subprocess *sp, int code, int *status, struct error *err)
{
	if (status) {
		*status = code;
		return 0;
	}
	if (!code)
		return 0;
	if (sp->log_path)
		return error_set(err, -EIO, "%s failed with status %d; see %s", sp->argv[0], code,
				 sp->log_path);
	return error_set(err, -EIO, "%s failed with status %d", sp->argv[0], code);
}

int subprocess_run(const struct subprocess *sp, int *status, struct error *err)
{
	struct running r = {.sp = sp, .pidfd = -1, .out = -1, .log = -1, .line = STRBUF_INIT};
	int ret, wstatus = 0;

	if (cancel_requested())
		return cancel_error(err);
	ret = start(&r, err);
	if (ret)
		goto out;
	ret = follow(&r, err);
	if (ret)
		subprocess_end_group(r.pid, END_GRACE_MS);
	else if (waitpid(r.pid, &wstatus, 0) < 0)
		ret = error_set(err, -errno, "waitpid: %s", strerror(errno));
	else
		ret = judge(sp, exit_status(wstatus), status, err);
out:
	if (r.pidfd >= 0)
		close(r.pidfd);
	if (r.out >= 0)
		close(r.out);
	if (r.log >= 0)
		close(r.log);
	strbuf_release(&r.line);
	return ret;
}

bool subprocess_have(const char *program)
{
	const char *path = getenv("PATH");
	__cleanup_free char *copy = xstrdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	char *save = NULL;

	if (strchr(program, '/'))
		return !access(program, X_OK);
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		__cleanup_free char *full = xasprintf("%s/%s", dir, program);

		if (!access(full, X_OK))
			return true;
	}
	return false;
}

int subprocess_end_group(pid_t pid, int grace_ms)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0), wstatus = 0;
	struct pollfd pfd = {.fd = pidfd, .events = POLLIN};

	kill(-pid, SIGTERM);
	if (pidfd >= 0)
		poll(&pfd, 1, grace_ms);
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	if (pidfd >= 0)
		close(pidfd);
	while (waitpid(pid, &wstatus, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return wstatus;
}
