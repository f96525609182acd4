// SPDX-License-Identifier: GPL-2.0-only
/* The report for people of a plan of many measurements: what is said once, and what comes first. */
#include <math.h>

#include "tests/unit/unit.h"

#include "results/report/report.h"
#include "tests/unit/results/compare_fixture.h"

#define EACH \
	12u /* of both kinds of memory; with the regressed ones more than a drawing shows, 60 */

static const char *const memories[] = {"managed", "unmanaged"};
static const char *const l1s[] = {"micro-evmcs", "micro-vmx", "linux-kvm"};

static char *params_of(size_t l1, size_t memory, size_t n)
{
	return xasprintf("{\"l1\":\"%s\",\"l2_vcpus\":%zu,\"memory\":\"%s\"}", l1s[l1], n + 1,
			 memories[memory]);
}

/* Switches get cheaper by 10 to 21 %; the last one of managed memory under micro-vmx costs 7 % more, and those of unmanaged
 * memory under a Linux change by too little to tell with two boots. */
static double value_of(bool new, size_t l1, size_t memory, size_t n)
{
	if (!new)
		return 20000;
	if (l1 == 1 && !memory && n == EACH - 1)
		return 21400;
	if (l1 == 2 && memory)
		return 19920;
	return 18000 - 200.0 * (double)n;
}

static void add_kernel(struct results_db *db, bool new, int boot)
{
	static const struct results_test skips[] = {
		{"multiplex", "{\"backing\":\"thp\",\"l2_vcpus\":8}", "", "skip", "no THP"},
		{"multiplex", "{\"backing\":\"hugetlb\",\"l2_vcpus\":8}", "", "skip", "none"},
		{"multiplex", "{\"backing\":\"thp\",\"l2_vcpus\":16}", "", "skip", "no THP"},
	};
	struct results_metric metrics[3 * 2 * EACH];
	char *params[3 * 2 * EACH];
	struct fixture_run f;
	size_t k = 0;

	fixture_init(&f, new ? "nested-context" : "baseline", new ? KEY_B : KEY_A, (uint64_t)boot);
	f.run.boot = boot;
	for (size_t l1 = 0; l1 < ARRAY_SIZE(l1s); l1++)
		for (size_t memory = 0; memory < 2; memory++)
			for (size_t n = 0; n < EACH; n++, k++) {
				struct fixture_run one = {0};

				params[k] = params_of(l1, memory, n);
				metrics[k] = *fixture_metric(&one, "multiplex", "switch", params[k],
							     value_of(new, l1, memory, n) + boot);
				metrics[k].hist =
					memcpy(xcalloc(1, sizeof(struct results_bucket)),
					       metrics[k].hist, sizeof(struct results_bucket));
			}
	f.run.metrics = metrics;
	f.run.nmetrics = k;
	f.run.tests = skips;
	f.run.ntests = ARRAY_SIZE(skips);
	fixture_store(db, &f);
	while (k--) {
		free((void *)metrics[k].hist);
		free(params[k]);
	}
}

static void load_many(struct report *r)
{
	struct results_db *db = open_fresh();
	struct error err = {0};

	for (int boot = 1; boot <= 2; boot++) {
		add_kernel(db, false, boot);
		add_kernel(db, true, boot);
	}
	if (report_load(db, "baseline", "nested-context", NULL, r, &err))
		fail_msg("%s", err.text);
	results_close(db);
}

static char *render(const struct report *r, const char *format)
{
	struct strbuf out = STRBUF_INIT;

	find_format(format)->render(r, NULL, &out);
	return strbuf_detach(&out);
}

TEST(many_numbers_are_told_in_short_first)
{
	__cleanup_free char *text = NULL;
	const char *digest, *table;
	struct report r;

	load_many(&r);
	text = render(&r, "markdown");
	digest = strstr(text, "In short: growth of cost");
	table = strstr(text, "Base baseline, new nested-context");
	assert_true(digest && table && digest < table);
	assert_says(digest, "| multiplex switch micro-evmcs unmanaged | 12 | \u2714 12 |  |  |  | "
			    "-21.0 % | -10.0 % | l2\\_vcpus=1");
	assert_says(digest, "| multiplex switch micro-vmx managed | 12 | \u2714 11 |  |  | "
			    "\u2718 1 | -20.0 % | +7.0 % | l2\\_vcpus=12");
	report_free(&r);
}

static struct results_compared *first_of(struct report *r, const char *l1, const char *memory)
{
	for (size_t i = 0; i < r->comparison.nmetrics; i++) {
		struct results_compared *m = &r->comparison.metrics[i];

		if (strstr(m->params, l1) && strstr(m->params, memory))
			return m;
	}
	fail_msg("no metric of %s, %s", l1, memory);
	return NULL;
}

/* Of 0 against 0 there is no ratio: it is neither the best of its group nor hides it. */
TEST(a_number_without_a_ratio_hides_no_other)
{
	__cleanup_free char *text = NULL;
	struct report r;

	load_many(&r);
	first_of(&r, "micro-evmcs", "unmanaged")->median.ratio = NAN;
	first_of(&r, "micro-vmx", "\"managed")->median.ratio = NAN;
	text = render(&r, "markdown");
	assert_says(text, "| multiplex switch micro-evmcs unmanaged | 12 | \u2714 12 |  |  |  | "
			  "-20.0 % | -10.0 % | l2\\_vcpus=1");
	assert_says(text, "| multiplex switch micro-vmx managed | 12 | \u2714 11 |  |  | "
			  "\u2718 1 | -19.0 % | +7.0 % | l2\\_vcpus=12");
	report_free(&r);
}

TEST(a_drawing_of_a_part_has_what_regressed)
{
	__cleanup_free char *page = NULL;
	const char *drawing, *end;
	struct report r;

	load_many(&r);
	page = render(&r, "html");
	drawing = strstr(page, "Effect sizes with intervals</figcaption>");
	assert_non_null(drawing);
	end = strstr(drawing, "</svg>");
	assert_non_null(end);
	assert_true(memmem(drawing, (size_t)(end - drawing), "regressed", 9) != NULL);
	assert_says(end, "12 metrics are in the table alone");
	report_free(&r);
}

TEST(what_is_undecided_for_one_reason_is_one_item)
{
	__cleanup_free char *text = NULL;
	const char *item;
	struct report r;

	load_many(&r);
	text = render(&r, "markdown");
	item = strstr(text, "; and 8 more: the interval reaches across the smallest effect");
	assert_non_null(item);
	assert_null(strstr(strstr(item, "reaches"), "the interval reaches"));
	report_free(&r);
}

TEST(measurements_skipped_for_one_reason_are_one_row)
{
	__cleanup_free char *text = NULL;
	struct report r;

	load_many(&r);
	text = render(&r, "markdown");
	assert_says(text, "| multiplex, 2 measurements, all with: thp |");
	assert_says(text, "| multiplex hugetlb l2\\_vcpus=8 |");
	assert_null(strstr(strstr(text, "2 measurements") + 1, "no THP |\n| multiplex thp"));
	report_free(&r);
}

UNIT_MAIN("report page", unit_make_dir, unit_drop_dir)
