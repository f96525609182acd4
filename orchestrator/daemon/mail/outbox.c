// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/mail/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/log.h"

#define RETRY_MAX_S 3600 /* after 1, 2, 4, ... seconds */

/* ---- in the writer's transaction ---- */

int outbox_add(struct daemon_db *db, const struct outbox_item *i, struct error *err)
{
	int ret = database_change(
		db, err,
		"INSERT INTO outbox (dedupe, kind, recipients, target, payload, change, series, held) VALUES (?1, "
		"?2, coalesce(?3, '[]'), ?4, ?5, nullif(?6, 0), nullif(?7, 0), ?8) ON CONFLICT DO NOTHING",
		"tttttiid", i->dedupe, i->kind, i->recipients, i->target, i->payload, i->change,
		i->series, (int)i->held);

	if (ret < 0)
		return ret;
	return 0;
}

int outbox_release(struct daemon_db *db, int64_t series, struct error *err)
{
	int64_t known;
	int ret = database_change(
		db, err,
		"UPDATE outbox SET held = 0, next_try = 0 WHERE series = ?1 AND kind = "
		"'mail' AND held = 1 AND error IS NULL AND recipients <> '[]'",
		"i", series);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = database_number(db, 0, &known, err,
			      "SELECT id FROM outbox WHERE series = ?1 AND kind = 'mail'", "i",
			      series);
	if (ret)
		return ret;
	if (!known)
		return error_set(err, -ENOENT, "series %lld: there is no answer to it",
				 (long long)series);
	return error_set(err, -EEXIST,
			 "series %lld: its answer was sent, or is out of date, or is to nobody",
			 (long long)series);
}

/* ---- kinds ---- */

static const struct {
	const char *kind;
	void (*send)(const struct outbox_setting *setting, struct outbox_parcel *p);
} kinds[] = {
	{"mail", outbox_send_mail},
	{"webhook", outbox_send_webhook},
	{"kcidb", outbox_send_kcidb},
};

static void parcel_release(struct outbox_parcel *p)
{
	free(p->dedupe);
	free(p->kind);
	free(p->recipients);
	free(p->target);
	free(p->payload);
}

/* ---- the queue ---- */

static int mark_parcel(struct daemon_db *db, void *arg, struct error *err)
{
	const struct outbox_parcel *p = arg;
	int64_t wait = p->tries < 12 ? INT64_C(1) << p->tries : RETRY_MAX_S;
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	if (p->taken)
		ret = database_change(
			db, err,
			"UPDATE outbox SET sent = ?2, tries = tries + 1, error = NULL "
			"WHERE id = ?1",
			"it", p->id, now);
	else
		ret = database_change(
			db, err,
			"UPDATE outbox SET tries = tries + 1, error = ?2, next_try = ?3 "
			"WHERE id = ?1",
			"iti", p->id, p->why, time(NULL) + wait);
	if (ret < 0)
		return ret;
	return 0;
}

/* Without a mail server mails wait for one. */
static int take_parcel(struct daemon_db *queue, bool mails, struct outbox_parcel *p,
		       struct error *err)
{
	sqlite3_stmt *s = database_query(
		queue,
		"SELECT id, tries, dedupe, kind, recipients, target, payload FROM outbox WHERE sent IS NULL AND held "
		"= 0 AND (?3 OR kind <> 'mail') AND (next_try <= ?1 OR next_try > ?1 + ?2) ORDER BY next_try LIMIT 1",
		"iid", (int64_t)time(NULL), (int64_t)(2 * RETRY_MAX_S), /* a clock set back */
		(int)mails);
	int ret = database_row(queue, s, err);

	if (ret != 1)
		return ret;
	p->id = sqlite3_column_int64(s, 0);
	p->tries = sqlite3_column_int(s, 1);
	p->dedupe = xstrdup(database_column(s, 2));
	p->kind = xstrdup(database_column(s, 3));
	p->recipients = xstrdup(database_column(s, 4));
	p->target = xstrdup(database_column(s, 5));
	p->payload = xstrdup(database_column(s, 6));
	sqlite3_reset(s);
	return 1;
}

static void send_parcel(const struct outbox_setting *setting, struct outbox_parcel *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(p->kind, kinds[i].kind))
			kinds[i].send(setting, p);
	if (!p->taken)
		log_warning("%s %lld is not sent yet: %s", p->kind, (long long)p->id, p->why);
}

int outbox_send(const struct outbox_setting *setting, struct daemon_db *queue,
		struct writer *writer, int64_t *due, struct error *err)
{
	bool mails = setting->smtp;
	int64_t next;
	int ret;

	for (;;) {
		struct outbox_parcel p = {0};

		ret = take_parcel(queue, mails, &p, err);
		if (ret != 1)
			break;
		send_parcel(setting, &p);
		ret = writer_do(writer, mark_parcel, &p, err);
		parcel_release(&p);
		if (ret)
			return ret;
	}
	if (!ret)
		ret = database_number(
			queue, INT64_MAX, &next, err,
			"SELECT min(next_try) FROM outbox WHERE sent IS NULL AND held = 0 "
			"AND (?1 OR kind <> 'mail')",
			"d", (int)mails);
	if (!ret && next < *due)
		*due = next;
	return ret;
}
