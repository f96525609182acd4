// SPDX-License-Identifier: GPL-2.0-only
/*
 * CSV after RFC 4180: a line per metric, for spreadsheets. Each parameter that any metric has is a column of
 * its own, param_NAME, in the order of the alphabet; it is empty where a metric does not have it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/words.h"

#define HEAD_BEFORE "scenario,metric,"
#define HEAD_AFTER                                                                          \
	"unit,better,clock,base,new,base_boots,new_boots,"                                  \
	"base_median,new_median,ratio,low,high,p_value,verdict,base_p99,new_p99,p99_ratio," \
	"p99_low,p99_high,p99_p_value,p99_verdict,smallest_effect_percent,more_boots,why,"  \
	"database_head\r\n"

struct parameters { /* the names of all, sorted */
	char **names;
	size_t count;
};

static void add_text(struct strbuf *out, const char *text)
{
	markup_csv(out, text);
	strbuf_addch(out, ',');
}

/* An unknown number is an empty field. */
static void add_number(struct strbuf *out, double value)
{
	if (isfinite(value))
		strbuf_addf(out, "%.10g", value);
	strbuf_addch(out, ',');
}

static void add_judgement(struct strbuf *out, const struct results_judgement *j)
{
	add_number(out, j->ratio);
	add_number(out, j->low);
	add_number(out, j->high);
	add_number(out, j->p_value);
	add_text(out, results_verdict_name(j->verdict));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_parameter(const char *key, const char *value, void *arg)
{
	struct parameters *p = arg;

	(void)value;
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->names[i], key))
			return 0;
	p->names = xrealloc(p->names, p->count + 1, sizeof(*p->names));
	p->names[p->count++] = xstrdup(key);
	return 0;
}

static struct parameters find_parameters(const struct results_comparison *c)
{
	struct parameters p = {0};

	for (size_t i = 0; i < c->nmetrics; i++)
		words_each_param(c->metrics[i].params, add_parameter, &p);
	if (p.count)
		qsort(p.names, p.count, sizeof(*p.names), compare_names);
	return p;
}

static void free_parameters(struct parameters *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->names[i]);
	free(p->names);
}

static void add_head(struct strbuf *out, const struct parameters *p)
{
	strbuf_addstr(out, HEAD_BEFORE);
	for (size_t i = 0; i < p->count; i++) {
		__cleanup_free char *head = xasprintf("param_%s", p->names[i]);

		add_text(out, head);
	}
	strbuf_addstr(out, HEAD_AFTER);
}

static void add_metric(struct strbuf *out, const struct report *r, const struct parameters *p,
		       const struct results_compared *m)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *head = words_head(&r->head);
	const char *const texts[] = {m->unit, m->better, c->clock, c->base, c->new};

	add_text(out, m->scenario);
	add_text(out, m->metric);
	for (size_t i = 0; i < p->count; i++) {
		__cleanup_free char *value = words_param(m->params, p->names[i]);

		add_text(out, value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		add_text(out, texts[i]);
	add_number(out, m->base.boots);
	add_number(out, m->new.boots);
	add_number(out, m->base.median);
	add_number(out, m->new.median);
	add_judgement(out, &m->median);
	add_number(out, m->base.p99);
	add_number(out, m->new.p99);
	add_judgement(out, &m->p99);
	add_number(out, m->smallest_effect);
	add_number(out, m->median.more_boots);
	add_text(out, m->median.why);
	markup_csv(out, head);
	strbuf_addstr(out, "\r\n");
}

void csv_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct parameters p = find_parameters(&r->comparison);

	(void)o;
	add_head(out, &p);
	for (size_t i = 0; i < r->comparison.nmetrics; i++)
		add_metric(out, r, &p, &r->comparison.metrics[i]);
	free_parameters(&p);
}
