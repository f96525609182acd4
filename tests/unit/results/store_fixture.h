/* SPDX-License-Identifier: GPL-2.0-only */
/* store_fixture.h - databases that have a row in every table, and what a check says of them. */
#ifndef TESTS_UNIT_RESULTS_STORE_FIXTURE_H
#define TESTS_UNIT_RESULTS_STORE_FIXTURE_H

#include <sqlite3.h>

#include "results/store/bisect.h"
#include "results/store/chain.h"
#include "tests/unit/results/results_fixture.h"

#define STORE_PARAMS "{\"l1\":\"micro-vmx\"}"

/* A boot with metrics, a counter and tests. */
static inline void store_boot(struct results_db *db, const char *kernel, int boot)
{
	static const struct results_counter counters[] = {{"multiplex", STORE_PARAMS, "exits", 42}};
	static const struct results_test tests[] = {
		{"kselftest", "{\"test\":\"a\"}", "a", "pass", ""},
		{"exits", STORE_PARAMS, "", "skip", "no posted interrupts"},
	};
	struct fixture_run f;

	fixture_init(&f, kernel, "0123456789ab", (uint64_t)boot);
	fixture_metric(&f, "multiplex", "switch", STORE_PARAMS, 25461 + boot);
	fixture_metric(&f, "multiplex", "vmptrld", STORE_PARAMS, 812.5);
	f.run.boot = boot;
	f.run.counters = counters;
	f.run.ncounters = ARRAY_SIZE(counters);
	f.run.tests = tests;
	f.run.ntests = ARRAY_SIZE(tests);
	fixture_store(db, &f);
}

static inline void store_step(struct results_db *db, int64_t bisect, char *candidate,
			      const char *verdict)
{
	const struct results_bisect_step step = {
		.candidate = candidate,
		.kernel_key = "key",
		.bzimage_sha256 = "sum",
		.verdict = (char *)verdict,
		.position = 0.5,
		.low = 0.4,
		.high = NAN,
		.boots = 2,
		.seconds = 3.5,
		.why = "near the good end",
	};

	assert_int_equal(results_bisect_add_step(db, bisect, &step, NULL), 0);
}

static inline int64_t store_bisect(struct results_db *db, const char *session)
{
	int64_t id;

	assert_int_equal(results_bisect_create(db, session, "{\"kind\":\"git\"}", &id, NULL), 0);
	store_step(db, id, "c1", "good");
	store_step(db, id, "c2", "bad");
	return id;
}

static inline int64_t store_int(struct results_db *db, const char *sql)
{
	int64_t n = -1;

	assert_int_equal(database_int(db, sql, -1, &n, NULL), 0);
	return n;
}

static inline void store_must_be_good(struct results_db *db)
{
	struct strbuf report = STRBUF_INIT;
	struct error err = {0};

	if (results_check(db, &report, &err))
		fail_msg("%s\n%s", err.text, report.buf);
	strbuf_release(&report);
}

static inline struct results_head store_head(struct results_db *db)
{
	struct results_head head;

	assert_int_equal(results_head(db, &head, NULL), 0);
	return head;
}

static inline struct results_db *store_open_read(const char *path)
{
	struct error err = {0};
	struct results_db *db;

	if (results_open_read(path, &db, &err))
		fail_msg("%s", err.text);
	return db;
}

#endif
