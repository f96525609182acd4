// SPDX-License-Identifier: GPL-2.0-only
/* Which boot is next for a host that asks. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/pool/host.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/daemon/queue/lease.h"

#define HALF_LIFE_MS (12 * 3600e3)
#define ASKED_MS     40000 /* an agent that waits for work asks every 30 s */

void lease_grant_free(struct lease_grant *g)
{
	free(g->boot);
	free(g->job);
	free(g->request);
	free(g->tags);
	*g = (struct lease_grant){0};
}

/* ---- does the host have what is needed? ---- */

static bool has_name(struct json_object *list, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(list, i)), name))
			return true;
	return false;
}

static const char *need_of(struct json_object *need, const char *key)
{
	return json_object_get_string(json_object_object_get(need, key));
}

static bool has_tags(struct json_object *wanted, struct json_object *list)
{
	for (size_t i = 0; wanted && i < json_object_array_length(wanted); i++)
		if (!has_name(list, json_object_get_string(json_object_array_get_idx(wanted, i))))
			return false;
	return true;
}

static bool is_satisfied(struct json_object *need, const struct lease_ask *ask)
{
	const char *host = need_of(need, "host"), *pool = need_of(need, "pool");
	const char *only = need_of(need, "only");

	if (host && !has_name(ask->serves, host))
		return false;
	if (json_object_object_get(need, "shared") && !ask->shared)
		return false;
	if (pool && (!ask->pool || strcmp(pool, ask->pool)))
		return false;
	if (only && strcmp(only, ask->host))
		return false;
	return has_tags(json_object_object_get(need, "tags"), ask->tags);
}

/* ---- lanes ---- */

struct lane {
	int64_t id;
	bool night;
	bool health; /* for this host alone: it may have it in quarantine */
	char *owner;
	double used;
};

struct candidate {
	int64_t id, priority;
	double used;
	bool night;
};

static double used_now(sqlite3_stmt *s, int column)
{
	double age = database_now() - sqlite3_column_int64(s, column + 1);

	return sqlite3_column_double(s, column) * exp2(-age / HALF_LIFE_MS);
}

/* The lanes that have boots for this host. The caller frees. */
static int list_lanes(struct daemon_db *db, const struct lease_ask *ask, struct lane **out,
		      size_t *count, struct error *err)
{
	sqlite3_stmt *s =
		database_query(db,
			       "SELECT l.id, l.need, l.night, l.owner, u.seconds, u.at FROM lane "
			       "l LEFT JOIN usage u ON u.owner = l.owner WHERE EXISTS (SELECT 1 "
			       "FROM boot WHERE lane = l.id AND state = 'queued')",
			       "");
	int ret;

	*out = NULL;
	*count = 0;
	while ((ret = database_row(db, s, err)) == 1) {
		struct json_object *need = json_tokener_parse(database_column(s, 1));

		if (is_satisfied(need, ask)) {
			*out = xrealloc(*out, *count + 1, sizeof(**out));
			(*out)[(*count)++] = (struct lane){
				.id = sqlite3_column_int64(s, 0),
				.night = sqlite3_column_int(s, 2),
				.health = need_of(need, "only") != NULL,
				.owner = xstrdup(database_column(s, 3)),
				.used = used_now(s, 4),
			};
		}
		json_object_put(need);
	}
	return ret;
}

static void free_lanes(struct lane *lanes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(lanes[i].owner);
	free(lanes);
}

/*
 * The lane's first boot that this host (?2) may have: not one that failed here by the infrastructure's fault,
 * while a host like this one is there to try it: it works, or has asked for work since ?3.
 */
static const char first_of_lane[] =
	"SELECT b.id, b.priority FROM boot b WHERE b.lane = ?1 AND b.state = 'queued' AND NOT EXISTS "
	"(SELECT 1 FROM attempt a WHERE a.boot = b.id AND a.host = ?2 AND a.class = 'infrastructure' AND "
	"EXISTS (SELECT 1 FROM host o, host h WHERE h.name = ?2 AND o.name <> ?2 AND o.state = 'up' AND "
	"o.serves = h.serves AND o.pool IS h.pool AND (o.asked > ?3 OR EXISTS (SELECT 1 FROM boot WHERE "
	"host = o.name AND state IN ('leased', 'running'))) AND NOT EXISTS (SELECT 1 FROM attempt WHERE "
	"boot = b.id AND host = o.name AND class = 'infrastructure'))) ORDER BY b.priority DESC, b.id LIMIT 1";

static int look_into_lane(struct daemon_db *db, const struct lease_ask *ask,
			  const struct lane *lane, struct candidate *out, struct error *err)
{
	bool open = lane->health;
	sqlite3_stmt *s;
	int ret = 0;

	if (!open)
		ret = host_is_open(db, ask->host, lane->owner, &open, err);
	if (ret || !open)
		return ret;
	s = database_query(db, first_of_lane, "iti", lane->id, ask->host,
			   database_now() - ASKED_MS);
	ret = database_row(db, s, err);
	if (ret != 1)
		return ret;
	*out = (struct candidate){.id = sqlite3_column_int64(s, 0),
				  .priority = sqlite3_column_int64(s, 1),
				  .used = lane->used,
				  .night = lane->night};
	sqlite3_reset(s);
	return 1;
}

static bool goes_before(const struct candidate *a, const struct candidate *b)
{
	if (!b->id)
		return true;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->used != b->used)
		return a->used < b->used;
	return a->id < b->id;
}

/* How many boots in a row were none of a night's, though one was there. */
static int note_night(struct daemon_db *db, const struct candidate *taken, bool waited,
		      struct error *err)
{
	int ret = 0;

	if (taken->night)
		ret = database_change(db, err, "DELETE FROM meta WHERE key = 'since_night'", "");
	else if (waited)
		ret = database_change(db, err,
				      "INSERT INTO meta (key, value) VALUES ('since_night', 1) ON "
				      "CONFLICT (key) DO UPDATE SET value = value + 1",
				      "");
	if (ret < 0)
		return ret;
	return 0;
}

static int choose(struct daemon_db *db, struct candidate *best, const struct candidate *night,
		  struct error *err)
{
	int64_t since;
	int ret = database_number(db, 0, &since, err,
				  "SELECT value FROM meta WHERE key = 'since_night'", "");

	if (ret || !best->id)
		return ret;
	if (night->id && since >= LEASE_NIGHT_SHARE - 1)
		*best = *night;
	return note_night(db, best, night->id != 0, err);
}

/* best->id: 0 if there is none */
static int find_candidate(struct daemon_db *db, const struct lease_ask *ask, struct candidate *best,
			  struct error *err)
{
	struct candidate one, night = {0};
	struct lane *lanes;
	size_t count;
	int ret = list_lanes(db, ask, &lanes, &count, err);

	*best = (struct candidate){0};
	for (size_t i = 0; ret >= 0 && i < count; i++) {
		ret = look_into_lane(db, ask, &lanes[i], &one, err);
		if (ret != 1)
			continue;
		if (goes_before(&one, best))
			*best = one;
		if (one.night && goes_before(&one, &night))
			night = one;
	}
	free_lanes(lanes, count);
	if (ret < 0)
		return ret;
	return choose(db, best, &night, err);
}

/* ---- the grant ---- */

static int read_grant(struct daemon_db *db, int64_t boot, struct lease_grant *out, int64_t *job,
		      struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT b.uid, j.uid, b.request, b.epoch, b.shared, b.job, "
		"json_extract(l.need, '$.tags') FROM boot b JOIN job j ON j.id = b.job "
		"JOIN lane l ON l.id = b.lane WHERE b.id = ?1",
		"i", boot);
	int ret = database_row(db, s, err);

	if (ret != 1)
		return ret;
	*out = (struct lease_grant){.boot = xstrdup(database_column(s, 0)),
				    .job = xstrdup(database_column(s, 1)),
				    .request = xstrdup(database_column(s, 2)),
				    .epoch = sqlite3_column_int64(s, 3),
				    .shared = sqlite3_column_int(s, 4)};
	*job = sqlite3_column_int64(s, 5);
	if (database_column(s, 6))
		out->tags = xstrdup(database_column(s, 6));
	sqlite3_reset(s);
	return 0;
}

static int tell_leased(struct daemon_db *db, const struct lease_ask *ask,
		       const struct lease_grant *g, struct error *err)
{
	struct json_object *data = json_object_new_object();

	json_add_string(data, "host", ask->host);
	json_object_object_add(data, "epoch", json_object_new_int64(g->epoch));
	return event_add(db, "boot.leased", g->job, g->boot, data, err);
}

static int grant(struct daemon_db *db, const struct lease_ask *ask, int64_t boot,
		 struct lease_grant *out, struct error *err)
{
	int64_t job = 0, now = database_now();
	char text[DAEMON_TIME_MAX];
	int ret = database_change(
		db, err,
		"UPDATE boot SET state = 'leased', epoch = epoch + 1, host = ?2, "
		"holder = ?3, expires = ?4, progress = NULL WHERE id = ?1 AND state = "
		"'queued'",
		"itti", boot, ask->host, ask->agent, now + lease_policy.lease_ms);

	if (ret >= 0)
		ret = read_grant(db, boot, out, &job, err);
	if (ret)
		return ret;
	database_time(text);
	ret = database_change(
		db, err,
		"INSERT INTO attempt (boot, epoch, host, agent, started, began) VALUES "
		"(?1, ?2, ?3, ?4, ?5, ?6)",
		"iittti", boot, out->epoch, ask->host, ask->agent, text, now);
	if (ret >= 0)
		ret = job_started(db, job, err);
	if (ret >= 0)
		ret = tell_leased(db, ask, out, err);
	if (ret < 0)
		return ret;
	return 1;
}

int lease_claim(struct daemon_db *db, const struct lease_ask *ask, struct lease_grant *out,
		struct error *err)
{
	struct candidate best;
	int ret = find_candidate(db, ask, &best, err);

	if (ret || !best.id)
		return ret;
	ret = grant(db, ask, best.id, out, err);
	if (ret < 0)
		lease_grant_free(out);
	return ret;
}
