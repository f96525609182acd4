/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * results_fixture.h - databases and runs for the tests of results/, in the folder that unit_make_dir()
 * makes.
 */
#ifndef TESTS_UNIT_RESULTS_RESULTS_FIXTURE_H
#define TESTS_UNIT_RESULTS_RESULTS_FIXTURE_H

#include "tests/unit/unit.h"

#include <math.h>

#include "common/histogram.h"
#include "results/compare/compare.h"
#include "results/store/store.h"

static int fixture_files;

/* A path of its own for each call. */
static inline char *fixture_path(void)
{
	return xasprintf("%s/%d.db", unit_dir, fixture_files++);
}

static inline struct results_db *fixture_open(const char *path)
{
	struct error err = {0};
	struct results_db *db;

	if (results_open(path, true, &db, &err))
		fail_msg("%s", err.text);
	return db;
}

/* A new, empty database in a file of its own. */
static inline struct results_db *open_fresh(void)
{
	__cleanup_free char *path = fixture_path();

	return fixture_open(path);
}

#define FIXTURE_SAMPLES 100

/* One boot of one kernel, with up to eight metrics of so many samples each, all of them alike. */
struct fixture_run {
	struct results_boot run;
	struct results_metric metrics[8];
	struct results_bucket buckets[8];
};

static inline void fixture_init(struct fixture_run *f, const char *kernel, const char *key,
				uint64_t seed)
{
	memset(f, 0, sizeof(*f));
	f->run = (struct results_boot){
		.kernel_name = kernel,
		.kernel_key = key,
		.agent_sha256 = "agent",
		.plan_sha256 = "plan",
		.scenario_name = "quick",
		.host_name = "emulated",
		.host_driver = "emulated",
		.host_identity = "{\"emulator\":\"bochs 2.7\"}",
		.clock = "emulated",
		.session = "s1",
		.boot = 1,
		.seed = seed,
		.started = "2026-11-23T20:00:00Z",
		.wall_seconds = 9.5,
		.status = "pass",
		.metrics = f->metrics,
	};
}

static inline void fixture_fail(struct fixture_run *f, enum results_class class, const char *error)
{
	f->run.status = "fail";
	f->run.class = class;
	f->run.error = error;
}

/* A metric whose every quantile is @value, to a thousandth. */
static inline struct results_metric *fixture_metric(struct fixture_run *f, const char *scenario,
						    const char *metric, const char *params,
						    double value)
{
	uint64_t scaled = (uint64_t)llround(value * 1000);
	size_t i = f->run.nmetrics++;

	assert_true(i < ARRAY_SIZE(f->metrics));
	f->buckets[i] = (struct results_bucket){histogram_bucket(scaled), FIXTURE_SAMPLES};
	f->metrics[i] = (struct results_metric){
		.scenario = scenario,
		.metric = metric,
		.params = params,
		.unit = "instructions",
		.better = "lower",
		.headline = true,
		.rounds = 100,
		.warmup = 10,
		.scale = 1000,
		.count = FIXTURE_SAMPLES,
		.min = scaled,
		.max = scaled,
		.mean = (double)scaled,
		.hist = &f->buckets[i],
		.nhist = 1,
	};
	return &f->metrics[i];
}

static inline void fixture_store(struct results_db *db, const struct fixture_run *f)
{
	struct error err = {0};

	if (results_store(db, &f->run, NULL, &err))
		fail_msg("%s", err.text);
}

#endif
