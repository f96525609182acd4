// SPDX-License-Identifier: GPL-2.0-only
/*
 * KTAP version 1 (the kernel's Documentation/dev-tools/ktap.rst), kept to what TAP readers take and to what
 * tools/testing/kunit/kunit_parser.py makes of it. No line is longer than 512 bytes: consoles and log
 * collectors cut longer ones, and what is cut is a directive.
 */
#include <string.h>

#include "common/alloc.h"
#include "results/report/excerpt.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/points.h"
#include "results/report/words.h"

#define SUITE_MAX    100 /* bytes; together with the words around them below 512 */
#define NAME_MAX     180
#define REASON_MAX   180
#define COMMENT_MAX  480  /* of one line */
#define COMMENTS_MAX 8000 /* of all lines of a point */

/* Where the kernel prints one of these, kunit_parser.py takes it for the end of all results, wherever in the
 * line it stands. */
static const struct {
	const char *ends, *harmless;
} endings[] = {
	{"List of all partitions:", "List of all partitions :"},
	{"Kernel panic - not syncing: VFS:", "Kernel panic - not syncing: VFS :"},
	{"reboot: System halted", "reboot : System halted"},
};

static const char *harmless_ending(const char *text, size_t *len)
{
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		*len = strlen(endings[i].ends);
		if (!strncmp(text, endings[i].ends, *len))
			return endings[i].harmless;
	}
	return NULL;
}

/* @text as one line that ends no results. */
static char *make_line(const char *text)
{
	struct strbuf clean = STRBUF_INIT, line = STRBUF_INIT;

	markup_line(&clean, text);
	for (const char *s = clean.buf; *s;) {
		size_t n;
		const char *harmless = harmless_ending(s, &n);

		if (harmless) {
			strbuf_addstr(&line, harmless);
			s += n;
		} else {
			strbuf_addch(&line, *s++);
		}
	}
	strbuf_release(&clean);
	return strbuf_detach(&line);
}

/* A description would end at a '#' or a newline, so both are replaced. */
static void add_plain(struct strbuf *out, const char *text, size_t max)
{
	__cleanup_free char *line = make_line(text), *cut = excerpt_make(line, max);

	for (char *s = cut; (s = strchr(s, '#'));)
		*s = '_';
	strbuf_addstr(out, cut);
}

/* "# text", on as many lines as it takes. "# Subtest:" would begin a subtest. */
static void add_comment_line(struct strbuf *out, const char *line)
{
	while (*line) {
		size_t n = excerpt_length(line, COMMENT_MAX);

		strbuf_addstr(out, "# ");
		if (!strncmp(line, "Subtest", 7))
			strbuf_addch(out, ' ');
		strbuf_add(out, line, n);
		strbuf_addch(out, '\n');
		line += n;
	}
}

static void add_comments(struct strbuf *out, const char *text)
{
	__cleanup_free char *cut = excerpt_make(text, COMMENTS_MAX);
	char *rest = cut, *one;

	while ((one = strsep(&rest, "\n"))) {
		__cleanup_free char *line = make_line(one);

		add_comment_line(out, line);
	}
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

	if (!directive)
		add_comments(out, p->why);
	strbuf_addf(out, "%s %zu ", shapes[p->status].word, number);
	add_plain(out, p->suite, SUITE_MAX);
	strbuf_addstr(out, ": ");
	add_plain(out, p->name, NAME_MAX);
	if (directive) {
		strbuf_addf(out, " # %s ", directive);
		add_plain(out, p->why, REASON_MAX);
	}
	strbuf_addch(out, '\n');
}

void ktap_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	__cleanup_free char *head = words_head(&r->head);
	struct report_points points;

	(void)o;
	points_collect(r, &points);
	strbuf_addf(out, "KTAP version 1\n1..%zu\n", points.count);
	if (*head)
		strbuf_addf(out, "# database head %s\n", head);
	for (size_t i = 0; i < points.count; i++)
		add_point(&points.items[i], i + 1, out);
	points_free(&points);
}
