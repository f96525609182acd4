// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/queue/tick.h"

#include <stdint.h>

#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/pool/health.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/daemon/queue/lease.h"

/* Boots that failed a while ago. Those of a job that is held wait with it. */
static int end_waits(struct daemon_db *db, struct error *err)
{
	int ret =
		database_change(db, err,
				"UPDATE boot SET state = 'queued', not_before = NULL WHERE state = "
				"'waiting' AND not_before <= ?1",
				"i", database_now());

	if (ret < 0)
		return ret;
	if (ret)
		change_note();
	return 0;
}

static int end_overdue(struct daemon_db *db, struct error *err)
{
	static const struct job_end end = {
		.state = "failed", .class = "job", .error = "its deadline is over"};
	int64_t job;
	int ret;

	for (;;) {
		ret = database_number(
			db, 0, &job, err,
			"SELECT id FROM job WHERE deadline <= ?1 AND ended IS NULL LIMIT "
			"1",
			"i", database_now());
		if (ret || !job)
			return ret;
		ret = job_finish(db, job, &end, err);
		if (ret)
			return ret;
	}
}

/* How long this boot of the machine has been: see shift_moments() of database.c. */
static int note_time(struct daemon_db *db, struct error *err)
{
	int ret = database_change(db, err, "UPDATE meta SET value = ?1 WHERE key = 'seen'", "i",
				  database_now());

	if (ret < 0)
		return ret;
	return 0;
}

int tick_run(struct daemon_db *db, struct error *err)
{
	int ret = note_time(db, err);

	if (!ret)
		ret = lease_expire(db, err);
	if (!ret)
		ret = end_waits(db, err);
	if (!ret)
		ret = end_overdue(db, err);
	if (!ret)
		ret = health_run(db, err);
	return ret;
}

int tick_next(struct daemon_db *db, int64_t *due, struct error *err)
{
	return database_number(
		db, INT64_MAX, due, err,
		"SELECT min(t) FROM (SELECT min(expires) AS t FROM boot WHERE state IN ('leased', "
		"'running') UNION ALL SELECT min(not_before) FROM boot WHERE state = 'waiting' UNION ALL "
		"SELECT min(deadline) FROM job WHERE deadline IS NOT NULL AND ended IS NULL UNION ALL "
		"SELECT min(health_due) FROM host WHERE ?1 AND health_job IS NULL AND state IN ('up', "
		"'quarantined') AND serves <> '[]' UNION ALL SELECT min(0) FROM host h JOIN job j ON j.uid "
		"= h.health_job WHERE ?1 AND j.ended IS NOT NULL)",
		"d", (int)health_policy.wanted);
}
