/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trend.h - numbers over nights: a series per metric, parameters and environment (host identity, agent, clock),
 * with a point a night; and whether the last night lies where those before it lay.
 *
 * It knows nothing of schedules: a night is a session and a kernel's name, in order.
 *
 *	struct trend_list l;
 *
 *	ret = trend_load(db, nights, n, &l, err);
 *	...
 *	for (size_t i = 0; i < l.count; i++)
 *		kind = trend_look(&l.items[i], first, &alarm);
 *	trend_free(&l);
 */
#ifndef RESULTS_TREND_TREND_H
#define RESULTS_TREND_TREND_H

#include <stdbool.h>
#include <stdint.h>

#include "results/store/store.h"

struct trend_night { /* borrowed */
	const char *session, *kernel;
};

struct trend_point {
	size_t night;	  /* index in what trend_load() was given */
	double median;	  /* of its boots' medians */
	double low, high; /* 95 % interval of that; NAN: nothing is known of the noise */
	double *boots;
	size_t nboots;
};

struct trend_series {
	char *scenario, *metric, *params, *unit, *better;
	char *environment; /* host identity, agent's hash and clock: numbers compare within one alone */
	int64_t measurement, rounds;
	bool headline;
	double smallest_effect;	    /* percent */
	struct trend_point *points; /* nights without a passed boot have none */
	size_t count;
};

struct trend_list {
	struct trend_series *items; /* by scenario, params, metric */
	size_t count;
};

int trend_load(struct results_db *db, const struct trend_night *nights, size_t n,
	       struct trend_list *out, struct error *err);
void trend_free(struct trend_list *l);

/* Sets low and high of all points from what boots of one night differ by. trend_load() does it. */
void trend_set_intervals(struct trend_series *s);

enum trend_kind {
	TREND_QUIET,
	TREND_STEP,  /* the last night is off the level of those before it */
	TREND_SLOW,  /* a change point lies further back, and the level since is another one */
	TREND_DRIFT, /* it goes up or down all the time: no night is to blame */
};

struct trend_alarm {
	enum trend_kind kind;
	size_t good, bad;     /* points: the last of the old level, the first of the new one */
	double before, after; /* levels */
	bool worse;
};

/*
 * Looks at the points from number @first on, the last of which is the newest night.
 *
 * A step needs both: more than the smallest effect, and more than nights of this level and boots of one night
 * differ by (prediction interval of a new night at TREND_ALPHA). It is an alarm: fresh boots decide.
 */
#define TREND_ALPHA 0.001
enum trend_kind trend_look(const struct trend_series *s, size_t first, struct trend_alarm *out);

/* Does the last point lie off those before it, from number 0 on, as a step does? No more than that is looked at. */
bool trend_is_off(const struct trend_series *s, struct trend_alarm *out);

/*
 * Leaves of @nights, the last of which is the newest, those that booted the last one's kernel: the same by its key,
 * not by name alone. *n is how many are left; 0: the last one has no boot.
 */
int trend_keep_kernel(struct results_db *db, struct trend_night *nights, size_t *n,
		      struct error *err);

/* Is the last point back at @level, within the smallest effect? */
bool trend_is_at(const struct trend_series *s, double level);

#endif
