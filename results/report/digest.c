// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/digest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/words.h"

#define ROWS_MIN 40 /* fewer are read one by one */

struct group {
	char *name;
	size_t verdicts[VERDICT_INCONCLUSIVE + 1];
	struct results_comparison own; /* its metrics alone, whose texts are the report's */
	/* by growth of cost: the best and the worst of them */
	const struct results_compared *best, *worst;
};

struct groups {
	struct group *all;
	size_t count, members;
};

/* What a reader asks by: everything else (numbers of vCPUs, pages, backings, reasons) is in a group's range. */
static char *name_group(const struct results_compared *m)
{
	static const char *const keys[] = {"l1", "memory"};
	struct strbuf name = STRBUF_INIT;

	strbuf_addf(&name, "%s %s", m->scenario, m->metric);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		__cleanup_free char *value = words_param(m->params, keys[i]);

		if (value)
			strbuf_addf(&name, " %s", value);
	}
	return strbuf_detach(&name);
}

static struct group *find_group(struct groups *g, const struct results_compared *m)
{
	__cleanup_free char *name = name_group(m);

	for (size_t i = 0; i < g->count; i++)
		if (!strcmp(g->all[i].name, name))
			return &g->all[i];
	g->all = xrealloc(g->all, g->count + 1, sizeof(*g->all));
	g->all[g->count] = (struct group){.name = xstrdup(name), .best = m, .worst = m};
	return &g->all[g->count++];
}

static double cost_of(const struct results_compared *m)
{
	return words_cost_percent(m, m->median.ratio);
}

static void add_member(struct groups *g, const struct results_compared *m)
{
	struct group *group = find_group(g, m);

	g->members++;
	group->own.metrics = xrealloc(group->own.metrics, group->own.nmetrics + 1, sizeof(*m));
	group->own.metrics[group->own.nmetrics++] = *m;
	group->verdicts[m->median.verdict]++;
	/* of 0 against 0 there is no ratio, and nothing is less or more than that */
	if (isnan(cost_of(group->best)) || cost_of(m) < cost_of(group->best))
		group->best = m;
	if (isnan(cost_of(group->worst)) || cost_of(m) > cost_of(group->worst))
		group->worst = m;
}

static int compare_names(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* A count that is not there is no number to read. */
static void add_count(struct table *t, const struct group *g, enum results_verdict v)
{
	if (g->verdicts[v])
		table_cell_tone(t, words_tone(v), "%zu", g->verdicts[v]);
	else
		table_cell(t, "%s", "");
}

/* Which one is the worst, among those of its group: what they have in common is said by the group's name, or above. */
static char *name_worst(const struct group *g)
{
	const char *scenario = g->worst->scenario;
	__cleanup_free char *params = words_common_params(&g->own, scenario);
	struct report_common common = {.scenario = scenario, .params = params};
	struct report alone = {.commons = &common, .ncommons = 1};

	return words_params(&alone, scenario, g->worst->params);
}

static void add_group(struct table *t, const struct group *g)
{
	static const enum results_verdict order[] = {VERDICT_IMPROVED, VERDICT_UNCHANGED,
						     VERDICT_INCONCLUSIVE, VERDICT_REGRESSED};

	table_cell(t, "%s", g->name);
	table_cell(t, "%zu", g->own.nmetrics);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		add_count(t, g, order[i]);
	table_take(t, TONE_PLAIN, words_cost(g->best, &g->best->median));
	table_take(t, TONE_PLAIN, words_cost(g->worst, &g->worst->median));
	table_take(t, TONE_PLAIN, name_worst(g));
}

static void free_groups(struct groups *g)
{
	for (size_t i = 0; i < g->count; i++) {
		free(g->all[i].name);
		free(g->all[i].own.metrics);
	}
	free(g->all);
}

void digest_add(struct doc *d, const struct report *r)
{
	const struct results_comparison *c = &r->comparison;
	struct groups g = {0};
	struct table *t;

	for (size_t i = 0; i < c->nmetrics; i++)
		if (results_decides(c, &c->metrics[i]))
			add_member(&g, &c->metrics[i]);
	if (g.members >= ROWS_MIN && 2 * g.count <= g.members) {
		qsort(g.all, g.count, sizeof(*g.all), compare_names);
		t = table_new("In short: growth of cost of what decides, from its best case to "
			      "its worst",
			      "cases|number>|improved>|unchanged>|inconclusive>|regressed>|best>|"
			      "worst>|the worst is?");
		for (size_t i = 0; i < g.count; i++)
			add_group(t, &g.all[i]);
		doc_table(d, t);
	}
	free_groups(&g);
}
