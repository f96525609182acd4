/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compare.h - one kernel's boots against another's: what changed, by how much, how sure that is.
 * docs/statistics.md says how and why.
 */
#ifndef RESULTS_COMPARE_COMPARE_H
#define RESULTS_COMPARE_COMPARE_H

#include "results/store/store.h"

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

/* The smallest effect, percent, of metrics by that clock which name none themselves. */
double results_usual_effect(const char *clock);

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

/*
 * The boots of one scenario that failed by the kernel's own fault (class guest or integrity), of those
 * that ran to a verdict: passed, or failed so. Boots of the infrastructure's or the job's trouble are in
 * neither number. docs/statistics.md says how rates are judged.
 */
struct results_failure_rate {
	char *scenario;
	/* "failed": in whatever way; "died": died, hung or complained, whatever it computed. The latter is
	 * judged apart too (where its counts differ), so that the base's integrity failures do not offset
	 * the new kernel's deaths. */
	const char *what;
	int base_boots, base_failed, new_boots, new_failed;
	double p_value; /* Fisher's exact test, one-sided, after Benjamini-Hochberg over these rows: that
			   the new kernel fails more often, or (verdict improved) less often */
	enum results_verdict verdict;
	int more_boots; /* inconclusive: boots more of each kernel that would likely settle it (at most
			   RESULTS_MORE_BOOTS_MAX); else 0 */
	char *why;	/* one short sentence, which has the counts */
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
	/*
	 * Regressed: a headline metric (any, where there is no headline) regressed in median or p99, a
	 * test that passed fails now, or boots fail more often (failures). Else inconclusive: a headline
	 * median or a failure rate is, or there is neither a metric nor a selftest in common. Else
	 * improved: a headline median or a failure rate is. Else unchanged.
	 */
	enum results_verdict verdict;
	struct results_compared *metrics; /* most changed first */
	size_t nmetrics;
	struct results_changed_test *tests;
	size_t ntests;
	size_t same_tests; /* selftests that both ran, with the same result */
	/* Boots with class guest or integrity, which never give numbers; of all scenarios, whatever the
	 * filter narrows the numbers to. */
	int base_failed, new_failed;
	/* The same by scenario, judged; scenarios that the new kernel booted and either failed. By name,
	 * "failed" before "died". Empty where one kernel is halved. */
	struct results_failure_rate *failures;
	size_t nfailures;
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

/*
 * A base and several other kernels, or commits in order: the first kernel with each of the others. They
 * are compared in one environment that all have boots in, and judged together: the false discovery rate
 * is held over all numbers of all pairs (and over all their failure rates). docs/statistics.md says why.
 */
struct results_table {			  /* free with results_table_free() */
	struct results_comparison *pairs; /* with kernel 1, 2, ... */
	size_t npairs;
	size_t family;		      /* numbers that were judged together */
	enum results_verdict verdict; /* the worst of the pairs' */
};
/* @n >= 2 kernels. Errors as results_compare(); -EINVAL: a kernel is there twice. */
int results_compare_table(struct results_db *db, const char *const *kernels, size_t n,
			  const struct results_filter *filter, struct results_table *out,
			  struct error *err);
void results_table_free(struct results_table *t);

/* Has @m a say in c->verdict? The whole is what a user pays, its parts only say where: a switch that
 * became cheaper although its vmptrld became dearer has improved. So headline metrics decide; where
 * there are none (a filter), the part is the question and decides. */
bool results_decides(const struct results_comparison *c, const struct results_compared *m);

/* The boots more of each kernel that the undecided medians which decide and failure rates ask for: 0 when all are
 * decided. For `--boots auto`. */
int results_more_boots(const struct results_comparison *c);

/* How many scenarios' boots fail more often with the new kernel than with the base (each counts once,
 * however it fails). */
int results_count_worse_failures(const struct results_comparison *c);

/*
 * The filter's alpha for each of at most @max_looks looks at growing data (`--boots auto`), such that
 * all looks together call something changed by chance with probability @alpha at most.
 */
double results_sequential_alpha(double alpha, int max_looks);

#endif
