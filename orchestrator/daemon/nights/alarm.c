// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/alarm.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/mail/mail.h"
#include "orchestrator/daemon/mail/news.h"
#include "results/trend/trend.h"

#define NIGHTS_MAX 400 /* of a branch that are looked at */

/* A branch's nights up to the one that is looked at, the oldest first. */
struct branch {
	char *schedule, *branch;
	int64_t ids[NIGHTS_MAX];
	struct trend_night nights[NIGHTS_MAX]; /* owned texts */
	size_t count;
	int64_t first; /* id of the night that the present level began in; 0: the oldest */
	struct trend_list trends;
};

static void branch_release(struct branch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		free((void *)(uintptr_t)b->nights[i].session);
		free((void *)(uintptr_t)b->nights[i].kernel);
	}
	trend_free(&b->trends);
	free(b->schedule);
	free(b->branch);
}

/* ---- loading ---- */

/* The oldest night that nobody has looked at, whose job is over and that nothing holds up. 1: *id. */
static int find_night(struct night_context *n, struct branch *b, int64_t *id, struct error *err)
{
	sqlite3_stmt *s = database_query(
		n->queue,
		"SELECT n.id, n.schedule, n.branch FROM night n JOIN job j ON j.uid = n.job WHERE "
		"n.looked = 0 AND j.ended IS NOT NULL AND NOT EXISTS (SELECT 1 FROM change c WHERE "
		"c.schedule = n.schedule AND c.branch = n.branch AND c.state IN ('alarm', 'confirming')) "
		"ORDER BY n.id LIMIT 1",
		"");
	int ret = database_row(n->queue, s, err);

	if (ret != 1)
		return ret;
	*id = sqlite3_column_int64(s, 0);
	b->schedule = xstrdup(database_column(s, 1));
	b->branch = xstrdup(database_column(s, 2));
	sqlite3_reset(s);
	return 1;
}

static int load_nights(struct night_context *n, struct branch *b, int64_t last, struct error *err)
{
	sqlite3_stmt *s = database_query(
		n->queue,
		"SELECT id, job, kernel FROM (SELECT * FROM night WHERE schedule = ?1 AND branch = ?2 "
		"AND id <= ?3 ORDER BY id DESC LIMIT ?4) ORDER BY id",
		"ttid", b->schedule, b->branch, last, NIGHTS_MAX);
	int ret;

	while ((ret = database_row(n->queue, s, err)) == 1) {
		b->ids[b->count] = sqlite3_column_int64(s, 0);
		b->nights[b->count++] = (struct trend_night){
			.session = xstrdup(database_column(s, 1)),
			.kernel = xstrdup(database_column(s, 2)),
		};
	}
	if (ret)
		return ret;
	return database_number(
		n->queue, 0, &b->first, err,
		"SELECT max(coalesce(fixed, bad)) FROM change WHERE schedule = ?1 AND branch = ?2 AND "
		"state IN ('confirmed', 'bisecting', 'culprit', 'reported', 'fixed', 'drift')",
		"tt", b->schedule, b->branch);
}

static int load_branch(struct night_context *n, struct branch *b, int64_t last, struct error *err)
{
	int ret = load_nights(n, b, last, err);

	if (ret)
		return ret;
	return trend_load(n->results, b->nights, b->count, &b->trends, err);
}

static const struct trend_series *find_series(const struct branch *b, sqlite3_stmt *row)
{
	for (size_t i = 0; i < b->trends.count; i++) {
		const struct trend_series *s = &b->trends.items[i];

		if (!strcmp(s->environment, database_column(row, 0)) &&
		    !strcmp(s->scenario, database_column(row, 1)) &&
		    !strcmp(s->params, database_column(row, 2)) &&
		    !strcmp(s->metric, database_column(row, 3)))
			return s;
	}
	return NULL;
}

/* Has it a number of the night that is looked at? */
static bool is_of_tonight(const struct branch *b, const struct trend_series *s)
{
	return s->count && s->points[s->count - 1].night == b->count - 1;
}

/* ---- fixed ---- */

/* Are all numbers that were confirmed to be worse back at their level before? One that was not measured
 * tonight says nothing. */
static int is_fixed(struct daemon_db *db, const struct branch *b, int64_t change, bool *fixed,
		    struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT c.environment, m.scenario, m.params, m.metric, m.before FROM change_metric m JOIN "
		"change c ON c.id = m.change WHERE c.id = ?1 AND m.verdict = 'regressed'",
		"i", change);
	size_t count = 0, back = 0;
	int ret;

	while ((ret = database_row(db, s, err)) == 1) {
		const struct trend_series *t = find_series(b, s);

		count++;
		if (t && is_of_tonight(b, t) && trend_is_at(t, sqlite3_column_double(s, 4)))
			back++;
	}
	*fixed = count && back == count;
	return ret;
}

/* 1: *id is the next open change of the branch after *id. */
static int next_open(struct daemon_db *db, const struct branch *b, int64_t *id, struct error *err)
{
	int ret = database_number(
		db, 0, id, err,
		"SELECT min(id) FROM change WHERE schedule = ?1 AND branch = ?2 AND id "
		"> ?3 AND bad < ?4 AND state IN ('confirmed', 'bisecting', 'culprit', "
		"'reported')",
		"ttii", b->schedule, b->branch, *id, b->ids[b->count - 1]);

	if (ret)
		return ret;
	return *id != 0;
}

static int close_fixed(struct daemon_db *db, struct branch *b, struct error *err)
{
	int64_t id = 0, night = b->ids[b->count - 1];
	char now[DAEMON_TIME_MAX];
	bool fixed;
	int ret;

	database_time(now);
	while ((ret = next_open(db, b, &id, err)) == 1) {
		ret = is_fixed(db, b, id, &fixed, err);
		if (ret)
			return ret;
		if (!fixed)
			continue;
		ret = database_change(
			db, err,
			"UPDATE change SET state = 'fixed', fixed = ?2, changed = ?3, "
			"version = version + 1 WHERE id = ?1",
			"iit", id, night, now);
		if (ret >= 0)
			ret = event_add(db, "change.fixed", NULL, NULL, NULL, err);
		if (!ret)
			ret = mail_fixed(db, id, err);
		if (!ret)
			ret = news_fixed(db, id, err);
		if (ret)
			return ret;
		b->first = night;
	}
	return ret;
}

/* ---- alarms ---- */

static int add_change(struct daemon_db *db, const struct branch *b, const struct trend_series *s,
		      const struct trend_alarm *a, int64_t *id, struct error *err)
{
	const char *state = a->kind == TREND_DRIFT ? "drift" : "alarm";
	int64_t good = b->ids[s->points[a->good].night], bad = b->ids[s->points[a->bad].night];
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(
		db, err,
		"INSERT INTO change (schedule, branch, environment, good, bad, state, "
		"opened, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT DO "
		"NOTHING",
		"tttiitt", b->schedule, b->branch, s->environment, good, bad, state, now);
	if (ret > 0)
		ret = event_add(db, "change.alarm", NULL, NULL, NULL, err);
	if (ret < 0)
		return ret;
	/* One that was opened before, and judged, gets no more metrics. */
	return database_number(
		db, 0, id, err,
		"SELECT id FROM change WHERE schedule = ?1 AND branch = ?2 AND environment = ?3 "
		"AND bad = ?4 AND state IN ('alarm', 'drift')",
		"ttti", b->schedule, b->branch, s->environment, bad);
}

static int add_metric(struct daemon_db *db, int64_t change, const struct trend_series *s,
		      const struct trend_alarm *a, struct error *err)
{
	int ret = database_change(
		db, err,
		"INSERT INTO change_metric (change, scenario, params, metric, unit, before, after) VALUES "
		"(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
		"ittttff", change, s->scenario, s->params, s->metric, s->unit, a->before, a->after);

	if (ret < 0)
		return ret;
	return 0;
}

/* The first point of the present level. */
static size_t find_first(const struct branch *b, const struct trend_series *s)
{
	size_t i = 0;

	while (i < s->count && b->ids[s->points[i].night] < b->first)
		i++;
	return i;
}

static int open_alarms(struct daemon_db *db, struct branch *b, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < b->trends.count; i++) {
		const struct trend_series *s = &b->trends.items[i];
		struct trend_alarm a;
		int64_t change;

		if (!is_of_tonight(b, s) || !trend_look(s, find_first(b, s), &a))
			continue;
		ret = add_change(db, b, s, &a, &change, err);
		if (!ret && change)
			ret = add_metric(db, change, s, &a, err);
	}
	return ret;
}

/* All that a night says in one transaction: it is looked at once. */
static int act_look(struct daemon_db *db, void *arg, struct error *err)
{
	struct branch *b = arg;
	int ret =
		database_change(db, err, "UPDATE night SET looked = 1 WHERE id = ?1 AND looked = 0",
				"i", b->ids[b->count - 1]);

	if (ret <= 0)
		return ret;
	ret = close_fixed(db, b, err);
	if (!ret)
		ret = open_alarms(db, b, err);
	return ret;
}

int alarm_run(struct night_context *n, struct error *err)
{
	int ret;

	for (;;) {
		struct branch *b = xcalloc(1, sizeof(*b));
		int64_t id;

		ret = find_night(n, b, &id, err);
		if (ret == 1) {
			ret = load_branch(n, b, id, err);
			if (!ret)
				ret = writer_do(n->setting->writer, act_look, b, err);
			if (!ret)
				ret = 1;
		}
		branch_release(b);
		free(b);
		if (ret != 1)
			return ret;
	}
}
