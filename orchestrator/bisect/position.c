// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/position.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "common/alloc.h"

static void take_ratio(const struct results_compared *c, struct bisect_ratio *out)
{
	*out = (struct bisect_ratio){
		.ratio = c->median.ratio,
		.low = c->median.low,
		.high = c->median.high,
		.verdict = c->median.verdict,
		.base_median = c->base.median,
		.new_median = c->new.median,
	};
	snprintf(out->unit, sizeof(out->unit), "%s", c->unit);
}

int bisect_compare(struct results_db *db, const char *base, const char *new,
		   const struct results_filter *filter, struct bisect_ratio *out, struct error *err)
{
	struct results_comparison c;
	int ret = results_compare(db, base, new, filter, &c, err);

	if (ret)
		return ret;
	if (c.nmetrics == 1)
		take_ratio(&c.metrics[0], out);
	else
		ret = error_set(err, -ENODATA, "%s gave no %s: the measurement was skipped%s%s",
				filter->scenario, filter->metric, c.failure ? ", or failed: " : "",
				c.failure ? c.failure : "");
	results_comparison_free(&c);
	return ret;
}

bool bisect_differs(const struct bisect_ratio *r)
{
	return r->verdict == VERDICT_IMPROVED || r->verdict == VERDICT_REGRESSED;
}

static double percent(double ratio)
{
	return (ratio - 1) * 100;
}

char *bisect_ratio_text(const struct bisect_ratio *r)
{
	if (isnan(r->low) || isnan(r->high))
		return xasprintf("%+.2f %% [too few boots for an interval]", percent(r->ratio));
	return xasprintf("%+.2f %% [%+.2f, %+.2f]", percent(r->ratio), percent(r->low),
			 percent(r->high));
}

int bisect_border(double ratio, double threshold, double *border, struct error *err)
{
	double limit = ratio > 1 ? 1 + threshold / 100 : 1 - threshold / 100;

	*border = 0.5;
	if (threshold <= 0)
		return 0;
	*border = limit > 0 ? log(limit) / log(ratio) : 1;
	if (*border < 1)
		return 0;
	return error_set(err, -ERANGE,
			 "the ends differ by %+.2f %%, which is less than the threshold of %g %%",
			 percent(ratio), threshold);
}

/* NAN compares false with everything: an unknown end of the interval is as far out as can be. */
static struct bisect_position place(double ends_ratio, double offset, const struct bisect_ratio *r)
{
	double a = offset + log(r->low) / log(ends_ratio);
	double b = offset + log(r->high) / log(ends_ratio);

	if (isnan(a) || isnan(b))
		a = -INFINITY, b = INFINITY;
	return (struct bisect_position){
		.at = offset + log(r->ratio) / log(ends_ratio),
		.low = fmin(a, b),
		.high = fmax(a, b),
	};
}

struct bisect_position bisect_locate(const struct bisect_ends *ends,
				     const struct bisect_ratio *to_good,
				     const struct bisect_ratio *to_bad)
{
	struct bisect_position g = place(ends->ratio, 0, to_good);
	struct bisect_position b = place(ends->ratio, 1, to_bad);

	return (struct bisect_position){
		.at = (g.at + b.at) / 2,
		.low = fmin(g.low, b.low),
		.high = fmax(g.high, b.high),
	};
}

enum bisect_verdict bisect_judge(const struct bisect_ends *ends, const struct bisect_position *p)
{
	if (p->low > ends->border)
		return BISECT_BAD;
	return p->high < ends->border ? BISECT_GOOD : BISECT_UNTESTED;
}
