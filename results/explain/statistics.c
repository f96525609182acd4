// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "results/explain/explain.h"

#define AIM_SHARE	 0.0025 /* of the base */
#define AIM_INSTRUCTIONS 50

/* Welch-Satterthwaite. */
static double degrees_of_freedom(struct explain_mean a, size_t na, struct explain_mean b, size_t nb)
{
	double x = a.error * a.error, y = b.error * b.error, below = 0;

	if (na > 1)
		below += x * x / (double)(na - 1);
	if (nb > 1)
		below += y * y / (double)(nb - 1);
	return below > 0 ? (x + y) * (x + y) / below : 1;
}

void explain_interval(struct explain_mean a, size_t na, struct explain_mean b, size_t nb,
		      size_t rows, double *low, double *high)
{
	double error = hypot(a.error, b.error), beyond = (1 - EXPLAIN_CONFIDENCE) / 2;
	double half = 0;

	if (rows > 1)
		beyond /= (double)rows;
	if (error > 0)
		half = error * gsl_cdf_tdist_Qinv(beyond, degrees_of_freedom(a, na, b, nb));
	*low = b.mean - a.mean - half;
	*high = b.mean - a.mean + half;
}

double explain_half_width(const struct explanation *e)
{
	const struct explain_side *a = &e->sides[0];
	const struct explain_mean none = {0};
	double low = e->low, high = e->high;

	if (e->nsides == 1)
		explain_interval(none, 0, a->total, (size_t)a->followed, 1, &low, &high);
	return (high - low) / 2;
}

double explain_aimed_width(const struct explanation *e)
{
	return fmax(AIM_INSTRUCTIONS, AIM_SHARE * e->sides[0].total.mean);
}

static double weight_of(const struct explain_row *r, int nsides)
{
	if (nsides == 1)
		return r->of[0].mean;
	return fabs(r->of[1].mean - r->of[0].mean);
}

static int by_weight(const struct explain_row *a, const struct explain_row *b, int nsides)
{
	double x = weight_of(a, nsides), y = weight_of(b, nsides);

	if (a->moved != b->moved)
		return a->moved ? -1 : 1;
	if (x != y)
		return x > y ? -1 : 1;
	if (a->of[0].mean != b->of[0].mean)
		return a->of[0].mean > b->of[0].mean ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int of_one(const void *a, const void *b)
{
	return by_weight(a, b, 1);
}

static int of_two(const void *a, const void *b)
{
	return by_weight(a, b, 2);
}

void explain_table_judge(struct explain_table *t, const struct explanation *e)
{
	for (size_t i = 0; i < t->nrows && e->nsides == 2; i++) {
		struct explain_row *r = &t->rows[i];

		explain_interval(r->of[0], (size_t)e->sides[0].followed, r->of[1],
				 (size_t)e->sides[1].followed, t->nrows, &r->low, &r->high);
		r->moved = r->low > 0 || r->high < 0;
	}
	if (t->nrows)
		qsort(t->rows, t->nrows, sizeof(*t->rows), e->nsides == 2 ? of_two : of_one);
}

/* @measured may also be off by a bucket of the histogram: common/histogram.h. */
static bool holds(struct explain_mean m, size_t n, double measured)
{
	const struct explain_mean other = {.mean = measured};
	double low, high;

	explain_interval(other, 0, m, n, 1, &low, &high);
	return low <= measured / 1024 && high >= -measured / 1024;
}

void explain_side_agrees(const struct explain_side *s, bool *median, bool *mean)
{
	*median = holds(s->total, (size_t)s->followed, s->median);
	*mean = holds(s->all, (size_t)(s->followed + s->interrupted), s->mean);
}

const char *explain_side_verdict(const struct explain_side *s)
{
	static const char *const words[2][2] = {
		{"DOES NOT AGREE with what was measured", "agrees with the mean"},
		{"agrees with the median", "agrees with the median and the mean"},
	};
	bool median, mean;

	explain_side_agrees(s, &median, &mean);
	return words[median][mean];
}
