// SPDX-License-Identifier: GPL-2.0-only
#include "results/trend/detect.h"

#include <math.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "results/compare/statistics.h"

struct moments {
	double mean, squares; /* squares: sum of squared deviations */
};

static struct moments take_moments(const double *v, size_t n)
{
	struct moments m = {0};

	for (size_t i = 0; i < n; i++)
		m.mean += v[i] / n;
	for (size_t i = 0; i < n; i++)
		m.squares += (v[i] - m.mean) * (v[i] - m.mean);
	return m;
}

double detect_welch(const double *a, size_t na, const double *b, size_t nb)
{
	struct moments ma = take_moments(a, na), mb = take_moments(b, nb);
	double va, vb, gap = fabs(ma.mean - mb.mean);

	if (na < 2 || nb < 2 || gap <= 1e-12 * fabs(ma.mean))
		return 1;
	va = ma.squares / (na - 1) / na;
	vb = mb.squares / (nb - 1) / nb;
	if (va + vb <= 1e-30 * ma.mean * ma.mean)
		return 0;
	return statistics_t_p(gap / sqrt(va + vb),
			      (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1)));
}

/* Sums of |v[i] - v[j]|: of pairs within the first @tau, across, within the rest. */
struct energies {
	double left, across, right;
};

/* v[tau] goes from the right to the left. */
static void move_point(struct energies *e, const double *v, size_t n, size_t tau)
{
	double to_left = 0, to_right = 0;

	for (size_t i = 0; i < tau; i++)
		to_left += fabs(v[tau] - v[i]);
	for (size_t i = tau + 1; i < n; i++)
		to_right += fabs(v[tau] - v[i]);
	e->left += to_left;
	e->across += to_right - to_left;
	e->right -= to_right;
}

/* The energy distance of both sides, scaled by their sizes. */
static double weigh_cut(const struct energies *e, size_t n, size_t tau)
{
	double a = tau, b = n - tau;

	return a * b / n *
	       (2 * e->across / (a * b) - 2 * e->left / (a * (a - 1)) -
		2 * e->right / (b * (b - 1)));
}

/* Where both sides differ most; 0: the series is too short. */
static size_t find_cut(const double *v, size_t n)
{
	struct energies e = {0};
	double best = 0;
	size_t cut = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			e.right += fabs(v[i] - v[j]);
	for (size_t tau = 1; tau + DETECT_SIDE_MIN <= n; tau++) {
		double q;

		move_point(&e, v, n, tau - 1);
		if (tau < DETECT_SIDE_MIN)
			continue;
		q = weigh_cut(&e, n, tau);
		if (q > best) {
			best = q;
			cut = tau;
		}
	}
	return cut;
}

static int compare_places(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Cuts v[from..to) as long as it can be cut; a list of what is left to look at instead of recursion. */
static size_t cut_all(const double *v, size_t n, double p, size_t *at)
{
	struct part {
		size_t from, to;
	} *parts = xcalloc(2 * n + 2, sizeof(*parts));
	size_t nparts = 1, count = 0;

	parts[0] = (struct part){0, n};
	while (nparts) {
		struct part q = parts[--nparts];
		size_t cut = find_cut(v + q.from, q.to - q.from), place = q.from + cut;

		if (!cut || detect_welch(v + q.from, cut, v + place, q.to - place) >= p)
			continue;
		at[count++] = place;
		parts[nparts++] = (struct part){q.from, place};
		parts[nparts++] = (struct part){place, q.to};
	}
	free(parts);
	qsort(at, count, sizeof(*at), compare_places);
	return count;
}

/* A cut that its neighbours' segments no longer bear out, now that these are cut themselves. */
static bool drop_weakest(const double *v, size_t n, double p, size_t *at, size_t *count)
{
	double worst = p;
	size_t drop = *count;

	for (size_t i = 0; i < *count; i++) {
		size_t from = i ? at[i - 1] : 0;
		size_t to = i + 1 < *count ? at[i + 1] : n;
		double q = detect_welch(v + from, at[i] - from, v + at[i], to - at[i]);

		if (q < worst)
			continue;
		worst = q;
		drop = i;
	}
	if (drop == *count)
		return false;
	for (size_t i = drop; i + 1 < *count; i++)
		at[i] = at[i + 1];
	--*count;
	return true;
}

size_t detect_changes(const double *v, size_t n, double p, size_t *at)
{
	size_t count = cut_all(v, n, p, at);

	while (drop_weakest(v, n, p, at, &count))
		;
	return count;
}

/* ---- drift ---- */

static double square_levels(const double *v, size_t n, const size_t *at, size_t nat)
{
	double squares = 0;

	for (size_t i = 0; i <= nat; i++) {
		size_t from = i ? at[i - 1] : 0;
		size_t to = i < nat ? at[i] : n;

		squares += take_moments(v + from, to - from).squares;
	}
	return squares;
}

static double square_line(const double *v, size_t n)
{
	struct moments m = take_moments(v, n);
	double middle = (n - 1) / 2.0, xx = 0, xy = 0;

	for (size_t i = 0; i < n; i++) {
		xx += (i - middle) * (i - middle);
		xy += (i - middle) * (v[i] - m.mean);
	}
	return m.squares - xy * xy / xx;
}

/* Twice the logarithm of the likelihood, less what parameters cost. A fit without residuals is as good as the
 * numbers are precise. */
static double information(double squares, size_t n, size_t parameters, double floor)
{
	return n * log(squares / n + floor) + parameters * log(n);
}

bool detect_is_drift(const double *v, size_t n, const size_t *at, size_t nat)
{
	double floor;

	if (n < 4 || !nat)
		return false;
	floor = pow(1e-6 * take_moments(v, n).mean, 2);
	/* a level and a place for each step; a line has two parameters */
	return information(square_line(v, n), n, 2, floor) <
	       information(square_levels(v, n, at, nat), n, 2 * nat + 1, floor);
}
