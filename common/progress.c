// SPDX-License-Identifier: GPL-2.0-only
#include "common/progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/output.h"
#include "common/strbuf.h"
#include "common/terminal.h"

#define LABEL_COLUMNS 24

struct progress {
	struct progress *next;
	char *label;
	char detail[64];
	uint64_t done, total;
	int tenth; /* last tenth announced in a pipe */
	double started;
	uint64_t counted_from; /* done when the count began; and when that was (0: not yet) */
	double counted_at;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct progress *tasks; /* in the order they started */
static int drawn;	       /* live lines on the screen now */
static double last_draw;

static bool is_on_terminal(void)
{
	static int answer = -1;

	if (answer < 0)
		answer = output_is_terminal(STDERR_FILENO);
	return answer;
}

static void add_span(struct strbuf *sb, double seconds)
{
	int s = seconds + 0.5;

	if (s >= 3600)
		strbuf_addf(sb, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
	else
		strbuf_addf(sb, "%d:%02d", s / 60, s % 60);
}

/* By the pace since the count began: what was done before it (unpacking, an earlier try) tells nothing. */
static void add_left(struct strbuf *sb, const struct progress *p)
{
	if (!p->total || p->done <= p->counted_from || p->done >= p->total)
		return;
	strbuf_addstr(sb, ", ");
	add_span(sb, (clock_seconds() - p->counted_at) * (p->total - p->done) /
			     (p->done - p->counted_from));
	strbuf_addstr(sb, " left");
}

/* "build baseline  42 %  612/1455  CC kernel/fork.o  1:02, 1:25 left" */
static void add_line(struct strbuf *sb, const struct progress *p)
{
	double elapsed = clock_seconds() - p->started;

	terminal_add_padded(sb, p->label, LABEL_COLUMNS);
	strbuf_addch(sb, ' ');
	if (p->total) {
		uint64_t done = p->done;

		if (done > p->total)
			done = p->total;
		strbuf_addf(sb, "%3d %%  %llu/%llu  ", (int)(done * 100 / p->total),
			    (unsigned long long)p->done, (unsigned long long)p->total);
	}
	if (p->detail[0])
		strbuf_addf(sb, "%s  ", p->detail);
	add_span(sb, elapsed);
	add_left(sb, p);
}

static void erase_lines(struct strbuf *sb)
{
	if (drawn)
		strbuf_addf(sb, "\033[%dA\r\033[J", drawn);
	drawn = 0;
}

/* Draws the live lines anew below @before (NULL: nothing). Called with the lock held. */
static void redraw_lines(struct strbuf *before)
{
	struct strbuf sb = STRBUF_INIT;
	int width = output_columns(STDERR_FILENO, 80) - 1;

	erase_lines(&sb);
	if (before)
		strbuf_add(&sb, before->buf, before->len);
	for (struct progress *p = tasks; p; p = p->next) {
		struct strbuf line = STRBUF_INIT;

		add_line(&line, p);
		strbuf_add(&sb, line.buf, terminal_fit(line.buf, line.len, width));
		strbuf_addch(&sb, '\n');
		strbuf_release(&line);
		drawn++;
	}
	fwrite(sb.buf, 1, sb.len, stderr);
	fflush(stderr);
	output_check_stderr();
	strbuf_release(&sb);
	last_draw = clock_seconds();
}

/* Prints @line, keeping the live lines below it. Called with the lock held. */
static void print_locked(struct strbuf *line)
{
	if (is_on_terminal()) {
		redraw_lines(line);
		return;
	}
	fwrite(line->buf, 1, line->len, stderr);
	fflush(stderr);
	output_check_stderr();
}

struct progress *progress_start(const char *label)
{
	struct progress *p = xcalloc(1, sizeof(*p)), **tail = &tasks;
	struct strbuf line = STRBUF_INIT;

	p->label = terminal_line(label);
	p->started = clock_seconds();
	pthread_mutex_lock(&lock);
	while (*tail)
		tail = &(*tail)->next;
	*tail = p;
	if (!is_on_terminal())
		strbuf_addf(&line, "%s ...\n", p->label);
	print_locked(&line);
	pthread_mutex_unlock(&lock);
	strbuf_release(&line);
	return p;
}

void progress_update(struct progress *p, uint64_t done, uint64_t total, const char *detail)
{
	__cleanup_free char *shown = terminal_line(detail);
	int tenth = 0;

	if (total)
		tenth = done * 10 / total;
	pthread_mutex_lock(&lock);
	p->done = done;
	p->total = total;
	if (total && !p->counted_at) {
		p->counted_from = done;
		p->counted_at = clock_seconds();
	}
	snprintf(p->detail, sizeof(p->detail), "%s", shown);
	if (is_on_terminal()) {
		if (clock_seconds() - last_draw >= 0.1)
			redraw_lines(NULL);
	} else if (tenth > p->tenth && done < total) {
		struct strbuf line = STRBUF_INIT;

		p->tenth = tenth;
		add_line(&line, p);
		strbuf_addch(&line, '\n');
		print_locked(&line);
		strbuf_release(&line);
	}
	pthread_mutex_unlock(&lock);
}

void progress_end(struct progress *p, const char *outcome)
{
	struct progress **at = &tasks;
	struct strbuf line = STRBUF_INIT;

	terminal_add_padded(&line, p->label, LABEL_COLUMNS);
	strbuf_addch(&line, ' ');
	terminal_add(&line, outcome);
	strbuf_addch(&line, '\n');
	pthread_mutex_lock(&lock);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	print_locked(&line);
	pthread_mutex_unlock(&lock);
	strbuf_release(&line);
	free(p->label);
	free(p);
}

void progress_print(const char *fmt, ...)
{
	struct strbuf raw = STRBUF_INIT, line = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&raw, fmt, ap);
	va_end(ap);
	terminal_add(&line, raw.buf);
	strbuf_release(&raw);
	pthread_mutex_lock(&lock);
	print_locked(&line);
	pthread_mutex_unlock(&lock);
	strbuf_release(&line);
}
