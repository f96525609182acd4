// SPDX-License-Identifier: GPL-2.0-only
/* Boots that failed, in every format: how often, with which kernel, and whether that is new. */
#include "tests/unit/unit.h"

#include "results/report/report.h"
#include "results/report/text.h"
#include "tests/unit/results/compare_fixture.h"

static void add_boots(struct results_db *db, const char *kernel, const char *key, int passed,
		      int failed)
{
	for (int i = 0; i < passed + failed; i++) {
		struct fixture_run f;

		fixture_init(&f, kernel, key, i + 1);
		if (i < passed)
			fixture_metric(&f, "multiplex", "switch", MANAGED, 1000);
		else
			fixture_fail(&f, RESULTS_GUEST, "L0 panicked");
		fixture_store(db, &f);
	}
}

/* Three boots of each, of which so many failed; the caller frees. */
static void load(int base_failed, int new_failed, struct report *r)
{
	struct results_db *db = open_fresh();
	struct error err = {0};

	add_boots(db, "baseline", KEY_A, 3, base_failed);
	add_boots(db, "candidate", KEY_B, 3, new_failed);
	if (report_load(db, "baseline", "candidate", NULL, r, &err))
		fail_msg("%s", err.text);
	results_close(db);
}

static void format_says(const struct report *r, const char *format, const char *what)
{
	struct strbuf out = STRBUF_INIT;

	find_format(format)->render(r, NULL, &out);
	if (!strstr(out.buf, what))
		fail_msg("%s does not say \"%s\": %s", format, what, out.buf);
	strbuf_release(&out);
}

TEST(failures_that_are_new_fail_in_every_format)
{
	struct report r;

	load(0, 9, &r);
	assert_int_equal(r.comparison.verdict, VERDICT_REGRESSED);
	format_says(&r, "text", "9 of 12 boots failed, with the base 0 of 3");
	format_says(&r, "html",
		    "<td class=\"n\">0 of 3</td><td class=\"n\">9 of 12</td>"
		    "<td class=\"bad\">\u2718 regressed</td>");
	format_says(&r, "markdown", "| 0 of 3 | 9 of 12 | \u2718 regressed |");
	format_says(&r, "ktap", "not ok 1 boots: boots of candidate: quick, failed");
	format_says(&r, "junit",
		    "<testcase classname=\"nestlab.boots\" name=\"boots of candidate: "
		    "quick, failed\" time=\"114.000\"><failure type=\"failed\"");
	format_says(&r, "kcidb", "\"path\":\"nestlab.boots\",\n      \"status\":\"FAIL\"");
	format_says(&r, "json", "\"new_boots\":12,\n      \"new_failed\":9");
	format_says(&r, "email", "Subject: [candidate] bbbbbbbbbbbb: quick.boots failure");
	format_says(&r, "email", "quick: 9 of 12 boots failed, with the base 0 of 3");
	format_says(&r, "email", "The newest says: candidate: guest: L0 panicked");
	report_free(&r);
}

/* Too few boots to tell is no excuse for a boot that died. */
TEST(a_failure_that_may_be_new_fails_too)
{
	struct report r;

	load(0, 1, &r);
	assert_int_equal(r.comparison.verdict, VERDICT_INCONCLUSIVE);
	format_says(&r, "ktap", "not ok 1 boots: boots of candidate: quick, failed");
	format_says(&r, "html", "<td class=\"unsure\">? inconclusive</td>");
	format_says(&r, "email", "quick.boots failure");
	report_free(&r);
}

TEST(failures_of_both_are_expected)
{
	struct report r;

	load(3, 3, &r);
	assert_int_equal(r.comparison.verdict, VERDICT_UNCHANGED);
	format_says(&r, "ktap",
		    "ok 1 boots: boots of candidate: quick, failed "
		    "# XFAIL fails with the base too: 3 of 6 boots failed");
	format_says(&r, "junit", "<skipped message=\"fails with the base too: 3 of 6 boots failed");
	format_says(&r, "email", "multiplex.switch 0.0 % change (within noise)");
	report_free(&r);
}

/* Then there is no number at all, and every format has to do without. */
TEST(a_kernel_that_only_fails_has_a_report)
{
	struct results_db *db = open_fresh();
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	struct report r;

	add_boots(db, "baseline", KEY_A, 3, 0);
	add_boots(db, "candidate", KEY_B, 0, 3);
	if (report_load(db, "baseline", "candidate", NULL, &r, &err))
		fail_msg("%s", err.text);
	assert_int_equal(r.comparison.verdict, VERDICT_REGRESSED);
	for (const struct report_format *f = report_formats; f->name; f++) {
		strbuf_reset(&out);
		f->render(&r, NULL, &out);
		assert_true(out.len > 0);
	}
	format_says(&r, "text", "No metric was measured with both kernels.");
	format_says(&r, "email", "quick: 3 of 3 boots failed, with the base 0 of 3: more often");
	strbuf_release(&out);
	report_free(&r);
	results_close(db);
}

/* A guest may print what it likes. */
TEST(no_escape_of_a_guest_gets_to_the_terminal)
{
	struct results_db *db = open_fresh();
	struct strbuf out = STRBUF_INIT;
	struct results_comparison c;
	struct fixture_run f;

	add_boots(db, "baseline", KEY_A, 3, 0);
	add_boots(db, "candidate", KEY_B, 3, 0);
	fixture_init(&f, "candidate", KEY_B, 9);
	fixture_fail(&f, RESULTS_GUEST, "died \033]0;title\007 of \xff");
	fixture_store(db, &f);
	c = compare(db, "baseline", "candidate");
	results_render_text(&c, 0, &out);
	assert_says(out.buf, "newest: candidate: guest: died  ]0;title  of \xef\xbf\xbd\n");
	strbuf_release(&out);
	results_comparison_free(&c);
	results_close(db);
}

UNIT_MAIN("report failures", unit_make_dir, unit_drop_dir)
