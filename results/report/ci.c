// SPDX-License-Identifier: GPL-2.0-only
/* KTAP (Documentation/dev-tools/ktap.rst, version 1) and JUnit XML. */
#include <string.h>

#include "common/alloc.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/points.h"
#include "results/report/words.h"

/* ---- KTAP ---- */

/* A description ends at '#', and a line at its end: neither may be in it. */
static void add_plain(struct strbuf *out, const char *text)
{
	size_t from = out->len;

	markup_line(out, text);
	for (size_t i = from; i < out->len; i++)
		if (out->buf[i] == '#')
			out->buf[i] = '_';
}

static void ktap_point(const struct report_point *p, size_t number, struct strbuf *out)
{
	static const struct {
		const char *word, *directive;
	} shapes[] = {
		[POINT_PASS] = {"ok", NULL},
		[POINT_FAIL] = {"not ok", NULL},
		[POINT_SKIP] = {"ok", "SKIP"},
		/* as kselftest.h does; kunit.py takes "not ok" with any directive as a failure */
		[POINT_KNOWN] = {"ok", "XFAIL fails with the base too:"},
	};
	const char *directive = shapes[p->status].directive;

	if (!directive && *p->why) {
		strbuf_addstr(out, "# ");
		markup_line(out, p->why);
		strbuf_addch(out, '\n');
	}
	strbuf_addf(out, "%s %zu ", shapes[p->status].word, number);
	add_plain(out, p->suite);
	strbuf_addstr(out, ": ");
	add_plain(out, p->name);
	if (directive) {
		strbuf_addf(out, " # %s ", directive);
		add_plain(out, p->why);
	}
	strbuf_addch(out, '\n');
}

void report_render_ktap(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct report_points points;

	(void)o;
	report_points(r, &points);
	strbuf_addf(out, "KTAP version 1\n1..%zu\n", points.count);
	for (size_t i = 0; i < points.count; i++)
		ktap_point(&points.items[i], i + 1, out);
	report_points_free(&points);
}

/* ---- JUnit ---- */

static void junit_counts(const struct report_points *points, const char *suite, struct strbuf *out)
{
	size_t failed = report_points_count(points, suite, POINT_FAIL);
	size_t skipped = report_points_count(points, suite, POINT_SKIP) +
			 report_points_count(points, suite, POINT_KNOWN);

	strbuf_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"",
		    failed + skipped + report_points_count(points, suite, POINT_PASS), failed,
		    skipped);
}

static void junit_point(const struct report_point *p, struct strbuf *out)
{
	strbuf_addstr(out, "    <testcase");
	markup_attribute(out, "classname", "nestlab.%s", p->suite);
	markup_attribute(out, "name", "%s", p->name);
	strbuf_addch(out, '>');
	if (p->status == POINT_FAIL) {
		strbuf_addstr(out, "<failure");
		markup_attribute(out, "type", "%s", p->metric ? "regressed" : "failed");
		markup_attribute(out, "message", "%.300s", p->why);
		strbuf_addch(out, '>');
		markup_add(out, p->why);
		strbuf_addstr(out, "</failure>");
	} else if (p->status != POINT_PASS) {
		strbuf_addstr(out, "<skipped");
		markup_attribute(out, "message", "%s%s",
				 p->status == POINT_KNOWN ? "fails with the base too: " : "",
				 p->why);
		strbuf_addstr(out, "/>");
	} else if (*p->why) {
		markup_element(out, "system-out", "%s", p->why);
	}
	strbuf_addstr(out, "</testcase>\n");
}

static void junit_property(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, "      <property name=\"%s\"", name);
	markup_attribute(out, "value", "%s", value);
	strbuf_addstr(out, "/>\n");
}

static void junit_properties(const struct report *r, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;

	strbuf_addstr(out, "    <properties>\n");
	junit_property(out, "base", c->base);
	junit_property(out, "base_key", c->base_key);
	junit_property(out, "new", c->new);
	junit_property(out, "new_key", c->new_key);
	junit_property(out, "clock", c->clock);
	junit_property(out, "verdict", results_verdict_name(c->verdict));
	strbuf_addstr(out, "    </properties>\n");
}

void report_render_junit(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct report_points points;
	const char *suite = NULL;

	(void)o;
	report_points(r, &points);
	strbuf_addstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	markup_attribute(out, "name", "nestlab %s against %s", r->comparison.new,
			 r->comparison.base);
	junit_counts(&points, NULL, out);
	strbuf_addstr(out, ">\n");
	for (size_t i = 0; i < points.count; i++) {
		const struct report_point *p = &points.items[i];

		if (!suite || strcmp(suite, p->suite)) {
			strbuf_addf(out, "%s  <testsuite", suite ? "  </testsuite>\n" : "");
			markup_attribute(out, "name", "%s", p->suite);
			junit_counts(&points, p->suite, out);
			strbuf_addstr(out, ">\n");
			junit_properties(r, out);
		}
		suite = p->suite;
		junit_point(p, out);
	}
	strbuf_addstr(out, "  </testsuite>\n</testsuites>\n");
	report_points_free(&points);
}
