// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/markup.h"
#include "results/report/words.h"

#define X_TICKS	  9 /* at most */
#define Y_TICKS	  7
#define TICKS_MAX X_TICKS

static const struct {
	const char *dash; /* "" for a solid line */
	bool square;
} styles[SVG_STYLES] = {
	[SVG_CIRCLE] = {"", false},
	[SVG_CIRCLE_DASHED] = {"8 4", false},
	[SVG_SQUARE] = {"", true},
	[SVG_SQUARE_DASHED] = {"3 3", true},
};

/* ---- scales ---- */

/* Where a value is on its axis: 0 at the low end, 1 at the high one; values outside are moved to
 * the ends. */
static double axis_share(const struct svg_axis *a, double v)
{
	double s = (v - a->low) / (a->high - a->low);

	if (a->log)
		s = log(fmax(v, a->low) / a->low) / log(a->high / a->low);
	return fmin(fmax(s, 0), 1);
}

double svg_x(const struct svg_chart *c, double x)
{
	return c->left + axis_share(&c->x, x) * (c->width - c->left - c->right);
}

double svg_y(const struct svg_chart *c, double y)
{
	return c->height - c->bottom - axis_share(&c->y, y) * (c->height - c->top - c->bottom);
}

static const double round_digits[] = {1, 2, 5};

/* The smallest number of the form 1, 2 or 5 times a power of ten that is not below @v. */
static double round_up(double v)
{
	double power = pow(10, floor(log10(v)));

	for (size_t i = 0; i < ARRAY_SIZE(round_digits); i++)
		if (v <= round_digits[i] * power * (1 + 1e-9))
			return round_digits[i] * power;
	return 10 * power;
}

static size_t log_ticks(const struct svg_axis *a, double *ticks, size_t max)
{
	size_t n = 0, digits = ARRAY_SIZE(round_digits);

	if (a->high / a->low >= 1000)
		digits = 1; /* the decades alone */
	for (double p = pow(10, floor(log10(a->low))); p <= a->high && n < max; p *= 10)
		for (size_t i = 0; i < digits && n < max; i++) {
			double t = p * round_digits[i];

			if (t >= a->low && t <= a->high)
				ticks[n++] = t;
		}
	return n;
}

static double tick_step(const struct svg_axis *a, size_t max)
{
	if (a->nat)
		return 1;
	if (max < 2)
		max = 2;
	return round_up((a->high - a->low) / (max - 1));
}

size_t svg_ticks(const struct svg_axis *a, double *ticks, size_t max)
{
	double step;
	size_t n = 0;

	if (a->log && !a->nat)
		return log_ticks(a, ticks, max);
	for (; n < a->nat && n < max; n++)
		ticks[n] = a->at[n];
	if (n)
		return n;
	step = tick_step(a, max);
	for (double i = ceil(a->low / step - 1e-9); i * step <= a->high + step * 1e-9; i++)
		if (n < max)
			ticks[n++] = i * step;
	return n;
}

/* ---- pieces ---- */

static void draw_line(struct svg_chart *c, const char *class, double x1, double y1, double x2,
		      double y2)
{
	strbuf_addf(c->out,
		    "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class,
		    x1, y1, x2, y2);
}

void svg_text(struct svg_chart *c, double px, double py, const char *anchor, const char *text,
	      const char *full)
{
	strbuf_addf(c->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", px, py, anchor);
	if (full)
		markup_element(c->out, "title", "%s", full);
	markup_add(c->out, text);
	strbuf_addstr(c->out, "</text>\n");
}

/* The caller frees. */
static char *tick_label(const struct svg_axis *a, double value, size_t max)
{
	if (a->log && !a->nat)
		return words_tick(value, fmin(value, 1));
	return words_tick(value, tick_step(a, max));
}

static void draw_x_axis(struct svg_chart *c)
{
	double ticks[TICKS_MAX], bottom = c->height - c->bottom;
	size_t n = 0;

	if (c->x.label)
		n = svg_ticks(&c->x, ticks, X_TICKS);
	draw_line(c, "axis", c->left, bottom, c->width - c->right, bottom);
	for (size_t i = 0; i < n; i++) {
		double x = svg_x(c, ticks[i]);
		__cleanup_free char *label = tick_label(&c->x, ticks[i], X_TICKS);

		draw_line(c, "grid", x, c->top, x, bottom);
		draw_line(c, "axis", x, bottom, x, bottom + 5);
		svg_text(c, x, bottom + 19, "middle", label, NULL);
	}
	if (c->x.label)
		svg_text(c, (c->left + c->width - c->right) / 2, bottom + 40, "middle", c->x.label,
			 NULL);
}

static void draw_y_axis(struct svg_chart *c)
{
	double ticks[TICKS_MAX], middle = (c->top + c->height - c->bottom) / 2;
	size_t n = 0;

	if (c->y.label)
		n = svg_ticks(&c->y, ticks, Y_TICKS);
	draw_line(c, "axis", c->left, c->top, c->left, c->height - c->bottom);
	for (size_t i = 0; i < n; i++) {
		double y = svg_y(c, ticks[i]);
		__cleanup_free char *label = tick_label(&c->y, ticks[i], Y_TICKS);

		draw_line(c, "grid", c->left, y, c->width - c->right, y);
		draw_line(c, "axis", c->left - 5, y, c->left, y);
		svg_text(c, c->left - 9, y + 4, "end", label, NULL);
	}
	if (c->y.label) {
		strbuf_addf(c->out, "<g transform=\"translate(16 %.1f) rotate(-90)\">", middle);
		svg_text(c, 0, 0, "middle", c->y.label, NULL);
		strbuf_addstr(c->out, "</g>\n");
	}
}

/* A range of one value is a range around it; a log range must be positive. */
static void widen_range(struct svg_axis *a)
{
	if (!isfinite(a->low) || !isfinite(a->high) || a->high < a->low) {
		a->low = 0;
		a->high = 1;
	}
	if (a->log && a->low <= 0)
		a->log = false;
	if (a->high - a->low <= 1e-9 * fabs(a->high)) {
		double by = fabs(a->high) * 0.05;

		if (!a->high)
			by = 1;
		if (a->log)
			a->low *= 0.95;
		else
			a->low -= by;
		a->high += by;
	}
}

static void set_margin(double *margin, double usual)
{
	if (!*margin)
		*margin = usual;
}

void svg_begin(struct svg_chart *c, struct strbuf *out, const char *id, const char *title,
	       const char *desc)
{
	c->out = out;
	set_margin(&c->left, 86);
	set_margin(&c->right, 20);
	set_margin(&c->top, 20);
	set_margin(&c->bottom, 52);
	widen_range(&c->x);
	widen_range(&c->y);
	strbuf_addf(out,
		    "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" id=\"%s\" "
		    "class=\"plot\" viewBox=\"0 0 %.0f %.0f\" aria-labelledby=\"%s-t %s-d\">\n"
		    "<title id=\"%s-t\">",
		    id, c->width, c->height, id, id, id);
	markup_add(out, title);
	strbuf_addf(out, "</title>\n<desc id=\"%s-d\">", id);
	markup_add(out, desc);
	strbuf_addstr(out, "</desc>\n");
	draw_x_axis(c);
	draw_y_axis(c);
}

void svg_end(struct svg_chart *c)
{
	strbuf_addstr(c->out, "</svg>\n");
}

void svg_line(struct svg_chart *c, enum svg_style style, const double *xs, const double *ys,
	      size_t n)
{
	strbuf_addf(c->out, "<polyline class=\"line s%d\" fill=\"none\"", style);
	if (*styles[style].dash)
		strbuf_addf(c->out, " stroke-dasharray=\"%s\"", styles[style].dash);
	strbuf_addstr(c->out, " points=\"");
	for (size_t i = 0; i < n; i++) {
		if (i)
			strbuf_addch(c->out, ' ');
		strbuf_addf(c->out, "%.1f,%.1f", svg_x(c, xs[i]), svg_y(c, ys[i]));
	}
	strbuf_addstr(c->out, "\"/>\n");
}

static void draw_marker(struct svg_chart *c, enum svg_style style, double px, double py)
{
	if (styles[style].square)
		strbuf_addf(c->out,
			    "<rect class=\"marker s%d\" x=\"%.1f\" y=\"%.1f\" width=\"8\" "
			    "height=\"8\"/>\n",
			    style, px - 4, py - 4);
	else
		strbuf_addf(c->out,
			    "<circle class=\"marker s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"6\"/>\n",
			    style, px, py);
}

void svg_marker(struct svg_chart *c, enum svg_style style, double x, double y)
{
	draw_marker(c, style, svg_x(c, x), svg_y(c, y));
}

void svg_interval(struct svg_chart *c, enum svg_style style, double x1, double x2, double y)
{
	double from = svg_x(c, x1), to = svg_x(c, x2), at = svg_y(c, y);
	char class[16];

	snprintf(class, sizeof(class), "line s%d", style);
	draw_line(c, class, from, at, to, at);
	draw_line(c, class, from, at - 5, from, at + 5);
	draw_line(c, class, to, at - 5, to, at + 5);
}

void svg_band(struct svg_chart *c, double x1, double x2, double y, int pixels)
{
	double from = svg_x(c, x1), to = svg_x(c, x2), at = svg_y(c, y);

	strbuf_addf(c->out,
		    "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>\n",
		    from, at - pixels / 2.0, to - from, pixels);
}

void svg_guide_x(struct svg_chart *c, double x, const char *label)
{
	double at = svg_x(c, x);

	draw_line(c, "guide", at, c->top, at, c->height - c->bottom);
	if (label)
		svg_text(c, at, c->top - 6, "middle", label, NULL);
}

void svg_guide_y(struct svg_chart *c, double y, const char *label)
{
	double at = svg_y(c, y);

	draw_line(c, "guide", c->left, at, c->width - c->right, at);
	if (label)
		svg_text(c, c->width - c->right + 4, at + 4, "start", label, NULL);
}

void svg_legend(struct svg_chart *c, int row, enum svg_style style, const char *text)
{
	double y = 12 + row * SVG_LEGEND_ROW, x = c->left;

	strbuf_addf(c->out,
		    "<line class=\"line s%d\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"",
		    style, x, y, x + 42, y);
	if (*styles[style].dash)
		strbuf_addf(c->out, " stroke-dasharray=\"%s\"", styles[style].dash);
	strbuf_addstr(c->out, "/>\n");
	draw_marker(c, style, x + 21, y);
	svg_text(c, x + 52, y + 4, "start", text, NULL);
}
