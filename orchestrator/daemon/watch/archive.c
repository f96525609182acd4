// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/archive.h"

#include <time.h>

static int act_begin(struct daemon_db *db, void *arg, struct error *err)
{
	const struct archive *a = arg;
	int ret = database_change(
		db, err,
		"INSERT INTO list_place (schedule, place, began) VALUES (?1, '', ?2) ON CONFLICT DO NOTHING",
		"ti", a->s->name, a->since);

	if (ret < 0)
		return ret;
	return 0;
}

#define KEPT "-60 days" /* mails of a thread, after its newest */

/* The schedule's, else the first look at it. */
static int find_since(struct archive *a, struct error *err)
{
	int ret = database_number(a->night->queue, 0, &a->since, err,
				  "SELECT began FROM list_place WHERE schedule = ?1 AND place = ''",
				  "t", a->s->name);

	if (ret)
		return ret;
	if (!a->since) {
		a->since = time(NULL);
		ret = writer_do(a->night->setting->writer, act_begin, a, err);
	}
	if (a->s->watch.since)
		a->since = a->s->watch.since;
	return ret;
}

/* Mails of threads in which nothing is under way and nothing has come for long. */
static int act_forget(struct daemon_db *db, void *arg, struct error *err)
{
	const struct archive *a = arg;
	int ret = database_change(
		db, err,
		"UPDATE list_mail SET body = NULL WHERE schedule = ?1 AND body IS NOT NULL AND thread NOT IN (SELECT thread "
		"FROM list_mail WHERE schedule = ?1 AND thread IS NOT NULL AND received >= strftime('%Y-%m-%dT%H:%M:%SZ', "
		"'now', ?2) UNION ALL SELECT thread FROM list_series WHERE state IN ('new', 'queued'))",
		"tt", a->s->name, KEPT);

	if (ret < 0)
		return ret;
	return 0;
}

int archive_look(struct night_context *n, const struct schedule *s, bool *more, struct error *err)
{
	struct archive a = {.night = n, .s = s};
	int ret = find_since(&a, err);

	*more = false;
	if (ret)
		return ret;
	if (*s->watch.inbox == '/')
		ret = archive_look_git(&a, err);
	else
		ret = archive_look_http(&a, more, err);
	if (!ret)
		ret = writer_do(n->setting->writer, act_forget, &a, err);
	if (ret)
		return error_prefix(err, ret, "%s", s->watch.inbox);
	return 0;
}
