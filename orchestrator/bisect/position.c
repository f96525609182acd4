// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/position.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "common/alloc.h"

static void copy_ratio(const struct results_compared *c, struct bisect_ratio *out)
{
	*out = (struct bisect_ratio){
		.ratio = c->median.ratio,
		.low = c->median.low,
		.high = c->median.high,
		.verdict = c->median.verdict,
		.base_median = c->base.median,
		.new_median = c->new.median,
		.smallest_effect = c->smallest_effect,
		.more_boots = c->median.more_boots,
	};
	snprintf(out->unit, sizeof(out->unit), "%s", c->unit);
}

/* A failed boot explains why there is no number, if there was one. */
static int refuse_comparison(const struct results_comparison *c,
			     const struct results_filter *filter, struct error *err)
{
	if (c->failure)
		return error_set(
			err, -ENODATA,
			"%s gave no number for %s: the measurement was skipped, or it failed: %s",
			filter->scenario, filter->metric, c->failure);
	return error_set(err, -ENODATA, "%s gave no number for %s: the measurement was skipped",
			 filter->scenario, filter->metric);
}

int bisect_compare(struct results_db *db, const char *base, const char *new,
		   const struct results_filter *filter, struct bisect_ratio *out, struct error *err)
{
	struct results_comparison c;
	int ret = results_compare(db, base, new, filter, &c, err);

	if (ret)
		return ret;
	if (c.nmetrics == 1)
		copy_ratio(&c.metrics[0], out);
	else
		ret = refuse_comparison(&c, filter, err);
	results_comparison_free(&c);
	return ret;
}

bool bisect_differs(const struct bisect_ratio *r)
{
	return r->verdict == VERDICT_IMPROVED || r->verdict == VERDICT_REGRESSED;
}

static double to_percent(double ratio)
{
	return (ratio - 1) * 100;
}

bool bisect_excludes_no_change(const struct bisect_ratio *r)
{
	return r->low > 1 || r->high < 1;
}

double bisect_suggest_threshold(const struct bisect_ratio *r)
{
	static const double steps[] = {9, 8, 7, 6, 5, 4, 3, 2.5, 2, 1.5};
	double most = fabs(to_percent(r->ratio)) / 2, nearest = r->high, power;

	if (r->ratio > 1)
		nearest = r->low;
	most = fmin(most, fabs(to_percent(nearest)));
	power = pow(10, floor(log10(most)));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i] * power < most)
			return steps[i] * power;
	return power;
}

char *bisect_ratio_text(const struct bisect_ratio *r)
{
	if (r->is_rate)
		return xasprintf("fails in %u of %u boots, instead of %u of %u", r->new_rate.failed,
				 r->new_rate.boots, r->base_rate.failed, r->base_rate.boots);
	if (isnan(r->low) || isnan(r->high))
		return xasprintf("%+.2f %% [too few boots for an interval]", to_percent(r->ratio));
	return xasprintf("%+.2f %% [%+.2f, %+.2f]", to_percent(r->ratio), to_percent(r->low),
			 to_percent(r->high));
}

int bisect_find_border(double ratio, double threshold, double *border, struct error *err)
{
	double limit = 1 - threshold / 100;

	*border = 0.5;
	if (threshold <= 0)
		return 0;
	if (ratio > 1)
		limit = 1 + threshold / 100;
	*border = 1;
	if (limit > 0)
		*border = log(limit) / log(ratio);
	if (*border < 1)
		return 0;
	return error_set(
		err, -ERANGE,
		"the ends differ by %+.2f %%, which is less than the threshold of %g %%; choose a smaller --threshold",
		to_percent(ratio), threshold);
}

/* The position by the comparison with the end that lies at @offset. */
static struct bisect_position locate_from_end(double ends_ratio, double offset,
					      const struct bisect_ratio *r)
{
	double unit = log(ends_ratio);
	double a = offset + log(r->low) / unit, b = offset + log(r->high) / unit;
	struct bisect_position p = {
		.at = offset + log(r->ratio) / unit,
		.low = fmin(a, b),
		.high = fmax(a, b),
	};

	/* an unknown end of the interval may be anywhere; NAN would compare false with every border */
	if (isnan(a) || isnan(b)) {
		p.low = -INFINITY;
		p.high = INFINITY;
	}
	return p;
}

/* The interval covers those of both comparisons. If the two disagree, the interval gets wider and
 * the step less sure. */
struct bisect_position bisect_locate(const struct bisect_ends *ends,
				     const struct bisect_ratio *to_good,
				     const struct bisect_ratio *to_bad)
{
	struct bisect_position g = locate_from_end(ends->ratio, 0, to_good);
	struct bisect_position b = locate_from_end(ends->ratio, 1, to_bad);

	return (struct bisect_position){
		.at = (g.at + b.at) / 2,
		.low = fmin(g.low, b.low),
		.high = fmax(g.high, b.high),
	};
}

enum bisect_verdict bisect_find_side(const struct bisect_ends *ends,
				     const struct bisect_position *p)
{
	if (p->low > ends->border)
		return BISECT_BAD;
	if (p->high < ends->border)
		return BISECT_GOOD;
	return BISECT_UNTESTED;
}
