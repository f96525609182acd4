// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"

#define FAILURE_TEXT 500 /* bytes of a failed selftest's output that an error shows */

/* Grows @array of @n elements by one zeroed element and gives it. */
#define APPEND(array, n)                                                \
	({                                                              \
		(array) = xrealloc((array), (n) + 1, sizeof(*(array))); \
		memset(&(array)[n], 0, sizeof(*(array)));               \
		&(array)[(n)++];                                        \
	})

/* Keeps the first trouble; one of class integrity replaces one of a milder class. */
static void note_trouble(struct collector *c, enum results_class class, const char *text)
{
	bool outweighs = class == RESULTS_INTEGRITY || c->class == RESULTS_OK ||
			 (class == RESULTS_GUEST && c->class == RESULTS_INFRASTRUCTURE);

	if (outweighs && c->class != class) {
		c->class = class;
		error_set(&c->trouble, -EBADMSG, "%s", text);
	}
}

static const char *text_of(const struct json_node *rec, const char *key, struct error *err)
{
	struct json_node n;
	const char *s = NULL;

	if (!json_member(rec, key, true, &n, err) && !json_as_string(&n, &s, err))
		return s;
	return NULL;
}

static int number_of(const struct json_node *rec, const char *key, uint64_t *out, struct error *err)
{
	struct json_node n;
	int64_t value;
	int ret = json_member(rec, key, true, &n, err);

	*out = 0;
	if (ret)
		return ret;
	ret = json_as_int(&n, 0, INT64_MAX, &value, err);
	if (ret)
		return ret;
	*out = value;
	return 0;
}

static int real_of(const struct json_node *rec, const char *key, double *out, struct error *err)
{
	struct json_node n;
	int ret = json_member(rec, key, true, &n, err);

	if (ret)
		return ret;
	return json_as_double(&n, out, err);
}

static int measure_of(const struct collector *c, const struct json_node *rec,
		      const struct scenario_measure **m, struct error *err)
{
	uint64_t id;
	int ret = number_of(rec, "id", &id, err);

	if (ret)
		return ret;
	if (id >= c->plan->nmeasures)
		return json_error(rec, err, "id %" PRIu64 " is not in the plan of %zu", id,
				  c->plan->nmeasures);
	*m = &c->plan->measures[id];
	return 0;
}

static int collect_hello(struct collector *c, const struct json_node *rec, struct error *err)
{
	c->hello = rec->value;
	c->clock = text_of(rec, "clock", err);
	c->release = text_of(rec, "release", err);
	c->build_id = text_of(rec, "build_id", err);
	if (!c->clock || !c->release || !c->build_id)
		return -EINVAL;
	return 0;
}

static int collect_l1(struct collector *c, const struct json_node *rec, struct error *err)
{
	const struct scenario_measure *m;
	int ret = measure_of(c, rec, &m, err);

	if (ret)
		return ret;
	c->l1_build_id = text_of(rec, "build_id", err);
	c->l1_release = text_of(rec, "release", err);
	if (!c->l1_build_id || !c->l1_release || !text_of(rec, "via", err) ||
	    !text_of(rec, "nested", err))
		return -EINVAL;
	return 0;
}

static int read_bucket(const struct json_node *pair, struct results_bucket *out, struct error *err)
{
	struct json_node item;
	int64_t bucket, count;
	int ret;

	if (json_length(pair) != 2)
		return json_error(pair, err, "expected [bucket,count]");
	json_element(pair, 0, &item);
	ret = json_as_int(&item, 0, UINT32_MAX, &bucket, err);
	if (ret)
		return ret;
	json_element(pair, 1, &item);
	ret = json_as_int(&item, 1, UINT32_MAX, &count, err);
	if (ret)
		return ret;
	*out = (struct results_bucket){.bucket = bucket, .count = count};
	return 0;
}

static int read_buckets(struct results_metric *m, const struct json_node *hist, struct error *err)
{
	size_t n = json_length(hist);
	struct results_bucket *buckets = xcalloc(n, sizeof(*buckets));
	uint64_t sum = 0;

	m->hist = buckets;
	m->nhist = n;
	for (size_t i = 0; i < n; i++) {
		struct json_node pair;
		int ret;

		json_element(hist, i, &pair);
		ret = read_bucket(&pair, &buckets[i], err);
		if (ret)
			return ret;
		sum += buckets[i].count;
	}
	if (sum != m->count)
		return json_error(hist, err,
				  "buckets hold %" PRIu64 " samples, count says %" PRIu64, sum,
				  m->count);
	return 0;
}

static double smallest_effect(const struct scenario_plan *plan, const char *metric)
{
	for (size_t i = 0; i < plan->neffects; i++)
		if (!strcmp(plan->effects[i].metric, metric))
			return plan->effects[i].percent;
	return 0;
}

static int optional_scale(const struct json_node *rec, uint32_t *scale, struct error *err)
{
	struct json_node n;
	int64_t value = 1;
	int ret = json_member(rec, "scale", false, &n, err);

	if (!ret)
		ret = json_as_int(&n, 1, 1000000, &value, err);
	*scale = value;
	return ret == -ENOENT ? 0 : ret;
}

/* The numbers of a metric; its histogram is allocated even after an error. */
static int read_samples(const struct json_node *rec, struct results_metric *m, struct error *err)
{
	static const struct {
		const char *key;
		size_t offset;
	} counts[] = {
		{"count", offsetof(struct results_metric, count)},
		{"min", offsetof(struct results_metric, min)},
		{"max", offsetof(struct results_metric, max)},
	};
	struct json_node hist;
	int ret = optional_scale(rec, &m->scale, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		void *at = (char *)m + counts[i].offset;

		ret = number_of(rec, counts[i].key, at, err);
		if (ret)
			return ret;
	}
	ret = real_of(rec, "mean", &m->mean, err);
	if (ret)
		return ret;
	ret = json_member(rec, "hist", true, &hist, err);
	if (ret)
		return ret;
	ret = json_as_array(&hist, err);
	if (ret)
		return ret;
	return read_buckets(m, &hist, err);
}

static int collect_metric(struct collector *c, const struct json_node *rec, struct error *err)
{
	const struct scenario_measure *measure;
	const struct scenario_metric *known;
	const char *name, *unit;
	struct results_metric m = {0};
	int ret = measure_of(c, rec, &measure, err);

	if (ret)
		return ret;
	name = text_of(rec, "metric", err);
	unit = text_of(rec, "unit", err);
	if (!name || !unit)
		return -EINVAL;
	known = scenario_find_metric(scenario_measure_name(measure), name);
	if (!known)
		return json_error(rec, err, "scenario %s has no metric \"%s\"",
				  scenario_measure_name(measure), name);
	m = (struct results_metric){
		.scenario = scenario_measure_name(measure),
		.metric = known->name,
		.params = measure->params,
		.unit = unit,
		.better = known->better,
		.headline = known->headline,
		.smallest_effect = smallest_effect(c->plan, name),
		.rounds = measure->line.rounds,
		.warmup = measure->line.warmup,
	};
	ret = read_samples(rec, &m, err);
	if (ret) {
		free((void *)(uintptr_t)m.hist);
		return ret;
	}
	*APPEND(c->metrics, c->nmetrics) = m;
	return 0;
}

static int collect_counters(struct collector *c, const struct json_node *rec, struct error *err)
{
	const struct scenario_measure *measure;
	struct json_node values, item;
	int64_t value;
	int ret = measure_of(c, rec, &measure, err);

	if (ret)
		return ret;
	ret = json_member(rec, "values", true, &values, err);
	if (ret)
		return ret;
	ret = json_as_object(&values, err);
	if (ret)
		return ret;
	json_object_object_foreach(values.value, name, unused)
	{
		(void)unused;
		ret = json_member(&values, name, true, &item, err);
		if (ret)
			return ret;
		ret = json_as_int(&item, INT64_MIN, INT64_MAX, &value, err);
		if (ret)
			return ret;
		*APPEND(c->counters, c->ncounters) = (struct results_counter){
			.scenario = scenario_measure_name(measure),
			.params = measure->params,
			.name = name,
			.value = value,
		};
	}
	return 0;
}

static int add_test(struct collector *c, const struct scenario_measure *m, const char *name,
		    const char *result, const char *text)
{
	if (!result || !text)
		return -EINVAL;
	*APPEND(c->tests, c->ntests) = (struct results_test){
		.scenario = scenario_measure_name(m),
		.params = m->params,
		.name = name,
		.result = result,
		.text = text,
	};
	return 0;
}

/* Like a record: the row borrows it. */
static const char *keep_text(struct collector *c, const char *text)
{
	struct json_object *kept = json_object_new_string(text);

	*APPEND(c->records, c->nrecords) = kept;
	return json_object_get_string(kept);
}

static int collect_skip(struct collector *c, const struct json_node *rec, struct error *err)
{
	const struct scenario_measure *m = NULL;
	int ret = measure_of(c, rec, &m, err);

	if (ret)
		return ret;
	return add_test(c, m, "", "skip", text_of(rec, "reason", err));
}

static enum results_class class_of(const char *word)
{
	if (!strcmp(word, "integrity"))
		return RESULTS_INTEGRITY;
	if (!strcmp(word, "infrastructure"))
		return RESULTS_INFRASTRUCTURE;
	return RESULTS_GUEST;
}

static int collect_fail(struct collector *c, const struct json_node *rec, struct error *err)
{
	const struct scenario_measure *m;
	const char *class, *text, *expected, *found;
	struct error all = {0};
	int ret = measure_of(c, rec, &m, err);

	if (ret)
		return ret;
	class = text_of(rec, "class", err);
	text = text_of(rec, "text", err);
	expected = text_of(rec, "expected", err);
	found = text_of(rec, "found", err);
	if (!class || !text || !expected || !found)
		return -EINVAL;
	error_set(&all, 0, "%s %s: %s", scenario_measure_name(m), m->params, text);
	if (expected[0] || found[0])
		error_append(&all, 0, ": expected %s, found %s", expected, found);
	note_trouble(c, class_of(class), all.text);
	error_set(&all, 0, "%s: %s", class, text);
	return add_test(c, m, "", "fail", keep_text(c, all.text));
}

static const char *line_before(const char *text, const char *line)
{
	const char *at = line - 1;

	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

/* Where a selftest's output says what failed (kselftest.h, lib/assert.c), from the remarks above that
 * on; else its end. */
static const char *find_failure(const char *text, const char *last)
{
	static const char *const signs[] = {"not ok ", "==== Test Assertion Failure ===="};
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		const char *at = strstr(text, signs[i]);

		if (at && (!first || at < first))
			first = at;
	}
	if (!first)
		return last - text > FAILURE_TEXT ? last - FAILURE_TEXT : text;
	while (first > text && first[-1] == '\n' && *line_before(text, first) == '#')
		first = line_before(text, first);
	return first;
}

/* The agent puts how it ended on the last line. */
static void note_failed_test(struct collector *c, const char *name, const char *text)
{
	const char *end = strrchr(text, '\n'), *last = text, *what;
	struct error all = {0};

	if (end)
		last = end + 1;
	what = find_failure(text, last);
	error_set(&all, 0, "selftest %s failed (%.100s)", name, last);
	if (last > what + FAILURE_TEXT)
		error_append(&all, 0, ":\n%.*s", FAILURE_TEXT, what);
	else if (last > what)
		error_append(&all, 0, ":\n%.*s", (int)(last - what), what);
	note_trouble(c, RESULTS_INTEGRITY, all.text);
}

static int collect_test(struct collector *c, const struct json_node *rec, struct error *err)
{
	const struct scenario_measure *m;
	const char *name, *result, *text;
	int ret = measure_of(c, rec, &m, err);

	if (ret)
		return ret;
	name = text_of(rec, "name", err);
	result = text_of(rec, "result", err);
	text = text_of(rec, "text", err);
	if (!name || !result || !text)
		return -EINVAL;
	if (!strcmp(result, "fail"))
		note_failed_test(c, name, text);
	return add_test(c, m, name, result, text);
}

static int collect_end(struct collector *c, const struct json_node *rec, struct error *err)
{
	const struct scenario_measure *m;
	int ret = measure_of(c, rec, &m, err);

	if (ret)
		return ret;
	c->ended++;
	c->running = NULL;
	return 0;
}

static int collect_begin(struct collector *c, const struct json_node *rec, struct error *err)
{
	return measure_of(c, rec, &c->running, err);
}

static int collect_console(struct collector *c, const struct json_node *rec, struct error *err)
{
	const char *text = text_of(rec, "text", err);

	if (!text)
		return -EINVAL;
	if (!c->complaint.text[0])
		error_set(&c->complaint, -EIO, "%s", text);
	note_trouble(c, RESULTS_GUEST, text);
	return 0;
}

static int collect_fatal(struct collector *c, const struct json_node *rec, struct error *err)
{
	const char *text = text_of(rec, "text", err);
	struct json_object *class;

	if (!text)
		return -EINVAL;
	if (json_object_object_get_ex(rec->value, "class", &class) &&
	    !strcmp(json_object_get_string(class), "infrastructure"))
		note_trouble(c, RESULTS_INFRASTRUCTURE, text);
	else
		note_trouble(c, RESULTS_JOB, text);
	return 0;
}

static int collect_file(struct collector *c, const struct json_node *rec, struct error *err)
{
	const struct scenario_measure *m;
	const char *name, *data;
	int ret = measure_of(c, rec, &m, err);

	if (ret)
		return ret;
	name = text_of(rec, "name", err);
	data = text_of(rec, "data", err);
	if (!name || !data)
		return -EINVAL;
	if (strcmp(name, "libvirt-capabilities"))
		return json_error(rec, err, "unknown file \"%s\"", name);
	c->capabilities = data;
	return 0;
}

static int ignore_record(struct collector *c, const struct json_node *rec, struct error *err)
{
	(void)c;
	(void)rec;
	(void)err;
	return 0;
}

static const struct {
	const char *type;
	int (*collect)(struct collector *c, const struct json_node *rec, struct error *err);
} record_types[] = {
	{"hello", collect_hello}, {"l1", collect_l1},		{"begin", collect_begin},
	{"alive", ignore_record}, {"metric", collect_metric},	{"counters", collect_counters},
	{"skip", collect_skip},	  {"fail", collect_fail},	{"test", collect_test},
	{"end", collect_end},	  {"console", collect_console}, {"fatal", collect_fatal},
	{"file", collect_file},	  {"bye", ignore_record},	{"crossing", ignore_record},
};

static int collect_record(struct collector *c, const struct json_node *rec, struct error *err)
{
	const char *type = text_of(rec, "type", err);

	if (!type)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(record_types); i++)
		if (!strcmp(type, record_types[i].type))
			return record_types[i].collect(c, rec, err);
	return json_error(rec, err, "unknown record type \"%s\"", type);
}

void collector_init(struct collector *c, const struct scenario_plan *plan)
{
	*c = (struct collector){.plan = plan};
}

void collector_release(struct collector *c)
{
	for (size_t i = 0; i < c->nmetrics; i++)
		free((void *)(uintptr_t)c->metrics[i].hist);
	for (size_t i = 0; i < c->nrecords; i++)
		json_object_put(c->records[i]);
	free(c->metrics);
	free(c->counters);
	free(c->tests);
	free(c->records);
}

void collector_record(struct collector *c, struct json_object *record)
{
	const struct json_node rec = {
		.value = json_object_get(record), .file = "record", .path = "$"};
	struct error err = {0};

	*APPEND(c->records, c->nrecords) = record;
	if (collect_record(c, &rec, &err))
		note_trouble(c, RESULTS_INFRASTRUCTURE, err.text);
}

void collector_give_up(struct collector *c, const char *why)
{
	const struct scenario_measure *m = c->running;

	add_test(c, m, m->line.test, "fail", keep_text(c, why));
	c->ended++;
	c->running = NULL;
}

void collector_finish(struct collector *c)
{
	struct error all = {0};

	if (c->class != RESULTS_OK || c->ended == c->plan->nmeasures)
		return;
	error_set(&all, 0, "%zu of %zu measurements ended", c->ended, c->plan->nmeasures);
	note_trouble(c, RESULTS_INFRASTRUCTURE, all.text);
}

void collector_fill(const struct collector *c, struct results_boot *run)
{
	run->clock = c->clock;
	run->metrics = c->metrics;
	run->nmetrics = c->nmetrics;
	run->counters = c->counters;
	run->ncounters = c->ncounters;
	run->tests = c->tests;
	run->ntests = c->ntests;
}
