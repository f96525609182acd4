// SPDX-License-Identifier: GPL-2.0-only
/* Selftests, and measurements without numbers: a table of the report for people. */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/page.h"
#include "results/report/words.h"

static enum tone result_tone(const char *result)
{
	if (!strcmp(result, "pass"))
		return TONE_GOOD;
	if (!strcmp(result, "fail"))
		return TONE_BAD;
	return TONE_UNSURE;
}

/* A measurement, which has no name, leaves a row only where something was wrong. */
static const char *result_word(const struct report_test *t, enum report_side side)
{
	if (t->result[side])
		return t->result[side];
	if (*t->name)
		return "did not run";
	return "pass";
}

static const char *test_output(const struct report_test *t)
{
	if (t->text[REPORT_NEW])
		return t->text[REPORT_NEW];
	if (t->text[REPORT_BASE])
		return t->text[REPORT_BASE];
	return "";
}

/* A measurement has no name of its own; those that ended alike, for the same reason, are one row. */
static bool is_same_end(const struct report_test *a, const struct report_test *b)
{
	for (int side = 0; side < REPORT_SIDES; side++)
		if (strcmp(result_word(a, side), result_word(b, side)))
			return false;
	return !*a->name && !*b->name && !strcmp(a->scenario, b->scenario) &&
	       !strcmp(test_output(a), test_output(b));
}

static bool is_told_before(const struct report *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_same_end(&r->tests[k], &r->tests[i]))
			return true;
	return false;
}

/* How many end as test @i does, it and those after it, and what all of these have in common as JSON. */
static size_t count_alike(const struct report *r, size_t i, char **common)
{
	struct results_comparison c = {0};

	for (size_t k = i; k < r->ntests; k++) {
		const struct report_test *t = &r->tests[k];

		if (k != i && !is_same_end(&r->tests[i], t))
			continue;
		c.metrics = xrealloc(c.metrics, c.nmetrics + 1, sizeof(*c.metrics));
		c.metrics[c.nmetrics++] = (struct results_compared){.scenario = (char *)t->scenario,
								    .params = (char *)t->params};
	}
	*common = words_common_params(&c, r->tests[i].scenario);
	free(c.metrics); /* its texts are the report's */
	return c.nmetrics;
}

static void name_test(struct table *t, const struct report *r, size_t i)
{
	const struct report_test *test = &r->tests[i];
	__cleanup_free char *common = NULL, *params = NULL;
	size_t n = count_alike(r, i, &common);

	if (*test->name) {
		table_cell(t, "%s %s", test->scenario, test->name);
	} else if (n == 1) {
		params = words_params(NULL, NULL, test->params);
		table_cell(t, "%s %s", test->scenario, params);
	} else {
		params = words_params(NULL, NULL, common);
		table_cell(t, "%s, %zu measurements, all with: %s", test->scenario, n, params);
	}
}

static void add_test(struct table *t, const struct report *r, size_t i)
{
	name_test(t, r, i);
	for (int side = 0; side < REPORT_SIDES; side++) {
		const char *word = result_word(&r->tests[i], side);

		table_cell_tone(t, result_tone(word), "%s", word);
	}
	table_cell(t, "%.400s", test_output(&r->tests[i]));
}

void page_add_tests(struct doc *d, const struct report *r)
{
	struct table *t;

	if (!r->ntests)
		return;
	t = table_new("Selftests, and measurements that were skipped or failed",
		      "test|base|new|output");
	for (size_t i = 0; i < r->ntests; i++)
		if (!is_told_before(r, i))
			add_test(t, r, i);
	doc_table(d, t);
}
