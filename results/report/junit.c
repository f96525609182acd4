// SPDX-License-Identifier: GPL-2.0-only
/*
 * JUnit XML, as Jenkins and GitLab read it: a suite per scenario. It is written with markup.h, whose
 * work (bytes that are no UTF-8 or that XML forbids) libxml2's xmlTextWriter would leave to us, too.
 */
#include <string.h>

#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/points.h"

static void add_counts(const struct report_points *points, const char *suite, struct strbuf *out)
{
	size_t failed = points_count(points, suite, POINT_FAIL);
	size_t skipped =
		points_count(points, suite, POINT_SKIP) + points_count(points, suite, POINT_KNOWN);

	strbuf_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"",
		    failed + skipped + points_count(points, suite, POINT_PASS), failed, skipped);
}

static void add_failure(const struct report_point *p, struct strbuf *out)
{
	strbuf_addstr(out, "<failure");
	if (p->metric)
		strbuf_addstr(out, " type=\"regressed\"");
	else
		strbuf_addstr(out, " type=\"failed\"");
	markup_attribute(out, "message", "%.300s", p->why);
	strbuf_addch(out, '>');
	markup_add(out, p->why);
	strbuf_addstr(out, "</failure>");
}

static void add_skipped(const char *head, const char *why, struct strbuf *out)
{
	strbuf_addstr(out, "<skipped");
	markup_attribute(out, "message", "%s%s", head, why);
	strbuf_addstr(out, "/>");
}

static void add_point(const struct report_point *p, struct strbuf *out)
{
	strbuf_addstr(out, "    <testcase");
	markup_attribute(out, "classname", "nestlab.%s", p->suite);
	markup_attribute(out, "name", "%s", p->name);
	strbuf_addch(out, '>');
	switch (p->status) {
	case POINT_FAIL:
		add_failure(p, out);
		break;
	case POINT_KNOWN:
		add_skipped("fails with the base too: ", p->why, out);
		break;
	case POINT_SKIP:
		add_skipped("", p->why, out);
		break;
	case POINT_PASS:
		if (*p->why)
			markup_element(out, "system-out", "%s", p->why);
	}
	strbuf_addstr(out, "</testcase>\n");
}

static void add_property(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, "      <property name=\"%s\"", name);
	markup_attribute(out, "value", "%s", value);
	strbuf_addstr(out, "/>\n");
}

static void add_properties(const struct report *r, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;

	strbuf_addstr(out, "    <properties>\n");
	add_property(out, "base", c->base);
	add_property(out, "base_key", c->base_key);
	add_property(out, "new", c->new);
	add_property(out, "new_key", c->new_key);
	add_property(out, "clock", c->clock);
	add_property(out, "verdict", results_verdict_name(c->verdict));
	strbuf_addstr(out, "    </properties>\n");
}

static void begin_suite(const struct report *r, const struct report_points *points,
			const char *suite, struct strbuf *out)
{
	strbuf_addstr(out, "  <testsuite");
	markup_attribute(out, "name", "%s", suite);
	add_counts(points, suite, out);
	strbuf_addstr(out, ">\n");
	add_properties(r, out);
}

void junit_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct report_points points;
	const char *suite = NULL;

	(void)o;
	points_collect(r, &points);
	strbuf_addstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	markup_attribute(out, "name", "nestlab %s against %s", r->comparison.new,
			 r->comparison.base);
	add_counts(&points, NULL, out);
	strbuf_addstr(out, ">\n");
	for (size_t i = 0; i < points.count; i++) {
		const struct report_point *p = &points.items[i];

		if (!suite || strcmp(suite, p->suite)) {
			if (suite)
				strbuf_addstr(out, "  </testsuite>\n");
			suite = p->suite;
			begin_suite(r, &points, suite, out);
		}
		add_point(p, out);
	}
	strbuf_addstr(out, "  </testsuite>\n</testsuites>\n");
	points_free(&points);
}
