// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/plots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/histogram.h"
#include "results/store/distribution.h"
#include "results/report/svg.h"
#include "results/report/words.h"

#define FOREST_ROWS 60
#define CDF_FIGURES 12
#define CDF_SAMPLES 20 /* fewer make no distribution */

/* ---- effect sizes ---- */

#define FOREST_ROW   24
#define FOREST_LABEL 72 /* characters, in 470 units at 11 a letter */

/* Which rows are drawn first: whoever looks at a drawing looks for these. */
static int forest_rank(const struct results_compared *m)
{
	if (words_has_regressed(m))
		return 0;
	return m->median.verdict == VERDICT_INCONCLUSIVE ? 1 : 2;
}

/* Of @s what a drawing has room for, in its order: all that regressed, what is undecided, then what changed most. */
static struct report_selection choose_rows(const struct report *r, const struct report_selection *s)
{
	struct report_selection some = {0};
	bool *drawn = xcalloc(s->count + 1, sizeof(*drawn));
	size_t n = 0;

	for (int rank = 0; rank <= 2; rank++)
		for (size_t i = 0; i < s->count && n < FOREST_ROWS; i++)
			if (forest_rank(selection_metric(s, r, i)) == rank) {
				drawn[i] = true;
				n++;
			}
	for (size_t i = 0; i < s->count; i++)
		if (drawn[i])
			selection_add(&some, s->items[i].index, s->items[i].allowed);
	free(drawn);
	return some;
}

static void widen_axis(struct svg_axis *a, double value)
{
	if (!isfinite(value))
		return;
	a->low = fmin(a->low, value);
	a->high = fmax(a->high, value);
}

static void forest_range(const struct report *r, const struct report_selection *s,
			 struct svg_axis *a)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct results_compared *m = selection_metric(s, r, i);
		double low, high, effect = m->smallest_effect;

		words_cost_range(m, &m->median, &low, &high);
		widen_axis(a, words_cost_percent(m, m->median.ratio));
		widen_axis(a, low);
		widen_axis(a, high);
		widen_axis(a, s->items[i].allowed);
		widen_axis(a, effect);
		widen_axis(a, -effect);
	}
	a->low -= (a->high - a->low) * 0.04;
	a->high += (a->high - a->low) * 0.04;
}

/* At most @max characters, cut with an ellipsis. */
static char *shorten_label(const char *text, size_t max)
{
	size_t i = 0;

	for (size_t n = 0; text[i]; i++) {
		n += (text[i] & 0xc0) != 0x80;
		if (n == max && text[i + 1])
			return xasprintf("%.*s\u2026", (int)i, text);
	}
	return xstrdup(text);
}

/* The smallest effect as a shaded stretch, what is allowed as a post, then the interval. */
static void forest_row(struct svg_chart *c, const struct report *r,
		       const struct results_compared *m, double allowed, double y)
{
	double low, high, x = words_cost_percent(m, m->median.ratio), at = svg_y(c, y);
	__cleanup_free char *name = words_metric(r, m);
	__cleanup_free char *label = shorten_label(name, FOREST_LABEL);
	enum svg_style style = SVG_CIRCLE;

	svg_band(c, -m->smallest_effect, m->smallest_effect, y, FOREST_ROW - 4);
	if (isfinite(allowed))
		strbuf_addf(c->out,
			    "<path class=\"axis\" d=\"M%.1f %.1fv16m-5 -16h5m-5 16h5\" "
			    "fill=\"none\"/>\n",
			    svg_x(c, allowed), at - 8);
	words_cost_range(m, &m->median, &low, &high);
	if (isfinite(low) && isfinite(high)) {
		svg_interval(c, SVG_SQUARE, low, high, y);
		style = SVG_SQUARE;
	}
	svg_marker(c, style, x, y);
	strbuf_addstr(c->out, "<g font-size=\"11\">"); /* names are long, and tell by their ends */
	svg_text(c, c->left - 8, at + 4, "end", label, name);
	strbuf_addstr(c->out, "</g>\n");
	svg_text(c, c->width - c->right + 8, at + 4, "start",
		 results_verdict_name(m->median.verdict), NULL);
}

static struct table *forest_numbers(const struct report *r, const struct report_selection *s)
{
	struct table *t =
		table_new("Growth of cost with its interval (where higher is better, the inverse)",
			  "metric|growth of cost>|interval>|allowed>|verdict");

	for (size_t i = 0; i < s->count; i++) {
		const struct results_compared *m = selection_metric(s, r, i);
		table_take(t, TONE_PLAIN, words_metric(r, m));
		table_take(t, TONE_PLAIN, words_cost(m, &m->median));
		table_take(t, TONE_PLAIN, words_cost_interval(m, &m->median));
		if (isfinite(s->items[i].allowed))
			table_cell(t, "+%g %%", s->items[i].allowed);
		else
			table_cell(t, "%s", "");
		table_cell_tone(t, words_tone(m->median.verdict), "%s",
				results_verdict_name(m->median.verdict));
	}
	return t;
}

static void draw_forest(struct doc *d, const struct report *r, const struct report_selection *s)
{
	size_t rows = s->count;
	__cleanup_free char *label =
		xasprintf("growth of cost, %% of base (clock: %s)", r->comparison.clock);
	struct svg_chart c = {
		.width = PLOTS_WIDTH,
		.height = 90 + FOREST_ROW * rows,
		.left = 470,
		.right = 90,
		.top = 26,
		.x = {.label = label},
		.y = {.low = 0, .high = rows},
	};
	struct strbuf svg = STRBUF_INIT;
	struct table *numbers;

	forest_range(r, s, &c.x);
	svg_begin(
		&c, &svg, "forest", "Effect sizes with intervals",
		"One row a metric: the square is the growth of its cost from base to new in percent, "
		"the bar its interval, the shaded stretch the smallest effect that matters, the "
		"bracket what is allowed. Left of zero is better. A hollow circle has no interval.");
	svg_text(&c, c.left, 16, "start", "\u2190 better", NULL);
	svg_text(&c, c.width - c.right, 16, "end", "worse \u2192", NULL);
	for (size_t i = 0; i < rows; i++)
		forest_row(&c, r, selection_metric(s, r, i), s->items[i].allowed, rows - i - 0.5);
	svg_guide_x(&c, 0, NULL);
	svg_end(&c);
	numbers = forest_numbers(r, s);
	doc_figure(d, "Effect sizes with intervals", svg.buf, numbers);
	doc_paragraph(d, "Square: the medians of boots; bar: its interval; shaded: the smallest "
			 "effect that matters; bracket: the most that is allowed, where a policy "
			 "says so. A hollow circle has no interval.");
	strbuf_release(&svg);
}

void plots_add_forest(struct doc *d, const struct report *r, const struct report_selection *s)
{
	struct report_selection drawn = choose_rows(r, s);

	if (drawn.count)
		draw_forest(d, r, &drawn);
	if (drawn.count < s->count)
		doc_paragraph(d,
			      "Drawn is what regressed or is undecided, then what changed most; "
			      "%zu metrics are in the table alone.",
			      s->count - drawn.count);
	selection_free(&drawn);
}

/* ---- distributions ---- */

static const double quantiles[] = {0.5, 0.9, 0.99};

static char *cdf_legend(const char *kernel, const struct report_spread *s)
{
	char *q[ARRAY_SIZE(quantiles)], *text;

	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		q[i] = words_number(distribution_quantile(&s->all, quantiles[i]));
	text = xasprintf("%.40s: p50 %s, p90 %s, p99 %s (%llu samples, %zu boot%s)", kernel, q[0],
			 q[1], q[2], (unsigned long long)s->all.count, s->boots,
			 words_plural(s->boots));
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		free(q[i]);
	return text;
}

/* Steps: at each bucket the share rises by the bucket's. */
static void cdf_line(struct svg_chart *c, enum svg_style style, const struct results_metric *m)
{
	double *xs = xcalloc(2 * m->nhist + 1, sizeof(*xs));
	double *ys = xcalloc(2 * m->nhist + 1, sizeof(*ys));
	uint64_t below = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->nhist; i++) {
		double x = (histogram_bucket_low(m->hist[i].bucket) +
			    (double)histogram_bucket_high(m->hist[i].bucket)) /
			   2 / m->scale;

		if (x > c->x.high)
			break;
		xs[n] = xs[n + 1] = x;
		ys[n] = 100.0 * below / m->count;
		below += m->hist[i].count;
		ys[n + 1] = 100.0 * below / m->count;
		n += 2;
	}
	xs[n] = c->x.high; /* no sample lies between the last step and the edge */
	ys[n++] = 100.0 * below / m->count;
	svg_line(c, style, xs, ys, n);
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		svg_marker(c, style, distribution_quantile(m, quantiles[i]), 100 * quantiles[i]);
	free(xs);
	free(ys);
}

static struct table *cdf_numbers(const char *caption, const struct report *r,
				 const struct report_spread *s)
{
	struct table *t = table_new(caption, "kernel|min>|p50>|p90>|p99>|max>|samples>");
	const char *const names[] = {r->comparison.base, r->comparison.new};

	for (int side = 0; side < REPORT_SIDES; side++) {
		const struct results_metric *m = &s[side].all;
		double values[] = {(double)m->min / m->scale, distribution_quantile(m, 0.5),
				   distribution_quantile(m, 0.9), distribution_quantile(m, 0.99),
				   (double)m->max / m->scale};

		table_cell(t, "%s", names[side]);
		for (size_t i = 0; i < ARRAY_SIZE(values); i++)
			table_take(t, TONE_PLAIN, words_number(values[i]));
		table_cell(t, "%llu", (unsigned long long)m->count);
	}
	return t;
}

/* From the smallest sample to a little past both p99, in decades when that is a long way. */
static struct svg_axis cdf_axis(const struct report_spread *s)
{
	const struct results_metric *a = &s[REPORT_BASE].all, *b = &s[REPORT_NEW].all;
	struct svg_axis x = {
		.low = fmin((double)a->min / a->scale, (double)b->min / b->scale),
		.high = fmax(distribution_quantile(a, 0.99), distribution_quantile(b, 0.99)),
	};
	double most = fmax((double)a->max / a->scale, (double)b->max / b->scale);

	/* what is beyond would squeeze all other samples to the left edge */
	x.high = fmin(most, x.high + (x.high - x.low) * 0.15);
	x.log = x.low > 0 && x.high / x.low > 30;
	if (!x.log) {
		x.low -= (x.high - x.low) * 0.03;
		x.high += (x.high - x.low) * 0.03;
	}
	return x;
}

static void plot_distribution(struct doc *d, const struct report *r, size_t index)
{
	const struct results_compared *m = &r->comparison.metrics[index];
	const struct report_spread *s = &r->spreads[index * REPORT_SIDES];
	__cleanup_free char *name = words_metric(r, m);
	__cleanup_free char *caption = xasprintf("Distribution: %s", name);
	__cleanup_free char *label =
		xasprintf("%s, %s (%s)", m->metric, m->unit, words_clock(r->comparison.clock));
	__cleanup_free char *id = xasprintf("cdf-%zu", index);
	__cleanup_free char *base = cdf_legend(r->comparison.base, &s[REPORT_BASE]);
	__cleanup_free char *new = cdf_legend(r->comparison.new, &s[REPORT_NEW]);
	__cleanup_free char *desc = xasprintf("Cumulative share of samples. %s. %s.", base, new);
	struct svg_chart c = {
		.width = PLOTS_WIDTH,
		.height = 330,
		.top = 8 + 2 * SVG_LEGEND_ROW,
		.right = 50,
		.x = cdf_axis(s),
		.y = {.low = 0, .high = 100, .label = "samples at or below, %"},
	};
	struct strbuf svg = STRBUF_INIT;

	c.x.label = label;
	svg_begin(&c, &svg, id, caption, desc);
	svg_legend(&c, 0, SVG_CIRCLE_DASHED, base);
	svg_legend(&c, 1, SVG_SQUARE, new);
	svg_guide_y(&c, 50, "p50");
	svg_guide_y(&c, 90, "p90");
	svg_guide_y(&c, 99, "p99");
	cdf_line(&c, SVG_CIRCLE_DASHED, &s[REPORT_BASE].all);
	cdf_line(&c, SVG_SQUARE, &s[REPORT_NEW].all);
	svg_end(&c);
	doc_figure(d, caption, svg.buf, cdf_numbers(caption, r, s));
	strbuf_release(&svg);
}

void plots_add_distributions(struct doc *d, const struct report *r,
			     const struct report_selection *s)
{
	size_t drawn = 0, left = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct report_spread *spread = &r->spreads[s->items[i].index * REPORT_SIDES];

		if (spread[REPORT_BASE].all.count < CDF_SAMPLES ||
		    spread[REPORT_NEW].all.count < CDF_SAMPLES)
			continue;
		if (drawn == CDF_FIGURES) {
			left++;
			continue;
		}
		plot_distribution(d, r, s->items[i].index);
		drawn++;
	}
	if (drawn)
		doc_paragraph(d,
			      "A step is a bucket of the histogram (at most 0.1 %% of its value "
			      "wide). The plots end a little after p99; the largest sample is in "
			      "each figure's numbers.");
	if (left)
		doc_paragraph(d,
			      "%zu less changed distributions are not drawn; `nestlab report "
			      "--format json` has their numbers.",
			      left);
}
