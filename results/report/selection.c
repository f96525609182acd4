// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/selection.h"

#include <math.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "results/report/words.h"

void selection_add(struct report_selection *s, size_t index, double allowed)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].index == index) {
			/* fmin() of a number and NAN is the number */
			s->items[i].allowed = fmin(s->items[i].allowed, allowed);
			return;
		}
	s->items = xrealloc(s->items, s->count + 1, sizeof(*s->items));
	s->items[s->count++] = (struct selection_item){index, allowed};
}

/*
 * Metrics that decide the verdict are always shown, whatever their own verdict is. Of the others
 * (parts, metrics that are not headline metrics) only those that regressed are shown: the rest
 * explains nothing bad and would hide it.
 */
void selection_add_told(struct report_selection *s, const struct report *r)
{
	const struct results_comparison *c = &r->comparison;

	for (size_t i = 0; i < c->nmetrics; i++)
		if (results_decides(c, &c->metrics[i]))
			selection_add(s, i, NAN);
	for (size_t i = 0; i < c->nmetrics; i++)
		if (words_has_regressed(&c->metrics[i]))
			selection_add(s, i, NAN);
}

void selection_free(struct report_selection *s)
{
	free(s->items);
	*s = (struct report_selection){0};
}

const struct results_compared *selection_metric(const struct report_selection *s,
						const struct report *r, size_t i)
{
	return &r->comparison.metrics[s->items[i].index];
}
