// SPDX-License-Identifier: GPL-2.0-only
/* Schedules and changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/api/api.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/nights/triage.h"

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

#define CHANGE                                                                                                          \
	"SELECT c.id, c.schedule, c.branch, c.state, c.why, c.culprit, c.subject, c.triage, c.owner, "                  \
	"c.duplicate_of, c.note, c.opened, c.changed, c.confirm_job, c.bisect_job, g.kernel AS good, b.kernel AS bad, " \
	"f.kernel AS fixed FROM change c JOIN night g ON g.id = c.good JOIN night b ON b.id = c.bad "                   \
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

API_HANDLER(api_change_triage)
{
	struct json_object *body;
	int ret = exchange_parse(x, &body, err);

	if (ret)
		return ret;
	ret = triage_set(db, atoll(x->params[0]), body, x->who.owner, err);
	json_object_put(body);
	if (ret)
		return ret;
	return api_change_show(x, db, err);
}
