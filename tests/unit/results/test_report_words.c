// SPDX-License-Identifier: GPL-2.0-only
/* Numbers for people: how each is written, and that every report writes the same one alike. */
#include <math.h>

#include "tests/unit/unit.h"

#include "results/report/formats.h"
#include "results/report/text.h"
#include "results/report/words.h"
#include "tests/unit/results/compare_fixture.h"

/* Frees @text. */
static void is_text(char *text, const char *wanted)
{
	assert_string_equal(text, wanted);
	free(text);
}

TEST(numbers_have_four_digits_or_commas)
{
	is_text(words_number(0), "0");
	is_text(words_number(0.5), "0.5");
	is_text(words_number(30.8614), "30.86");
	is_text(words_number(501), "501");
	is_text(words_number(-812.54), "-812.5");
	is_text(words_number(999.96), "1,000");
	is_text(words_number(31745.4), "31,745");
	is_text(words_number(-1234567), "-1,234,567");
	is_text(words_number(NAN), "n/a");
}

static struct results_compared judged(const char *better, double ratio, double low, double high)
{
	return (struct results_compared){
		.better = (char *)(uintptr_t)better,
		.median = {.ratio = ratio, .low = low, .high = high},
		.p99 = {.ratio = ratio, .low = low, .high = high},
	};
}

TEST(changes_have_the_decimals_that_mean_something)
{
	struct results_compared wide = judged("lower", 0.5441, 0.5432, 0.5449);
	struct results_compared narrow = judged("lower", 1.00281, 1.0024, 1.0032);
	struct results_compared alone = judged("lower", 1.034, NAN, NAN);
	struct results_compared nothing = judged("lower", 0.99996, 0.9999, 1.0001);

	is_text(words_change(&wide, &wide.median), "-45.6 %");
	is_text(words_change_interval(&wide, &wide.median), "-45.6 % ±0.1");
	is_text(words_interval(&wide.median), "-45.68 .. -45.51 %");
	is_text(words_change_interval(&narrow, &narrow.median), "+0.28 % ±0.05");
	is_text(words_change(&narrow, &narrow.p99), "+0.3 %");
	is_text(words_change_interval(&alone, &alone.median), "+3.4 % ±?");
	is_text(words_interval(&alone.median), "none");
	is_text(words_change(&nothing, &nothing.median), "0.00 %");
	is_text(words_change(&nothing, &nothing.p99), "0.0 %");
}

TEST(params_that_are_no_words_of_their_own_have_their_key)
{
	is_text(words_params(
			NULL, "l1-live-migrate",
			"{\"destination\":\"mine\",\"ept\":true,\"l1\":\"linux-kvm\",\"l2_vcpus\":8}"),
		"destination=mine ept linux-kvm l2_vcpus=8");
}

TEST(a_cost_grows_where_what_is_better_falls)
{
	struct results_compared m = judged("higher", 0.8, 0.5, 1);

	is_text(words_cost(&m, &m.median), "+25.0 %");
	is_text(words_cost_interval(&m, &m.median), "+0.00 .. +100.00 %");
	m.better = (char *)(uintptr_t) "lower";
	is_text(words_cost(&m, &m.median), "-20.0 %");
}

/* ---- the same in all reports ---- */

static struct results_db *open_with_boots(void)
{
	struct results_db *db = open_fresh();
	struct fixture_run f;

	for (int k = 0; k < 2; k++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			fixture_init(&f, k ? "nested-context" : "baseline", k ? KEY_B : KEY_A,
				     seed);
			fixture_metric(&f, "multiplex", "switch", MANAGED, k ? 17272 : 31745);
			fixture_metric(&f, "multiplex", "vmptrld", MANAGED, k ? 501 : 812.5);
			fixture_store(db, &f);
		}
	return db;
}

TEST(every_report_writes_a_number_alike)
{
	static const char *const numbers[] = {"31,745", "17,272", "-45.6 %",
					      "812.5",	"501",	  "-38.3 %"};
	static const char *const formats[] = {"text", "html", "markdown", "email"};
	static const char *const others[] = {"31745", "501.0", "-45.6%", "-45.59%"};
	struct results_db *db = open_with_boots();
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	struct report r;

	if (report_load(db, "baseline", "nested-context", NULL, &r, &err))
		fail_msg("%s", err.text);
	results_render_text(&r.comparison, RESULTS_RENDER_ALL, &out);
	for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
		assert_says(out.buf, numbers[n]);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		strbuf_reset(&out);
		find_format(formats[i])->render(&r, NULL, &out);
		for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
			assert_says(out.buf, numbers[n]);
		for (size_t n = 0; n < ARRAY_SIZE(others); n++)
			if (strstr(out.buf, others[n]))
				fail_msg("%s has %s", formats[i], others[n]);
	}
	strbuf_release(&out);
	report_free(&r);
	results_close(db);
}

/* What a name has in it does not end a cell, nor begin a tag, in Markdown. */
TEST(markdown_shows_text_as_it_is)
{
	struct table *t = table_new("c", "name|value>");
	struct strbuf out = STRBUF_INIT;

	table_cell(t, "a|b_<i>*c*\nd");
	table_cell_tone(t, TONE_BAD, "7");
	table_markdown(t, &out);
	assert_string_equal(out.buf, "| name | value |\n| --- | ---: |\n"
				     "| a\\|b\\_\\<i\\>\\*c\\* d | \u2718 7 |\n");
	strbuf_release(&out);
	table_free(t);
}

UNIT_MAIN("report words", unit_make_dir, unit_drop_dir)
