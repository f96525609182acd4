// SPDX-License-Identifier: GPL-2.0-only
/* Leases from the holder's side: renewed, failed, lost. claim.c gives them. */
#include "orchestrator/daemon/queue/lease.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/pool/host.h"
#include "orchestrator/daemon/queue/job.h"

#define POISON_HOSTS   3
#define BACKOFF_FACTOR 5
#define BACKOFF_MAX_MS INT64_C(1500000)
#define HALF_LIFE_MS   (12 * 3600e3)

struct lease_policy lease_policy = {
	.heartbeat_ms = 5000, .lease_ms = 30000, .tries = 3, .backoff_ms = 60000};

static int64_t factor_of(int64_t tries)
{
	int64_t factor = 1;

	while (--tries > 0 && factor < BACKOFF_MAX_MS)
		factor *= BACKOFF_FACTOR;
	return factor;
}

static int64_t backoff_after(int64_t tries)
{
	int64_t wait = lease_policy.backoff_ms * factor_of(tries);

	if (wait > BACKOFF_MAX_MS)
		return BACKOFF_MAX_MS;
	return wait;
}

int lease_renew(struct daemon_db *db, const char *boot, int64_t epoch, const char *progress,
		struct error *err)
{
	int ret = database_change(
		db, err,
		"UPDATE boot SET state = 'running', expires = ?3, progress = "
		"coalesce(?4, progress) WHERE uid = ?1 AND epoch = ?2 AND state IN "
		"('leased', 'running')",
		"tiit", boot, epoch, database_now() + lease_policy.lease_ms, progress);

	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ESTALE, "%s: attempt %lld has no lease any more: stop it",
				 boot, (long long)epoch);
	return 0;
}

/* ---- the owner's share ---- */

int lease_account(struct daemon_db *db, int64_t boot, int64_t epoch, struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT j.owner, a.began, u.seconds, u.at FROM attempt a JOIN boot b ON b.id = a.boot "
		"JOIN job j ON j.id = b.job LEFT JOIN usage u ON u.owner = j.owner WHERE a.boot = ?1 "
		"AND a.epoch = ?2",
		"ii", boot, epoch);
	__cleanup_free char *owner = NULL;
	int64_t now = database_now();
	double seconds;
	int ret = database_row(db, s, err);

	if (ret != 1)
		return ret;
	owner = xstrdup(database_column(s, 0));
	seconds = sqlite3_column_double(s, 2) *
			  exp2(-(double)(now - sqlite3_column_int64(s, 3)) / HALF_LIFE_MS) +
		  (now - sqlite3_column_int64(s, 1)) / 1e3;
	sqlite3_reset(s);
	ret = database_change(
		db, err, "INSERT OR REPLACE INTO usage (owner, seconds, at) VALUES (?1, ?2, ?3)",
		"tfi", owner, seconds, now);
	if (ret < 0)
		return ret;
	return 0;
}

/* ---- failures ---- */

struct held { /* a boot that is leased */
	int64_t id, job, tries;
	char *host, *job_uid;
};

static void held_release(struct held *h)
{
	free(h->host);
	free(h->job_uid);
}

static const char find_leased[] =
	"SELECT b.id, b.job, b.tries, b.host, j.uid FROM boot b JOIN job j ON j.id = b.job WHERE b.uid = "
	"?1 AND b.epoch = ?2 AND b.state IN ('leased', 'running')";
static const char find_received[] =
	"SELECT b.id, b.job, b.tries, b.host, j.uid FROM boot b JOIN job j ON j.id = b.job WHERE b.uid = "
	"?1 AND b.epoch = ?2 AND b.state = 'received'";

static int find_held(struct daemon_db *db, const char *sql, const char *boot, int64_t epoch,
		     struct held *h, struct error *err)
{
	sqlite3_stmt *s = database_query(db, sql, "ti", boot, epoch);
	int ret = database_row(db, s, err);

	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ESTALE, "%s: attempt %lld has no lease any more", boot,
				 (long long)epoch);
	h->id = sqlite3_column_int64(s, 0);
	h->job = sqlite3_column_int64(s, 1);
	h->tries = sqlite3_column_int64(s, 2) + 1;
	h->host = xstrdup(database_column(s, 3));
	h->job_uid = xstrdup(database_column(s, 4));
	sqlite3_reset(s);
	return 0;
}

static int end_attempt(struct daemon_db *db, const struct held *h, int64_t epoch,
		       const char *outcome, const char *class, const char *why, struct error *err)
{
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(db, err,
			      "UPDATE attempt SET ended = ?3, outcome = ?4, class = ?5, error = ?6 "
			      "WHERE boot = ?1 AND epoch = ?2",
			      "iitttt", h->id, epoch, now, outcome, class, why);
	if (ret < 0)
		return ret;
	return 0;
}

/* How many hosts has it ended? */
static int count_hosts(struct daemon_db *db, int64_t boot, int64_t *hosts, struct error *err)
{
	return database_number(
		db, 0, hosts, err,
		"SELECT count(DISTINCT host) FROM attempt WHERE boot = ?1 AND class = "
		"'infrastructure'",
		"i", boot);
}

static int end_boot(struct daemon_db *db, const struct held *h, const char *class, const char *why,
		    struct error *err)
{
	int ret = database_change(
		db, err,
		"UPDATE boot SET state = 'failed', class = ?2, error = ?3, tries = ?4 "
		"WHERE id = ?1 AND state IN ('leased', 'running', 'received')",
		"itti", h->id, class, why, h->tries);

	if (ret < 0)
		return ret;
	return job_settle(db, h->job, err);
}

static int requeue_boot(struct daemon_db *db, const struct held *h, const char *why,
			struct error *err)
{
	int ret = database_change(
		db, err,
		"UPDATE boot SET state = 'waiting', not_before = ?2, tries = ?3, "
		"error = ?4 WHERE id = ?1 AND state IN ('leased', 'running', 'received') AND "
		"EXISTS (SELECT 1 FROM job WHERE id = boot.job AND ended IS NULL)",
		"iiit", h->id, database_now() + backoff_after(h->tries), h->tries, why);

	/* Its job was cancelled while its result waited to be looked at: nobody wants another try. */
	if (!ret)
		ret = database_change(
			db, err,
			"UPDATE boot SET state = 'cancelled', class = 'cancelled' "
			"WHERE id = ?1 AND state IN ('leased', 'running', 'received')",
			"i", h->id);

	if (ret < 0)
		return ret;
	return 0;
}

static int take_infrastructure(struct daemon_db *db, const struct held *h, const char *why,
			       struct error *err)
{
	int64_t hosts;
	int ret = host_count(db, h->host, true, err);

	if (!ret)
		ret = count_hosts(db, h->id, &hosts, err);
	if (ret)
		return ret;
	if (hosts >= POISON_HOSTS || h->tries >= lease_policy.tries)
		return end_boot(db, h, "infrastructure", why, err);
	return requeue_boot(db, h, why, err);
}

static int tell_failed(struct daemon_db *db, const struct held *h, const char *boot,
		       const char *outcome, const char *class, const char *why, struct error *err)
{
	__cleanup_free char *type = xasprintf("boot.%s", outcome);
	struct json_object *data = json_object_new_object();

	json_add_string(data, "host", h->host);
	json_add_string(data, "class", class);
	json_add_string(data, "error", why);
	json_object_object_add(data, "tries", json_object_new_int64(h->tries));
	return event_add(db, type, h->job_uid, boot, data, err);
}

static int fail_held(struct daemon_db *db, const struct held *h, const char *class, const char *why,
		     struct error *err)
{
	if (!strcmp(class, "infrastructure"))
		return take_infrastructure(db, h, why, err);
	return end_boot(db, h, class, why, err);
}

int lease_fail(struct daemon_db *db, const char *boot, int64_t epoch, const char *outcome,
	       const char *class, const char *why, struct error *err)
{
	struct held h = {0};
	int ret = find_held(db, find_leased, boot, epoch, &h, err);

	if (!ret)
		ret = end_attempt(db, &h, epoch, outcome, class, why, err);
	if (!ret)
		ret = lease_account(db, h.id, epoch, err);
	if (!ret)
		ret = tell_failed(db, &h, boot, outcome, class, why, err);
	if (!ret)
		ret = fail_held(db, &h, class, why, err);
	held_release(&h);
	return ret;
}

int lease_reject(struct daemon_db *db, const char *boot, int64_t epoch, const char *class,
		 const char *why, struct error *err)
{
	struct held h = {0};
	int ret = find_held(db, find_received, boot, epoch, &h, err);

	if (!ret)
		ret = end_attempt(db, &h, epoch, "failed", class, why, err);
	if (!ret)
		ret = tell_failed(db, &h, boot, "failed", class, why, err);
	if (!ret)
		ret = fail_held(db, &h, class, why, err);
	held_release(&h);
	return ret;
}

/* ---- leases that nobody holds ---- */

int lease_give_back(struct daemon_db *db, const char *boot, int64_t epoch, const char *why,
		    struct error *err)
{
	struct held h = {0};
	int ret = find_held(db, find_leased, boot, epoch, &h, err);

	if (!ret)
		ret = end_attempt(db, &h, epoch, "lost", NULL, why, err);
	if (!ret)
		ret = database_change(db, err,
				      "UPDATE boot SET state = 'queued' WHERE id = ?1 AND state IN "
				      "('leased', 'running')",
				      "i", h.id);
	if (ret >= 0)
		ret = tell_failed(db, &h, boot, "lost", NULL, why, err);
	change_note();
	held_release(&h);
	return ret;
}

int lease_grace(struct daemon_db *db, struct error *err)
{
	int ret = database_change(
		db, err,
		"UPDATE boot SET expires = ?1 WHERE state IN ('leased', 'running') AND "
		"expires < ?1",
		"i", database_now() + lease_policy.lease_ms);

	if (ret < 0)
		return ret;
	return 0;
}

/* Each boot that @s gives (uid, epoch, taken up) is lost. The query is run anew each time: the boot is not in it any
 * more. */
static int lose_one(struct daemon_db *db, sqlite3_stmt *s, const char *why, struct error *err)
{
	__cleanup_free char *boot = NULL;
	bool taken_up;
	int64_t epoch;
	int ret = database_row(db, s, err);

	if (ret != 1)
		return ret;
	boot = xstrdup(database_column(s, 0));
	epoch = sqlite3_column_int64(s, 1);
	taken_up = sqlite3_column_int(s, 2);
	sqlite3_reset(s);
	if (taken_up)
		ret = lease_fail(db, boot, epoch, "lost", "infrastructure", why, err);
	else
		ret = lease_give_back(db, boot, epoch, "the lease was never taken up", err);
	if (ret)
		return ret;
	return 1;
}

int lease_expire(struct daemon_db *db, struct error *err)
{
	int64_t now = database_now();
	int ret;

	do {
		sqlite3_stmt *s = database_query(
			db,
			"SELECT uid, epoch, state = 'running' FROM boot WHERE state IN ('leased', 'running') AND expires "
			"<= ?1 LIMIT 1",
			"i", now);

		ret = lose_one(db, s, "its agent was not heard of any more", err);
	} while (ret == 1);
	return ret;
}
