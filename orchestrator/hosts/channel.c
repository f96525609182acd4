// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/subprocess.h"

#define ATTEMPTS	10
#define READY_LIMIT_S	20
#define OPEN_AFTER_S	1.0 /* a command that says nothing of it has opened the line */
#define BACK_OFF_MIN_MS 100
#define BACK_OFF_MAX_MS 10000
#define WORTH_S		5.0 /* a run of the command that gave bytes for so long was not in vain */
#define GOODBYE_MS	2000
#define TICK_MS		250
#define READY_TEXT_MAX	4096

struct channel {
	/* Set before the thread starts. */
	char **argv;
	char *log_path, *ready, *goodbye;
	int ready_limit_s, attempts, silence_s;
	enum channel_owner (*owner)(void *arg, struct strbuf *why);
	void (*before)(void *arg);
	void (*opened)(void *arg);
	int secret_fd;
	void *arg;
	pthread_t thread;
	int stop, news; /* eventfds */

	/* The thread's own. */
	struct line *line;
	pid_t pid;		 /* leads its process group; 0: none */
	int terminal;		 /* master of the pseudo-terminal, or -1 */
	struct strbuf said;	 /* before it was ready */
	double started, byte_at; /* the command; the last byte, or the last answer of owner() */
	int in_vain;		 /* starts in a row that came to nothing */

	pthread_mutex_t lock; /* of what follows */
	enum channel_state state;
	struct strbuf why;
	struct line_counts counts;
	unsigned int starts;
	double heard_at;
};

/* ---- what the others see ---- */

static void set_state(struct channel *c, enum channel_state state, const char *why)
{
	bool is_news;

	pthread_mutex_lock(&c->lock);
	is_news = c->state != state;
	c->state = state;
	strbuf_reset(&c->why);
	strbuf_addstr(&c->why, why);
	pthread_mutex_unlock(&c->lock);
	if (is_news)
		eventfd_write(c->news, 1);
}

static enum channel_state state_now(struct channel *c)
{
	enum channel_state state;

	pthread_mutex_lock(&c->lock);
	state = c->state;
	pthread_mutex_unlock(&c->lock);
	return state;
}

static void publish_counts(struct channel *c)
{
	const struct line_counts *counts = line_counts(c->line);

	pthread_mutex_lock(&c->lock);
	if (counts->frames != c->counts.frames)
		c->heard_at = clock_seconds();
	c->counts = *counts;
	pthread_mutex_unlock(&c->lock);
}

int channel_fd(const struct channel *c)
{
	return c->news;
}

enum channel_state channel_state(struct channel *c, struct strbuf *why)
{
	enum channel_state state;
	eventfd_t news;

	eventfd_read(c->news, &news);
	pthread_mutex_lock(&c->lock);
	state = c->state;
	if (why)
		strbuf_addstr(why, c->why.buf);
	pthread_mutex_unlock(&c->lock);
	return state;
}

void channel_counts(struct channel *c, struct line_counts *counts, unsigned int *starts)
{
	pthread_mutex_lock(&c->lock);
	*counts = c->counts;
	*starts = c->starts;
	pthread_mutex_unlock(&c->lock);
}

bool channel_serves(struct channel *c, struct host_session *s)
{
	enum channel_state state = channel_state(c, NULL);

	pthread_mutex_lock(&c->lock);
	s->heard_at = c->heard_at;
	s->refused = c->counts.refused;
	pthread_mutex_unlock(&c->lock);
	return state != CHANNEL_FAILED;
}

/* ---- the command ---- */

/* In the child, of a process with threads: nothing that takes a lock. */
static void run_command(struct channel *c, int terminal, int log, pid_t parent)
	__attribute__((noreturn));

static void run_command(struct channel *c, int terminal, int log, pid_t parent)
{
	sigset_t none;

	setsid();
	ioctl(terminal, TIOCSCTTY, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (c->secret_fd)
		fcntl(c->secret_fd, F_SETFD, 0);
	if (dup2(terminal, 0) == 0 && dup2(terminal, 1) == 1 && dup2(log, 2) == 2)
		execvp(c->argv[0], c->argv);
	dprintf(2, "%s: cannot be executed: %s\n", c->argv[0], strerror(errno));
	_exit(127);
}

/* Both ends of a terminal that passes every byte on as it is. */
static int open_terminal(int *master, int *slave)
{
	struct termios t;
	char name[64];

	*slave = -1;
	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (*master < 0 || grantpt(*master) || unlockpt(*master) ||
	    ptsname_r(*master, name, sizeof(name)))
		return -errno;
	*slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0 || tcgetattr(*slave, &t))
		return -errno;
	cfmakeraw(&t);
	return tcsetattr(*slave, TCSANOW, &t) ? -errno : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int start_command(struct channel *c)
{
	int log = open(c->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int slave = -1, ret;
	pid_t parent = getpid();

	if (log < 0)
		return -errno;
	ret = open_terminal(&c->terminal, &slave);
	if (!ret) {
		c->pid = fork();
		if (c->pid == 0)
			run_command(c, slave, log, parent);
		if (c->pid < 0)
			ret = -errno;
	}
	close(log);
	close_fd(&slave);
	if (ret) {
		c->pid = 0;
		close_fd(&c->terminal);
	}
	return ret;
}

static bool is_stopping(const struct channel *c, int wait_ms)
{
	struct pollfd p = {.fd = c->stop, .events = POLLIN};

	return poll(&p, 1, wait_ms) > 0;
}

/* Gives it @grace_ms to end by itself. */
static void end_command(struct channel *c, int grace_ms)
{
	for (int waited = 0; c->pid && waited < grace_ms; waited += 20) {
		if (waitpid(c->pid, NULL, WNOHANG) == c->pid)
			c->pid = 0;
		else
			poll(NULL, 0, 20);
	}
	if (c->pid)
		subprocess_end_group(c->pid, 500);
	c->pid = 0;
	close_fd(&c->terminal);
}

static void say_goodbye(struct channel *c)
{
	int grace = 0;

	if (c->goodbye && c->terminal >= 0 &&
	    !fs_write_all(c->terminal, c->goodbye, strlen(c->goodbye)))
		grace = GOODBYE_MS;
	end_command(c, grace);
}

/* ---- what it says ---- */

static void note_open(struct channel *c)
{
	if (state_now(c) == CHANNEL_OPEN)
		return;
	if (c->opened)
		c->opened(c->arg);
	set_state(c, CHANNEL_OPEN, "");
}

/* What is of the line, in what came before the line was open; NULL: nothing yet. */
static const char *find_open(struct channel *c, const char *data, size_t *len)
{
	const char *at, *end;

	strbuf_add(&c->said, data, *len);
	at = memmem(c->said.buf, c->said.len, c->ready, strlen(c->ready));
	if (!at && c->said.len > READY_TEXT_MAX)
		strbuf_reset(&c->said);
	end = at ? memchr(at, '\n', c->said.len - (size_t)(at - c->said.buf)) : NULL;
	if (!end)
		return NULL;
	*len = c->said.len - (size_t)(end + 1 - c->said.buf);
	return end + 1;
}

/* The agent waits for it; should the line have gone meanwhile, it asks again. */
static void answer_agent(struct channel *c)
{
	char answer[FRAME_WANT_MAX];
	size_t len;

	if (line_take_answer(c->line, answer, &len))
		fs_write_all(c->terminal, answer, len);
}

static int take_output(struct channel *c, const char *data, size_t len, struct error *err)
{
	int ret;

	if (c->ready && state_now(c) != CHANNEL_OPEN) {
		data = find_open(c, data, &len);
		if (!data)
			return 0;
	}
	note_open(c);
	ret = line_feed(c->line, data, len, err);
	if (ret)
		return ret;
	if (line_counts(c->line)->frames != c->counts.frames ||
	    clock_seconds() - c->started > WORTH_S)
		c->in_vain = 0;
	publish_counts(c);
	answer_agent(c);
	return 0;
}

/* All that is there. -EPIPE: the command has closed the line. */
static int read_output(struct channel *c, struct error *err)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(c->terminal, chunk, sizeof(chunk))) > 0) {
		int ret = take_output(c, chunk, n, err);

		if (ret)
			return ret;
		c->byte_at = clock_seconds();
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return -EPIPE;
}

/* ---- one run of the command, and the next ---- */

/* It has been open or silent for too long? -EPIPE: to be started again; -EBUSY: the line is another's. */
static int check_time(struct channel *c, struct error *err)
{
	double now = clock_seconds();
	struct strbuf why = STRBUF_INIT;
	enum channel_owner owner = CHANNEL_OURS;

	if (state_now(c) != CHANNEL_OPEN) {
		if (!c->ready && now - c->started > OPEN_AFTER_S)
			note_open(c);
		return c->ready && now - c->started > c->ready_limit_s ? -EPIPE : 0;
	}
	if (!c->owner || !c->silence_s || now - c->byte_at < c->silence_s)
		return 0;
	owner = c->owner(c->arg, &why);
	c->byte_at = clock_seconds();
	if (owner == CHANNEL_STOLEN)
		error_set(err, -EBUSY, "%s", why.buf);
	strbuf_release(&why);
	if (owner == CHANNEL_STOLEN)
		return -EBUSY;
	return owner == CHANNEL_CLOSED ? -EPIPE : 0;
}

/* Until it ends (-EPIPE), we do (-ECANCELED), or nothing can go on. */
static int follow_command(struct channel *c, struct error *err)
{
	int ret = 0;

	while (!ret) {
		struct pollfd fds[] = {{.fd = c->terminal, .events = POLLIN},
				       {.fd = c->stop, .events = POLLIN}};

		poll(fds, ARRAY_SIZE(fds), TICK_MS);
		if (fds[1].revents)
			return -ECANCELED;
		if (fds[0].revents)
			ret = read_output(c, err);
		if (!ret)
			ret = check_time(c, err);
	}
	return ret;
}

/* The last line on its stderr, else on its stdout. */
static void tell_last_words(struct channel *c, struct strbuf *why)
{
	struct strbuf log = STRBUF_INIT;
	char *last;

	fs_read_file(c->log_path, 0, &log, NULL);
	if (!log.len)
		strbuf_add(&log, c->said.buf, c->said.len);
	while (log.len && strchr("\r\n", log.buf[log.len - 1]))
		log.buf[--log.len] = '\0';
	last = strrchr(log.buf, '\n');
	if (*log.buf)
		strbuf_addf(why, ": %.300s", last ? last + 1 : log.buf);
	strbuf_release(&log);
}

static void fail_in_vain(struct channel *c)
{
	struct strbuf why = STRBUF_INIT;

	strbuf_addf(&why, "%s was started %d times and gave no line (%s)", c->argv[0], c->in_vain,
		    c->log_path);
	tell_last_words(c, &why);
	set_state(c, CHANNEL_FAILED, why.buf);
	strbuf_release(&why);
}

/* 0: to be started again, now. */
static int run_once(struct channel *c, struct error *err)
{
	int ret;

	if (c->before)
		c->before(c->arg);
	strbuf_reset(&c->said);
	pthread_mutex_lock(&c->lock);
	c->starts++;
	pthread_mutex_unlock(&c->lock);
	c->in_vain++;
	c->started = c->byte_at = clock_seconds();
	ret = start_command(c);
	if (ret)
		return error_set(err, ret, "cannot start %s: %s", c->argv[0], strerror(-ret));
	ret = follow_command(c, err);
	if (ret == -EPIPE)
		end_command(c, 0);
	else
		say_goodbye(c);
	return ret;
}

static void *run_channel(void *arg)
{
	struct channel *c = arg;
	struct error err = {0};
	int ret, back_off = BACK_OFF_MIN_MS;

	while ((ret = run_once(c, &err)) == -EPIPE) {
		if (c->in_vain >= c->attempts) {
			fail_in_vain(c);
			return NULL;
		}
		set_state(c, CHANNEL_LOST, "the line was lost and is opened again");
		if (c->in_vain <= 1)
			back_off = BACK_OFF_MIN_MS;
		if (is_stopping(c, back_off))
			return NULL;
		if (back_off < BACK_OFF_MAX_MS / 2)
			back_off *= 2;
	}
	if (ret != -ECANCELED)
		set_state(c, CHANNEL_FAILED, err.text);
	return NULL;
}

/* ---- from outside ---- */

static char **copy_vector(const char *const *argv)
{
	size_t n = 0;
	char **copy;

	while (argv[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(argv[i]);
	return copy;
}

static void free_channel(struct channel *c)
{
	if (c->line)
		line_close(c->line);
	for (char **a = c->argv; *a; a++)
		free(*a);
	free(c->argv);
	free(c->log_path);
	free(c->ready);
	free(c->goodbye);
	strbuf_release(&c->said);
	strbuf_release(&c->why);
	close_fd(&c->stop);
	close_fd(&c->news);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* All signals are the main thread's. */
static int start_thread(struct channel *c)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&c->thread, NULL, run_channel, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -ret;
}

static int set_or(int value, int preset)
{
	return value ? value : preset;
}

int channel_start(const struct channel_setting *setting, struct channel **out, struct error *err)
{
	struct channel *c = xcalloc(1, sizeof(*c));
	int ret;

	c->argv = copy_vector(setting->argv);
	c->log_path = xstrdup(setting->log_path);
	c->ready = xstrdup(setting->ready);
	c->goodbye = xstrdup(setting->goodbye);
	c->ready_limit_s = set_or(setting->ready_limit_s, READY_LIMIT_S);
	c->attempts = set_or(setting->attempts, ATTEMPTS);
	c->silence_s = setting->silence_s;
	c->owner = setting->owner;
	c->before = setting->before;
	c->opened = setting->opened;
	c->secret_fd = setting->secret_fd;
	c->arg = setting->arg;
	c->terminal = -1;
	c->said = c->why = (struct strbuf)STRBUF_INIT;
	pthread_mutex_init(&c->lock, NULL);
	c->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = c->stop < 0 || c->news < 0 ? -errno : 0;
	if (ret)
		error_set(err, ret, "cannot watch a line: %s", strerror(-ret));
	else
		ret = line_open(&setting->line, &c->line, err);
	if (ret)
		goto fail;
	ret = start_thread(c);
	if (ret) {
		error_set(err, ret, "cannot start a thread for the line: %s", strerror(-ret));
		goto fail;
	}
	*out = c;
	return 0;
fail:
	free_channel(c);
	return ret;
}

void channel_stop(struct channel *c)
{
	if (!c)
		return;
	eventfd_write(c->stop, 1);
	pthread_join(c->thread, NULL);
	free_channel(c);
}
