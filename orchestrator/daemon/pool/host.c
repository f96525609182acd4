// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/pool/host.h"

#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/storage/event.h"

int host_infra_max = 3;
int64_t host_first_health_ms = INT64_C(86400000);

static int tell_host(struct daemon_db *db, const char *type, const char *name, const char *reason,
		     const char *by, struct error *err)
{
	struct json_object *data = json_object_new_object();

	json_add_string(data, "host", name);
	json_add_string(data, "reason", reason);
	json_add_string(data, "by", by);
	return event_add(db, type, NULL, NULL, data, err);
}

int host_seen(struct daemon_db *db, const struct host_news *n, struct error *err)
{
	char now[DAEMON_TIME_MAX];
	int64_t known;
	int ret = database_number(db, 0, &known, err, "SELECT 1 FROM host WHERE name = ?1", "t",
				  n->name);

	if (ret)
		return ret;
	database_time(now);
	ret = database_change(
		db, err,
		"INSERT INTO host (name, pool, tags, serves, state, seen, asked, health_due) VALUES (?1, "
		"?2, ?3, ?4, 'up', ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET pool = excluded.pool, tags = "
		"excluded.tags, serves = excluded.serves, seen = excluded.seen, asked = excluded.asked, version = version + "
		"(pool IS NOT excluded.pool OR tags <> excluded.tags OR serves <> excluded.serves)",
		"tttttii", n->name, n->pool, n->tags, n->serves, now, database_now(),
		database_now() + host_first_health_ms);
	if (ret < 0)
		return ret;
	if (known)
		return 0;
	return tell_host(db, "host.up", n->name, "new", NULL, err);
}

int host_set_state(struct daemon_db *db, const char *name, const char *state, const char *whose,
		   const char *reason, const char *by, struct error *err)
{
	__cleanup_free char *type = xasprintf("host.%s", state);
	int ret = database_change(db, err,
				  "UPDATE host SET state = ?2, reserved_by = ?3, reason = ?4, "
				  "infra_in_row = 0, version = version + 1 WHERE name = ?1",
				  "tttt", name, state, whose, reason);

	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ENOENT, "%s: no such host", name);
	change_note();
	return tell_host(db, type, name, reason, by, err);
}

int host_count(struct daemon_db *db, const char *name, bool infra, struct error *err)
{
	int64_t in_row;
	int ret = database_change(
		db, err,
		"UPDATE host SET infra_in_row = (infra_in_row + 1) * ?2 WHERE name = "
		"?1 AND (?2 OR infra_in_row)",
		"td", name, (int)infra);

	if (ret < 0)
		return ret;
	if (!infra)
		return 0;
	ret = database_number(db, 0, &in_row, err,
			      "SELECT infra_in_row FROM host WHERE name = ?1 AND state = 'up'", "t",
			      name);
	if (ret || in_row < host_infra_max)
		return ret;
	ret = database_change(db, err, "UPDATE host SET health_due = ?2 WHERE name = ?1", "ti",
			      name, database_now());
	if (ret < 0)
		return ret;
	return host_set_state(db, name, "quarantined", NULL,
			      "its infrastructure failed several times in a row", NULL, err);
}

int host_is_open(struct daemon_db *db, const char *name, const char *owner, bool *open,
		 struct error *err)
{
	int64_t found;
	int ret =
		database_number(db, 0, &found, err,
				"SELECT state = 'up' OR (state = 'reserved' AND reserved_by = ?2) "
				"FROM host WHERE name = ?1",
				"tt", name, owner);

	*open = found;
	return ret;
}
