// SPDX-License-Identifier: GPL-2.0-only
/* Lists that are watched: threads, series, answers. */
#include <errno.h>
#include <stdlib.h>

#include "common/json.h"
#include "orchestrator/daemon/api/api.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/mail/outbox.h"

static int add_rows(struct json_object *answer, const char *key, struct daemon_db *db,
		    sqlite3_stmt *s, struct error *err)
{
	struct json_object *rows;
	int ret = exchange_rows(db, s, &rows, err);

	if (!ret)
		json_object_object_add(answer, key, rows);
	return ret;
}

/* The newest of each: a list goes on for years. */
static int add_list(struct json_object *answer, struct daemon_db *db, const char *schedule,
		    struct error *err)
{
	int ret = add_rows(
		answer, "series", db,
		database_query(
			db,
			"SELECT l.id, l.thread, l.version, l.subject, l.author, l.state, l.verdict, l.why, l.base, "
			"l.kernel, l.job, l.before, l.found, l.changed, o.sent AS answered, o.held AS draft FROM "
			"list_series l LEFT JOIN outbox o ON o.series = l.id AND o.kind = 'mail' WHERE l.schedule = ?1 "
			"ORDER BY l.id DESC LIMIT 500",
			"t", schedule),
		err);

	if (!ret)
		ret = add_rows(answer, "threads", db,
			       database_query(db,
					      "SELECT id, subject, began, mails, state, why FROM "
					      "list_thread WHERE schedule = ?1 ORDER BY id DESC "
					      "LIMIT 500",
					      "t", schedule),
			       err);
	if (!ret)
		ret = add_rows(
			answer, "refused", db,
			database_query(db,
				       "SELECT message_id, subject, received, refused AS why "
				       "FROM list_mail WHERE schedule = ?1 AND refused IS "
				       "NOT NULL ORDER BY id DESC LIMIT 100",
				       "t", schedule),
			err);
	return ret;
}

API_HANDLER(api_schedule_show)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT name, strftime('%Y-%m-%dT%H:%M:%SZ', next, 'unixepoch') AS next, last_job, "
		"error FROM schedule WHERE name = ?1",
		"t", x->params[0]);
	struct json_object *answer;
	int ret = database_row(db, s, err);

	if (!ret)
		return error_set(err, -ENOENT, "%s: no such schedule", x->params[0]);
	if (ret < 0)
		return ret;
	answer = exchange_row(s);
	sqlite3_reset(s);
	ret = add_list(answer, db, x->params[0], err);
	if (ret) {
		json_object_put(answer);
		return ret;
	}
	return exchange_answer(x, 200, answer);
}

API_HANDLER(api_series_show)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT l.id, l.schedule, l.thread, l.version, l.message_id, l.subject, l.author, l.email, l.state, "
		"l.verdict, l.why, l.base, l.base_branch, l.kernel, l.job, l.before, l.found, l.changed, o.payload AS "
		"mail, o.sent AS answered, o.held AS draft, o.error AS trouble FROM list_series l LEFT JOIN outbox o "
		"ON o.series = l.id AND o.kind = 'mail' WHERE l.id = ?1",
		"i", (int64_t)atoll(x->params[0]));
	struct json_object *answer;
	int ret = database_row(db, s, err);

	if (!ret)
		return error_set(err, -ENOENT, "%s: no such series", x->params[0]);
	if (ret < 0)
		return ret;
	answer = exchange_row(s);
	sqlite3_reset(s);
	return exchange_answer(x, 200, answer);
}

/* The draft goes to those whom it names. */
int api_send_series(const struct exchange *x, struct daemon_db *db, int64_t id, struct error *err)
{
	struct json_object *data;
	int ret = outbox_release(db, id, err);

	if (ret)
		return ret;
	data = json_object_new_object();
	json_object_object_add(data, "series", json_object_new_int64(id));
	json_add_string(data, "by", x->who.owner);
	return event_add(db, "series.sent", NULL, NULL, data, err);
}

API_HANDLER(api_series_send)
{
	int ret = api_send_series(x, db, atoll(x->params[0]), err);

	if (ret)
		return ret;
	return api_series_show(x, db, err);
}
