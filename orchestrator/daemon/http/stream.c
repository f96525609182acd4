// SPDX-License-Identifier: GPL-2.0-only
/*
 * Server-sent events: the event table from where the listener was (Last-Event-ID), and on as it grows; and with ?job=
 * and ?log=OFFSET what the job's log gets from there on. A listener that has everything is suspended until there is more, or a sign of life is due.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/terminal.h"
#include "orchestrator/daemon/http/carried.h"

#define BATCH 200  /* events a look */
#define BLOCK 4096 /* bytes a write */

/* An event that lies here has its newlines escaped: it is JSON. */
static void add_event(struct carried *c, sqlite3_stmt *s)
{
	const char *job = database_column(s, 3), *boot = database_column(s, 4);

	c->last_event = sqlite3_column_int64(s, 0);
	strbuf_addf(&c->unsent, "id: %lld\nevent: %s\ndata: {\"time\":\"%s\"",
		    (long long)c->last_event, database_column(s, 2), database_column(s, 1));
	if (job)
		strbuf_addf(&c->unsent, ",\"job\":\"%s\"", job);
	if (boot)
		strbuf_addf(&c->unsent, ",\"boot\":\"%s\"", boot);
	strbuf_addf(&c->unsent, ",\"data\":%s}\n\n", database_column(s, 5));
}

static int read_events(struct carried *c, struct error *err)
{
	struct server *s = c->server;
	const char *job = exchange_query(&c->x, "job");
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->quick_lock);
	stmt = database_query(
		s->quick,
		"SELECT id, time, type, job, boot, data FROM event WHERE id > ?1 AND (?2 "
		"IS NULL OR job = ?2) ORDER BY id LIMIT ?3",
		"itd", c->last_event, job, BATCH);
	while ((ret = database_row(s->quick, stmt, err)) == 1)
		add_event(c, stmt);
	pthread_mutex_unlock(&s->quick_lock);
	return ret;
}

/* ---- a job's log ---- */

#define LOG_BLOCK 32768 /* bytes a look */

/* Whole lines, of which there may be more to come; the longest has LOG_BLOCK bytes. */
static size_t whole_lines(const char *text, size_t len)
{
	const char *end = memrchr(text, '\n', len);

	if (end)
		return end + 1 - text;
	return len == LOG_BLOCK ? len : 0;
}

static void add_log(struct carried *c, const char *text, size_t len)
{
	__cleanup_free char *copy = xasprintf("%.*s", (int)len, text);
	struct json_object *data = json_object_new_object();
	struct strbuf clean = STRBUF_INIT;

	terminal_add(&clean, copy);
	c->log_offset += len;
	json_object_object_add(data, "offset", json_object_new_int64(c->log_offset));
	json_add_string(data, "text", clean.buf);
	strbuf_addf(&c->unsent, "event: log\ndata: %s\n\n",
		    json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN));
	strbuf_release(&clean);
	json_object_put(data);
}

/* A log that is not there yet, or cannot be read now, has nothing new. */
static void read_log(struct carried *c)
{
	const char *job = exchange_query(&c->x, "job");
	__cleanup_free char *path = NULL, *text = NULL;
	ssize_t n = 0;
	int fd;

	if (c->log_offset < 0 || !job || !fs_is_plain_name(job))
		return;
	path = xasprintf("%s/logs/%s/log", c->x.service->state, job);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	text = xcalloc(LOG_BLOCK, 1);
	n = pread(fd, text, LOG_BLOCK, c->log_offset);
	close(fd);
	if (n > 0)
		n = whole_lines(text, n);
	if (n > 0)
		add_log(c, text, n);
}

/* ---- sleep and wake ---- */

/* False: there is something new since @c looked, or the server ends. */
static bool fall_asleep(struct carried *c)
{
	struct server *s = c->server;
	bool asleep = false;

	pthread_mutex_lock(&s->lock);
	if (!s->stopping && c->seen == s->events && c->log_seen == s->log_changes) {
		MHD_suspend_connection(c->connection);
		c->sleeps = true;
		c->next = s->streams;
		s->streams = c;
		asleep = true;
	}
	pthread_mutex_unlock(&s->lock);
	return asleep;
}

static int64_t newest_event(struct server *s)
{
	struct error ignored;
	int64_t id = 0;

	pthread_mutex_lock(&s->quick_lock);
	database_number(s->quick, 0, &id, &ignored, "SELECT max(id) FROM event", "");
	pthread_mutex_unlock(&s->quick_lock);
	return id;
}

static void note_seen(struct carried *c)
{
	struct server *s = c->server;

	pthread_mutex_lock(&s->lock);
	c->seen = s->events;
	c->log_seen = s->log_changes;
	pthread_mutex_unlock(&s->lock);
}

static ssize_t take_unsent(struct carried *c, char *buf, size_t max)
{
	size_t n = c->unsent.len;

	if (n > max)
		n = max;
	memcpy(buf, c->unsent.buf, n);
	memmove(c->unsent.buf, c->unsent.buf + n, c->unsent.len - n);
	c->unsent.len -= n;
	return n;
}

static ssize_t send_events(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct carried *c = arg;
	struct error err;

	(void)pos;
	if (c->unsent.len)
		return take_unsent(c, buf, max);
	note_seen(c);
	read_log(c);
	if (read_events(c, &err))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (c->unsent.len)
		return take_unsent(c, buf, max);
	fall_asleep(c);
	return 0;
}

static int64_t first_event(const struct carried *c)
{
	const char *last = exchange_header(&c->x, "Last-Event-ID");

	if (!last)
		last = exchange_query(&c->x, "after");
	if (last)
		return strtoll(last, NULL, 10);
	return newest_event(c->server);
}

enum MHD_Result stream_begin(struct carried *c)
{
	struct MHD_Response *r;
	enum MHD_Result sent;

	const char *log = exchange_query(&c->x, "log");

	c->is_stream = true;
	c->last_event = first_event(c);
	c->log_offset = log ? strtoll(log, NULL, 10) : -1;
	strbuf_addstr(&c->unsent, "retry: 2000\n\n");
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, send_events, c, NULL);
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "text/event-stream");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	sent = MHD_queue_response(c->connection, 200, r);
	MHD_destroy_response(r);
	return sent;
}

void stream_wake(struct server *s)
{
	struct carried *c;

	pthread_mutex_lock(&s->lock);
	c = s->streams;
	s->streams = NULL;
	while (c) {
		struct carried *next = c->next;

		c->sleeps = false;
		if (c->seen == s->events &&
		    c->log_seen == s->log_changes) /* nothing is new: a sign of life */
			strbuf_addstr(&c->unsent, ": still here\n\n");
		MHD_resume_connection(c->connection);
		c = next;
	}
	pthread_mutex_unlock(&s->lock);
}

void stream_wake_log(struct server *s)
{
	struct carried **at;

	pthread_mutex_lock(&s->lock);
	s->log_changes++;
	for (at = &s->streams; *at;) {
		struct carried *c = *at;

		if (c->log_offset < 0) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		c->sleeps = false;
		MHD_resume_connection(c->connection);
	}
	pthread_mutex_unlock(&s->lock);
}
