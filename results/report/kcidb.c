// SPDX-License-Identifier: GPL-2.0-only
/*
 * KCIDB I/O schema 5.3: one checkout and one build per kernel, one test per compared metric and
 * selftest of each, and one for the new kernel's boots: did any die? Ids are made of content hashes, so that the same report sent twice is one.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/points.h"
#include "results/report/words.h"

#define ORIGIN	    "nestlab"
#define KCIDB_MAJOR 5
#define KCIDB_MINOR 3

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

	report_json_text(j, "id", id);
	report_json_text(j, "origin", ORIGIN);
	return j;
}

static struct json_object *make_checkout(const struct kcidb_side *s)
{
	struct json_object *j = make_object(s->checkout), *misc = json_object_new_object();

	report_json_text(j, "tree_name", s->run->kernel_name);
	report_json_text(j, "comment", s->run->kernel_release);
	json_object_object_add(j, "valid", json_object_new_boolean(true));
	/* of our own making: the schema's patchset_hash is another sum over the patches */
	report_json_text(misc, "source_hash", s->run->source_hash);
	report_json_text(misc, "patches_hash", s->run->patches_hash);
	json_object_object_add(j, "misc", misc);
	return j;
}

static struct json_object *make_build(const struct kcidb_side *s)
{
	struct json_object *j = make_object(s->build), *misc = json_object_new_object();

	report_json_text(j, "checkout_id", s->checkout);
	report_json_text(j, "architecture", "x86_64");
	report_json_text(j, "compiler", s->run->compiler);
	report_json_text(j, "config_name", s->run->kernel_name);
	report_json_text(j, "status", "PASS");
	report_json_text(j, "comment", s->run->kernel_release);
	report_json_text(misc, "kernel_key", s->run->kernel_key);
	report_json_text(misc, "build_id", s->run->kernel_build_id);
	report_json_text(misc, "config_hash", s->run->config_hash);
	report_json_text(misc, "bzimage_sha256", s->run->bzimage_sha256);
	json_object_object_add(j, "misc", misc);
	return j;
}

/* A path is words of [a-zA-Z0-9_-] joined by dots; params are told apart in misc. */
static char *make_path(const struct report_point *p)
{
	const char *leaf = p->metric	    ? p->metric->metric
			   : !p->test	    ? NULL /* the boots: of no scenario */
			   : *p->test->name ? p->test->name
					    : "run";
	char *path = leaf ? xasprintf(ORIGIN ".%s.%s", p->suite, leaf)
			  : xasprintf(ORIGIN ".%s", p->suite);

	for (char *c = path; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '_';
	return path;
}

static const char *status_of(const struct report_point *p, enum report_side side)
{
	static const char *const judged[] = {[POINT_PASS] = "PASS",
					     [POINT_FAIL] = "FAIL",
					     [POINT_SKIP] = "DONE", /* ran, and decides nothing */
					     [POINT_KNOWN] = "FAIL"};
	const char *result;

	if (!p->test)
		return side == REPORT_NEW ? judged[p->status] : "DONE";
	result = p->test->result[side];
	return !result			 ? *p->test->name ? "MISS" : "PASS"
	       : !strcmp(result, "pass") ? "PASS"
	       : !strcmp(result, "fail") ? "FAIL"
					 : "SKIP";
}

static void add_number(struct json_object *j, const struct results_compared *m,
		       enum report_side side)
{
	double median = side == REPORT_NEW ? m->new.median : m->base.median;
	struct json_object *n = json_object_new_object();

	json_object_object_add(n, "value", json_object_new_double(median));
	report_json_text(n, "unit", m->unit);
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
	struct json_object *j = json_object_new_object(), *params;
	const struct results_compared *m = p->metric;

	params = report_json_parsed(m ? m->params : p->test ? p->test->params : NULL);
	if (params)
		json_object_object_add(j, "params", params);
	report_json_text(j, "clock", r->comparison.clock);
	if (!m)
		return j;
	report_json_text(j, "better", m->better);
	add_finite(j, "p99", side == REPORT_NEW ? m->new.p99 : m->base.p99);
	json_object_object_add(
		j, "boots", json_object_new_int(side == REPORT_NEW ? m->new.boots : m->base.boots));
	if (side == REPORT_BASE)
		return j;
	report_json_text(j, "base_key", r->comparison.base_key);
	add_finite(j, "ratio", m->median.ratio);
	add_finite(j, "ratio_low", m->median.low);
	add_finite(j, "ratio_high", m->median.high);
	report_json_text(j, "verdict", results_verdict_name(m->median.verdict));
	return j;
}

static struct json_object *make_environment(const struct results_boot *run)
{
	struct json_object *j = json_object_new_object(), *misc, *identity;

	report_json_text(j, "comment", run->host_name);
	identity = report_json_parsed(run->host_identity);
	if (!identity)
		return j;
	misc = json_object_new_object();
	json_object_object_add(misc, "identity", identity);
	json_object_object_add(j, "misc", misc);
	return j;
}

static struct json_object *make_test(const struct report *r, const struct report_point *p,
				     const struct kcidb_side *s, enum report_side side)
{
	__cleanup_free char *text =
		xasprintf("%s\n%s\n%s\n%s", s->run->session, s->build, p->suite, p->name);
	__cleanup_free char *id = make_id("test", text);
	__cleanup_free char *path = make_path(p);
	struct json_object *j = make_object(id);
	const char *log = p->test ? p->test->text[side] : p->metric || !*p->why ? NULL : p->why;

	report_json_text(j, "build_id", s->build);
	report_json_text(j, "path", path);
	report_json_text(j, "status", status_of(p, side));
	report_json_text(j, "start_time", s->run->started);
	json_object_object_add(j, "environment", make_environment(s->run));
	if (p->metric)
		add_number(j, p->metric, side);
	report_json_text(j, "comment", p->name);
	if (log && strlen(log) <= 16384) /* the schema's limit */
		report_json_text(j, "log_excerpt", log);
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

/* Of the base's boots nothing is judged. */
static bool is_told(const struct report_point *p, int side)
{
	return p->metric || p->test || side == REPORT_NEW;
}

static void add_arrays(struct json_object *doc, const struct report *r)
{
	struct json_object *checkouts = json_object_new_array(), *builds = json_object_new_array();
	struct json_object *tests = json_object_new_array();
	struct report_points points;

	report_points(r, &points);
	for (int side = 0; side < REPORT_SIDES; side++) {
		struct kcidb_side s = make_side(r, side);
		bool again = side && !strcmp(r->comparison.base_key, r->comparison.new_key);

		if (!again) {
			json_object_array_add(checkouts, make_checkout(&s));
			json_object_array_add(builds, make_build(&s));
			for (size_t i = 0; i < points.count; i++)
				if (is_told(&points.items[i], side))
					json_object_array_add(
						tests, make_test(r, &points.items[i], &s, side));
		}
		free(s.checkout);
		free(s.build);
	}
	report_points_free(&points);
	json_object_object_add(doc, "checkouts", checkouts);
	json_object_object_add(doc, "builds", builds);
	json_object_object_add(doc, "tests", tests);
}

void report_render_kcidb(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct json_object *doc = json_object_new_object(), *version = json_object_new_object();

	(void)o;
	json_object_object_add(version, "major", json_object_new_int(KCIDB_MAJOR));
	json_object_object_add(version, "minor", json_object_new_int(KCIDB_MINOR));
	json_object_object_add(doc, "version", version);
	add_arrays(doc, r);
	report_json_add(out, doc);
	json_object_put(doc);
}
