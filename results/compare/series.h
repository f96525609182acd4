/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * series.h - the numbers of a comparison, gathered: one series per metric and parameters, with each
 * boot's median and p99. Private to results/.
 */
#ifndef RESULTS_COMPARE_SERIES_H
#define RESULTS_COMPARE_SERIES_H

#include "results/compare/select.h"
#include "results/compare/statistics.h"

struct series_boots { /* one value a boot, in the order they were made */
	double *median, *p99;
	size_t count;
	uint64_t samples;
	bool scattered; /* a boot has few samples, which differ */
};

struct series {
	char *scenario, *metric, *params, *unit, *better;
	int64_t rounds, warmup;
	bool headline;
	double smallest_effect; /* percent, the newest run's; 0: the clock's default */
	int64_t newest;		/* SELECT_WHEN of the new kernel's */
	struct series_boots base, new;
	struct statistics_noise median_noise, p99_noise; /* of other boots, in logarithms */
};

struct series_list {	      /* free with series_free() */
	struct series *items; /* those that both kernels have */
	size_t count;
	size_t one_sided;    /* metrics that only one of them has: left out */
	size_t other_rounds; /* left out: measured with other rounds, too, and longer ago */
};

int series_load(struct results_db *db, const struct selection *s,
		const struct results_filter *filter, struct series_list *out, struct error *err);
void series_free(struct series_list *l);

#endif
