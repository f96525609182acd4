// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/pool/health_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/trend/trend.h"

#define JOBS_MAX 100 /* that are looked back at */

struct jobs { /* the oldest first, the one that is judged last */
	struct trend_night items[JOBS_MAX];
	char *texts[2 * JOBS_MAX]; /* what they borrow */
	size_t count;
};

static void jobs_release(struct jobs *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(j->texts); i++)
		free(j->texts[i]);
}

/* Those that count as the host's own: see the header. */
static const char good_ones[] =
	"SELECT uid, json_extract(request, '$.kernels[0]') FROM (SELECT * FROM job WHERE kind = 'health' AND "
	"host = (SELECT host FROM job WHERE uid = ?1) AND (uid = ?1 OR id < (SELECT id FROM job WHERE uid = "
	"?1) AND state = 'done' AND class IS NULL AND coalesce(verdict, 'unchanged') = 'unchanged' AND "
	"submitted > coalesce((SELECT max(time) FROM event WHERE type = 'host.up' AND json_extract(data, "
	"'$.host') = job.host AND json_extract(data, '$.by') NOT IN ('', 'nestlabd')), '')) ORDER BY id DESC "
	"LIMIT ?2) ORDER BY id";

static int load_jobs(struct daemon_db *queue, const char *uid, struct jobs *j, struct error *err)
{
	sqlite3_stmt *s = database_query(queue, good_ones, "ti", uid, (int64_t)JOBS_MAX);
	int ret;

	while ((ret = database_row(queue, s, err)) == 1) {
		char **texts = &j->texts[2 * j->count];

		texts[0] = xstrdup(database_column(s, 0));
		texts[1] = xstrdup(database_column(s, 1));
		j->items[j->count++] = (struct trend_night){texts[0], texts[1]};
	}
	return ret;
}

static char *describe(const struct trend_series *s, const struct trend_alarm *a)
{
	return xasprintf("%s %s %s: %.6g %s, and %.6g in %zu health jobs before (%+.2f %%)",
			 s->scenario, s->metric, s->params, a->after, s->unit, a->before,
			 s->count - 1, (a->after / a->before - 1) * 100);
}

/* The number that is furthest off. */
static void judge_series(const struct trend_list *l, size_t jobs, enum results_verdict *verdict,
			 char **why)
{
	double most = 0;

	for (size_t i = 0; i < l->count; i++) {
		const struct trend_series *s = &l->items[i];
		struct trend_alarm a;

		if (s->count <= HEALTH_KNOWN || s->points[s->count - 1].night != jobs - 1)
			continue;
		if (*verdict == VERDICT_INCONCLUSIVE)
			*verdict = VERDICT_UNCHANGED;
		if (!trend_is_off(s, &a) || fabs(log(a.after / a.before)) <= most)
			continue;
		most = fabs(log(a.after / a.before));
		*verdict = a.worse ? VERDICT_REGRESSED : VERDICT_IMPROVED;
		free(*why);
		*why = describe(s, &a);
	}
}

int health_judge_numbers(struct daemon_db *queue, struct results_db *results, const char *uid,
			 enum results_verdict *verdict, char **why, struct error *err)
{
	struct jobs *j = xcalloc(1, sizeof(*j));
	struct trend_list list = {0};
	int ret = load_jobs(queue, uid, j, err);

	*verdict = VERDICT_INCONCLUSIVE;
	if (!ret)
		ret = trend_keep_kernel(results, j->items, &j->count, err);
	if (!ret && j->count)
		ret = trend_load(results, j->items, j->count, &list, err);
	if (!ret)
		judge_series(&list, j->count, verdict, why);
	trend_free(&list);
	jobs_release(j);
	free(j);
	return ret;
}
