// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/queue/job.h"

#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/storage/event.h"

int job_find(struct daemon_db *db, const char *uid, int64_t *id, struct error *err)
{
	int ret = database_number(db, 0, id, err, "SELECT id FROM job WHERE uid = ?1", "t", uid);

	if (ret || *id)
		return ret;
	return error_set(err, -ENOENT, "%s: no such job", uid);
}

/* ---- changes of state ---- */

static struct json_object *said_by(const char *by)
{
	struct json_object *data = json_object_new_object();

	if (by)
		json_add_string(data, "by", by);
	return data;
}

/* An event "job.STATE" of the job. */
static int tell_state(struct daemon_db *db, int64_t job, const char *state,
		      struct json_object *data, struct error *err)
{
	__cleanup_free char *type = xasprintf("job.%s", state);
	sqlite3_stmt *s = database_query(db, "SELECT uid FROM job WHERE id = ?1", "i", job);
	__cleanup_free char *uid = NULL;
	int ret = database_row(db, s, err);

	if (ret < 0) {
		json_object_put(data);
		return ret;
	}
	uid = xstrdup(database_column(s, 0));
	sqlite3_reset(s);
	return event_add(db, type, uid, NULL, data, err);
}

/* "held is not possible: job X is done" */
static int refuse_state(struct daemon_db *db, const char *uid, const char *wanted,
			struct error *err)
{
	sqlite3_stmt *s = database_query(db, "SELECT state FROM job WHERE uid = ?1", "t", uid);
	int ret = database_row(db, s, err);

	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ENOENT, "%s: no such job", uid);
	error_set(err, -EEXIST, "job %s is %s: it cannot be %s", uid, database_column(s, 0),
		  wanted);
	sqlite3_reset(s);
	return -EEXIST;
}

/* ---- what its boots may do ---- */

/* Boots follow their job: they can be leased while it is queued or running. */
static int open_boots(struct daemon_db *db, int64_t job, struct error *err)
{
	int ret = database_change(db, err,
				  "UPDATE boot SET state = 'queued' WHERE job = ?1 AND "
				  "state = 'waiting' AND not_before IS NULL",
				  "i", job);

	if (ret < 0)
		return ret;
	change_note();
	return 0;
}

static int close_boots(struct daemon_db *db, int64_t job, struct error *err)
{
	int ret = database_change(db, err,
				  "UPDATE boot SET state = 'waiting', not_before = NULL WHERE "
				  "job = ?1 AND state IN ('queued', 'waiting')",
				  "i", job);

	if (ret < 0)
		return ret;
	return 0;
}

/* Those that run find out at their next heartbeat. */
static int cancel_boots(struct daemon_db *db, int64_t job, struct error *err)
{
	int ret = database_change(
		db, err,
		"UPDATE attempt SET outcome = 'cancelled', class = 'cancelled', ended = "
		"strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE ended IS NULL AND boot IN "
		"(SELECT id FROM boot WHERE job = ?1 AND state IN ('leased', 'running'))",
		"i", job);

	if (ret < 0)
		return ret;
	ret = database_change(
		db, err,
		"UPDATE boot SET state = 'cancelled', class = 'cancelled' WHERE job = ?1 "
		"AND state IN ('waiting', 'queued', 'leased', 'running')",
		"i", job);
	if (ret < 0)
		return ret;
	return 0;
}

/* ---- hold, release, cancel ---- */

/* Takes the job from one of the states to another, by a statement that has its uid at ?1. */
static int move_job(struct daemon_db *db, const char *sql, const char *uid, const char *to,
		    int64_t *id, struct error *err)
{
	int ret = job_find(db, uid, id, err);

	if (ret)
		return ret;
	ret = database_change(db, err, sql, "t", uid);
	if (ret < 0)
		return ret;
	if (!ret)
		return refuse_state(db, uid, to, err);
	return 0;
}

int job_hold(struct daemon_db *db, const char *uid, const char *by, struct error *err)
{
	int64_t id;
	int ret =
		move_job(db,
			 "UPDATE job SET state = 'held', version = version + 1 WHERE uid = ?1 AND "
			 "state IN ('queued', 'waiting')",
			 uid, "held", &id, err);

	if (!ret)
		ret = close_boots(db, id, err);
	if (!ret)
		ret = tell_state(db, id, "held", said_by(by), err);
	return ret;
}

/* Queued, unless the job that it waits for is not over yet. */
static int start_or_wait(struct daemon_db *db, int64_t id, const char *by, struct error *err)
{
	int64_t waits;
	int ret = database_number(db, 0, &waits, err,
				  "SELECT count(*) FROM job j JOIN job a ON a.id = j.after WHERE "
				  "j.id = ?1 AND a.ended IS NULL",
				  "i", id);
	const char *state = waits ? "waiting" : "queued";

	if (ret)
		return ret;
	ret = database_change(db, err,
			      "UPDATE job SET state = ?2, version = version + 1 WHERE id = ?1",
			      "it", id, state);
	if (ret < 0)
		return ret;
	ret = 0;
	if (!waits)
		ret = open_boots(db, id, err);
	if (!ret)
		ret = tell_state(db, id, state, said_by(by), err);
	return ret;
}

int job_release(struct daemon_db *db, const char *uid, const char *by, struct error *err)
{
	int64_t id;
	int ret = move_job(db, "UPDATE job SET state = 'waiting' WHERE uid = ?1 AND state = 'held'",
			   uid, "released", &id, err);

	if (ret)
		return ret;
	return start_or_wait(db, id, by, err);
}

int job_set_priority(struct daemon_db *db, const char *uid, int priority, struct error *err)
{
	struct json_object *data = json_object_new_object();
	int64_t id;
	int ret = job_find(db, uid, &id, err);

	json_object_object_add(data, "priority", json_object_new_int(priority));
	if (!ret)
		ret = database_change(
			db, err,
			"UPDATE job SET priority = ?2, version = version + 1 WHERE id = ?1", "id",
			id, priority);
	if (ret >= 0)
		ret = database_change(db, err, "UPDATE boot SET priority = ?2 WHERE job = ?1", "id",
				      id, priority);
	if (ret >= 0)
		return event_add(db, "job.priority", uid, NULL, data, err);
	json_object_put(data);
	return ret;
}

/* ---- the end ---- */

static int end_one(struct daemon_db *db, int64_t job, const struct job_end *end, struct error *err)
{
	struct json_object *data;
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(db, err,
			      "UPDATE job SET state = ?2, verdict = ?3, class = ?4, error = ?5, "
			      "status = ?6, ended = ?7, version = version + 1 WHERE id = ?1 AND "
			      "ended IS NULL",
			      "itttt"
			      "dt",
			      job, end->state, end->verdict, end->class, end->error, end->status,
			      now);
	if (ret <= 0)
		return ret;
	ret = cancel_boots(db, job, err);
	if (ret)
		return ret;
	data = json_object_new_object();
	json_add_string(data, "verdict", end->verdict);
	json_add_string(data, "class", end->class);
	json_add_string(data, "error", end->error);
	ret = tell_state(db, job, end->state, data, err);
	if (ret)
		return ret;
	return 1;
}

/* The first job that waits for @job; 0: none. */
static int find_dependent(struct daemon_db *db, int64_t job, int64_t *id, struct error *err)
{
	return database_number(db, 0, id, err,
			       "SELECT id FROM job WHERE after = ?1 AND ended IS NULL AND state = "
			       "'waiting' LIMIT 1",
			       "i", job);
}

static int release_dependents(struct daemon_db *db, int64_t job, struct error *err)
{
	int64_t next;
	int ret;

	while (!(ret = find_dependent(db, job, &next, err)) && next) {
		ret = start_or_wait(db, next, NULL, err);
		if (ret)
			break;
	}
	return ret;
}

/* Without recursion: a chain of jobs may be long. */
static int cancel_dependents(struct daemon_db *db, struct error *err)
{
	static const struct job_end end = {.state = "cancelled",
					   .class = "cancelled",
					   .error = "the job that it waited for was not done"};
	int64_t next;
	int ret;

	for (;;) {
		ret = database_number(
			db, 0, &next, err,
			"SELECT j.id FROM job j JOIN job a ON a.id = j.after WHERE "
			"j.ended IS NULL AND a.state IN ('failed', 'cancelled') LIMIT 1",
			"");
		if (ret || !next)
			return ret;
		ret = end_one(db, next, &end, err);
		if (ret < 0)
			return ret;
	}
}

int job_finish(struct daemon_db *db, int64_t job, const struct job_end *end, struct error *err)
{
	int ret = end_one(db, job, end, err);

	if (ret <= 0)
		return ret;
	if (!strcmp(end->state, "done"))
		return release_dependents(db, job, err);
	return cancel_dependents(db, err);
}

int job_cancel(struct daemon_db *db, const char *uid, const char *by, struct error *err)
{
	__cleanup_free char *why = xasprintf("cancelled by %s", by);
	const struct job_end end = {.state = "cancelled", .class = "cancelled", .error = why};
	int64_t id;
	int ret = move_job(db,
			   "UPDATE job SET version = version + 1 WHERE uid = ?1 AND ended IS NULL",
			   uid, "cancelled", &id, err);

	if (ret)
		return ret;
	return job_finish(db, id, &end, err);
}

/* ---- what boots do to it ---- */

int job_started(struct daemon_db *db, int64_t job, struct error *err)
{
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(db, err,
			      "UPDATE job SET state = 'running', started = coalesce(started, ?2), "
			      "version = version + 1 WHERE id = ?1 AND state = 'queued'",
			      "it", job, now);
	if (ret <= 0)
		return ret;
	return tell_state(db, job, "running", NULL, err);
}

/* A boot of class `class`, with its error, that failed for good; class is empty if there is none. */
static int find_failure(struct daemon_db *db, int64_t job, char **class, char **error,
			struct error *err)
{
	sqlite3_stmt *s = database_query(db,
					 "SELECT class, error FROM boot WHERE job = ?1 AND state = "
					 "'failed' LIMIT 1",
					 "i", job);
	int ret = database_row(db, s, err);

	*class = *error = NULL;
	if (ret != 1)
		return ret;
	*class = xstrdup(database_column(s, 0));
	*error = xstrdup(database_column(s, 1));
	sqlite3_reset(s);
	return 0;
}

int job_settle(struct daemon_db *db, int64_t job, struct error *err)
{
	__cleanup_free char *class = NULL, *error = NULL;
	int64_t open;
	int ret = find_failure(db, job, &class, &error, err);

	if (ret)
		return ret;
	if (class) {
		const struct job_end end = {.state = "failed", .class = class, .error = error};

		return job_finish(db, job, &end, err);
	}
	ret = database_number(db, 0, &open, err,
			      "SELECT count(*) FROM boot WHERE job = ?1 AND state <> 'stored'", "i",
			      job);
	if (ret || open)
		return ret;
	ret = database_change(
		db, err,
		"UPDATE job SET state = 'judging', version = version + 1 WHERE id = ?1 "
		"AND state IN ('queued', 'running')",
		"i", job);
	if (ret <= 0)
		return ret;
	return tell_state(db, job, "judging", NULL, err);
}

/* ---- once more ---- */

static int refuse_poison(struct daemon_db *db, int64_t id, struct error *err)
{
	int64_t hosts;
	int ret =
		database_number(db, 0, &hosts, err,
				"SELECT max(n) FROM (SELECT count(DISTINCT host) AS n FROM attempt "
				"WHERE class = 'infrastructure' AND boot IN (SELECT id FROM boot "
				"WHERE job = ?1) GROUP BY boot)",
				"i", id);

	if (ret || hosts < 3)
		return ret;
	return error_set(
		err, -EPERM,
		"a boot of this job has ended three different hosts: it does not run again");
}

int job_retry(struct daemon_db *db, const char *uid, const char *by, struct error *err)
{
	int64_t id;
	int ret = job_find(db, uid, &id, err);

	if (!ret)
		ret = refuse_poison(db, id, err);
	if (!ret)
		ret = move_job(db,
			       "UPDATE job SET state = 'waiting', ended = NULL, verdict = NULL, "
			       "class = NULL, error = NULL, deadline = NULL, version = version + 1 "
			       "WHERE uid = ?1 AND state IN ('failed', 'cancelled')",
			       uid, "retried", &id, err);
	if (!ret)
		ret = database_change(
			db, err,
			"UPDATE boot SET state = 'waiting', not_before = NULL, class = "
			"NULL, error = NULL, tries = 0 WHERE job = ?1 AND state IN "
			"('failed', 'cancelled')",
			"i", id);
	if (ret < 0)
		return ret;
	return start_or_wait(db, id, by, err);
}
