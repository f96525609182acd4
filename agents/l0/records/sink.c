// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/records/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/l0/records/channel.h"
#include "agents/l0/clock.h"
#include "agents/l0/records/line.h"

#define TEXT_MAX	1024
#define TEST_OUTPUT_MAX 8192 /* escaped six-fold it still fits a record */
#define TEST_HEAD_MAX	2048 /* of it, from the beginning */
#define RATE_SCALE	1000

static const char *const class_names[] = {
	[SINK_INTEGRITY] = "integrity",
	[SINK_GUEST] = "guest",
	[SINK_HOST] = "infrastructure",
};

void sink_wait_quiet(struct sink *s)
{
	if (s->channel)
		channel_drain(s->channel);
}

/* A child that cannot tell what it found is of no use: the parent sees how it ended. */
void sink_line(const struct sink *s, struct line *l)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER; /* line at a time */
	size_t done = 0;

	if (l->full)
		_exit(EMSGSIZE);
	l->buf[l->len++] = '\n';
	pthread_mutex_lock(&one);
	while (done < l->len) {
		ssize_t n = write(s->fd, l->buf + done, l->len - done);

		if (n < 0 && errno != EINTR)
			_exit(errno);
		if (n > 0)
			done += (size_t)n;
	}
	pthread_mutex_unlock(&one);
}

static void start_line(const struct sink *s, struct line *l, const char *type)
{
	line_start(l, type);
	line_addf(l, ",\"id\":%" PRIu32, s->id);
}

/*
 * Buckets, @merge neighbours taken together and told as the first of them. Only those between the
 * smallest and the largest value are looked at: there are tens of thousands.
 */
static void add_buckets(struct line *l, const struct histogram *h, uint32_t merge)
{
	uint32_t first = histogram_bucket(h->min), last = histogram_bucket(h->max);
	const char *comma = "";

	line_addf(l, ",\"hist\":[");
	for (uint32_t b = first - first % merge; b <= last; b += merge) {
		uint64_t count = 0;

		for (uint32_t i = b; i < b + merge && i <= last; i++)
			count += h->buckets[i];
		if (!count)
			continue;
		line_addf(l, "%s[%" PRIu32 ",%" PRIu64 "]", comma, b, count);
		comma = ",";
	}
	line_addf(l, "]");
}

/* A histogram that is too wide for a record loses resolution, not samples, and says so. */
static void send_metric(const struct sink *s, const char *name, const char *unit,
			unsigned int scale, const struct histogram *h)
{
	struct line l;
	uint32_t merge = 1;

	do {
		start_line(s, &l, "metric");
		line_add_member(&l, "metric", name);
		line_add_member(&l, "unit", unit);
		if (scale != 1)
			line_addf(&l, ",\"scale\":%u", scale);
		if (merge != 1)
			line_addf(&l, ",\"merged\":%" PRIu32, merge);
		line_addf(&l, ",\"count\":%" PRIu64 ",\"min\":%" PRIu64 ",\"max\":%" PRIu64,
			  h->count, h->min, h->max);
		line_addf(&l, ",\"mean\":%.6f", h->sum / (double)h->count);
		add_buckets(&l, h, merge);
		merge *= 2;
	} while (l.full && merge < HISTOGRAM_BUCKETS);
	sink_line(s, &l);
}

void sink_alive(struct sink *s)
{
	struct line l;

	start_line(s, &l, "alive");
	sink_line(s, &l);
}

void sink_metric(struct sink *s, const char *name, const struct histogram *h)
{
	if (!h->count)
		sink_fail(s, SINK_GUEST, "samples", "none", "metric %s has no samples", name);
	else
		send_metric(s, name, host_clock.unit, 1, h);
}

void sink_rate(struct sink *s, const char *name, uint64_t events, uint64_t ticks)
{
	static struct histogram h;
	uint64_t units = clock_units(ticks);

	if (!units)
		return;
	histogram_init(&h);
	histogram_add(&h, (uint64_t)((double)events * 1e6 * RATE_SCALE / (double)units + 0.5));
	send_metric(s, name, "per-mclk", RATE_SCALE, &h);
}

void sink_counters(struct sink *s, const struct sink_counter *counters, size_t n)
{
	struct line l;

	start_line(s, &l, "counters");
	line_addf(&l, ",\"values\":{");
	for (size_t i = 0; i < n; i++) {
		if (i)
			line_addf(&l, ",");
		line_add_string(&l, counters[i].name, strlen(counters[i].name));
		line_addf(&l, ":%" PRId64, counters[i].value);
	}
	line_addf(&l, "}");
	sink_line(s, &l);
}

void sink_skip(struct sink *s, const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct line l;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	start_line(s, &l, "skip");
	line_add_member(&l, "reason", text);
	sink_line(s, &l);
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

void sink_fail(struct sink *s, enum sink_class class, const char *expected, const char *found,
	       const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct line l;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	start_line(s, &l, "fail");
	line_add_member(&l, "class", class_names[class]);
	line_add_member(&l, "expected", text_or_empty(expected));
	line_add_member(&l, "found", text_or_empty(found));
	line_add_member(&l, "text", text);
	sink_line(s, &l);
}

void sink_test(struct sink *s, const char *name, const char *result, const char *text, size_t len)
{
	static char kept[TEST_OUTPUT_MAX + 64];
	size_t used = 0, tail = 0;
	struct line l;

	if (len > TEST_OUTPUT_MAX) {
		tail = len - (TEST_OUTPUT_MAX - TEST_HEAD_MAX);
		memcpy(kept, text, TEST_HEAD_MAX);
		used = TEST_HEAD_MAX;
		used += (size_t)snprintf(kept + used, sizeof(kept) - used,
					 "\n[%zu bytes are left out]\n", tail - TEST_HEAD_MAX);
	}
	memcpy(kept + used, text + tail, len - tail);
	start_line(s, &l, "test");
	line_add_member(&l, "name", name);
	line_add_member(&l, "result", result);
	line_addf(&l, ",\"text\":");
	line_add_string(&l, kept, used + len - tail);
	sink_line(s, &l);
}
