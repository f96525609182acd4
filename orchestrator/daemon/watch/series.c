// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/series.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/log.h"
#include "kernels/patch.h"
#include "kernels/thread.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/daemon/watch/box.h"

#define VERSIONS_MAX 100
#define DAY_S	     86400

struct looked { /* a thread */
	struct night_context *n;
	struct schedule s;
	int64_t id;
	int mails; /* so many were there */
	char *schedule;
	struct box box;
	const char *state;
	char *why;
	bool has_series;
};

struct found { /* a version of its series */
	const struct looked *in;
	const struct mail *first; /* the cover letter or the first patch */
	int version;
	char *refs, *kin, *base_commit, *patches, *why;
	const char *state;
};

static void found_release(struct found *f)
{
	free(f->refs);
	free(f->kin);
	free(f->base_commit);
	free(f->patches);
	free(f->why);
}

/* ---- what is written of a version ---- */

/* What is in the diff whatever lines it stands at. */
static void print_of(const char *diff, char hex[SHA256_HEX])
{
	struct strbuf text = STRBUF_INIT;

	while (*diff) {
		size_t len = strcspn(diff, "\n");

		if (strncmp(diff, "@@ ", 3) && strncmp(diff, "index ", 6)) {
			strbuf_add(&text, diff, len);
			strbuf_addch(&text, '\n');
		}
		diff += len + (diff[len] == '\n');
	}
	sha256_bytes(text.buf, text.len, hex);
	strbuf_release(&text);
}

static char *describe_patches(const struct thread *t)
{
	struct json_object *list = json_object_new_array();
	char *text;

	for (int i = 0; i < t->m; i++) {
		struct json_object *patch = json_object_new_object();
		char hex[SHA256_HEX];

		print_of(t->patches[i]->diff, hex);
		hex[16] = '\0';
		json_add_string(patch, "title", t->patches[i]->title);
		json_add_string(patch, "print", hex);
		json_object_array_add(list, patch);
	}
	text = json_canonical(list);
	json_object_put(list);
	return text;
}

/* b4 writes "change-id: 20261101-topic-0123456789ab" into the cover letter. The caller frees. */
static char *find_change_id(const struct mail *mail)
{
	const char *at = !strncmp(mail->body, "change-id: ", 11) ? mail->body : NULL;
	const char *line = strstr(mail->body, "\nchange-id: ");

	if (line)
		at = line + 1;
	if (!at)
		return NULL;
	at += strlen("change-id: ");
	return strndup(at, strcspn(at, " \t\r\n"));
}

/* By b4's change-id, else whose it is and what it is called. */
static char *find_kin(const struct mail *first)
{
	__cleanup_free char *change_id = find_change_id(first);
	struct strbuf out = STRBUF_INIT;

	if (change_id)
		return xasprintf("id %s", change_id);
	strbuf_addf(&out, "%s ", first->sender);
	for (const char *c = first->title; *c; c++)
		if (isalnum((unsigned char)*c))
			strbuf_addch(&out, (char)tolower((unsigned char)*c));
	return strbuf_detach(&out);
}

/* mail->replies_to has the newest first. */
static char *order_refs(const struct mail *mail)
{
	__cleanup_free char *copy = xstrdup(mail->replies_to);
	struct strbuf out = STRBUF_INIT;
	char *end;

	for (size_t len = strlen(copy); len && copy[len - 1] == ' '; len--)
		copy[len - 1] = '\0';
	while ((end = strrchr(copy, ' '))) {
		if (!strstr(out.buf, end + 1))
			strbuf_addf(&out, "%s ", end + 1);
		*end = '\0';
	}
	if (*copy && !strstr(out.buf, copy))
		strbuf_addf(&out, "%s ", copy);
	return strbuf_detach(&out);
}

static char *find_base_commit(const struct thread *t)
{
	char *found = t->cover ? mail_base_commit(t->cover) : NULL;

	for (int i = 0; !found && i < t->m; i++)
		found = mail_base_commit(t->patches[i]);
	return found;
}

/* ---- the filter ---- */

static int is_under(const struct patch_path *p, void *arg)
{
	const struct schedule_names *paths = arg;

	for (size_t i = 0; i < paths->count; i++)
		if (!strncmp(p->path, paths->items[i], strlen(paths->items[i])))
			return 1;
	return 0;
}

static bool touches(const struct thread *t, const struct schedule_names *paths)
{
	for (int i = 0; i < t->m; i++)
		if (patch_each_path(t->patches[i]->diff, is_under, (void *)(uintptr_t)paths) == 1)
			return true;
	return false;
}

static bool has_subject(const struct thread *t, const char *pattern)
{
	regex_t regex;
	bool found = false;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return false; /* schedule_load() has refused such a one */
	if (t->cover)
		found = !regexec(&regex, t->cover->subject, 0, NULL, 0);
	for (int i = 0; !found && i < t->m; i++)
		found = !regexec(&regex, t->patches[i]->subject, 0, NULL, 0);
	regfree(&regex);
	return found;
}

/* An archive gives whole threads by HTTP: what was sent before the watching began is no news. */
static bool is_old(const struct looked *l, const struct thread *t, int64_t since)
{
	if (*l->s.watch.inbox == '/')
		return false;
	for (int i = 0; i < t->m; i++) {
		time_t sent = curl_getdate(t->patches[i]->date, NULL);

		if (sent == -1 || sent + DAY_S >= since)
			return false;
	}
	return true;
}

static void pass_over(struct found *f, char *why)
{
	f->state = "passed";
	f->why = why;
}

static int sift(struct found *f, const struct thread *t, struct error *err)
{
	const struct schedule_watch *w = &f->in->s.watch;
	int64_t since = w->since;
	int ret = 0;

	if (!since)
		ret = database_number(
			f->in->n->queue, 0, &since, err,
			"SELECT began FROM list_place WHERE schedule = ?1 AND place = ''", "t",
			f->in->schedule);
	f->state = "new";
	if (!ret && is_old(f->in, t, since))
		pass_over(f, xstrdup("it was sent before the watching began"));
	else if (!ret && w->paths.count && !touches(t, &w->paths))
		pass_over(f, xasprintf("it changes nothing under %s%s", w->paths.items[0],
				       w->paths.count > 1 ? ", ..." : ""));
	else if (!ret && w->subject && !has_subject(t, w->subject))
		pass_over(f, xasprintf("no subject has %s", w->subject));
	return ret;
}

/* ---- versions ---- */

/* The newest other version of it. 0: there is none. */
static int find_kindred(struct daemon_db *db, const struct found *f, int64_t *id, int *version,
			struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT id, version FROM list_series WHERE schedule = ?1 AND (thread = ?2 OR kin = ?3) "
		"ORDER BY version DESC LIMIT 1",
		"tit", f->in->schedule, f->in->id, f->kin);
	int ret = database_row(db, s, err);

	*id = 0;
	if (ret != 1)
		return ret;
	*id = sqlite3_column_int64(s, 0);
	*version = sqlite3_column_int(s, 1);
	sqlite3_reset(s);
	return 0;
}

static int cancel_job_of(struct daemon_db *db, int64_t series, struct error *err)
{
	sqlite3_stmt *s = database_query(db,
					 "SELECT j.uid FROM list_series l JOIN job j ON j.uid = "
					 "l.job WHERE l.id = ?1 AND j.ended IS NULL",
					 "i", series);
	__cleanup_free char *uid = NULL;
	int ret = database_row(db, s, err);

	if (ret != 1)
		return ret;
	uid = xstrdup(database_column(s, 0));
	sqlite3_reset(s);
	return job_cancel(db, uid, "nights", err);
}

/* What is not measured yet need not be; an answer that nobody has sent is not sent any more. */
static int retire(struct daemon_db *db, int64_t series, int version, struct error *err)
{
	__cleanup_free char *why = xasprintf("v%d has come", version);
	char now[DAEMON_TIME_MAX];
	int ret = cancel_job_of(db, series, err);

	database_time(now);
	if (!ret)
		ret = database_change(
			db, err,
			"UPDATE list_series SET state = 'superseded', why = ?2, changed = ?3 WHERE "
			"id = ?1 AND state IN ('new', 'queued')",
			"itt", series, why, now);
	if (ret >= 0)
		ret = database_change(
			db, err,
			"UPDATE outbox SET held = 1, error = ?2 WHERE series = ?1 AND "
			"kind = 'mail' AND sent IS NULL",
			"it", series, why);
	if (ret < 0)
		return ret;
	return 0;
}

/* Who sent it is who is answered; a patch may be another's. */
static const char *author_of(const struct mail *first)
{
	if (strcasecmp(first->email, first->sender))
		return "";
	return first->author;
}

static int insert_series(struct daemon_db *db, const struct found *f, int64_t before,
			 struct error *err)
{
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(
		db, err,
		"INSERT INTO list_series (schedule, thread, version, message_id, refs, subject, author, email, "
		"date, kin, base_commit, patches, state, why, before, found, changed) VALUES (?1, ?2, ?3, ?4, "
		"?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, nullif(?15, 0), ?16, ?16)",
		"tidttttttttttti"
		"t",
		f->in->schedule, f->in->id, f->version, f->first->message_id, f->refs,
		f->first->subject, author_of(f->first), f->first->sender, f->first->date, f->kin,
		f->base_commit, f->patches, f->state, f->why, before, now);
	if (ret < 0)
		return ret;
	return event_add(db, "series.found", NULL, NULL, NULL, err);
}

static int act_found(struct daemon_db *db, void *arg, struct error *err)
{
	struct found *f = arg;
	int64_t known, kindred;
	int version = 0;
	int ret = database_number(
		db, 0, &known, err,
		"SELECT id FROM list_series WHERE schedule = ?1 AND thread = ?2 AND version = ?3",
		"tid", f->in->schedule, f->in->id, f->version);

	if (ret || known)
		return ret;
	ret = find_kindred(db, f, &kindred, &version, err);
	if (ret)
		return ret;
	if (kindred && version > f->version && !strcmp(f->state, "new")) {
		f->state = "superseded";
		f->why = xasprintf("v%d came before it", version);
		kindred = 0;
	} else if (kindred && version < f->version) {
		ret = retire(db, kindred, f->version, err);
	} else {
		kindred = 0;
	}
	if (ret)
		return ret;
	return insert_series(db, f, kindred, err);
}

static int add_series(struct looked *l, const struct thread *t, struct error *err)
{
	struct found f = {.in = l, .version = t->version, .first = t->patches[0]};
	int ret;

	if (t->cover)
		f.first = t->cover;
	if (!*f.first->message_id)
		return 0;
	f.refs = order_refs(f.first);
	f.kin = find_kin(f.first);
	f.base_commit = find_base_commit(t);
	f.patches = describe_patches(t);
	l->has_series = true;
	ret = sift(&f, t, err);
	if (!ret)
		ret = writer_do(l->n->setting->writer, act_found, &f, err);
	found_release(&f);
	return ret;
}

/* ---- a thread ---- */

static bool is_patch(const struct mail *m)
{
	return !m->reply && (m->patch || m->diff_len || m->m);
}

/* Those that a mail of it claims to be, each once, the oldest first. */
static size_t list_versions(const struct mailbox *box, int versions[VERSIONS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < box->count; i++) {
		int v = box->mails[i].version;
		size_t at = n;

		if (!is_patch(&box->mails[i]) || v < 1)
			continue;
		while (at && versions[at - 1] > v)
			at--;
		if ((at && versions[at - 1] == v) || n == VERSIONS_MAX)
			continue;
		memmove(versions + at + 1, versions + at, (n - at) * sizeof(*versions));
		versions[at] = v;
		n++;
	}
	return n;
}

static int look_for_version(struct looked *l, int version, struct error *err)
{
	struct error why = {0};
	struct thread t;
	int ret = thread_find(&l->box.mails, "thread", version, &t, &why);

	if (ret == -EINVAL) {
		free(l->why);
		l->why = xstrdup(why.text + (strncmp(why.text, "thread: ", 8) ? 0 : 8));
		l->state = "incomplete";
		return 0;
	}
	if (ret)
		return error_set(err, ret, "%s", why.text);
	ret = add_series(l, &t, err);
	thread_free(&t);
	return ret;
}

static int look_through(struct looked *l, struct error *err)
{
	int versions[VERSIONS_MAX];
	size_t n;
	int ret = box_open(l->n, l->id, &l->box, err);

	if (ret)
		return ret;
	n = list_versions(&l->box.mails, versions);
	l->state = n ? "series" : "talk";
	for (size_t i = 0; !ret && i < n; i++)
		ret = look_for_version(l, versions[i], err);
	return ret;
}

static int act_looked(struct daemon_db *db, void *arg, struct error *err)
{
	const struct looked *l = arg;
	int ret = database_change(
		db, err,
		"UPDATE list_thread SET looked = max(looked, ?2), state = ?3, why = ?4 WHERE id = ?1",
		"idtt", l->id, l->mails, l->state, l->why);

	if (ret < 0)
		return ret;
	return 0;
}

static int take_thread(struct night_context *n, int64_t after, struct looked *l, struct error *err)
{
	sqlite3_stmt *s = database_query(n->queue,
					 "SELECT id, mails, schedule FROM list_thread WHERE id > "
					 "?1 AND mails > looked ORDER BY id LIMIT 1",
					 "i", after);
	int ret = database_row(n->queue, s, err);

	if (ret != 1)
		return ret;
	l->n = n;
	l->id = sqlite3_column_int64(s, 0);
	l->mails = sqlite3_column_int(s, 1);
	l->schedule = xstrdup(database_column(s, 2));
	sqlite3_reset(s);
	return 1;
}

static void looked_release(struct looked *l)
{
	schedule_free(&l->s);
	box_free(&l->box);
	free(l->schedule);
	free(l->why);
}

/* A list that nobody watches any more is left as it is. */
static int look_at_thread(struct looked *l, struct error *err)
{
	int ret = night_load_schedule(l->n, l->schedule, &l->s, err);

	if (ret == -ENOENT || (!ret && !l->s.watch.inbox))
		return 0;
	if (!ret)
		ret = look_through(l, err);
	if (ret)
		return ret;
	return writer_do(l->n->setting->writer, act_looked, l, err);
}

int series_find(struct night_context *n, struct error *err)
{
	struct error first = {0};
	int64_t after = 0;
	int ret;

	for (;;) {
		struct looked l = {0};
		struct error why = {0};
		int bad;

		ret = take_thread(n, after, &l, err);
		if (ret != 1)
			break;
		after = l.id;
		bad = look_at_thread(&l, &why);
		if (bad && !first.code)
			error_set(&first, bad, "thread %lld of %s: %s", (long long)l.id, l.schedule,
				  why.text);
		looked_release(&l);
	}
	if (ret || !first.code)
		return ret;
	*err = first;
	return first.code;
}
