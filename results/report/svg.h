/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svg.h - a chart as inline SVG: two axes with ticks, labels and units, lines, markers, bands.
 *
 * No script, no style of its own beyond presentation attributes: colours come from the page through
 * CSS classes (.axis .grid .s0 .s1 ... .band .guide), so that a page can have a dark and a light
 * face. Series are told apart by dash pattern and marker shape as well as by colour. Each chart is
 * role="img" with <title> and <desc> for a screen reader.
 *
 *	struct svg_chart c = { .width = 820, .height = 320, .x = {...}, .y = {...} };
 *	svg_begin(&c, out, "cdf-1", "title", "description");
 *	svg_line(&c, SVG_CIRCLE, xs, ys, n);
 *	svg_end(&c);
 */
#ifndef RESULTS_REPORT_SVG_H
#define RESULTS_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/strbuf.h"

/* Each style has a class (s0, s1, ...), a dash pattern and a marker of its own. */
enum svg_style { SVG_CIRCLE, SVG_CIRCLE_DASHED, SVG_SQUARE, SVG_SQUARE_DASHED, SVG_STYLES };

struct svg_axis {
	double low, high;  /* shown range; svg_begin() widens an empty one */
	const char *label; /* with unit; escaped by us; NULL: an axis without ticks and label */
	bool log;	   /* decades; low > 0 */
	const double *at;  /* ticks at these values; NULL: at round ones */
	size_t nat;
};

struct svg_chart {
	double width, height;		 /* of the viewBox; the page scales it */
	double left, top, right, bottom; /* margins; 0: usual ones */
	struct svg_axis x, y;
	struct strbuf *out; /* set by svg_begin() */
};

/* Opens <svg>, draws grid, ticks, axes and their labels. @id: [a-z0-9-]+, unique in the page. */
void svg_begin(struct svg_chart *c, struct strbuf *out, const char *id, const char *title,
	       const char *desc);
void svg_end(struct svg_chart *c);

/* A polyline through n points; those outside the range are clipped at the frame. */
void svg_line(struct svg_chart *c, enum svg_style style, const double *xs, const double *ys,
	      size_t n);
void svg_marker(struct svg_chart *c, enum svg_style style, double x, double y);
/* A horizontal bar from @x1 to @x2 at @y with caps: an interval. */
void svg_interval(struct svg_chart *c, enum svg_style style, double x1, double x2, double y);
/* A shaded stretch from @x1 to @x2, @pixels high, in the middle of which is @y. */
void svg_band(struct svg_chart *c, double x1, double x2, double y, int pixels);
/* A thin dashed line across the chart at @x (or @y), with a label at its end; NULL: none. */
void svg_guide_x(struct svg_chart *c, double x, const char *label);
void svg_guide_y(struct svg_chart *c, double y, const char *label);
/* Text at a point in pixels; @anchor: "start", "middle" or "end"; @full: tooltip, or NULL. */
void svg_text(struct svg_chart *c, double px, double py, const char *anchor, const char *text,
	      const char *full);
/* A line of the legend, number @row from the top, above the frame. */
void svg_legend(struct svg_chart *c, int row, enum svg_style style, const char *text);
#define SVG_LEGEND_ROW 18 /* pixels of top margin per row */

/* Where a value is, in pixels. */
double svg_x(const struct svg_chart *c, double x);
double svg_y(const struct svg_chart *c, double y);

/* Ticks of 1, 2 or 5 times a power of ten (log: such values themselves) within low..high; at most
 * @max. Returns how many were stored. */
size_t svg_ticks(const struct svg_axis *axis, double *ticks, size_t max);

#endif
