// SPDX-License-Identifier: GPL-2.0-only
/*
 * schedules.c - preloaded (LD_PRELOAD) by tests/bench/schedules.sh: makes schedules that are rare on a quiet machine
 * common, by delays around the calls at which processes and threads meet.
 *
 *	SCHEDULE_SEED	a number: which calls of which program are slow, and how often
 *	SCHEDULE_MS	the longest usual delay; one in twenty places gets up to ten times as much, one time in eight
 *	SCHEDULE_ONLY	programs, by name, with a space before and after each; others run as ever
 *
 * A seed slows down some places only: were all slow, all would be in step again. It repeats the places, not
 * the schedule.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct {
	int known; /* 1: this program is disturbed, -1: it is not */
	uint64_t seed;
	unsigned long ms;
} plan;

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static uint64_t mix_word(uint64_t x, const char *word)
{
	for (; *word; word++)
		x = mix(x ^ (unsigned char)*word);
	return x;
}

static void read_plan(void)
{
	const char *only = getenv("SCHEDULE_ONLY"), *seed = getenv("SCHEDULE_SEED"),
		   *ms = getenv("SCHEDULE_MS");
	char name[256];

	snprintf(name, sizeof(name), " %.200s ", program_invocation_short_name);
	plan.known = only && seed && ms && strstr(only, name) ? 1 : -1;
	if (plan.known < 0)
		return;
	plan.seed = mix_word(mix(strtoull(seed, NULL, 0)), name);
	plan.ms = strtoul(ms, NULL, 0);
}

/* Of twenty places these are never slow, slow one time in eight, one in two; the last is slow one in eight, but long. */
enum { QUICK = 10, SELDOM = 16, OFTEN = 19 };

/* Nothing but system calls: children between fork() and exec() and signal handlers come here, too. */
static void delay(const char *place)
{
	static __thread uint64_t turn;
	uint64_t where, dice;
	unsigned long most;
	int error = errno;

	if (!plan.known)
		read_plan();
	if (plan.known < 0)
		return;
	where = mix_word(plan.seed, place) % 20;
	if (where < QUICK)
		return;
	turn = mix(turn + (uint64_t)syscall(SYS_gettid));
	dice = mix(turn ^ plan.seed);
	if (dice & (where < SELDOM || where >= OFTEN ? 7 : 1))
		return;
	most = where < OFTEN ? plan.ms : plan.ms * 10;
	dice = (dice >> 8) % (most * 1000 + 1);
	syscall(SYS_nanosleep,
		&(struct timespec){(time_t)(dice / 1000000), (long)(dice % 1000000) * 1000}, NULL);
	errno = error;
}

#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (!real)                     \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define AROUND(type, name, declared, passed) \
	type name declared                   \
	{                                    \
		REAL(name);                  \
		delay("before " #name);      \
		type result = real passed;   \
		delay("after " #name);       \
		return result;               \
	}

AROUND(int, execve, (const char *path, char *const *argv, char *const *envp), (path, argv, envp))
AROUND(int, execv, (const char *path, char *const *argv), (path, argv))
AROUND(int, execvp, (const char *path, char *const *argv), (path, argv))
AROUND(int, execvpe, (const char *path, char *const *argv, char *const *envp), (path, argv, envp))
AROUND(int, rename, (const char *a, const char *b), (a, b))
AROUND(int, renameat, (int x, const char *a, int y, const char *b), (x, a, y, b))
AROUND(int, renameat2, (int x, const char *a, int y, const char *b, unsigned f), (x, a, y, b, f))
AROUND(int, link, (const char *a, const char *b), (a, b))
AROUND(int, linkat, (int x, const char *a, int y, const char *b, int f), (x, a, y, b, f))
AROUND(int, symlink, (const char *a, const char *b), (a, b))
AROUND(int, unlink, (const char *a), (a))
AROUND(int, unlinkat, (int x, const char *a, int f), (x, a, f))
AROUND(int, mkdir, (const char *a, mode_t m), (a, m))
AROUND(int, mkdirat, (int x, const char *a, mode_t m), (x, a, m))
AROUND(int, rmdir, (const char *a), (a))
AROUND(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
AROUND(int, accept, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
AROUND(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int f), (fd, a, n, f))
AROUND(int, listen, (int fd, int n), (fd, n))
AROUND(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
AROUND(int, shutdown, (int fd, int how), (fd, how))
AROUND(ssize_t, send, (int fd, const void *b, size_t n, int f), (fd, b, n, f))
AROUND(ssize_t, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f))
AROUND(ssize_t, recv, (int fd, void *b, size_t n, int f), (fd, b, n, f))
AROUND(int, flock, (int fd, int how), (fd, how))
AROUND(int, fsync, (int fd), (fd))
AROUND(int, fdatasync, (int fd), (fd))
AROUND(int, ftruncate, (int fd, off_t n), (fd, n))
AROUND(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
AROUND(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
AROUND(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at))
AROUND(ssize_t, read, (int fd, void *b, size_t n), (fd, b, n))
AROUND(int, close, (int fd), (fd))
AROUND(int, kill, (pid_t pid, int sig), (pid, sig))
AROUND(pid_t, waitpid, (pid_t pid, int *s, int f), (pid, s, f))
AROUND(int, waitid, (idtype_t t, id_t id, siginfo_t *s, int f), (t, id, s, f))
AROUND(int, pipe2, (int fds[2], int f), (fds, f))
AROUND(int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))
AROUND(int, ppoll, (struct pollfd * p, nfds_t n, const struct timespec *t, const sigset_t *s),
       (p, n, t, s))
AROUND(int, select, (int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *t), (n, r, w, e, t))
AROUND(int, epoll_wait, (int fd, struct epoll_event *e, int n, int ms), (fd, e, n, ms))
AROUND(int, pthread_join, (pthread_t t, void **r), (t, r))
AROUND(int, posix_spawn,
       (pid_t * p, const char *path, const posix_spawn_file_actions_t *f,
	const posix_spawnattr_t *a, char *const *argv, char *const *envp),
       (p, path, f, a, argv, envp))
AROUND(int, posix_spawnp,
       (pid_t * p, const char *path, const posix_spawn_file_actions_t *f,
	const posix_spawnattr_t *a, char *const *argv, char *const *envp),
       (p, path, f, a, argv, envp))

#define AROUND_OPEN(name, declared, passed)  \
	int name declared                    \
	{                                    \
		va_list list;                \
		mode_t mode;                 \
		REAL(name);                  \
		va_start(list, flags);       \
		mode = va_arg(list, mode_t); \
		va_end(list);                \
		delay("before " #name);      \
		int result = real passed;    \
		delay("after " #name);       \
		return result;               \
	}

AROUND_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
AROUND_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
AROUND_OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
AROUND_OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))

#define AROUND_FCNTL(name)                                 \
	int name(int fd, int flags, ...)                   \
	{                                                  \
		va_list list;                              \
		void *argument;                            \
		REAL(name);                                \
		va_start(list, flags);                     \
		argument = va_arg(list, void *);           \
		va_end(list);                              \
		if (flags == F_SETLK || flags == F_SETLKW) \
			delay("before " #name);            \
		int result = real(fd, flags, argument);    \
		if (flags == F_SETLK || flags == F_SETLKW) \
			delay("after " #name);             \
		return result;                             \
	}

AROUND_FCNTL(fcntl)
AROUND_FCNTL(fcntl64)

pid_t fork(void)
{
	REAL(fork);
	pid_t pid;

	delay("before fork");
	pid = real();
	delay(pid ? "parent after fork" : "child after fork");
	return pid;
}

struct start {
	void *(*run)(void *);
	void *arg;
};

static void *run_later(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	delay("new thread");
	return start.run(start.arg);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	REAL(pthread_create);
	struct start *start = malloc(sizeof(*start));
	int ret;

	if (!start)
		return EAGAIN;
	*start = (struct start){run, arg};
	ret = real(thread, attr, run_later, start);
	if (ret)
		free(start);
	delay("after pthread_create");
	return ret;
}
