// SPDX-License-Identifier: GPL-2.0-only
#include "common/subprocess.h"

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

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"

#define END_GRACE_MS 2000

/* A running program and the pipes that its output comes through. */
struct running {
	const struct subprocess *sp;
	pid_t pid;
	int pidfd;	 /* readable when it has ended */
	int out, errors; /* -1: nothing is read from there, or all has been read */
	int log;
	struct strbuf line; /* an unfinished line, for on_line */
	int64_t deadline;   /* by clock_ms(); 0: none */
};

/* Where the program's descriptors come from. */
struct child_files {
	int in, out, errors;
};

static const char *path_or_null(const char *path)
{
	if (!path)
		return "/dev/null";
	return path;
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

/* 0, or -1 with errno set. */
static int exec_program(const struct subprocess *sp, const struct child_files *files)
{
	if (files->in < 0 || dup2(files->in, 0) < 0)
		return -1;
	if (dup2(files->out, 1) < 0 || dup2(files->errors, 2) < 0)
		return -1;
	if (sp->secret_fd && fcntl(sp->secret_fd, F_SETFD, 0))
		return -1;
	if (sp->cwd && chdir(sp->cwd))
		return -1;
	return execvp(sp->argv[0], (char *const *)(uintptr_t)sp->argv);
}

/* In the child. If the program cannot be run, the errno is written to the pipe @report. */
static void __attribute__((noreturn))
run_child(const struct subprocess *sp, struct child_files *files, int report, pid_t parent)
{
	const char *in = path_or_null(sp->stdin_path);
	sigset_t none;
	int code;

	files->in = open(in, O_RDONLY | O_CLOEXEC);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	set_environment(sp->env);
	exec_program(sp, files);
	code = errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

/* Waits until exec has worked, which closes the other end of @report, or the child says why not. */
static int await_exec(struct running *r, int report, struct error *err)
{
	int code = 0;
	ssize_t n;

	do
		n = read(report, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	waitpid(r->pid, NULL, 0);
	return error_set(err, -code, "%s: cannot run: %s", r->sp->argv[0], strerror(code));
}

static void close_pipe(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static int open_log(struct running *r, struct error *err)
{
	const char *path = path_or_null(r->sp->log_path);

	r->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (r->log < 0)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	return 0;
}

/* Without a pidfd we would never learn that the program has ended, so it is killed at once. */
static int watch_child(struct running *r, struct error *err)
{
	int code;

	setpgid(r->pid, r->pid);
	r->pidfd = syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd >= 0)
		return 0;
	code = errno;
	kill(-r->pid, SIGKILL);
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	return error_set(err, -code, "%s: cannot watch the program: pidfd_open: %s", r->sp->argv[0],
			 strerror(code));
}

/* Output that is collected gets its own pipe. With on_line alone both streams share one. All else
 * goes to the log. */
static void choose_files(const struct running *r, const int out[2], const int errors[2],
			 struct child_files *files)
{
	files->out = files->errors = r->log;
	if (out[1] >= 0)
		files->out = out[1];
	if (out[1] >= 0 && !r->sp->out)
		files->errors = out[1];
	if (errors[1] >= 0)
		files->errors = errors[1];
}

static int fork_child(struct running *r, const int out[2], const int errors[2], struct error *err)
{
	struct child_files files;
	int report[2], ret;
	pid_t parent = getpid();

	choose_files(r, out, errors, &files);
	if (pipe2(report, O_CLOEXEC))
		return error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	r->pid = fork();
	if (r->pid == 0)
		run_child(r->sp, &files, report[1], parent);
	if (r->pid < 0) {
		ret = error_set(err, -errno, "cannot fork: %s", strerror(errno));
		close_pipe(report);
		return ret;
	}
	close(report[1]);
	ret = await_exec(r, report[0], err);
	close(report[0]);
	if (ret)
		return ret;
	return watch_child(r, err);
}

static int start_program(struct running *r, struct error *err)
{
	const struct subprocess *sp = r->sp;
	int out[2] = {-1, -1}, errors[2] = {-1, -1};
	int ret = open_log(r, err);

	if (ret)
		return ret;
	if (((sp->out || sp->on_line) && pipe2(out, O_CLOEXEC)) ||
	    (sp->errors && pipe2(errors, O_CLOEXEC))) {
		ret = error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
		goto out;
	}
	ret = fork_child(r, out, errors, err);
	if (ret)
		goto out;
	if (sp->timeout_ms)
		r->deadline = clock_ms() + sp->timeout_ms;
	r->out = out[0];
	r->errors = errors[0];
	out[0] = errors[0] = -1;
out:
	close_pipe(out);
	close_pipe(errors);
	return ret;
}

/* ---- its output ---- */

static void split_lines(struct running *r, const char *data, size_t len)
{
	char *newline;

	/* on a full disk the log is cut, but the lines are passed on: one of them may say so */
	if (r->sp->log_path && !r->sp->out)
		fs_write_all(r->log, data, len);
	strbuf_add(&r->line, data, len);
	while ((newline = memchr(r->line.buf, '\n', r->line.len))) {
		size_t used = newline - r->line.buf + 1;

		*newline = '\0';
		r->sp->on_line(r->line.buf, r->sp->arg);
		memmove(r->line.buf, r->line.buf + used, r->line.len - used);
		r->line.len -= used;
		r->line.buf[r->line.len] = '\0';
	}
}

static void end_stream(struct running *r, int *fd)
{
	if (fd == &r->out && r->line.len && r->sp->on_line)
		r->sp->on_line(r->line.buf, r->sp->arg);
	close(*fd);
	*fd = -1;
}

/* Reads what is there from &r->out or &r->errors, which is -1 when that was the end. */
static void read_stream(struct running *r, int *fd)
{
	char chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		end_stream(r, fd);
		return;
	}
	if (fd == &r->errors) {
		strbuf_add(r->sp->errors, chunk, n);
		return;
	}
	if (r->sp->out)
		strbuf_add(r->sp->out, chunk, n);
	if (r->sp->on_line)
		split_lines(r, chunk, n);
}

/* After the program's end. A process that it left behind may hold the pipe open, so this reads what is
 * there and does not wait for its end. */
static void drain_stream(struct running *r, int *fd)
{
	while (*fd >= 0 && poll(&(struct pollfd){*fd, POLLIN, 0}, 1, 0) > 0)
		read_stream(r, fd);
}

static bool is_cancelled(const struct subprocess *sp)
{
	return sp->undoes ? cancel_insisted() : cancel_requested();
}

static int watched_cancel(const struct subprocess *sp)
{
	return sp->undoes ? cancel_insisted_fd() : cancel_fd();
}

/* Until the program has ended and its output is read: 0, -ECANCELED or -ETIMEDOUT. */
static int follow_program(struct running *r, struct error *err)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = r->pidfd, .events = POLLIN},
			{.fd = r->out, .events = POLLIN},
			{.fd = r->errors, .events = POLLIN},
			{.fd = watched_cancel(r->sp), .events = POLLIN},
		};
		int64_t left = -1;

		if (r->deadline) {
			left = r->deadline - clock_ms();
			if (left <= 0)
				return error_set(err, -ETIMEDOUT,
						 "%s: stopped because it did not end within %d s",
						 r->sp->argv[0], r->sp->timeout_ms / 1000);
		}
		if (poll(fds, ARRAY_SIZE(fds), left) < 0 && errno != EINTR)
			return error_set(err, -errno, "poll: %s", strerror(errno));
		if (is_cancelled(r->sp))
			return cancel_error(err);
		if (fds[1].revents)
			read_stream(r, &r->out);
		if (fds[2].revents)
			read_stream(r, &r->errors);
		if (fds[0].revents) {
			drain_stream(r, &r->out);
			drain_stream(r, &r->errors);
			return 0;
		}
	}
}

static int exit_status(int wstatus)
{
	if (WIFSIGNALED(wstatus))
		return 128 + WTERMSIG(wstatus);
	return WEXITSTATUS(wstatus);
}

static int judge_status(const struct subprocess *sp, int code, int *status, struct error *err)
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

static void end_program(const struct running *r, int *status)
{
	int wstatus = subprocess_end_group(r->pid, END_GRACE_MS);

	if (status && wstatus >= 0)
		*status = exit_status(wstatus);
}

int subprocess_run(const struct subprocess *sp, int *status, struct error *err)
{
	struct running r = {
		.sp = sp, .pidfd = -1, .out = -1, .errors = -1, .log = -1, .line = STRBUF_INIT};
	int ret, wstatus = 0;

	if (is_cancelled(sp))
		return cancel_error(err);
	ret = start_program(&r, err);
	if (ret)
		goto out;
	ret = follow_program(&r, err);
	if (ret)
		end_program(&r, status);
	else if (waitpid(r.pid, &wstatus, 0) < 0)
		ret = error_set(err, -errno, "waitpid: %s", strerror(errno));
	else
		ret = judge_status(sp, exit_status(wstatus), status, err);
out:
	if (r.pidfd >= 0)
		close(r.pidfd);
	if (r.out >= 0)
		close(r.out);
	if (r.errors >= 0)
		close(r.errors);
	if (r.log >= 0)
		close(r.log);
	strbuf_release(&r.line);
	return ret;
}

int subprocess_find_limit(const char *output)
{
	static const struct {
		const char *sign;
		int code;
	} signs[] = {
		{"No space left on device", -ENOSPC}, {"Disk quota exceeded", -ENOSPC},
		{"Cannot allocate memory", -ENOMEM},  {"out of memory", -ENOMEM},
		{"Out of memory", -ENOMEM},	      {"virtual memory exhausted", -ENOMEM},
		{"Too many open files", -EMFILE},     {"Resource temporarily unavailable", -EAGAIN},
		{"File too large", -EFBIG},	      {"File size limit exceeded", -EFBIG},
	};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(output, signs[i].sign))
			return signs[i].code;
	return 0;
}

bool subprocess_have(const char *program)
{
	const char *path = getenv("PATH");
	__cleanup_free char *copy = NULL;
	char *save = NULL;

	if (strchr(program, '/'))
		return !access(program, X_OK);
	if (!path)
		path = "/usr/local/bin:/usr/bin:/bin";
	copy = xstrdup(path);
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		__cleanup_free char *full = xasprintf("%s/%s", dir, program);

		if (!access(full, X_OK))
			return true;
	}
	return false;
}

double subprocess_starved_s(pid_t pid)
{
	__cleanup_free char *path = xasprintf("/proc/%d/schedstat", pid);
	struct strbuf text = STRBUF_INIT;
	unsigned long long ran, waited = 0; /* ns: Documentation/scheduler/sched-stats.rst */

	if (fs_read_file(path, 0, &text, NULL) || sscanf(text.buf, "%llu %llu", &ran, &waited) != 2)
		waited = 0;
	strbuf_release(&text);
	return waited / 1e9;
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
