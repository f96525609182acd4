// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/emulated_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"

#define PIPE_BYTES (1 << 20) /* what an unprivileged user may ask for */
#define STOP_TIME  "Next at t="

struct emulated_trace {
	const struct host_tracer *tracer;
	int commands; /* the FIFO, for writing */
	int in, out;  /* the pipe of Bochs' stdout */
	FILE *lines;  /* in, buffered; NULL before start() */
	pthread_t thread;
	bool started, following;    /* the thread was made; the stops are set */
	uint64_t stop_time;	    /* of the stop whose line comes next */
	enum host_trace how, asked; /* what the debugger does, what the tracer said last */
};

/* ---- what the debugger prints ---- */

static bool skip(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len))
		return false;
	*at += len;
	return true;
}

static bool read_number(const char **at, int base, uint64_t *value)
{
	char *end;

	*value = strtoull(*at, &end, base);
	if (end == *at)
		return false;
	*at = end;
	return true;
}

/* "(0) [0x0000301024e3] 0008:" and, traced, a time before it. */
static bool read_head(const char **at, struct host_step *step, bool *traced)
{
	uint64_t cpu, physical, cs;

	if (!skip(at, "(") || !read_number(at, 10, &cpu) || !skip(at, ")"))
		return false;
	*traced = skip(at, ".[");
	if (*traced && (!read_number(at, 10, &step->time) || !skip(at, "]")))
		return false;
	if (!skip(at, " [0x") || !read_number(at, 16, &physical) || !skip(at, "] "))
		return false;
	if (!read_number(at, 16, &cs) || !skip(at, ":") || !read_number(at, 16, &step->rip))
		return false;
	step->cs = (unsigned int)cs;
	return true;
}

bool emulated_trace_parse(char *line, struct host_step *step, bool *traced)
{
	const char *at = line;
	char *text, *bytes, *end;

	step->time = 0;
	if (!read_head(&at, step, traced))
		return false;
	text = strstr(line + (at - line), "): ");
	bytes = strrchr(line, ';');
	if (!text || !bytes || bytes <= text + 3 || bytes[1] != ' ')
		return false;
	step->length = (unsigned int)strspn(bytes + 2, "0123456789abcdef") / 2;
	text += 3;
	for (end = bytes; end > text && end[-1] == ' '; end--)
		;
	*end = '\0';
	step->text = text;
	return true;
}

/* ---- what it is told ---- */

/* A command is short, and the FIFO empty: it never blocks. */
static void give_command(struct emulated_trace *t, const char *text)
{
	size_t len = strlen(text);

	while (write(t->commands, text, len) < 0 && errno == EINTR)
		;
}

static void give_delete(struct emulated_trace *t, size_t number)
{
	char text[64];

	snprintf(text, sizeof(text), "del %zu\n", number);
	give_command(t, text);
}

static void give_stop(struct emulated_trace *t, uint64_t address)
{
	char text[64];

	snprintf(text, sizeof(text), "lb 0x%llx\n", (unsigned long long)address);
	give_command(t, text);
}

static void go_on(struct emulated_trace *t)
{
	bool on = t->asked == HOST_TRACE_ON;

	if (on != (t->how == HOST_TRACE_ON))
		give_command(t, on ? "trace on\n" : "trace off\n");
	for (size_t i = 0; t->asked == HOST_TRACE_END && i < t->tracer->nstops; i++)
		give_delete(t, i + 1);
	t->how = t->asked;
	give_command(t, "c\n");
}

/* It stops before the first instruction of all, too. */
static void set_stops(struct emulated_trace *t)
{
	for (size_t i = 0; i < t->tracer->nstops; i++)
		give_stop(t, t->tracer->stops[i]);
	t->following = true;
	give_command(t, "c\n");
}

static void take_line(struct emulated_trace *t, char *line)
{
	const char *at = line;
	struct host_step step;
	bool traced;

	if (skip(&at, STOP_TIME)) {
		t->stop_time = strtoull(at, NULL, 10);
		return;
	}
	if (!emulated_trace_parse(line, &step, &traced))
		return;
	if (traced) {
		t->tracer->on_step(&step, t->tracer->arg);
		return;
	}
	if (!t->following) {
		set_stops(t);
		return;
	}
	step.time = t->stop_time;
	t->asked = t->tracer->at_stop(&step, t->tracer->arg);
	go_on(t);
}

static void *follow(void *arg)
{
	struct emulated_trace *t = arg;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, t->lines) > 0)
		take_line(t, line);
	free(line);
	return NULL;
}

/* ---- from outside ---- */

static int open_files(struct emulated_trace *t, const char *commands, struct error *err)
{
	int ends[2];

	if (mkfifo(commands, 0600))
		return error_set(err, -errno, "%s: %s", commands, strerror(errno));
	/* For reading as well: so that no open() waits for the other side, and no write() fails. */
	t->commands = open(commands, O_RDWR | O_CLOEXEC);
	if (t->commands < 0)
		return error_set(err, -errno, "%s: %s", commands, strerror(errno));
	if (pipe2(ends, O_CLOEXEC))
		return error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	t->in = ends[0];
	t->out = ends[1];
	fcntl(t->in, F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

int emulated_trace_open(const struct host_tracer *tracer, const char *commands,
			struct emulated_trace **t, int *out, struct error *err)
{
	struct emulated_trace *new = xcalloc(1, sizeof(*new));
	int ret;

	new->tracer = tracer;
	new->commands = new->in = new->out = -1;
	ret = open_files(new, commands, err);
	if (ret) {
		emulated_trace_close(new);
		return ret;
	}
	*t = new;
	*out = new->out;
	return 0;
}

int emulated_trace_start(struct emulated_trace *t, struct error *err)
{
	sigset_t all, before;
	int ret;

	close(t->out);
	t->out = -1;
	t->lines = fdopen(t->in, "r");
	if (!t->lines)
		return error_set(err, -errno, "cannot read from the emulator: %s", strerror(errno));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&t->thread, NULL, follow, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		return error_set(err, -ret, "cannot start a thread: %s", strerror(ret));
	t->started = true;
	return 0;
}

void emulated_trace_close(struct emulated_trace *t)
{
	if (!t)
		return;
	if (t->out >= 0)
		close(t->out);
	if (t->started)
		pthread_join(t->thread, NULL);
	if (t->lines)
		fclose(t->lines);
	else if (t->in >= 0)
		close(t->in);
	if (t->commands >= 0)
		close(t->commands);
	free(t);
}
