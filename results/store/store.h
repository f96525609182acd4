/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * results.h - WHAT came of it: runs in SQLite, and the comparison of two kernels.
 *
 * A run is one boot of one kernel with one plan. It is stored in one transaction and never changed.
 * Schema: results/store/schema.sql (STRICT tables, foreign keys, WAL, PRAGMA user_version migrations).
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
	RESULTS_OK,		/* stored as NULL */
	RESULTS_INFRASTRUCTURE, /* host, emulator, disk, transfer */
	RESULTS_JOB,	   /* the request cannot be done: bad plan, no KVM in this kernel, build */
	RESULTS_GUEST,	   /* L0, L1 or L2 died, hung or complained */
	RESULTS_INTEGRITY, /* ran to its end and computed something wrong */
	RESULTS_CANCELLED,
};
const char *results_class_name(enum results_class c); /* "infrastructure", ...; "ok" */

/* In the error of a run of class integrity: what follows is a guest's trouble in the same boot. */
#define RESULTS_BESIDES "; besides, "

struct results_bucket {
	uint32_t bucket; /* common/histogram.h */
	uint32_t count;
};

/* One metric of one measurement; without samples it is not stored. Borrowed strings. */
struct results_metric {
	const char *scenario, *metric, *params; /* params: canonical JSON object */
	const char *unit;			/* "instructions", "ns", "per-mclk" */
	const char *better;			/* "lower" or "higher" */
	bool headline;				/* shown by default in a comparison */
	double smallest_effect;			/* percent; 0: the clock's default */
	uint32_t rounds, warmup;
	uint32_t scale; /* min, max, mean and hist are in 1/scale of the unit; 0 counts as 1 */
	uint64_t count, min, max;
	double mean;
	const struct results_bucket *hist;
	size_t nhist;
};

struct results_counter { /* delta of a KVM statistic over a measurement */
	const char *scenario, *params, *name;
	int64_t value;
};

struct results_test {		       /* a selftest, or a measurement that was skipped or failed */
	const char *scenario, *params; /* params may be "{}" */
	const char *name;	       /* selftest's name, or "" */
	const char *result;	       /* "pass", "fail", "skip" */
	const char *text;	       /* reason or output */
};

/* All that made the numbers. Borrowed strings; NULL where unknown. */
struct results_run {
	const char *kernel_name, *kernel_key, *kernel_release, *kernel_build_id, *bzimage_sha256;
	const char *source_hash, *patches_hash, *config_hash, *compiler;
	const char *image_sha256, *agent_sha256, *plan_sha256, *cmdline;
	const char *scenario_name, *scenario_hash;
	const char *host_name, *host_driver, *host_identity; /* identity: JSON: emulator + version,
								or hardware's model, CPU, microcode */
	const char *clock;	 /* "emulated" or "tsc"; NULL if the agent never said */
	const char *session;	 /* one `nestlab run`: the same for all its boots */
	const char *environment; /* JSON object: nestlab version, command line, ... */
	int boot;		 /* 1.. within session and kernel */
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

/*
 * Opens, creating (the folder too) and migrating as needed. -ENOENT: no file, and @create is false;
 * -EINVAL: not a nestlab database, or from a newer nestlab; -EBADMSG: a damaged file; -EBUSY: locked
 * by another process for longer than the busy timeout.
 */
int results_open(const char *path, bool create, struct results_db **db, struct error *err);
void results_close(struct results_db *db);

/* Stores a run in one transaction; *id (may be NULL) is its row. -ENOSPC: disk full; -EINVAL: the
 * run contradicts itself (a histogram that does not sum up, no kernel name, ...). Nothing is stored
 * then. */
int results_store(struct results_db *db, const struct results_run *run, int64_t *id,
		  struct error *err);

/* integrity_check, foreign_key_check, schema version, histogram sums equal counts, ...
 * 0 if all is well; else -EBADMSG, and one line a fault appended to @report. */
int results_check(struct results_db *db, struct strbuf *report, struct error *err);

/* ---- comparison (docs/statistics.md says how and why) ---- */

enum results_verdict {
	VERDICT_UNCHANGED, /* the interval lies within the smallest effect */
	VERDICT_IMPROVED,
	VERDICT_REGRESSED,
	VERDICT_INCONCLUSIVE,
};
const char *results_verdict_name(enum results_verdict v);

struct results_side { /* one kernel's boots of one metric */
	int boots;
	double median, p99; /* medians over boots of the boots' quantiles; where higher is better
			       the worst hundredth is at the low end, and p99 is the boots' p1 */
	uint64_t count;	    /* samples, all boots */
};

/* What is said of one number of one metric: its median, or its p99. */
struct results_judgement {
	double ratio;	  /* new / base */
	double low, high; /* interval of the ratio at level 1 - alpha; NAN with too few boots */
	double noise;	/* percent: the spread of one boot that was reckoned with; NAN if unknown */
	int noise_from; /* repeated boots that it was learned from; 0: none, it is assumed */
	int noise_assumed; /* what was assumed beforehand, with the weight of so many boots */
	double p_value;	   /* after Benjamini-Hochberg; NAN where boots allow no test */
	int more_boots;	   /* inconclusive: boots more of each kernel that would likely settle it
			   (at most RESULTS_MORE_BOOTS_MAX); else 0 */
	enum results_verdict verdict;
	char *why; /* one short sentence */
};
#define RESULTS_MORE_BOOTS_MAX 100

struct results_compared {
	char *scenario, *metric, *params, *unit, *better;
	struct results_side base, new;
	int64_t rounds, warmup; /* of every boot that was compared */
	double smallest_effect; /* percent */
	bool headline;
	struct results_judgement median, p99;
};

/* A test or measurement whose result is not the same for both kernels. */
struct results_changed_test {
	char *scenario, *params, *name;
	char *base, *new; /* "pass", "fail", "skip" */
	char *text;	  /* what the one that failed said */
};

struct results_filter { /* zeroed: all of it, at the usual level */
	const char *scenario, *metric;
	const char *session; /* only runs of this session are compared; noise is learned from all */
	double alpha;	     /* 0: 0.05. See results_sequential_alpha() */
};

struct results_comparison { /* free with results_comparison_free() */
	char *base, *new;   /* names; "NAME/odd" and "NAME/even" when boots of one were halved */
	char *base_key, *new_key; /* kernels' content keys */
	char *clock;		  /* "emulated" or "tsc" */
	double alpha;
	uint64_t next_seed; /* above all seeds of these boots: for more boots that are new ones */
	/* Of the headline metrics (of all, where there is no headline): any regressed (median or
	 * p99), or the new kernel failed more (boots or tests) than the base: regressed. Else inconclusive if any
	 * median is; else improved if any is; else unchanged. */
	enum results_verdict verdict;
	struct results_compared *metrics; /* most changed first */
	size_t nmetrics;
	struct results_changed_test *tests;
	size_t ntests;
	size_t same_tests; /* selftests that both ran, with the same result */
	/* Runs with class guest or integrity, which are never numbers; of all scenarios, whatever the filter
	 * narrows the numbers to. */
	int base_failed, new_failed;
	/* Of new_failed, those beyond what the base failed of the same scenario. Boots that died, hung or
	 * complained are weighed by themselves too: wrong results of the base's excuse none of them. */
	int more_failed;
	char *failure; /* what the newest failed run of @new said, else of @base; or NULL */
	char *notes; /* lines: what was left out and why, which builds were taken; "" if nothing */
};

/*
 * Compares the newest build of @base with that of @new: names or key prefixes. The same kernel
 * twice is split into two alternating halves. Numbers are compared within one environment (agent,
 * host identity, clock) only: the newest in which both have runs.
 *
 * -ENOENT: no such kernel here (the known ones are listed); -ENOTUNIQ: an ambiguous prefix
 * (candidates are listed); -ENODATA: one has no finished run, or they have no environment in common
 * (what differs is named); -EXDEV: their clocks differ, which is never compared.
 */
int results_compare(struct results_db *db, const char *base, const char *new,
		    const struct results_filter *filter, struct results_comparison *out,
		    struct error *err);
void results_comparison_free(struct results_comparison *c);

/* Has @m a say in c->verdict? The whole is what a user pays, its parts only say where: a switch that
 * became cheaper although its vmptrld became dearer has improved. So headline metrics decide; where
 * there are none (a filter), the part is the question and decides. */
bool results_decides(const struct results_comparison *c, const struct results_compared *m);

/* The boots more of each kernel that the undecided medians ask for: 0 when all are decided. For
 * `--boots auto`. */
int results_more_boots(const struct results_comparison *c);

/* What was reckoned with: why so few boots are enough, or are not. A clause; the caller frees. */
char *results_noise_words(const struct results_comparison *c);

/*
 * The filter's alpha for each of at most @max_looks looks at growing data (`--boots auto`), such that
 * all looks together call something changed by chance with probability @alpha at most.
 */
double results_sequential_alpha(double alpha, int max_looks);

/* The table per scenario for people, and the JSON of `compare --json`. */
#define RESULTS_RENDER_COLOUR 1u
#define RESULTS_RENDER_ALL    2u /* not the headline metrics alone */
void results_render_text(const struct results_comparison *c, unsigned int flags,
			 struct strbuf *out);
/* Each selftest of a session and how it ended (at worst, over the boots) on up to two kernels; nothing
 * if there was none. */
int results_render_selftests(struct results_db *db, const char *session, const char *const *kernels,
			     size_t nkernels, unsigned int flags, struct strbuf *out,
			     struct error *err);
void results_render_json(const struct results_comparison *c, struct strbuf *out);

#endif
