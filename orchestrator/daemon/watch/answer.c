// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/exit.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/mail/mail.h"
#include "orchestrator/daemon/mail/news.h"
#include "orchestrator/daemon/watch/draft.h"
#include "orchestrator/daemon/watch/measured.h"
#include "orchestrator/daemon/watch/wrap.h"
#include "results/report/formats.h"
#include "results/report/markup.h"

#define LOG_MAX	     (4 << 20)
#define ERRORS_SHOWN 5

struct answer {
	struct night_context *n;
	struct ended e;
	const char *state, *verdict;
	char *why;
	struct strbuf text; /* of the mail; empty: nobody is written to */
	struct strbuf kcidb;
};

static void answer_release(struct answer *a)
{
	ended_free(&a->e);
	free(a->why);
	strbuf_release(&a->text);
	strbuf_release(&a->kcidb);
}

/* ---- it does not apply ---- */

int answer_unapplied(struct daemon_db *db, const struct outbox_setting *setting,
		     const struct schedule *s, int64_t series, const char *why, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(db, err,
			      "UPDATE list_series SET state = 'unapplied', why = ?2, changed = ?3 "
			      "WHERE id = ?1 AND state = 'new'",
			      "itt", series, why, now);
	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -EAGAIN, "series %lld moved meanwhile", (long long)series);
	strbuf_addstr(&text, "nestlab wanted to measure this series, but found nothing that it "
			     "applies to:\n\n");
	wrap_add(&text, "  ", why, true);
	strbuf_addstr(&text, "\nA base-commit: line (git format-patch --base) of a commit that is "
			     "in one of these\nbranches' repositories would help.\n");
	ret = draft_put(db, setting, s, series, text.buf, err);
	strbuf_release(&text);
	if (!ret)
		ret = news_series(db, s, series, NULL, err);
	return ret;
}

/* ---- it does not build ---- */

/* The kernel that a boot of the job ended with status 1 for without a result: its own fault, by common/exit.h. */
static int find_unbuilt(struct answer *a, bool *own, bool *base, struct error *err)
{
	sqlite3_stmt *s = database_query(
		a->n->queue,
		"SELECT json_extract(b.request, '$.kernels[0]') FROM boot b JOIN job j ON j.id = b.job JOIN inbox i ON "
		"i.boot = b.id WHERE j.uid = ?1 AND b.class = 'job' AND i.status = ?2",
		"td", a->e.job, EXIT_NO);
	int ret;

	while ((ret = database_row(a->n->queue, s, err)) == 1) {
		const char *kernel = database_column(s, 0);

		*own |= kernel && !strcmp(kernel, a->e.path);
		*base |= kernel && !strcmp(kernel, a->e.base_path);
	}
	return ret;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* The compiler's words, of the job's log: "N: " in front of each line is the boot's number. Its lines stay whole, as one
 * looks for them. a->why: the first, which is what the others follow from. */
static void add_errors(struct answer *a)
{
	__cleanup_free char *path = xasprintf("%s/logs/%s/log", a->n->setting->state, a->e.job);
	struct strbuf log = STRBUF_INIT;
	size_t shown = 0;
	char *rest, *line;

	if (!fs_exists(path) || fs_read_file(path, LOG_MAX, &log, NULL))
		strbuf_reset(&log);
	rest = log.buf;
	while (shown < ERRORS_SHOWN && (line = strsep(&rest, "\n"))) {
		const char *text = strstr(line, "  "); /* kernels/make.c indents them */

		if (!text || !strstr(text, "error: "))
			continue;
		text = skip_blanks(text);
		if (strstr(a->text.buf, text))
			continue;
		strbuf_addstr(&a->text, "  ");
		markup_line(&a->text, text);
		strbuf_addch(&a->text, '\n');
		if (!shown++)
			a->why = xstrdup(text);
	}
	if (!shown && a->e.job_error) {
		a->why = xstrdup(skip_blanks(a->e.job_error));
		wrap_add(&a->text, "  ", a->why, true);
	}
	strbuf_release(&log);
}

static void tell_unbuilt(struct answer *a)
{
	a->state = "broken";
	strbuf_addf(
		&a->text,
		"nestlab wanted to measure v%d of this series, but it does not build.\n\nBase: ",
		a->e.version);
	measured_add_base(&a->e, &a->text);
	strbuf_addstr(&a->text, "\n\n");
	add_errors(a);
	measured_add_patches(&a->e, &a->text);
	measured_add_build(&a->e, &a->text);
}

/* ---- it was measured ---- */

static int load_report(struct answer *a, const char *base, const char *kernel, const char *job,
		       struct report *r, struct error *err)
{
	const struct results_filter filter = {.session = job};

	return report_load(a->n->results, base, kernel, &filter, r, err);
}

/* Of the version before; *r is NULL where it has no numbers. */
static int load_before(struct answer *a, struct report *space, struct report **r, struct error *err)
{
	struct error why = {0};
	int ret;

	*r = NULL;
	if (!a->e.before_job)
		return 0;
	ret = load_report(a, a->e.before_base, a->e.before_kernel, a->e.before_job, space, &why);
	if (ret == -ENODATA || ret == -ENOENT || ret == -EXDEV)
		return 0;
	if (ret)
		return error_set(err, ret, "%s", why.text);
	*r = space;
	return 0;
}

static int tell_report(struct answer *a, const struct report *r, struct error *err)
{
	struct report space, *before;
	int ret = load_before(a, &space, &before, err);

	if (ret)
		return ret;
	a->verdict = results_verdict_name(r->comparison.verdict);
	measured_text(&a->e, r, before, mail_from(&a->n->setting->outbox), &a->text);
	if (a->e.s.kcidb)
		kcidb_render(r, NULL, &a->kcidb);
	if (before)
		report_free(before);
	return 0;
}

/* What the newest boot that failed said. */
static int find_failure(struct answer *a, struct error *err)
{
	sqlite3_stmt *s = database_query(
		a->n->queue,
		"SELECT b.error FROM boot b JOIN job j ON j.id = b.job WHERE j.uid = ?1 AND "
		"b.error IS NOT NULL ORDER BY b.id DESC LIMIT 1",
		"t", a->e.job);
	int ret = database_row(a->n->queue, s, err);

	if (ret != 1)
		return ret;
	a->why = xstrdup(database_column(s, 0));
	sqlite3_reset(s);
	return 0;
}

/* No boot of one of the two gave a number. */
static int tell_nothing(struct answer *a, struct error *err)
{
	int ret = find_failure(a, err);

	if (ret)
		return ret;
	a->verdict = results_verdict_name(VERDICT_INCONCLUSIVE);
	strbuf_addf(
		&a->text,
		"nestlab built and booted v%d of this series and its base, but there is nothing "
		"to\ncompare: no boot of one of them came to its end.",
		a->e.version);
	if (a->why) {
		strbuf_addstr(&a->text, " The newest that failed says:\n\n");
		wrap_add(&a->text, "  ", a->why, true);
	} else {
		strbuf_addch(&a->text, '\n');
	}
	measured_add_commands(&a->e, &a->text);
	return 0;
}

static int tell_measured(struct answer *a, struct error *err)
{
	struct error why = {0};
	struct report r;
	int ret = load_report(a, a->e.base, a->e.kernel, a->e.job, &r, &why);

	a->state = "measured";
	if (ret == -ENODATA || ret == -ENOENT)
		return tell_nothing(a, err);
	if (ret)
		return error_set(err, ret, "%s", why.text);
	ret = tell_report(a, &r, err);
	report_free(&r);
	return ret;
}

/* ---- what became of it ---- */

/* Trouble of the lab's is no answer to anybody. */
static int find_outcome(struct answer *a, struct error *err)
{
	struct strbuf why = STRBUF_INIT;
	bool own = false, base = false;
	int ret;

	if (!strcmp(a->e.job_state, "done"))
		return tell_measured(a, err);
	ret = find_unbuilt(a, &own, &base, err);
	if (ret)
		return ret;
	if (own && !base) {
		tell_unbuilt(a);
		return 0;
	}
	a->state = "failed";
	strbuf_addf(&why, "%sjob %s was %s", base ? "its base does not build: " : "", a->e.job,
		    a->e.job_state);
	if (a->e.job_error)
		strbuf_addf(&why, ": %s", a->e.job_error);
	a->why = strbuf_detach(&why);
	return 0;
}

static int act_answer(struct daemon_db *db, void *arg, struct error *err)
{
	struct answer *a = arg;
	struct json_object *data;
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(
		db, err,
		"UPDATE list_series SET state = ?2, verdict = ?3, why = ?4, changed = "
		"?5 WHERE id = ?1 AND state IN ('queued', 'failed')",
		"itttt", a->e.id, a->state, a->verdict, a->why, now);
	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -EAGAIN, "series %lld moved meanwhile", (long long)a->e.id);
	data = json_object_new_object();
	json_object_object_add(data, "series", json_object_new_int64(a->e.id));
	json_add_string(data, "state", a->state);
	ret = event_add(db, "series.answered", a->e.job, NULL, data, err);
	if (!ret && a->text.len)
		ret = draft_put(db, &a->n->setting->outbox, &a->e.s, a->e.id, a->text.buf, err);
	if (!ret && a->text.len)
		ret = news_series(db, &a->e.s, a->e.id, a->kcidb.len ? a->kcidb.buf : NULL, err);
	return ret;
}

/* ---- all ---- */

static int bring_on(struct answer *a, struct error *err)
{
	int ret = night_load_schedule(a->n, a->e.schedule, &a->e.s, err);

	if (ret == -ENOENT)
		return 0;
	if (!ret)
		ret = find_outcome(a, err);
	if (!ret)
		ret = writer_do(a->n->setting->writer, act_answer, a, err);
	if (ret == -EAGAIN)
		return 0;
	if (!ret)
		log_info("schedule %s: series %lld is %s", a->e.schedule, (long long)a->e.id,
			 a->state);
	return ret;
}

int answer_run(struct night_context *n, struct error *err)
{
	struct error first = {0};
	int64_t after = 0;
	int ret;

	for (;;) {
		struct answer a = {.n = n, .text = STRBUF_INIT, .kcidb = STRBUF_INIT};
		struct error why = {0};
		int bad;

		ret = ended_take(n, after, &a.e, err);
		if (ret != 1)
			break;
		after = a.e.id;
		bad = bring_on(&a, &why);
		if (bad && !first.code)
			error_set(&first, bad, "series %lld of %s: %s", (long long)a.e.id,
				  a.e.schedule, why.text);
		answer_release(&a);
	}
	if (ret || !first.code)
		return ret;
	*err = first;
	return first.code;
}
