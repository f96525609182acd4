// SPDX-License-Identifier: GPL-2.0-only
/* A new job: checked by the same code as the command line, cut, queued. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/queue/cut.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/queue/job.h"

/* ---- the same again ---- */

static int check_again(sqlite3_stmt *s, const char *request, char uid[DAEMON_TIME_MAX],
		       struct error *err)
{
	bool same = !strcmp(database_column(s, 1), request);

	snprintf(uid, DAEMON_TIME_MAX, "%s", database_column(s, 0));
	sqlite3_reset(s);
	if (same)
		return 0;
	return error_set(err, -EEXIST, "the idempotency key was used for another request: job %s",
			 uid);
}

/* 1: that key has made a job already, which is uid; 0: it has not. */
static int find_again(struct daemon_db *db, const char *key, const char *request,
		      char uid[DAEMON_TIME_MAX], struct error *err)
{
	sqlite3_stmt *s;
	int ret;

	if (!key)
		return 0;
	s = database_query(db, "SELECT uid, request FROM job WHERE idempotency = ?1", "t", key);
	ret = database_row(db, s, err);
	if (ret != 1)
		return ret;
	ret = check_again(s, request, uid, err);
	if (ret)
		return ret;
	return 1;
}

/* ---- lanes ---- */

static char *describe_need(const struct job_order *o, const struct cut *cut)
{
	struct json_object *need = json_object_new_object();
	char *text;

	if (cut->host)
		json_add_string(need, "host", cut->host);
	if (cut->shared)
		json_object_object_add(need, "shared", json_object_new_boolean(true));
	if (o->pool)
		json_add_string(need, "pool", o->pool);
	if (o->tags)
		json_object_object_add(need, "tags", json_tokener_parse(o->tags));
	if (o->host)
		json_add_string(need, "only", o->host);
	text = json_canonical(need);
	json_object_put(need);
	return text;
}

static int find_lane(struct daemon_db *db, const struct job_order *o, const struct cut *cut,
		     int64_t *lane, struct error *err)
{
	__cleanup_free char *need = describe_need(o, cut);
	int night = o->schedule != NULL;
	int ret = database_change(
		db, err, "INSERT OR IGNORE INTO lane (need, owner, night) VALUES (?1, ?2, ?3)",
		"ttd", need, o->owner, night);

	if (ret < 0)
		return ret;
	return database_number(db, 0, lane, err,
			       "SELECT id FROM lane WHERE need = ?1 AND owner = ?2 AND night = ?3",
			       "ttd", need, o->owner, night);
}

/* ---- rows ---- */

static int insert_boots(struct daemon_db *db, const struct job_order *o, const struct cut *cut,
			const char *uid, int64_t job, struct error *err)
{
	const char *state = o->hold || o->after ? "waiting" : "queued";
	int64_t lane;
	int ret = find_lane(db, o, cut, &lane, err);

	for (size_t i = 0; ret >= 0 && i < cut->count; i++) {
		__cleanup_free char *boot = xasprintf("%s.%zu", uid, i + 1);

		ret = database_change(db, err,
				      "INSERT INTO boot (uid, job, ordinal, request, shared, lane, "
				      "priority, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
				      "tiitdidt", boot, job, (int64_t)i + 1, cut->pieces[i],
				      (int)cut->shared, lane, o->priority, state);
	}
	if (ret < 0)
		return ret;
	change_note();
	return 0;
}

static const char *first_state(const struct job_order *o)
{
	if (o->hold)
		return "held";
	if (o->after)
		return "waiting";
	return "queued";
}

static int insert_job(struct daemon_db *db, const struct job_order *o, const char *request,
		      const char *uid, int64_t *id, struct error *err)
{
	const char *key = o->idempotency;
	char now[DAEMON_TIME_MAX];
	int64_t after = 0;
	int ret = 0;

	database_time(now);
	if (o->after)
		ret = job_find(db, o->after, &after, err);
	if (ret)
		return ret;
	ret = database_change(
		db, err,
		"INSERT INTO job (uid, kind, request, owner, priority, state, parent, after, schedule, "
		"idempotency, deadline, pool, tags, host, submitted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
		"?7, nullif(?8, 0), ?9, ?10, nullif(?11, 0), ?12, ?13, ?14, ?15)",
		"ttttdttitt"
		"itttt",
		uid, o->kind, request, o->owner, o->priority, first_state(o), o->parent, after,
		o->schedule, key, o->deadline_ms ? database_now() + o->deadline_ms : INT64_C(0),
		o->pool, o->tags, o->host, now);
	if (ret < 0)
		return ret;
	*id = sqlite3_last_insert_rowid(daemon_db_sql(db));
	return 0;
}

static int tell_submitted(struct daemon_db *db, const struct job_order *o, const char *uid,
			  struct error *err)
{
	__cleanup_free char *type = xasprintf("job.%s", first_state(o));
	struct json_object *data = json_object_new_object();

	json_add_string(data, "by", o->owner);
	json_add_string(data, "kind", o->kind);
	return event_add(db, type, uid, NULL, data, err);
}

/* Where the job that it waits for is over, it need not wait. */
static int start_if_due(struct daemon_db *db, const struct job_order *o, const char *uid,
			struct error *err)
{
	int ret;

	if (!o->after || o->hold)
		return 0;
	ret = job_hold(db, uid, o->owner, err);
	if (ret)
		return ret;
	return job_release(db, uid, o->owner, err);
}

static int insert_all(struct daemon_db *db, const struct job_order *o, const struct request *r,
		      const char *request, char uid[DAEMON_TIME_MAX], struct error *err)
{
	struct cut cut;
	int64_t id;
	int ret = cut_request(r, &cut, err);

	if (ret)
		return ret;
	database_new_uid(uid);
	ret = insert_job(db, o, request, uid, &id, err);
	if (!ret)
		ret = insert_boots(db, o, &cut, uid, id, err);
	if (!ret)
		ret = tell_submitted(db, o, uid, err);
	if (!ret)
		ret = start_if_due(db, o, uid, err);
	cut_free(&cut);
	return ret;
}

int job_submit(struct daemon_db *db, const struct job_order *order, char uid[DAEMON_TIME_MAX],
	       bool *again, struct error *err)
{
	__cleanup_free char *request = NULL;
	struct job_order o = *order;
	struct request r;
	int ret = request_parse(o.request, strlen(o.request), "request", REQUEST_ANY, &r, err);

	*again = false;
	if (ret)
		return ret;
	request = request_json(&r);
	if (!o.kind)
		o.kind = request_kind_name(r.kind);
	ret = find_again(db, o.idempotency, request, uid, err);
	*again = ret == 1;
	if (!ret)
		ret = insert_all(db, &o, &r, request, uid, err);
	request_free(&r);
	if (ret < 0)
		return ret;
	return 0;
}
