/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sink.h - where a measurement puts what it found.
 *
 * A measurement runs in a child process of the agent; its sink is a pipe to the parent, which numbers
 * and seals the records (agents/wire/protocol.h) and sends them at once. No interrupt of the serial line
 * may fall into what is timed, so a measurement
 *	- calls sink_wait_quiet() when all is made ready, before it starts to time,
 *	- calls none of the others before it has timed everything.
 * Metrics and counters come from one thread; sink_fail() may come from any. None of them fails: trouble with the pipe ends the child, and the
 * parent reports that.
 */
#ifndef AGENTS_L0_RECORDS_SINK_H
#define AGENTS_L0_RECORDS_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "common/histogram.h"

struct channel;
struct line;

struct sink {
	int fd;			 /* record bodies, one a line, go here */
	uint32_t id;		 /* of the measurement */
	struct channel *channel; /* on which the parent sends, or NULL */
};

/* Waits until the serial line has sent all that the parent gave it before this measurement. */
void sink_wait_quiet(struct sink *s);

/* Any record: its body, which is used up. */
void sink_line(const struct sink *s, struct line *l);

/* The host is not to think that nothing goes on. */
void sink_alive(struct sink *s);

/* A `metric` record. The values are clock units (agents/l0/clock.h: clock_units(ticks) turns a TSC
 * difference into them); the unit's name is added here. An empty histogram becomes a `fail`. */
void sink_metric(struct sink *s, const char *name, const struct histogram *h);

/* A `metric` record of unit "per-mclk": @events in @ticks of the TSC, per million clock units. It
 * holds one value, in thousandths ("scale":1000: value = recorded / scale), for a bucket of whole
 * events would be too coarse. Nothing is recorded when @ticks is 0. */
void sink_rate(struct sink *s, const char *name, uint64_t events, uint64_t ticks);

/* A `counters` record; agents/l0/kvm_stats.h makes one of the KVM statistics. */
struct sink_counter {
	const char *name;
	int64_t value;
};
void sink_counters(struct sink *s, const struct sink_counter *counters, size_t n);

/* This host cannot run it: the text names what is missing. Then return 0 from the scenario. */
void sink_skip(struct sink *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Something is wrong with the kernel under test. Emit no metric of a measurement that failed. */
enum sink_class {
	SINK_INTEGRITY, /* ran, and computed something wrong, or took other exits than it should */
	SINK_GUEST,	/* L0, L1 or L2 died, hung, or an ioctl failed that must not */
	SINK_HOST, /* nothing of the kernel's: no memory, no space, a VMM that was killed or refuses its settings */
};
/* @expected, @found: short texts, or NULL. */
void sink_fail(struct sink *s, enum sink_class class, const char *expected, const char *found,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A `file` record: @name, and what is in the file @path, SINK_FILE_MAX bytes at most. 0 or a negative errno; then
 * nothing was sent. */
#define SINK_FILE_MAX 32000
int sink_file(struct sink *s, const char *name, const char *path);

/* One selftest: @result is "pass", "fail" or "skip". @text is cut (and says so) to fit a line. */
void sink_test(struct sink *s, const char *name, const char *result, const char *text, size_t len);

#endif
