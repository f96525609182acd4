// SPDX-License-Identifier: GPL-2.0-only
/* CSV after RFC 4180: a line per metric, for spreadsheets. */
#include <math.h>

#include "common/alloc.h"
#include "results/report/formats.h"
#include "results/report/markup.h"

#define CSV_HEAD                                                                            \
	"scenario,metric,params,unit,better,clock,base,new,base_boots,new_boots,"           \
	"base_median,new_median,ratio,low,high,p_value,verdict,base_p99,new_p99,p99_ratio," \
	"p99_low,p99_high,p99_p_value,p99_verdict,smallest_effect_percent,more_boots,why\r\n"

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

static void add_metric(struct strbuf *out, const struct results_comparison *c,
		       const struct results_compared *m)
{
	const char *const texts[] = {m->scenario, m->metric, m->params, m->unit,
				     m->better,	  c->clock,  c->base,	c->new};

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
	markup_csv(out, m->median.why);
	strbuf_addstr(out, "\r\n");
}

void csv_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	(void)o;
	strbuf_addstr(out, CSV_HEAD);
	for (size_t i = 0; i < r->comparison.nmetrics; i++)
		add_metric(out, &r->comparison, &r->comparison.metrics[i]);
}
