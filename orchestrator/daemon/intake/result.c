// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/intake/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/queue/lease.h"

struct found { /* the boot, and the attempt that brings something */
	int64_t id, epoch;
	char *state, *job, *host;
	bool counts;
};

static void found_release(struct found *f)
{
	free(f->state);
	free(f->job);
	free(f->host);
}

/*
 * An attempt counts if it is the boot's last, and the boot still waits for a result. That includes a boot
 * whose lease has expired and that nobody else has got since: its agent was only slow, or cut off.
 */
static bool still_counts(const char *state, bool is_last)
{
	static const char *const open[] = {"leased", "running", "waiting", "queued"};

	for (size_t i = 0; is_last && i < ARRAY_SIZE(open); i++)
		if (!strcmp(state, open[i]))
			return true;
	return false;
}

static int find_attempt(struct daemon_db *db, const struct result_news *n, struct found *f,
			struct error *err)
{
	sqlite3_stmt *s =
		database_query(db,
			       "SELECT b.id, b.epoch, b.state, j.uid, a.host FROM boot b JOIN "
			       "job j ON j.id = b.job JOIN attempt a ON a.boot = b.id AND "
			       "a.epoch = ?2 WHERE b.uid = ?1",
			       "ti", n->boot, n->epoch);
	int ret = database_row(db, s, err);

	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ENOENT, "%s: no such boot, or it had no attempt %lld",
				 n->boot, (long long)n->epoch);
	f->id = sqlite3_column_int64(s, 0);
	f->epoch = sqlite3_column_int64(s, 1);
	f->state = xstrdup(database_column(s, 2));
	f->job = xstrdup(database_column(s, 3));
	f->host = xstrdup(database_column(s, 4));
	f->counts = still_counts(f->state, n->epoch == f->epoch);
	sqlite3_reset(s);
	if (n->host && strcmp(n->host, f->host))
		return error_set(err, -EPERM, "%s: attempt %lld is host %s's, not %s's", n->boot,
				 (long long)n->epoch, f->host, n->host);
	return 0;
}

/* 1: the same is there; 0: nothing is */
static int find_earlier(struct daemon_db *db, const struct result_news *n, const struct found *f,
			enum result_fate *fate, struct error *err)
{
	sqlite3_stmt *s =
		database_query(db, "SELECT sha256, state FROM inbox WHERE boot = ?1 AND epoch = ?2",
			       "ii", f->id, n->epoch);
	bool same;
	int ret = database_row(db, s, err);

	if (ret != 1)
		return ret;
	same = !strcmp(database_column(s, 0), n->sha256);
	*fate = RESULT_AGAIN;
	if (!strcmp(database_column(s, 1), "duplicate"))
		*fate = RESULT_DUPLICATE;
	sqlite3_reset(s);
	if (!same)
		return error_set(err, -EEXIST, "%s: attempt %lld has brought another result before",
				 n->boot, (long long)n->epoch);
	return 1;
}

static int insert_result(struct daemon_db *db, const struct result_news *n, const struct found *f,
			 struct error *err)
{
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(
		db, err,
		"INSERT INTO inbox (boot, epoch, sha256, received, body, error, status, "
		"state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		"iittbtdt", f->id, n->epoch, n->sha256, now, n->body, n->len, n->error, n->status,
		f->counts ? "new" : "duplicate");
	if (ret < 0)
		return ret;
	return 0;
}

static int tell_result(struct daemon_db *db, const struct result_news *n, const struct found *f,
		       const char *type, struct error *err)
{
	struct json_object *data = json_object_new_object();

	json_add_string(data, "host", f->host);
	json_object_object_add(data, "epoch", json_object_new_int64(n->epoch));
	json_object_object_add(data, "status", json_object_new_int(n->status));
	return event_add(db, type, f->job, n->boot, data, err);
}

static int take_result(struct daemon_db *db, const struct result_news *n, const struct found *f,
		       struct error *err)
{
	char now[DAEMON_TIME_MAX];
	int ret = database_change(
		db, err,
		"UPDATE boot SET state = 'received', not_before = NULL WHERE id = ?1 "
		"AND epoch = ?2 AND state IN ('leased', 'running', 'waiting', 'queued')",
		"ii", f->id, n->epoch);

	if (ret < 0)
		return ret;
	database_time(now);
	ret = database_change(
		db, err,
		"UPDATE attempt SET ended = ?3, outcome = 'received', class = NULL, error "
		"= NULL WHERE boot = ?1 AND epoch = ?2",
		"iit", f->id, n->epoch, now);
	if (ret >= 0)
		ret = lease_account(db, f->id, n->epoch, err);
	if (ret < 0)
		return ret;
	return tell_result(db, n, f, "boot.received", err);
}

static int put_found(struct daemon_db *db, const struct result_news *n, const struct found *f,
		     enum result_fate *fate, struct error *err)
{
	int ret = find_earlier(db, n, f, fate, err);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = insert_result(db, n, f, err);
	if (ret)
		return ret;
	*fate = f->counts ? RESULT_NEW : RESULT_DUPLICATE;
	if (f->counts)
		return take_result(db, n, f, err);
	return tell_result(db, n, f, "boot.duplicate", err);
}

int result_put(struct daemon_db *db, const struct result_news *news, enum result_fate *fate,
	       struct error *err)
{
	struct found f = {0};
	int ret = find_attempt(db, news, &f, err);

	if (!ret)
		ret = put_found(db, news, &f, fate, err);
	found_release(&f);
	return ret;
}
