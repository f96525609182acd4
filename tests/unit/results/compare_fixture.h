/* SPDX-License-Identifier: GPL-2.0-only */
/* compare_fixture.h - boots with one number each, and their comparison. */
#ifndef TESTS_UNIT_RESULTS_COMPARE_FIXTURE_H
#define TESTS_UNIT_RESULTS_COMPARE_FIXTURE_H

#include "results/report/report.h"
#include "tests/unit/results/results_fixture.h"

#define MANAGED	  "{\"l1\":\"micro-vmx\",\"memory\":\"managed\"}"
#define UNMANAGED "{\"l1\":\"micro-vmx\",\"memory\":\"unmanaged\"}"
#define KEY_A	  "aaaaaaaaaaaa0001"
#define KEY_B	  "bbbbbbbbbbbb0002"

/* One boot with one number. */
static inline void boot(struct results_db *db, const char *kernel, const char *key, uint64_t seed,
			double value)
{
	struct fixture_run f;

	fixture_init(&f, kernel, key, seed);
	fixture_metric(&f, "multiplex", "switch", MANAGED, value);
	fixture_store(db, &f);
}

static inline struct results_comparison compare(struct results_db *db, const char *a, const char *b)
{
	struct results_comparison c;
	struct error err = {0};

	if (results_compare(db, a, b, NULL, &c, &err))
		fail_msg("%s", err.text);
	return c;
}

static inline const struct report_format *find_format(const char *name)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	fail_msg("there is no format %s", name);
	return NULL;
}

#define assert_says(text, what)                                       \
	do {                                                          \
		if (!strstr(text, what))                              \
			fail_msg("\"%s\" is not in: %s", what, text); \
	} while (0)

#endif
