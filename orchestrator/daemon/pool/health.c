// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/pool/health.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/pool/host.h"
#include "orchestrator/daemon/queue/job.h"

#define OWNER	 "nestlabd"
#define PRIORITY 90

struct health_policy health_policy = {.wanted = true,
				      .kernel = "baseline",
				      .scenario = "quick",
				      .period_ms = INT64_C(86400000),
				      .again_ms = INT64_C(3600000)};

/* ---- due ---- */

static void add_name(struct json_object *obj, const char *key, const char *name)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, json_object_new_string(name));
	json_object_object_add(obj, key, list);
}

/* @serves: JSON array of the names of host files: the first one it is. The caller frees. */
static char *make_request(const char *serves)
{
	struct json_object *names = json_tokener_parse(serves), *first;
	struct json_object *request = json_object_new_object();
	char *text;

	json_add_string(request, "request", "run");
	add_name(request, "scenarios", health_policy.scenario);
	add_name(request, "kernels", health_policy.kernel);
	json_object_object_add(request, "boots", json_object_new_int(1));
	first = json_object_array_get_idx(names, 0);
	json_add_string(request, "host", json_object_get_string(first));
	text = json_canonical(request);
	json_object_put(request);
	json_object_put(names);
	return text;
}

/* A host that has asked for work lately and whose health is due; 1: there is one. */
static int find_due(struct daemon_db *db, char **name, char **serves, struct error *err)
{
	int64_t now = database_now();
	sqlite3_stmt *s =
		database_query(db,
			       "SELECT name, serves FROM host WHERE health_due <= ?1 AND "
			       "health_job IS NULL AND state IN ('up', 'quarantined') AND "
			       "serves <> '[]' LIMIT 1",
			       "i", now);
	int ret = database_row(db, s, err);

	if (ret != 1)
		return ret;
	*name = xstrdup(database_column(s, 0));
	*serves = xstrdup(database_column(s, 1));
	sqlite3_reset(s);
	return 1;
}

static int submit_for(struct daemon_db *db, const char *host, const char *serves, struct error *err)
{
	__cleanup_free char *request = make_request(serves);
	const struct job_order order = {.kind = "health",
					.request = request,
					.owner = OWNER,
					.priority = PRIORITY,
					.host = host};
	char uid[DAEMON_TIME_MAX];
	bool again;
	int ret = job_submit(db, &order, uid, &again, err);

	if (ret)
		return ret;
	ret = database_change(db, err, "UPDATE host SET health_job = ?2 WHERE name = ?1", "tt",
			      host, uid);
	if (ret < 0)
		return ret;
	return 0;
}

static int submit_due(struct daemon_db *db, struct error *err)
{
	int ret;

	for (;;) {
		__cleanup_free char *host = NULL, *serves = NULL;

		ret = find_due(db, &host, &serves, err);
		if (ret != 1)
			return ret;
		ret = submit_for(db, host, serves, err);
		if (ret)
			return ret;
	}
}

/* ---- over ---- */

struct ended {
	char *host, *uid, *state, *why;
	bool good;
	bool again; /* only its numbers are off, and those of the health job before were not: noise does that at times */
};

static void ended_release(struct ended *e)
{
	free(e->host);
	free(e->uid);
	free(e->state);
	free(e->why);
}

/* Health jobs that are over, and of each: did its boot pass; are its numbers off the host's
 * (health_numbers.h); were those of the one before? */
static const char ended_jobs[] =
	"SELECT h.name, j.uid, h.state, j.error, j.state = 'done' AND j.class IS NULL, coalesce(j.verdict IN "
	"('regressed', 'improved'), 0), coalesce((SELECT b.verdict IN ('regressed', 'improved') FROM job b "
	"WHERE b.kind = 'health' AND b.host = h.name AND b.id < j.id ORDER BY b.id DESC LIMIT 1), 0) FROM host "
	"h JOIN job j ON j.uid = h.health_job WHERE j.ended IS NOT NULL LIMIT 1";

static int find_ended(struct daemon_db *db, struct ended *e, struct error *err)
{
	sqlite3_stmt *s = database_query(db, ended_jobs, "");
	int ret = database_row(db, s, err);
	bool passed, off;

	if (ret != 1)
		return ret;
	e->host = xstrdup(database_column(s, 0));
	e->uid = xstrdup(database_column(s, 1));
	e->state = xstrdup(database_column(s, 2));
	e->why = xstrdup(database_column(s, 3));
	passed = sqlite3_column_int(s, 4);
	off = sqlite3_column_int(s, 5);
	e->good = passed && !off;
	e->again = passed && off && !sqlite3_column_int(s, 6);
	sqlite3_reset(s);
	return 1;
}

static int note_health(struct daemon_db *db, const struct ended *e, struct error *err)
{
	int64_t wait = health_policy.again_ms;
	char now[DAEMON_TIME_MAX];
	int ret;

	if (e->good)
		wait = health_policy.period_ms;
	else if (e->again)
		wait = 0;
	database_time(now);
	ret = database_change(
		db, err,
		"UPDATE host SET health_job = NULL, health_due = ?2, last_health = ?3 WHERE "
		"name = ?1",
		"tit", e->host, database_now() + wait, now);
	if (ret < 0)
		return ret;
	return 0;
}

/* Only quarantine is ended by good health, and only a host that is up gets there by bad: what people have
 * decided stays. */
static int apply_health(struct daemon_db *db, const struct ended *e, struct error *err)
{
	__cleanup_free char *why = NULL;
	const char *from = "up", *to = "quarantined";

	if (e->good) {
		from = "quarantined";
		to = "up";
		why = xasprintf("health job %s was good", e->uid);
	} else {
		why = xasprintf("health job %s was not good: %s", e->uid, e->why ? e->why : "");
	}
	if (e->again || strcmp(e->state, from))
		return 0;
	return host_set_state(db, e->host, to, NULL, why, OWNER, err);
}

int health_run(struct daemon_db *db, struct error *err)
{
	int ret;

	if (!health_policy.wanted)
		return 0;
	for (;;) {
		struct ended e = {0};

		ret = find_ended(db, &e, err);
		if (ret != 1)
			break;
		ret = note_health(db, &e, err);
		if (!ret)
			ret = apply_health(db, &e, err);
		ended_release(&e);
		if (ret)
			return ret;
	}
	if (ret)
		return ret;
	return submit_due(db, err);
}
