// SPDX-License-Identifier: GPL-2.0-only
/* Text into markup, charts into SVG, documents into both faces: whatever the text is. */
#include "tests/unit/unit.h"

#include <math.h>

#include "results/report/doc.h"
#include "results/report/markup.h"
#include "results/report/svg.h"
#include "results/report/words.h"

static void markup_is(const char *text, const char *wanted)
{
	struct strbuf out = STRBUF_INIT;

	markup_add(&out, text);
	assert_string_equal(out.buf, wanted);
	strbuf_release(&out);
}

#define BAD "\xef\xbf\xbd"

TEST(special_characters_become_entities)
{
	markup_is("<a href=\"x\">'&'</a>", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
	markup_is(NULL, "");
	markup_is("tab\tline\n", "tab\tline\n");
	markup_is("\u00b1 \u20ac \U0001F600", "\u00b1 \u20ac \U0001F600");
}

TEST(what_xml_forbids_is_replaced)
{
	markup_is("a\x1b[31mb", "a" BAD "[31mb");
	markup_is("\xff\xfe", BAD BAD);			/* no UTF-8 at all */
	markup_is("\xc0\xaf", BAD BAD);			/* overlong slash */
	markup_is("\xed\xa0\x80", BAD BAD BAD);		/* a surrogate */
	markup_is("\xef\xbf\xbf", BAD);			/* U+FFFF */
	markup_is("\xf4\x90\x80\x80", BAD BAD BAD BAD); /* above U+10FFFF */
	markup_is("cut \xe2\x82", "cut " BAD BAD);
}

static void csv_is(const char *text, const char *wanted)
{
	struct strbuf out = STRBUF_INIT;

	markup_csv(&out, text);
	assert_string_equal(out.buf, wanted);
	strbuf_release(&out);
}

TEST(csv_quotes_after_rfc_4180)
{
	csv_is("plain", "plain");
	csv_is("a,b", "\"a,b\"");
	csv_is("say \"x\"", "\"say \"\"x\"\"\"");
	csv_is("two\nlines", "\"two\nlines\"");
	csv_is("", "");
}

/* ---- charts ---- */

static void number_is(double value, double step, const char *wanted)
{
	__cleanup_free char *text = words_tick(value, step);

	assert_string_equal(text, wanted);
}

TEST(numbers_are_grouped)
{
	number_is(0, 1, "0");
	number_is(999, 1, "999");
	number_is(1000, 1, "1,000");
	number_is(24816.4, 100, "24,816");
	number_is(1234567, 1, "1,234,567");
	number_is(-0.25, 0.05, "-0.25");
	number_is(-0.001, 0.1, "0.0");
	number_is(NAN, 1, "n/a");
}

TEST(ticks_are_round_and_within)
{
	double ticks[12];
	size_t n;

	n = svg_ticks(&(struct svg_axis){.low = 24310, .high = 29870}, ticks, 9);
	assert_in_range(n, 3, 9);
	for (size_t i = 0; i < n; i++) {
		assert_true(ticks[i] >= 24310 && ticks[i] <= 29870);
		assert_true(fmod(ticks[i], 500) == 0);
	}
	n = svg_ticks(&(struct svg_axis){.low = 3, .high = 4000, .log = true}, ticks, 12);
	assert_int_equal(n, 3);
	assert_true(ticks[0] == 10 && ticks[2] == 1000);
}

static struct strbuf draw(struct svg_chart *c, const double *xs, const double *ys, size_t n)
{
	struct strbuf out = STRBUF_INIT;

	svg_begin(c, &out, "x", "<title>", "a & b");
	svg_line(c, SVG_CIRCLE_DASHED, xs, ys, n);
	svg_marker(c, SVG_SQUARE, xs[0], ys[0]);
	svg_end(c);
	return out;
}

TEST(charts_stay_within_their_frame)
{
	const double xs[] = {-1e9, 1, 2, 1e300, INFINITY}, ys[] = {0, 5, -5, 1e300, NAN};
	struct svg_chart c = {.width = 800,
			      .height = 300,
			      .x = {.low = 0, .high = 10, .label = "x, <unit>"},
			      .y = {.low = 0, .high = 10, .label = "y"}};
	struct strbuf out = draw(&c, xs, ys, 4);

	assert_non_null(strstr(out.buf, "points=\"86.0,248.0 "));
	assert_null(strstr(out.buf, "nan"));
	assert_null(strstr(out.buf, "inf"));
	assert_non_null(strstr(out.buf, "stroke-dasharray"));
	assert_non_null(strstr(out.buf, "aria-labelledby=\"x-t x-d\""));
	assert_non_null(strstr(out.buf, "<title id=\"x-t\">&lt;title&gt;</title>"));
	assert_non_null(strstr(out.buf, "x, &lt;unit&gt;"));
	assert_null(strstr(out.buf, "<rect class=\"marker s2\" x=\"-"));
	strbuf_release(&out);
}

TEST(a_range_of_one_value_is_drawn)
{
	const double xs[] = {5, 5}, ys[] = {0, 0};
	struct svg_chart c = {.width = 800,
			      .height = 300,
			      .x = {.low = 5, .high = 5, .label = "x"},
			      .y = {.low = 0, .high = 0, .label = "y"}};
	struct strbuf out = draw(&c, xs, ys, 2);

	assert_null(strstr(out.buf, "nan"));
	assert_true(c.x.high > c.x.low && c.y.high > c.y.low);
	strbuf_release(&out);
}

/* ---- documents ---- */

static char *document(const struct doc_face *face)
{
	struct strbuf out = STRBUF_INIT;
	struct table *t = table_new("A <caption>", "name|value>");
	struct doc d;

	doc_begin(&d, face, &out, "Title & more");
	doc_verdict(&d, TONE_BAD, "FAIL", "because of %s", "<this>");
	doc_item(&d, TONE_PLAIN, "first");
	doc_item(&d, TONE_UNSURE, "second");
	doc_paragraph(&d, "After the list.");
	table_cell(t, "%s", "\u00b5-vmx");
	table_cell(t, "%d", 7);
	table_cell(t, "line\nbreak");
	table_cell_tone(t, TONE_GOOD, "%s", "12,345");
	doc_table(&d, t);
	doc_end(&d);
	return strbuf_detach(&out);
}

TEST(a_page_is_escaped_and_accessible)
{
	__cleanup_free char *page = document(&html_face);

	assert_null(strstr(page, "<this>"));
	assert_non_null(strstr(page, "because of &lt;this&gt;"));
	assert_non_null(strstr(page, "<caption>A &lt;caption&gt;</caption>"));
	assert_non_null(strstr(page, "<th scope=\"col\" class=\"n\">value</th>"));
	assert_non_null(strstr(page, "<th scope=\"row\">\u00b5-vmx</th>"));
	assert_non_null(strstr(page, "</ul>\n<p>After the list.</p>"));
	assert_non_null(strstr(page, "lang=\"en\""));
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "http://www.w3.org/1999/xlink"));
}

TEST(text_aligns_by_characters)
{
	__cleanup_free char *page = document(&plain_face);

	assert_non_null(strstr(page, "FAIL: because of <this>\n"));
	assert_non_null(strstr(page, "  name         value\n"
				     "  \u00b5-vmx            7\n"
				     "  line break  12,345\n"));
}

TEST(a_wide_table_is_told_otherwise)
{
	struct strbuf out = STRBUF_INIT;
	struct table *t = table_new("Wide", "what|one|two");
	struct doc d;

	doc_begin(&d, &plain_face, &out, "T");
	for (int i = 0; i < 3; i++)
		table_cell(t, "%0*d", 60, i);
	doc_table(&d, t);
	doc_end(&d);
	assert_non_null(strstr(out.buf, "\n  * 0000"));
	assert_non_null(strstr(out.buf, "\n      two: 0000"));
	strbuf_release(&out);
}

TEST(a_word_longer_than_a_line_is_broken)
{
	struct strbuf out = STRBUF_INIT;

	table_wrap(&out, "a \u00b5\u00b5\u00b5\u00b5\u00b5\u00b5\u00b5 b", 2, 6);
	assert_string_equal(out.buf, "a\n  \u00b5\u00b5\u00b5\u00b5\n  \u00b5\u00b5\u00b5\n  b\n");
	strbuf_reset(&out);
	table_wrap(&out, "abcd", 2, 6);
	assert_string_equal(out.buf, "abcd\n");
	strbuf_reset(&out);
	table_wrap(&out, "abcdefgh", 6, 6); /* where nothing fits, nothing is broken */
	assert_string_equal(out.buf, "abcdefgh\n");
	strbuf_reset(&out);
	table_wrap_whole(&out, "a 01234567 b", 2, 6);
	assert_string_equal(out.buf, "a\n  01234567\n  b\n");
	strbuf_release(&out);
}

TEST(a_long_word_in_a_record_is_broken_unless_it_is_to_be_copied)
{
	struct table *t = table_new("Wide", "what|one");
	struct strbuf out = STRBUF_INIT;

	table_cell(t, "%030d", 0);
	table_cell(t, "%030d", 0);
	table_text(t, 20, 0, &out);
	assert_string_equal(out.buf, "  * 0000000000000000\n"
				     "    00000000000000\n"
				     "      one: 000000000\n"
				     "           000000000\n"
				     "           000000000\n"
				     "           000\n");
	strbuf_reset(&out);
	table_text(t, 20, TABLE_WHOLE, &out);
	assert_string_equal(out.buf, "  * 000000000000000000000000000000\n"
				     "      one: 000000000000000000000000000000\n");
	table_free(t);
	strbuf_release(&out);
}

UNIT_MAIN("report markup", NULL, NULL)
