// SPDX-License-Identifier: GPL-2.0-only
/* KTAP version 1 (the kernel's Documentation/dev-tools/ktap.rst), kept to what TAP readers take. */
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/points.h"

/* A description would end at a '#' or a newline, so both are replaced. */
static void add_plain(struct strbuf *out, const char *text)
{
	size_t from = out->len;

	markup_line(out, text);
	for (size_t i = from; i < out->len; i++)
		if (out->buf[i] == '#')
			out->buf[i] = '_';
}

static void add_point(const struct report_point *p, size_t number, struct strbuf *out)
{
	static const struct {
		const char *word, *directive;
	} shapes[] = {
		[POINT_PASS] = {"ok", NULL},
		[POINT_FAIL] = {"not ok", NULL},
		[POINT_SKIP] = {"ok", "SKIP"},
		/* as kselftest.h does: kunit.py takes "not ok" with any directive as a failure */
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

void ktap_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct report_points points;

	(void)o;
	points_collect(r, &points);
	strbuf_addf(out, "KTAP version 1\n1..%zu\n", points.count);
	for (size_t i = 0; i < points.count; i++)
		add_point(&points.items[i], i + 1, out);
	points_free(&points);
}
