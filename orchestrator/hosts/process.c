// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"

#define SAID_MAX      (1u << 20) /* of a program that talks without end */
#define COMPLAINT_MAX 400

/* In the child: nothing that takes a lock. Never returns. */
static void run_program(const struct process_setting *setting, int in, int out, pid_t parent)
	__attribute__((noreturn));

static void run_program(const struct process_setting *setting, int in, int out, pid_t parent)
{
	sigset_t none;
	int errors;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (in < 0)
		in = open(setting->stdin_path ? setting->stdin_path : "/dev/null",
			  O_RDONLY | O_CLOEXEC);
	errors = open(setting->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(errors, 2) == 2)
		execvp(setting->argv[0], (char *const *)(uintptr_t)setting->argv);
	_exit(127);
}

static int make_pipes(const struct process_setting *setting, int in[2], int out[2],
		      struct error *err)
{
	int ret = 0;

	in[0] = in[1] = -1;
	if (pipe2(out, O_CLOEXEC))
		return error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	if (setting->wants_input && pipe2(in, O_CLOEXEC)) {
		ret = error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
		close(out[0]);
		close(out[1]);
	}
	return ret;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* One descriptor for both: its output, and its end. */
static int watch_process(struct process *p, struct error *err)
{
	struct epoll_event event = {.events = EPOLLIN};

	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	p->wake = epoll_create1(EPOLL_CLOEXEC);
	if (p->pidfd < 0 || p->wake < 0 || epoll_ctl(p->wake, EPOLL_CTL_ADD, p->pidfd, &event) ||
	    epoll_ctl(p->wake, EPOLL_CTL_ADD, p->out, &event))
		return error_set(err, -errno, "cannot watch %s: %s", p->name, strerror(errno));
	return 0;
}

int process_start(struct process *p, const struct process_setting *setting, struct error *err)
{
	pid_t parent = getpid();
	int in[2], out[2], ret = make_pipes(setting, in, out, err);

	if (ret)
		return ret;
	p->name = xstrdup(setting->argv[0]);
	p->log = xstrdup(setting->log);
	p->in = in[1];
	p->out = out[0];
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	p->pid = fork();
	if (p->pid == 0)
		run_program(setting, in[0], out[1], parent);
	if (p->pid < 0) {
		ret = error_set(err, -errno, "cannot fork: %s", strerror(errno));
		p->pid = 0;
	} else {
		ret = watch_process(p, err);
	}
	close(out[1]);
	if (in[0] >= 0)
		close(in[0]);
	return ret;
}

/* The end of its output is not its end: ssh, for one, has things to say goodbye to. */
static void read_output(struct process *p)
{
	char chunk[4096];

	while (p->out >= 0) {
		ssize_t n = read(p->out, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		if (n > 0 && p->said.len < SAID_MAX)
			strbuf_add(&p->said, chunk, (size_t)n);
		if (n > 0)
			continue;
		close(p->out);
		p->out = -1;
	}
}

bool process_look(struct process *p)
{
	if (p->pid && waitpid(p->pid, &p->status, WNOHANG) == 0) {
		read_output(p);
		return false;
	}
	if (p->pid)
		kill(-p->pid, SIGKILL); /* what it left behind */
	p->pid = 0;
	read_output(p);
	close_fd(&p->wake);
	return true;
}

/* The last line of what it complained of that says something; the caller frees. */
static char *last_complaint(const struct process *p)
{
	struct strbuf text = STRBUF_INIT;
	char *line, *copy;

	if (fs_read_file(p->log, 0, &text, NULL))
		strbuf_reset(&text);
	while (text.len && strchr("\r\n ", text.buf[text.len - 1]))
		text.buf[--text.len] = '\0';
	line = strrchr(text.buf, '\n');
	line = line ? line + 1 : text.buf;
	copy = strndup(line, COMPLAINT_MAX);
	strbuf_release(&text);
	return copy;
}

int process_result(const struct process *p, struct error *err)
{
	__cleanup_free char *complaint = NULL;

	if (WIFEXITED(p->status) && !WEXITSTATUS(p->status))
		return 0;
	if (WIFEXITED(p->status) && WEXITSTATUS(p->status) == 127)
		return error_set(err, -ENOENT, "%s: cannot be run; is it installed?", p->name);
	complaint = last_complaint(p);
	if (WIFSIGNALED(p->status))
		return error_set(err, -EIO, "%s was killed by signal %d; %s (%s)", p->name,
				 WTERMSIG(p->status), complaint, p->log);
	return error_set(err, -EIO, "%s: exit status %d: %s (%s)", p->name, WEXITSTATUS(p->status),
			 complaint, p->log);
}

void process_close_input(struct process *p)
{
	close_fd(&p->in);
}

void process_end(struct process *p)
{
	process_close_input(p);
	if (p->pid)
		subprocess_end_group(p->pid, 0);
	close_fd(&p->out);
	close_fd(&p->pidfd);
	close_fd(&p->wake);
	strbuf_release(&p->said);
	free(p->name);
	free(p->log);
	*p = (struct process)PROCESS_INIT;
}
