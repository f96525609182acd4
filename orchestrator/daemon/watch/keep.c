// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/keep.h"

#include <stdio.h>

int keep_has(struct daemon_db *db, const char *schedule, const char *message_id, struct error *err)
{
	int64_t found;
	int ret = database_number(db, 0, &found, err,
				  "SELECT 1 FROM list_mail WHERE schedule = ?1 AND message_id = ?2",
				  "tt", schedule, message_id);

	if (ret)
		return ret;
	return found == 1;
}

/* The thread of a mail that is here, or one that goes back to @id. 0: there is none. */
static int find_thread(struct daemon_db *db, const char *schedule, const char *id, int64_t *thread,
		       struct error *err)
{
	return database_number(
		db, 0, thread, err,
		"SELECT thread FROM list_mail WHERE schedule = ?1 AND message_id = ?2 AND thread IS NOT NULL "
		"UNION ALL SELECT id FROM list_thread WHERE schedule = ?1 AND root = ?2 LIMIT 1",
		"tt", schedule, id);
}

static int begin_thread(struct daemon_db *db, const char *schedule, const struct letter *l,
			int64_t *thread, struct error *err)
{
	const char *root = l->nrefs ? l->refs[0] : l->id;
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(db, err,
			      "INSERT INTO list_thread (schedule, root, subject, began) VALUES "
			      "(?1, ?2, ?3, ?4)",
			      "tttt", schedule, root, l->subject, now);
	*thread = sqlite3_last_insert_rowid(daemon_db_sql(db));
	if (ret < 0)
		return ret;
	return 0;
}

/* Its parent's first: that is where a reader sees it. */
static int choose_thread(struct daemon_db *db, const char *schedule, const struct letter *l,
			 int64_t *thread, struct error *err)
{
	int ret = find_thread(db, schedule, l->id, thread, err);

	for (size_t i = l->nrefs; !ret && !*thread && i-- > 0;)
		ret = find_thread(db, schedule, l->refs[i], thread, err);
	if (ret || *thread)
		return ret;
	return begin_thread(db, schedule, l, thread, err);
}

static int insert_mail(struct daemon_db *db, const char *schedule, const struct letter *l,
		       int64_t thread, const char *raw, size_t len, struct error *err)
{
	const char *refused = l->refused;
	int64_t mails = 0;
	char now[DAEMON_TIME_MAX];
	int ret = 0;

	database_time(now);
	if (thread)
		ret = database_number(db, 0, &mails, err,
				      "SELECT mails FROM list_thread WHERE id = ?1", "i", thread);
	if (!ret && mails >= KEEP_THREAD_MAX)
		refused = "its thread is too long";
	if (!ret)
		ret = database_change(db, err,
				      "INSERT INTO list_mail (schedule, message_id, thread, "
				      "subject, received, body, refused) VALUES (?1, ?2, "
				      "nullif(?3, 0), ?4, ?5, iif(?7 IS NULL, ?6, NULL), ?7)",
				      "ttittbt", schedule, l->id, thread, l->subject, now,
				      (const void *)raw, len, refused);
	if (ret < 0)
		return ret;
	if (!thread || refused)
		return 0;
	ret = database_change(db, err, "UPDATE list_thread SET mails = mails + 1 WHERE id = ?1",
			      "i", thread);
	if (ret < 0)
		return ret;
	return 0;
}

int keep_mail(struct daemon_db *db, const char *schedule, const struct letter *letter,
	      const char *raw, size_t len, struct error *err)
{
	int64_t thread = 0;
	int ret = keep_has(db, schedule, letter->id, err);

	if (ret)
		return ret < 0 ? ret : 0;
	if (!letter->refused)
		ret = choose_thread(db, schedule, letter, &thread, err);
	if (ret)
		return ret;
	return insert_mail(db, schedule, letter, thread, raw, len, err);
}
