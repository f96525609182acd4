/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * results.h - WHAT came of it: runs in SQLite, and the comparison of two kernels.
 *
 * A run is one boot of one kernel with one plan. It is stored in one transaction and never changed.
 * Schema: results/schema.sql (STRICT tables, foreign keys, WAL, PRAGMA user_version migrations).
 */
#ifndef RESULTS_RESULTS_H
#define RESULTS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"

struct results_db;

/* Whose trouble it was. Infrastructure and job trouble never becomes a verdict on a kernel. */
enum results_class {
	RESULTS_OK, /* stored as NULL */
	RESULTS_INFRASTRUCTURE, /* host, emulator, disk, transfer */
	RESULTS_JOB, /* the request cannot be done: bad plan, no KVM in this kernel, build */
	RESULTS_GUEST, /* L0, L1 or L2 died, hung or complained */
	RESULTS_INTEGRITY, /* ran to its end and computed something wrong */
	RESULTS_CANCELLED,
};
const char *results_class_name(enum results_class c); /* "infrastructure", ...; "ok" */

struct results_bucket {
	uint32_t bucket; /* common/histogram.h */
	uint32_t count;
};

/* One metric of one measurement. Borrowed strings. */
struct results_metric {
	const char *scenario, *metric, *params; /* params: canonical JSON object */
	const char *unit; /* "instructions", "ns", "per-mclk" */
	const char *better; /* "lower" or "higher" */
	double smallest_effect; /* percent; 0: the clock's default */
	uint32_t rounds, warmup;
	uint64_t count, min, max;
	double mean;
	const struct results_bucket *hist;
	size_t nhist;
};

struct results_counter { /* delta of a KVM statistic over a measurement */
	const char *scenario, *params, *name;
	int64_t value;
};

struct results_test { /* a selftest, or a measurement that was skipped or failed */
	const char *scenario, *params; /* params may be "{}" */
	const char *name; /* selftest's name, or "" */
	const char *result; /* "pass", "fail", "skip" */
	const char *text; /* reason or output */
};

/* All that made the numbers. Borrowed strings; NULL where unknown. */
struct results_run {
	const char *kernel_name, *kernel_key, *kernel_release, *kernel_build_id, *bzimage_sha256;
	const char *source_hash, *patches_hash, *config_hash, *compiler;
	const char *image_sha256, *agent_sha256, *plan_sha256, *cmdline;
	const char *scenario_name, *scenario_hash;
	const char *host_name, *host_driver, *host_identity; /* identity: JSON: emulator + version,
								or hardware's model, CPU, microcode */
	const char *clock; /* "emulated" or "tsc"; NULL if the agent never said */
	const char *session; /* one `nestlab run`: the same for all its boots */
	const char *environment; /* JSON object: nestlab version, command line, ... */
	int boot; /* 1.. within session and kernel */
	uint64_t seed;
	const char *started; /* UTC, ISO 8601 */
	double wall_seconds;
	const char *console_path;
	const char *status; /* "pass", "fail" */
	enum results_class class;
	const char *error; /* NULL, or what went wrong */
	const struct results_metric *metrics;
	size_t nmetrics;
	const struct results_counter *counters;
	size_t ncounters;
	const struct results_test *tests;
	size_t ntests;
};

/* Opens, creating and migrating as needed. -ENOENT with @create false and no file; -EINVAL for a
 * file that is no nestlab database or from a newer nestlab. */
int results_open(const char *path, bool create, struct results_db **db, struct error *err);
void results_close(struct results_db *db);

/* Stores a run in one transaction; *id is its row. */
int results_store(struct results_db *db, const struct results_run *run, int64_t *id,
		  struct error *err);

/* integrity_check, foreign_key_check, schema version, histogram sums equal counts, ...
 * 0 if all is well; else -EBADMSG, and one line a fault appended to @report. */
int results_check(struct results_db *db, struct strbuf *report, struct error *err);

/* ---- comparison ---- */

enum results_verdict {
	VERDICT_UNCHANGED,
	VERDICT_IMPROVED,
	VERDICT_REGRESSED,
	VERDICT_INCONCLUSIVE,
};
const char *results_verdict_name(enum results_verdict v);

struct results_side { /* one kernel's boots of one metric */
	int boots;
	double median, p99; /* medians over boots of the boots' quantiles */
	uint64_t count; /* samples, all boots */
};

struct results_compared {
	char *scenario, *metric, *params, *unit, *better;
	struct results_side base, new;
	double ratio; /* new.median / base.median */
	double low, high; /* 95 % interval of the ratio; NAN with too few boots */
	double p_value; /* NAN where boots allow no test; after Benjamini-Hochberg */
	double smallest_effect; /* percent */
	int more_boots; /* inconclusive: how many more boots would likely settle it; else 0 */
	bool headline;
	enum results_verdict verdict;
	char *why; /* one short sentence */
};

struct results_filter { /* NULL or empty: all */
	const char *scenario, *metric;
	const char *session; /* only runs of this session */
};

struct results_comparison { /* free with results_comparison_free() */
	char *base, *new; /* names */
	char *clock;
	enum results_verdict verdict; /* any regressed, else inconclusive if any, else improved if any */
	struct results_compared *metrics; /* most changed first */
	size_t nmetrics;
	int base_failed, new_failed; /* runs with class guest or integrity: never numbers */
};

/* Compares the newest build of @base with that of @new in @db (names or key prefixes). -ENODATA if
 * one has no finished run; -EXDEV if their clocks differ (refused, with the reason). */
int results_compare(struct results_db *db, const char *base, const char *new,
		    const struct results_filter *filter, struct results_comparison *out,
		    struct error *err);
void results_comparison_free(struct results_comparison *c);

/* The table per scenario for people (colour if @colour), and the JSON of `compare --json`. */
void results_render_text(const struct results_comparison *c, bool colour, struct strbuf *out);
void results_render_json(const struct results_comparison *c, struct strbuf *out);

#endif
