// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/mail/news.h"

#include <stdlib.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/http/exchange.h"
#include "orchestrator/daemon/mail/outbox.h"

struct news {
	const struct schedule *s;
	const char *event, *what; /* "change" or "series" */
	int64_t id;
	sqlite3_stmt *row; /* what is told of it */
	const char *kcidb;
};

static int add_item(struct daemon_db *db, const struct news *n, const char *kind,
		    const char *target, const char *dedupe, const char *payload, struct error *err)
{
	struct outbox_item item = {
		.dedupe = dedupe, .kind = kind, .target = target, .payload = payload};

	if (*n->what == 'c')
		item.change = n->id;
	else
		item.series = n->id;
	return outbox_add(db, &item, err);
}

/* The receiver knows a copy by "delivery". */
static int add_webhook(struct daemon_db *db, const struct news *n, struct error *err)
{
	__cleanup_free char *dedupe = xasprintf("webhook-%s-%lld", n->event, (long long)n->id);
	__cleanup_free char *payload = NULL;
	struct json_object *body;
	char now[DAEMON_TIME_MAX];
	int ret = database_row(db, n->row, err);

	if (ret != 1)
		return ret;
	body = json_object_new_object();
	database_time(now);
	json_add_string(body, "event", n->event);
	json_add_string(body, "delivery", dedupe);
	json_add_string(body, "time", now);
	json_object_object_add(body, n->what, exchange_row(n->row));
	sqlite3_reset(n->row);
	payload = json_canonical(body);
	json_object_put(body);
	return add_item(db, n, "webhook", n->s->webhook, dedupe, payload, err);
}

static int add_kcidb(struct daemon_db *db, const struct news *n, struct error *err)
{
	__cleanup_free char *dedupe = xasprintf("kcidb-%s-%lld", n->what, (long long)n->id);

	return add_item(db, n, "kcidb", n->s->kcidb, dedupe, n->kcidb, err);
}

static int tell(struct daemon_db *db, const struct news *n, struct error *err)
{
	int ret = 0;

	if (n->s->webhook)
		ret = add_webhook(db, n, err);
	if (!ret && n->s->kcidb && n->kcidb)
		ret = add_kcidb(db, n, err);
	return ret;
}

static int tell_change(struct daemon_db *db, struct news *n, struct error *err)
{
	n->what = "change";
	n->row = database_query(
		db,
		"SELECT c.id, c.schedule, c.branch, c.state, c.culprit, c.subject, c.why, g.kernel AS good, b.kernel AS "
		"bad, f.kernel AS fixed, c.confirm_job, c.bisect_job FROM change c JOIN night g ON g.id = c.good JOIN "
		"night b ON b.id = c.bad LEFT JOIN night f ON f.id = c.fixed WHERE c.id = ?1",
		"i", n->id);
	return tell(db, n, err);
}

int news_change(struct daemon_db *db, const struct schedule *s, int64_t change, const char *kcidb,
		struct error *err)
{
	struct news n = {.s = s, .event = "change.reported", .id = change, .kcidb = kcidb};

	return tell_change(db, &n, err);
}

int news_fixed(struct daemon_db *db, int64_t change, struct error *err)
{
	sqlite3_stmt *row = database_query(
		db, "SELECT target FROM outbox WHERE change = ?1 AND kind = 'webhook' LIMIT 1", "i",
		change);
	struct schedule s = {0};
	struct news n = {.s = &s, .event = "change.fixed", .id = change};
	int ret = database_row(db, row, err);

	if (ret != 1)
		return ret;
	s.webhook = xstrdup(database_column(row, 0));
	sqlite3_reset(row);
	ret = tell_change(db, &n, err);
	free(s.webhook);
	return ret;
}

int news_series(struct daemon_db *db, const struct schedule *s, int64_t series, const char *kcidb,
		struct error *err)
{
	struct news n = {
		.s = s, .event = "series.answered", .what = "series", .id = series, .kcidb = kcidb};

	n.row = database_query(
		db,
		"SELECT id, schedule, subject, version, message_id, state, verdict, why, "
		"base, kernel, job FROM list_series WHERE id = ?1",
		"i", series);
	return tell(db, &n, err);
}
