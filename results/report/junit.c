// SPDX-License-Identifier: GPL-2.0-only
/*
 * JUnit XML: a suite per scenario. Both schemas that there are accept it, that of Jenkins' xUnit plugin and
 * the stricter one of Ant's JUnitReport: that is why testsuites has no attributes, why a test case that
 * passed says what it has to say in its suite's system-out, and why every suite has both outputs.
 *
 * It is written with markup.h, whose work (bytes that are no UTF-8 or that XML forbids) libxml2's
 * xmlTextWriter would leave to us, too.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "results/report/excerpt.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/objects.h"
#include "results/report/points.h"
#include "results/report/words.h"

#define MESSAGE_MAX 300	  /* bytes of an attribute, which readers show in one line */
#define OUTPUT_MAX  16384 /* of a failure's text, and of what one test case adds to the output */

struct junit {
	const struct report *r;
	const struct report_points *points;
	const struct results_boot *boot; /* the new kernel's newest */
	char timestamp[sizeof("2026-11-23T21:00:00")];
	char *hostname;
	struct strbuf *out;
};

/* ---- when and where ---- */

/* Both schemas want a time, and Ant's wants it without its zone, which is UTC. */
static void find_timestamp(struct junit *j)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	const char *started = j->boot->started;

	/* for a stored boot that does not tell */
	snprintf(j->timestamp, sizeof(j->timestamp), "1970-01-01T00:00:00");
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)started[i]) : started[i] != form[i])
			return;
	memcpy(j->timestamp, started, strlen(form));
}

/* The machine that nestlab ran on, as the boot's environment has it. */
static char *find_machine(const struct results_boot *boot)
{
	struct json_object *environment = objects_parse(boot->environment), *machine;
	char *name = NULL;

	if (environment && json_object_object_get_ex(environment, "machine", &machine))
		name = xstrdup(json_object_get_string(machine));
	json_object_put(environment);
	if (name && *name)
		return name;
	free(name);
	return xstrdup("localhost"); /* Ant's word where it is not known */
}

/* ---- a test case ---- */

static void add_message(struct strbuf *out, const char *head, const char *why)
{
	__cleanup_free char *cut = excerpt_make(why, MESSAGE_MAX);

	markup_attribute(out, "message", "%s%s", head, cut);
}

static void add_failure(const struct report_point *p, struct strbuf *out)
{
	__cleanup_free char *text = excerpt_make(p->why, OUTPUT_MAX);

	strbuf_addstr(out, "<failure");
	if (p->metric)
		strbuf_addstr(out, " type=\"regressed\"");
	else
		strbuf_addstr(out, " type=\"failed\"");
	add_message(out, "", p->why);
	strbuf_addch(out, '>');
	markup_add(out, text);
	strbuf_addstr(out, "</failure>");
}

static void add_skipped(const char *head, const char *why, struct strbuf *out)
{
	strbuf_addstr(out, "<skipped");
	add_message(out, head, why);
	strbuf_addstr(out, "/>");
}

static void add_point(const struct report_point *p, struct strbuf *out)
{
	strbuf_addstr(out, "    <testcase");
	markup_attribute(out, "classname", "nestlab.%s", p->suite);
	markup_attribute(out, "name", "%s", p->name);
	markup_attribute(out, "time", "%.3f", p->seconds);
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
		break;
	}
	strbuf_addstr(out, "</testcase>\n");
}

/* ---- a suite ---- */

static void add_property(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, "      <property name=\"%s\"", name);
	markup_attribute(out, "value", "%s", value);
	strbuf_addstr(out, "/>\n");
}

static void add_properties(const struct report *r, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *head = words_head(&r->head);

	strbuf_addstr(out, "    <properties>\n");
	add_property(out, "base", c->base);
	add_property(out, "base_key", c->base_key);
	add_property(out, "new", c->new);
	add_property(out, "new_key", c->new_key);
	add_property(out, "clock", c->clock);
	add_property(out, "verdict", results_verdict_name(c->verdict));
	if (*head)
		add_property(out, "database_head", head);
	strbuf_addstr(out, "    </properties>\n");
}

static void add_counts(const struct junit *j, const char *suite)
{
	size_t failed = points_count(j->points, suite, POINT_FAIL);
	size_t skipped = points_count(j->points, suite, POINT_SKIP) +
			 points_count(j->points, suite, POINT_KNOWN);

	strbuf_addf(j->out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"",
		    failed + skipped + points_count(j->points, suite, POINT_PASS), failed, skipped);
}

static void begin_suite(const struct junit *j, size_t first, size_t end, size_t id)
{
	const char *suite = j->points->items[first].suite;
	double seconds = 0;

	for (size_t i = first; i < end; i++)
		seconds += j->points->items[i].seconds;
	strbuf_addf(j->out, "  <testsuite id=\"%zu\" package=\"nestlab\"", id);
	markup_attribute(j->out, "name", "%s", suite);
	markup_attribute(j->out, "timestamp", "%s", j->timestamp);
	markup_attribute(j->out, "hostname", "%s", j->hostname);
	add_counts(j, suite);
	strbuf_addf(j->out, " time=\"%.3f\">\n", seconds);
	add_properties(j->r, j->out);
}

/* What the test cases that passed have to say. */
static void add_output(const struct junit *j, size_t first, size_t end)
{
	strbuf_addstr(j->out, "    <system-out>");
	for (size_t i = first; i < end; i++) {
		const struct report_point *p = &j->points->items[i];
		__cleanup_free char *why = excerpt_make(p->why, OUTPUT_MAX);

		if (p->status != POINT_PASS || !*why)
			continue;
		markup_add(j->out, p->name);
		strbuf_addstr(j->out, ": ");
		markup_add(j->out, why);
		strbuf_addch(j->out, '\n');
	}
	strbuf_addstr(j->out, "</system-out>\n    <system-err/>\n  </testsuite>\n");
}

/* The points are sorted by suite. Returns the first of the next one. */
static size_t add_suite(const struct junit *j, size_t first, size_t id)
{
	const struct report_point *items = j->points->items;
	size_t end = first + 1;

	while (end < j->points->count && !strcmp(items[end].suite, items[first].suite))
		end++;
	begin_suite(j, first, end, id);
	for (size_t i = first; i < end; i++)
		add_point(&items[i], j->out);
	add_output(j, first, end);
	return end;
}

void junit_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct report_points points;
	struct junit j = {
		.r = r,
		.points = &points,
		.boot = report_newest(r, REPORT_NEW),
		.out = out,
	};
	size_t id = 0;

	(void)o;
	points_collect(r, &points);
	find_timestamp(&j);
	j.hostname = find_machine(j.boot);
	strbuf_addstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (size_t i = 0; i < points.count; id++)
		i = add_suite(&j, i, id);
	strbuf_addstr(out, "</testsuites>\n");
	free(j.hostname);
	points_free(&points);
}
