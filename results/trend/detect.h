/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * detect.h - where a series of numbers changes its level. Pure functions over arrays; private to results/ and
 * its tests. docs/daemon.md (nights) says what becomes of it: a change point is an alarm, not a verdict.
 *
 * E-divisive (Matteson and James, "A nonparametric approach for multiple change point analysis of
 * multivariate data", JASA 2014): the series is cut where the energy distance between both parts is greatest,
 * and the parts likewise. Instead of permutations a Welch t test decides, so the same numbers always give the same answer.
 */
#ifndef RESULTS_TREND_DETECT_H
#define RESULTS_TREND_DETECT_H

#include <stdbool.h>
#include <stddef.h>

#define DETECT_SIDE_MIN	  3   /* points on either side of a change point: one outlier makes none */
#define DETECT_POINTS_MAX 200 /* newest points that are looked at */
/* Of the best of many cuts: far below 0.05. /work/shared/daemon.md section 5: the best F1 on labelled series. */
#define DETECT_P 1e-5

/* The first points of all segments but the first, rising, in @at (room for @n); how many. */
size_t detect_changes(const double *v, size_t n, double p, size_t *at);

/* Two-sided p of Welch's t test; 0 if the means differ and neither side varies, 1 if they do not differ. */
double detect_welch(const double *a, size_t na, const double *b, size_t nb);

/* Does a line explain the series better than the levels between @at do (by BIC)? Then it drifts, and the change points
 * are where the line was cut at. */
bool detect_is_drift(const double *v, size_t n, const size_t *at, size_t nat);

#endif
