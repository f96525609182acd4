// SPDX-License-Identifier: GPL-2.0-only
/* The numbers of one kernel alone, as a table: what a run shows that has nothing to compare. */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/report.h"
#include "results/report/table.h"
#include "results/report/text.h"
#include "results/report/words.h"
#include "results/store/database.h"

/* Of several boots the mean of their medians, as of their 99th percentiles. */
static const char query[] =
	"SELECT m.scenario, metric.metric, m.params, metric.unit, avg(metric.median), avg(metric.p99) "
	"FROM metric JOIN run ON run.id = metric.run JOIN measurement m ON m.id = metric.measurement "
	"WHERE run.session = ?1 AND run.kernel_name = ?2 AND run.status = 'pass' AND metric.headline "
	"GROUP BY m.id, metric.metric, metric.unit ORDER BY m.scenario, m.id, metric.metric";

/* Rows as the metrics of a comparison with nothing: their `new` is empty. */
static int load_metrics(struct results_db *db, const char *session, const char *kernel,
			struct results_comparison *c, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 1, session);
	database_bind_text(stmt, 2, kernel);
	while ((ret = database_step(db, stmt, err)) == 1) {
		c->metrics = xrealloc(c->metrics, c->nmetrics + 1, sizeof(*c->metrics));
		c->metrics[c->nmetrics++] = (struct results_compared){
			.scenario = xstrdup(database_text(stmt, 0)),
			.metric = xstrdup(database_text(stmt, 1)),
			.params = xstrdup(database_text(stmt, 2)),
			.unit = xstrdup(database_text(stmt, 3)),
			.base = {.median = sqlite3_column_double(stmt, 4),
				 .p99 = sqlite3_column_double(stmt, 5)},
		};
	}
	sqlite3_finalize(stmt);
	return ret;
}

/* The table of one scenario, from metric @first on; the number of the next one's first metric. */
static size_t add_scenario(struct report *r, size_t first, unsigned int flags, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	const char *scenario = c->metrics[first].scenario;
	__cleanup_free char *common = words_common_params(c, scenario);
	struct report_common one = {.scenario = scenario, .params = common};
	__cleanup_free char *words = words_params(NULL, NULL, common);
	struct table *t = table_new("", "metric|with|median>|p99>|unit");
	size_t i = first;

	r->commons = &one;
	r->ncommons = 1;
	for (; i < c->nmetrics && !strcmp(c->metrics[i].scenario, scenario); i++) {
		const struct results_compared *m = &c->metrics[i];

		table_cell(t, "%s", m->metric);
		table_take(t, TONE_PLAIN, words_params(r, scenario, m->params));
		table_take(t, TONE_PLAIN, words_number(m->base.median));
		table_take(t, TONE_PLAIN, words_number(m->base.p99));
		table_cell(t, "%s", m->unit);
	}
	if (first)
		strbuf_addch(out, '\n');
	strbuf_addf(out, "%s%s%s\n", scenario, *words ? ", all with: " : "", words);
	table_text_columns(t, flags / RESULTS_RENDER_COLUMNS(1), flags & RESULTS_RENDER_COLOUR,
			   out);
	table_free(t);
	return i;
}

int results_render_numbers(struct results_db *db, const char *session, const char *kernel,
			   unsigned int flags, struct strbuf *out, struct error *err)
{
	struct report r = {0};
	int ret = load_metrics(db, session, kernel, &r.comparison, err);

	for (size_t i = 0; !ret && i < r.comparison.nmetrics;)
		i = add_scenario(&r, i, flags, out);
	results_comparison_free(&r.comparison);
	return ret;
}
