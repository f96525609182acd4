// SPDX-License-Identifier: GPL-2.0-only
/* Schedules and changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/api.h"
#include "orchestrator/daemon/event.h"

static int answer_rows(struct exchange *x, struct daemon_db *db, sqlite3_stmt *s, const char *key,
		       struct error *err)
{
	struct json_object *rows, *answer;
	int ret = exchange_rows(db, s, &rows, err);

	if (ret)
		return ret;
	answer = json_object_new_object();
	json_object_object_add(answer, key, rows);
	return exchange_answer(x, 200, answer);
}

/* ---- schedules ---- */

API_HANDLER(api_schedules_list)
{
	return answer_rows(
		x, db,
		database_query(db,
			       "SELECT name, strftime('%Y-%m-%dT%H:%M:%SZ', next, "
			       "'unixepoch') AS next, last_job, error FROM schedule ORDER BY name",
			       ""),
		"schedules", err);
}

API_HANDLER(api_schedule_run)
{
	int ret = database_change(db, err, "UPDATE schedule SET next = unixepoch() WHERE name = ?1",
				  "t", x->params[0]);

	if (!ret)
		return error_set(err, -ENOENT, "%s: no such schedule", x->params[0]);
	if (ret > 0)
		ret = event_add(db, "schedule.run", NULL, NULL, NULL, err);
	if (ret)
		return ret;
	return api_schedules_list(x, db, err);
}

/* ---- changes ---- */

#define CHANGE                                                                                          \
	"SELECT c.id, c.schedule, c.branch, c.state, c.why, c.culprit, c.subject, c.triage, c.owner, "  \
	"c.note, c.opened, c.changed, c.confirm_job, c.bisect_job, g.kernel AS good, b.kernel AS bad, " \
	"f.kernel AS fixed FROM change c JOIN night g ON g.id = c.good JOIN night b ON b.id = c.bad "   \
	"LEFT JOIN night f ON f.id = c.fixed "

API_HANDLER(api_changes_list)
{
	return answer_rows(x, db,
			   database_query(db,
					  CHANGE
					  "WHERE ?1 IS NULL OR c.state = ?1 ORDER BY c.id DESC "
					  "LIMIT 1000",
					  "t", exchange_query(x, "state")),
			   "changes", err);
}

API_HANDLER(api_change_show)
{
	struct json_object *change, *metrics;
	sqlite3_stmt *s =
		database_query(db, CHANGE "WHERE c.id = ?1", "i", (int64_t)atoll(x->params[0]));
	int ret = database_row(db, s, err);

	if (!ret)
		return error_set(err, -ENOENT, "%s: no such change", x->params[0]);
	if (ret < 0)
		return ret;
	change = exchange_row(s);
	sqlite3_reset(s);
	s = database_query(
		db,
		"SELECT scenario, params, metric, unit, before, after, ratio, low, high, "
		"verdict FROM change_metric WHERE change = ?1",
		"i", (int64_t)atoll(x->params[0]));
	ret = exchange_rows(db, s, &metrics, err);
	if (ret) {
		json_object_put(change);
		return ret;
	}
	json_object_object_add(change, "metrics", metrics);
	return exchange_answer(x, 200, change);
}

static int check_triage(struct json_object *body, struct error *err)
{
	static const char *const known[] = {"acknowledged", "wontfix", "duplicate"};
	const char *triage = json_object_get_string(json_object_object_get(body, "triage"));

	for (size_t i = 0; triage && i < ARRAY_SIZE(known); i++)
		if (!strcmp(triage, known[i]))
			return 0;
	if (!triage)
		return 0;
	return error_set(err, -EINVAL,
			 "body: $.triage: expected acknowledged, wontfix, duplicate or null");
}

/* What people say of it. A member that is not there stays as it is; null takes it away. */
static int set_triage(struct exchange *x, struct daemon_db *db, struct json_object *body,
		      struct error *err)
{
	static const struct {
		const char *key, *sql;
	} members[] = {
		{"triage", "UPDATE change SET triage = ?2, version = version + 1 WHERE id = ?1"},
		{"owner", "UPDATE change SET owner = ?2, version = version + 1 WHERE id = ?1"},
		{"note", "UPDATE change SET note = ?2, version = version + 1 WHERE id = ?1"},
	};
	int64_t id = atoll(x->params[0]);
	int ret = 0;

	for (size_t i = 0; ret >= 0 && i < ARRAY_SIZE(members); i++) {
		struct json_object *value;

		if (json_object_object_get_ex(body, members[i].key, &value))
			ret = database_change(db, err, members[i].sql, "it", id,
					      json_object_get_string(value));
	}
	if (ret < 0)
		return ret;
	json_add_string(body, "by", x->who.owner);
	json_add_string(body, "change", x->params[0]);
	return event_add(db, "change.triage", NULL, NULL, json_object_get(body), err);
}

API_HANDLER(api_change_triage)
{
	struct json_object *body;
	int ret = exchange_parse(x, &body, err);

	if (ret)
		return ret;
	ret = check_triage(body, err);
	if (!ret)
		ret = set_triage(x, db, body, err);
	json_object_put(body);
	if (ret)
		return ret;
	return api_change_show(x, db, err);
}
