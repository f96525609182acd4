// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/explained.h"

#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/shell.h"
#include "results/explain/keep.h"
#include "results/explain/page.h"
#include "results/report/words.h"

#define EXPLAINED_MAX 3 /* in a report */

static bool has_changed(const struct report *r, const struct results_compared *m)
{
	if (!results_decides(&r->comparison, m))
		return false;
	return m->median.verdict == VERDICT_REGRESSED || m->median.verdict == VERDICT_IMPROVED;
}

static bool find_explanation(const struct report *r, const struct results_compared *m,
			     const struct report_options *o, struct explanation *e)
{
	const struct results_comparison *c = &r->comparison;
	struct error err = {0};
	int ret;

	*e = (struct explanation){0};
	if (!o || !o->explanations)
		return false;
	ret = explain_kept(o->explanations, c->base_key, c->new_key, m->scenario, m->metric,
			   m->params, e, &err);
	if (ret && ret != -ENOENT)
		log_warning("%s", err.text);
	return !ret;
}

static int add_param(const char *key, const char *value, void *arg)
{
	struct strbuf *line = arg;

	if (!strcmp(key,
		    "mode")) /* of the scenario's file, and the only one that can be followed */
		return 0;
	strbuf_addf(line, " --param %s=%s", key, value);
	return 0;
}

static void add_command(struct doc *d, const struct report *r, const struct results_compared *m)
{
	const struct results_comparison *c = &r->comparison;
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "nestlab explain %s %s --scenario %s --metric %s", c->base, c->new,
		    m->scenario, m->metric);
	words_each_param(m->params, add_param, &line);
	strbuf_addch(&line, '\n');
	doc_paragraph(d, "Nobody has asked yet where the instructions of %s %s went:", m->scenario,
		      m->metric);
	doc_code(d, line.buf);
	strbuf_release(&line);
}

/* Without a verdict: whether it is good is for the policy, or the comparison, to say. */
static void add_explanation(struct doc *d, const struct explanation *e)
{
	struct strbuf summary = STRBUF_INIT;

	explain_summary(e, &summary);
	doc_paragraph(d, "%s.", summary.buf);
	strbuf_release(&summary);
	explain_add_to(d, e);
}

static void add_metric(struct doc *d, const struct report *r, const struct results_compared *m,
		       const struct report_options *o)
{
	struct explanation e;

	if (find_explanation(r, m, o, &e))
		add_explanation(d, &e);
	else
		add_command(d, r, m);
	explanation_free(&e);
}

void explained_add_to(struct doc *d, const struct report *r, const struct report_options *o)
{
	size_t shown = 0;

	if (!o || !o->explain)
		return;
	doc_heading(d, "Where the instructions went");
	for (size_t i = 0; i < r->comparison.nmetrics && shown < EXPLAINED_MAX; i++) {
		const struct results_compared *m = &r->comparison.metrics[i];

		if (!has_changed(r, m))
			continue;
		add_metric(d, r, m, o);
		shown++;
	}
	if (!shown)
		doc_paragraph(d, "No metric that decides has changed.");
}

void explained_add_grown(const struct report *r, const struct results_compared *m,
			 const struct report_options *o, struct strbuf *out)
{
	struct explanation e;

	if (!m)
		return;
	if (find_explanation(r, m, o, &e))
		explain_grown(&e, out);
	explanation_free(&e);
}
