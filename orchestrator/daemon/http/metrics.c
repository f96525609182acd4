// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"

static const double buckets[] = {0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10};

struct counters {
	pthread_mutex_t lock;
	uint64_t answers[6]; /* by the status' first digit */
	uint64_t within[ARRAY_SIZE(buckets)];
	double seconds;
	uint64_t boots, boot_bytes, refused;
};

struct counters *counters_new(void)
{
	struct counters *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void counters_free(struct counters *c)
{
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void counters_add_answer(struct counters *c, int status, double seconds)
{
	pthread_mutex_lock(&c->lock);
	if (status / 100 < 6)
		c->answers[status / 100]++;
	for (size_t i = 0; i < ARRAY_SIZE(buckets); i++)
		c->within[i] += seconds <= buckets[i];
	c->seconds += seconds;
	pthread_mutex_unlock(&c->lock);
}

void counters_add_boot(struct counters *c, size_t bytes)
{
	pthread_mutex_lock(&c->lock);
	c->boots++;
	c->boot_bytes += bytes;
	pthread_mutex_unlock(&c->lock);
}

void counters_add_refused(struct counters *c)
{
	pthread_mutex_lock(&c->lock);
	c->refused++;
	pthread_mutex_unlock(&c->lock);
}

bool service_is_full(const struct service *service)
{
	uint64_t free_bytes;

	if (fs_free_bytes(service->state, &free_bytes, NULL))
		return false;
	return free_bytes < service->min_free;
}

/* ---- as text ---- */

static void add_head(struct strbuf *out, const char *name, const char *type, const char *help)
{
	strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_counter(struct strbuf *out, const char *name, const char *help, uint64_t value)
{
	add_head(out, name, "counter", help);
	strbuf_addf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void add_answers(const struct counters *c, struct strbuf *out)
{
	uint64_t all = 0;

	add_head(out, "nestlabd_http_responses_total", "counter",
		 "Answers by the status' first digit.");
	for (int i = 1; i < 6; i++) {
		strbuf_addf(out, "nestlabd_http_responses_total{code=\"%dxx\"} %llu\n", i,
			    (unsigned long long)c->answers[i]);
		all += c->answers[i];
	}
	add_head(out, "nestlabd_http_response_seconds", "histogram",
		 "From a request's first byte to its answer; long polls wait on purpose.");
	for (size_t i = 0; i < ARRAY_SIZE(buckets); i++)
		strbuf_addf(out, "nestlabd_http_response_seconds_bucket{le=\"%g\"} %llu\n",
			    buckets[i], (unsigned long long)c->within[i]);
	strbuf_addf(out, "nestlabd_http_response_seconds_bucket{le=\"+Inf\"} %llu\n",
		    (unsigned long long)all);
	strbuf_addf(out, "nestlabd_http_response_seconds_sum %.6f\n", c->seconds);
	strbuf_addf(out, "nestlabd_http_response_seconds_count %llu\n", (unsigned long long)all);
}

static void add_counters(struct counters *c, struct strbuf *out)
{
	pthread_mutex_lock(&c->lock);
	add_answers(c, out);
	add_counter(out, "nestlabd_results_total", "Results of boots that were taken.", c->boots);
	add_counter(out, "nestlabd_result_bytes_total", "Their bytes, as they came.",
		    c->boot_bytes);
	add_counter(out, "nestlabd_http_refused_total", "Requests refused for overload.",
		    c->refused);
	pthread_mutex_unlock(&c->lock);
}

/* Gauges that the queue gives: each query has a label's value and a number. */
static const struct {
	const char *name, *label, *help, *sql;
} gauges[] = {
	{"nestlabd_jobs", "state", "Jobs by state.",
	 "SELECT state, count(*) FROM job GROUP BY state"},
	{"nestlabd_boots", "state", "Boots of jobs that are not over, by state.",
	 "SELECT state, count(*) FROM boot WHERE state NOT IN ('stored', 'failed', 'cancelled') GROUP BY "
	 "state"},
	{"nestlabd_inbox", "state", "Results in the inbox by state.",
	 "SELECT state, count(*) FROM inbox GROUP BY state"},
	{"nestlabd_hosts", "state", "Hosts by state.",
	 "SELECT state, count(*) FROM host GROUP BY state"},
	{"nestlabd_attempts", "outcome", "Attempts at boots by outcome.",
	 "SELECT coalesce(outcome, 'running'), count(*) FROM attempt GROUP BY outcome"},
};

static int add_gauge(struct daemon_db *db, size_t g, struct strbuf *out, struct error *err)
{
	sqlite3_stmt *s = database_query(db, gauges[g].sql, "");
	int ret;

	add_head(out, gauges[g].name, "gauge", gauges[g].help);
	while ((ret = database_row(db, s, err)) == 1)
		strbuf_addf(out, "%s{%s=\"%s\"} %lld\n", gauges[g].name, gauges[g].label,
			    database_column(s, 0), (long long)sqlite3_column_int64(s, 1));
	return ret;
}

static void add_process(struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT;
	long pages = 0;

	if (!fs_read_file("/proc/self/statm", 256, &text, NULL))
		sscanf(text.buf, "%*s %ld", &pages);
	strbuf_release(&text);
	add_head(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
	strbuf_addf(out, "process_resident_memory_bytes %lld\n",
		    (long long)pages * sysconf(_SC_PAGESIZE));
}

int counters_render(struct counters *c, struct daemon_db *db, struct strbuf *out, struct error *err)
{
	int ret = 0;

	add_counters(c, out);
	for (size_t g = 0; !ret && g < ARRAY_SIZE(gauges); g++)
		ret = add_gauge(db, g, out, err);
	add_process(out);
	return ret;
}
