// SPDX-License-Identifier: GPL-2.0-only
/*
 * KCIDB I/O schema 5.3: one checkout and one build per kernel, one test per compared metric and
 * selftest of each, and one for the new kernel's boots of each scenario that had failures. Ids are made
 * of content hashes, so that the same report sent twice adds nothing.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "results/report/excerpt.h"
#include "results/report/formats.h"
#include "results/report/objects.h"
#include "results/report/points.h"
#include "results/report/words.h"

#define ORIGIN	    "nestlab"
#define KCIDB_MAJOR 5
#define KCIDB_MINOR 3
#define LOG_MAX	    16384 /* the schema's limit of a log_excerpt */

struct kcidb_side {
	const struct results_boot *run;
	char *checkout, *build; /* ids */
};

/* "nestlab:WHAT-0123456789abcdef", the hash over @text. The caller frees. */
static char *make_id(const char *what, const char *text)
{
	char hex[SHA256_HEX];

	sha256_bytes(text, strlen(text), hex);
	return xasprintf(ORIGIN ":%s-%.24s", what, hex);
}

static struct json_object *make_object(const char *id)
{
	struct json_object *j = json_object_new_object();

	objects_add_text(j, "id", id);
	objects_add_text(j, "origin", ORIGIN);
	return j;
}

static struct json_object *make_checkout(const struct kcidb_side *s)
{
	struct json_object *j = make_object(s->checkout), *misc = json_object_new_object();

	objects_add_text(j, "tree_name", s->run->kernel_name);
	objects_add_text(j, "comment", s->run->kernel_release);
	json_object_object_add(j, "valid", json_object_new_boolean(true));
	/* our own sums: the schema's patchset_hash is computed in another way */
	objects_add_text(misc, "source_hash", s->run->source_hash);
	objects_add_text(misc, "patches_hash", s->run->patches_hash);
	json_object_object_add(j, "misc", misc);
	return j;
}

static struct json_object *make_build(const struct kcidb_side *s)
{
	struct json_object *j = make_object(s->build), *misc = json_object_new_object();

	objects_add_text(j, "checkout_id", s->checkout);
	objects_add_text(j, "architecture", "x86_64");
	objects_add_text(j, "compiler", s->run->compiler);
	objects_add_text(j, "config_name", s->run->kernel_name);
	objects_add_text(j, "status", "PASS");
	objects_add_text(j, "comment", s->run->kernel_release);
	objects_add_text(misc, "kernel_key", s->run->kernel_key);
	objects_add_text(misc, "build_id", s->run->kernel_build_id);
	objects_add_text(misc, "config_hash", s->run->config_hash);
	objects_add_text(misc, "bzimage_sha256", s->run->bzimage_sha256);
	json_object_object_add(j, "misc", misc);
	return j;
}

/* A path is words of [a-zA-Z0-9_-] joined by dots; params are told apart in misc. */
static char *make_path(const struct report_point *p)
{
	char *path;

	if (p->metric)
		path = xasprintf(ORIGIN ".%s.%s", p->suite, p->metric->metric);
	else if (p->test && *p->test->name)
		path = xasprintf(ORIGIN ".%s.%s", p->suite, p->test->name);
	else if (p->test)
		path = xasprintf(ORIGIN ".%s.run", p->suite);
	else
		path = xasprintf(ORIGIN ".%s", p->suite); /* the boots: of no scenario */
	for (char *c = path; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '_';
	return path;
}

static const char *test_status(const struct report_test *t, enum report_side side)
{
	const char *result = t->result[side];

	if (!result && *t->name)
		return "MISS";
	if (!result || !strcmp(result, "pass"))
		return "PASS"; /* a measurement leaves a row only where something was wrong */
	if (!strcmp(result, "fail"))
		return "FAIL";
	return "SKIP";
}

static const char *find_status(const struct report_point *p, enum report_side side)
{
	static const char *const judged[] = {
		[POINT_PASS] = "PASS",
		[POINT_FAIL] = "FAIL",
		[POINT_SKIP] = "DONE", /* ran, and decides nothing */
		[POINT_KNOWN] = "FAIL",
	};

	if (p->test)
		return test_status(p->test, side);
	if (side == REPORT_BASE)
		return "DONE"; /* the new kernel is judged by the base; the base is not judged */
	return judged[p->status];
}

static const struct results_side *side_numbers(const struct results_compared *m,
					       enum report_side side)
{
	if (side == REPORT_NEW)
		return &m->new;
	return &m->base;
}

static void add_number(struct json_object *j, const struct results_compared *m,
		       enum report_side side)
{
	double median = side_numbers(m, side)->median;
	struct json_object *n = json_object_new_object();

	json_object_object_add(n, "value", json_object_new_double(median));
	objects_add_text(n, "unit", m->unit);
	json_object_object_add(n, "prefix", json_object_new_string("metric"));
	json_object_object_add(j, "number", n);
}

static void add_finite(struct json_object *j, const char *key, double value)
{
	if (isfinite(value))
		json_object_object_add(j, key, json_object_new_double(value));
}

static struct json_object *make_misc(const struct report *r, const struct report_point *p,
				     enum report_side side)
{
	struct json_object *j = json_object_new_object(), *params = NULL;
	const struct results_compared *m = p->metric;
	__cleanup_free char *head = words_head(&r->head);

	if (m)
		params = objects_parse(m->params);
	else if (p->test)
		params = objects_parse(p->test->params);
	if (params)
		json_object_object_add(j, "params", params);
	objects_add_text(j, "clock", r->comparison.clock);
	objects_add_text(j, "database_head", head);
	if (!m)
		return j;
	objects_add_text(j, "better", m->better);
	add_finite(j, "p99", side_numbers(m, side)->p99);
	json_object_object_add(j, "boots", json_object_new_int(side_numbers(m, side)->boots));
	if (side == REPORT_BASE)
		return j;
	objects_add_text(j, "base_key", r->comparison.base_key);
	add_finite(j, "ratio", m->median.ratio);
	add_finite(j, "ratio_low", m->median.low);
	add_finite(j, "ratio_high", m->median.high);
	objects_add_text(j, "verdict", results_verdict_name(m->median.verdict));
	return j;
}

static struct json_object *make_environment(const struct results_boot *run)
{
	struct json_object *j = json_object_new_object(), *misc, *identity;

	objects_add_text(j, "comment", run->host_name);
	identity = objects_parse(run->host_identity);
	if (!identity)
		return j;
	misc = json_object_new_object();
	json_object_object_add(misc, "identity", identity);
	json_object_object_add(j, "misc", misc);
	return j;
}

/* What a test or a failed boot said; NULL: nothing. */
static const char *find_log(const struct report_point *p, enum report_side side)
{
	if (p->test)
		return p->test->text[side];
	if (p->metric)
		return NULL;
	return p->why;
}

static struct json_object *make_test(const struct report *r, const struct report_point *p,
				     const struct kcidb_side *s, enum report_side side)
{
	__cleanup_free char *text =
		xasprintf("%s\n%s\n%s\n%s", s->run->session, s->build, p->suite, p->name);
	__cleanup_free char *id = make_id("test", text);
	__cleanup_free char *path = make_path(p);
	struct json_object *j = make_object(id);
	const char *log = find_log(p, side);

	objects_add_text(j, "build_id", s->build);
	objects_add_text(j, "path", path);
	objects_add_text(j, "status", find_status(p, side));
	objects_add_text(j, "start_time", s->run->started);
	json_object_object_add(j, "environment", make_environment(s->run));
	if (p->metric)
		add_number(j, p->metric, side);
	objects_add_text(j, "comment", p->name);
	if (log) {
		__cleanup_free char *excerpt = excerpt_make(log, LOG_MAX);

		objects_add_text(j, "log_excerpt", excerpt);
	}
	json_object_object_add(j, "misc", make_misc(r, p, side));
	return j;
}

static struct kcidb_side make_side(const struct report *r, enum report_side side)
{
	struct kcidb_side s = {.run = report_newest(r, side)};
	__cleanup_free char *content = xasprintf("%s\n%s", s.run->source_hash, s.run->patches_hash);

	s.checkout = make_id("checkout", content);
	s.build = make_id("build", s.run->kernel_key);
	return s;
}

/* The base's boots are not judged. */
static bool has_test(const struct report_point *p, int side)
{
	return p->metric || p->test || side == REPORT_NEW;
}

/* Kernels of the same sources, which differ in their config, share it. */
static void add_checkout(struct json_object *list, const struct kcidb_side *s)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *other = json_object_array_get_idx(list, i);

		if (!strcmp(json_object_get_string(json_object_object_get(other, "id")),
			    s->checkout))
			return;
	}
	json_object_array_add(list, make_checkout(s));
}

static void add_arrays(struct json_object *doc, const struct report *r)
{
	struct json_object *checkouts = json_object_new_array(), *builds = json_object_new_array();
	struct json_object *tests = json_object_new_array();
	struct report_points points;

	points_collect(r, &points);
	for (int side = 0; side < REPORT_SIDES; side++) {
		struct kcidb_side s;

		if (side && !strcmp(r->comparison.base_key, r->comparison.new_key))
			break; /* one kernel, in halves */
		s = make_side(r, side);
		add_checkout(checkouts, &s);
		json_object_array_add(builds, make_build(&s));
		for (size_t i = 0; i < points.count; i++)
			if (has_test(&points.items[i], side))
				json_object_array_add(tests,
						      make_test(r, &points.items[i], &s, side));
		free(s.checkout);
		free(s.build);
	}
	points_free(&points);
	json_object_object_add(doc, "checkouts", checkouts);
	json_object_object_add(doc, "builds", builds);
	json_object_object_add(doc, "tests", tests);
}

void kcidb_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct json_object *doc = json_object_new_object(), *version = json_object_new_object();

	(void)o;
	json_object_object_add(version, "major", json_object_new_int(KCIDB_MAJOR));
	json_object_object_add(version, "minor", json_object_new_int(KCIDB_MINOR));
	json_object_object_add(doc, "version", version);
	add_arrays(doc, r);
	objects_print(doc, out);
	json_object_put(doc);
}
