// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/runner.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/l0/isolate.h"
#include "agents/l0/kmsg.h"
#include "agents/l0/vmm/l1_end.h"
#include "agents/l0/vmm/l1_linux.h"
#include "agents/l0/measure.h"
#include "agents/wire/crossing.h"

#define MEASURE_LIMIT_S	  120
#define MOVE_LIMIT_S	  60  /* of an L1 */
#define DISK_BOOT_LIMIT_S 300 /* of an L1 on a disk */
#define ALIVE_S		  2
#define DISK_ALIVE_S	  60 /* rare: it is a record on the line while something may be measured */
#define COMPLAINTS_MAX	  32 /* a kernel that complains without end must not fill the channel */

static struct line line; /* too large for the stack to be nice */

void runner_send_text(struct runner *r, const char *type, const char *text)
{
	line_start(&line, type);
	line_add_member(&line, "text", text);
	channel_send_line(&r->channel, &line);
}

static void send_id(struct runner *r, const char *type, uint32_t id)
{
	line_start(&line, type);
	line_addf(&line, ",\"id\":%" PRIu32, id);
	channel_send_line(&r->channel, &line);
}

void runner_send_complaints(struct runner *r)
{
	char text[1024];

	while (kmsg_next_complaint(r->kmsg, text, sizeof(text)))
		if (r->complaints++ < COMPLAINTS_MAX)
			runner_send_text(r, "console", text);
}

static void send_failed_as(struct runner *r, const char *class, uint32_t id, const char *expected,
			   const char *found, const char *text)
{
	line_start(&line, "fail");
	line_addf(&line, ",\"id\":%" PRIu32, id);
	line_add_member(&line, "class", class);
	line_add_member(&line, "expected", expected);
	line_add_member(&line, "found", found);
	line_add_member(&line, "text", text);
	channel_send_line(&r->channel, &line);
}

static void send_failed(struct runner *r, uint32_t id, const char *expected, const char *found,
			const char *text)
{
	send_failed_as(r, "guest", id, expected, found, text);
}

/* What runs in a child, and what its parent knows of it meanwhile. */
struct child {
	struct runner *runner;
	const struct plan_measure *m; /* the one that runs */
	size_t left;		      /* this one, and those that the child is to run after it */
	int ack[2];    /* a pipe: the child may go on to the next one; -1 where it has one alone */
	size_t told;   /* records of m that came from the child */
	size_t len;    /* of the line that has begun to come */
	bool too_long; /* a line came that no record has room for */
	char text[PROTOCOL_LINE_MAX];
};

static int measure_in_child(void *arg, int fd)
{
	const struct child *c = arg;
	struct sink s = {.fd = fd, .id = c->m->id, .channel = &c->runner->channel};

	c->runner->measure(c->m, &s);
	return 0;
}

static int measure_all_in_child(void *arg, int fd)
{
	const struct child *c = arg;
	struct sink s = {.fd = fd, .id = c->m->id, .channel = &c->runner->channel};

	l1_linux_run(c->m, c->left, &s, c->ack[0]);
	return 0;
}

/* The end of one of several: its successor begins. The child waits until both records are on their way,
 * so that it can wait for the line to be quiet (sink_wait_quiet()). */
static void begin_next(struct child *c)
{
	runner_send_complaints(c->runner);
	send_id(c->runner, "end", c->m->id);
	c->m++;
	c->left--;
	c->told = 0;
	send_id(c->runner, "begin", c->m->id);
	if (write(c->ack[1], "", 1) != 1)
		c->too_long = true; /* cannot be: the pipe is empty */
}

static bool is_end(const struct child *c)
{
	static const char end[] = "\"type\":\"end\"";

	return c->left > 1 && c->len >= sizeof(end) - 1 && !memcmp(c->text, end, sizeof(end) - 1);
}

static void relay_line(struct child *c)
{
	if (is_end(c)) {
		begin_next(c);
	} else {
		channel_send(&c->runner->channel, c->text, c->len);
		c->told++;
	}
	c->len = 0;
}

/* Passes on whole lines as they come, so that they are on their way while the child clears up. */
static void relay_output(void *arg, const char *data, size_t len)
{
	struct child *c = arg;

	for (; len; data++, len--) {
		if (*data == '\n')
			relay_line(c);
		else if (c->len < sizeof(c->text))
			c->text[c->len++] = *data;
		else
			c->too_long = true;
	}
}

static void send_outcome(const struct child *c, unsigned int limit, const struct isolated *end)
{
	struct runner *r = c->runner;
	uint32_t id = c->m->id;
	char how[128];

	isolate_describe(end, limit, how, sizeof(how));
	if (!end->timed_out && WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGKILL)
		send_failed_as(r, "infrastructure", id, "exit status 0", how,
			       "the measurement's process was killed. " L1_END_KILL_REMEDY);
	else if (end->timed_out || end->status)
		send_failed(r, id, "exit status 0", how, "the measurement's process died");
	else if (end->lost || c->too_long)
		send_failed(r, id, "records", "too much output",
			    "the measurement's process wrote more than its records may take");
	else if (!c->told)
		send_failed(r, id, "records", "none",
			    "the measurement's process ended without a result");
}

static void send_alive(void *arg)
{
	const struct child *c = arg;

	send_id(c->runner, "alive", c->m->id);
}

static unsigned int limit_of(const struct plan_measure *m)
{
	if (plan_scenario_is_selftest(m->scenario))
		return MEASURE_LIMIT_S + scenario_kselftest_limit(m);
	if (plan_l1_is_disk(m->l1))
		return 2 * MEASURE_LIMIT_S + DISK_BOOT_LIMIT_S;
	if (plan_measure_crosses(m))
		return MEASURE_LIMIT_S + CROSSING_LIMIT_S;
	if (plan_measure_moves(m))
		return MEASURE_LIMIT_S + m->rounds * MOVE_LIMIT_S;
	return MEASURE_LIMIT_S;
}

/* Of all that one child may come to run; one more, for L1's boot. */
static unsigned int limit_of_all(const struct plan_measure *m, size_t n)
{
	unsigned int sum = MEASURE_LIMIT_S;

	for (size_t i = 0; i < n; i++)
		sum += limit_of(&m[i]);
	return sum;
}

/* Whose host would think it dead. */
static unsigned int beat_of(const struct plan_measure *m)
{
	if (plan_scenario_is_selftest(m->scenario))
		return ALIVE_S;
	return plan_l1_is_disk(m->l1) ? DISK_ALIVE_S : 0;
}

/* From the begin of c->m to the end of what is c->m then. */
static void run_child(struct child *c, int (*run)(void *arg, int fd), unsigned int limit)
{
	const struct isolate_watch watch = {.on_output = relay_output,
					    .every_s = beat_of(c->m),
					    .on_beat = send_alive,
					    .arg = c};
	struct isolated end;
	int ret;

	c->told = c->len = 0;
	c->too_long = false;
	send_id(c->runner, "begin", c->m->id);
	if (plan_scenario_is_selftest(
		    c->m->scenario)) /* it may end the boot, and what is on its way with it */
		channel_drain(&c->runner->channel);
	ret = isolate_run(run, c, limit, &watch, &end);
	if (ret)
		send_failed(c->runner, c->m->id, "a process", strerror(-ret),
			    "cannot start the measurement");
	else
		send_outcome(c, limit, &end);
	free(end.output);
	runner_send_complaints(c->runner);
	send_id(c->runner, "end", c->m->id);
}

/*
 * Nothing is on the line while something is timed: its interrupts would be measured too. So a scenario
 * waits for the line before it starts to time (vm_open() does), and says nothing until it has timed all.
 * A selftest times nothing, and may take so long that its host would think it dead.
 */
void runner_run(struct runner *r, const struct plan_measure *m)
{
	static struct child c;

	c.runner = r;
	c.m = m;
	c.left = 1;
	c.ack[0] = c.ack[1] = -1;
	run_child(&c, measure_in_child, limit_of(m));
}

/* One child for all of them, and another for what is left when that dies. */
void runner_run_linux(struct runner *r, const struct plan_measure *m, size_t n)
{
	static struct child c;

	c.runner = r;
	c.m = m;
	c.left = n;
	if (pipe(c.ack)) { /* each alone, then, and without a successor */
		c.ack[0] = c.ack[1] = -1;
		c.left = 1;
	}
	while (c.m < m + n) {
		run_child(&c, measure_all_in_child, limit_of_all(c.m, c.left));
		c.m++;
		c.left = (size_t)(m + n - c.m);
		if (c.ack[0] < 0)
			c.left = 1;
	}
	close(c.ack[0]);
	close(c.ack[1]);
}
