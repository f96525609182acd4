// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "results/report/markup.h"

#define TICKS_MAX 12

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

static double share(const struct svg_axis *a, double v)
{
	double s = a->log ? log(fmax(v, a->low) / a->low) / log(a->high / a->low)
			  : (v - a->low) / (a->high - a->low);

	return fmin(fmax(s, 0), 1);
}

double svg_x(const struct svg_chart *c, double x)
{
	return c->left + share(&c->x, x) * (c->width - c->left - c->right);
}

double svg_y(const struct svg_chart *c, double y)
{
	return c->height - c->bottom - share(&c->y, y) * (c->height - c->top - c->bottom);
}

/* The 1, 2 or 5 times a power of ten that is next to or above @v. */
static double nice(double v)
{
	double power = pow(10, floor(log10(v)));

	for (int i = 0; i < 3; i++)
		if (v <= (double[]){1, 2, 5}[i] * power * (1 + 1e-9))
			return (double[]){1, 2, 5}[i] * power;
	return 10 * power;
}

static size_t log_ticks(const struct svg_axis *a, double *ticks, size_t max)
{
	bool dense = a->high / a->low < 1000;
	size_t n = 0;

	for (double p = pow(10, floor(log10(a->low))); p <= a->high && n < max; p *= 10)
		for (int i = 0; i < (dense ? 3 : 1) && n < max; i++) {
			double t = p * (double[]){1, 2, 5}[i];

			if (t >= a->low && t <= a->high)
				ticks[n++] = t;
		}
	return n;
}

static double tick_step(const struct svg_axis *a, size_t max)
{
	return a->nat ? 1 : nice((a->high - a->low) / (max > 1 ? max - 1 : 1));
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

void svg_number(struct strbuf *out, double value, double step)
{
	int decimals = step > 0 && step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
	char digits[400];
	const char *s = digits;
	size_t whole;

	if (!isfinite(value)) {
		strbuf_addstr(out, "n/a");
		return;
	}
	snprintf(digits, sizeof(digits), "%.*f", decimals > 9 ? 9 : decimals, fabs(value));
	if (value < 0 && strspn(digits, "0.") != strlen(digits))
		strbuf_addstr(out, "\u2212");
	whole = strcspn(digits, ".");
	for (; whole; whole--) {
		strbuf_addch(out, *s++);
		if (whole > 1 && whole % 3 == 1)
			strbuf_addch(out, ',');
	}
	strbuf_addstr(out, s);
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

static void tick_label(const struct svg_axis *a, double value, size_t max, struct strbuf *label)
{
	strbuf_reset(label);
	svg_number(label, value, a->log && !a->nat ? fmin(value, 1) : tick_step(a, max));
}

static void draw_x_axis(struct svg_chart *c)
{
	double ticks[TICKS_MAX], bottom = c->height - c->bottom;
	size_t n = c->x.label ? svg_ticks(&c->x, ticks, 9) : 0;
	struct strbuf label = STRBUF_INIT;

	draw_line(c, "axis", c->left, bottom, c->width - c->right, bottom);
	for (size_t i = 0; i < n; i++) {
		double x = svg_x(c, ticks[i]);

		draw_line(c, "grid", x, c->top, x, bottom);
		draw_line(c, "axis", x, bottom, x, bottom + 5);
		tick_label(&c->x, ticks[i], 9, &label);
		svg_text(c, x, bottom + 19, "middle", label.buf, NULL);
	}
	if (c->x.label)
		svg_text(c, (c->left + c->width - c->right) / 2, bottom + 40, "middle", c->x.label,
			 NULL);
	strbuf_release(&label);
}

static void draw_y_axis(struct svg_chart *c)
{
	double ticks[TICKS_MAX], middle = (c->top + c->height - c->bottom) / 2;
	size_t n = c->y.label ? svg_ticks(&c->y, ticks, 7) : 0;
	struct strbuf label = STRBUF_INIT;

	draw_line(c, "axis", c->left, c->top, c->left, c->height - c->bottom);
	for (size_t i = 0; i < n; i++) {
		double y = svg_y(c, ticks[i]);

		draw_line(c, "grid", c->left, y, c->width - c->right, y);
		draw_line(c, "axis", c->left - 5, y, c->left, y);
		tick_label(&c->y, ticks[i], 7, &label);
		svg_text(c, c->left - 9, y + 4, "end", label.buf, NULL);
	}
	if (c->y.label) {
		strbuf_addf(c->out, "<g transform=\"translate(16 %.1f) rotate(-90)\">", middle);
		svg_text(c, 0, 0, "middle", c->y.label, NULL);
		strbuf_addstr(c->out, "</g>\n");
	}
	strbuf_release(&label);
}

/* A range of one value is a range around it; a log range must be positive. */
static void widen(struct svg_axis *a)
{
	if (!isfinite(a->low) || !isfinite(a->high) || a->high < a->low)
		a->low = 0, a->high = 1;
	if (a->log && a->low <= 0)
		a->log = false;
	if (a->high - a->low <= 1e-9 * fabs(a->high)) {
		double by = a->high ? fabs(a->high) * 0.05 : 1;

		a->low = a->log ? a->low * 0.95 : a->low - by;
		a->high += by;
	}
}

void svg_begin(struct svg_chart *c, struct strbuf *out, const char *id, const char *title,
	       const char *desc)
{
	c->out = out;
	c->left = c->left ? c->left : 86;
	c->right = c->right ? c->right : 20;
	c->top = c->top ? c->top : 20;
	c->bottom = c->bottom ? c->bottom : 52;
	widen(&c->x);
	widen(&c->y);
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
	for (size_t i = 0; i < n; i++)
		strbuf_addf(c->out, "%s%.1f,%.1f", i ? " " : "", svg_x(c, xs[i]), svg_y(c, ys[i]));
	strbuf_addstr(c->out, "\"/>\n");
}

static void marker_at(struct svg_chart *c, enum svg_style style, double px, double py)
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
	marker_at(c, style, svg_x(c, x), svg_y(c, y));
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

void svg_band(struct svg_chart *c, double x1, double x2)
{
	double from = svg_x(c, x1), to = svg_x(c, x2);

	strbuf_addf(c->out,
		    "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
		    from, c->top, to - from, c->height - c->top - c->bottom);
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
	marker_at(c, style, x + 21, y);
	svg_text(c, x + 52, y + 4, "start", text, NULL);
}
