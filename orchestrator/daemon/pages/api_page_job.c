// SPDX-License-Identifier: GPL-2.0-only
/* The page of one job, which follows it to its end (results/web/live.js), and the page of a sign-off. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/terminal.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/daemon/intake/judge.h"
#include "orchestrator/daemon/pages/page.h"
#include "orchestrator/request/request.h"
#include "results/report/markup.h"
#include "results/report/report.h"

#define LOG_SHOWN 65536 /* bytes of the end of the log */
#define PAGE_MAX  ((size_t)8 << 20)

/* What happens to a job and its boots (docs/api.md). */
#define EVENTS                                                                                       \
	"job.held job.waiting job.queued job.running job.judging job.done job.failed job.cancelled " \
	"job.priority boot.leased boot.received boot.stored boot.duplicate boot.failed boot.lost "   \
	"boot.cancelled"

enum text {
	UID,
	KIND,
	STATE,
	VERDICT,
	CLASS,
	TROUBLE,
	OWNER,
	PRIORITY,
	PARENT,
	SCHEDULE,
	SUBMITTED,
	STARTED,
	ENDED,
	REQUEST,
	TEXTS
};
static const char of_job[] =
	"SELECT uid, kind, state, verdict, class, error, owner, priority, parent, schedule, submitted, started, "
	"ended, request FROM job WHERE uid = ?1";

struct shown_job {
	char *text[TEXTS]; /* NULL: none */
	int64_t event;	   /* the newest when it was read */
};

static void shown_release(struct shown_job *j)
{
	for (size_t i = 0; i < TEXTS; i++)
		free(j->text[i]);
}

static int load_job(struct daemon_db *db, const char *uid, struct shown_job *j, struct error *err)
{
	sqlite3_stmt *s;
	int ret;

	*j = (struct shown_job){0};
	ret = database_number(db, 0, &j->event, err, "SELECT max(id) FROM event", "");
	if (ret)
		return ret;
	s = database_query(db, of_job, "t", uid);
	ret = database_row(db, s, err);
	if (!ret)
		return error_set(err, -ENOENT, "%s: no such job", uid);
	if (ret < 0)
		return ret;
	for (int i = 0; i < TEXTS; i++)
		if (database_column(s, i))
			j->text[i] = xstrdup(database_column(s, i));
	sqlite3_reset(s);
	return 0;
}

/* ---- what moves ---- */

static void add_facts(struct strbuf *page, const struct shown_job *j)
{
	strbuf_addstr(page, "<dl>");
	page_add_fact(page, "kind", j->text[KIND]);
	page_add_fact(page, "state", j->text[STATE]);
	page_add_fact(page, "verdict", j->text[VERDICT]);
	page_add_fact(page, "whose trouble", j->text[CLASS]);
	page_add_fact(page, "trouble", j->text[TROUBLE]);
	page_add_fact(page, "owner", j->text[OWNER]);
	page_add_fact(page, "priority", j->text[PRIORITY]);
	page_add_fact(page, "schedule", j->text[SCHEDULE]);
	page_add_fact(page, "submitted", j->text[SUBMITTED]);
	page_add_fact(page, "started", j->text[STARTED]);
	page_add_fact(page, "ended", j->text[ENDED]);
	if (j->text[PARENT]) {
		strbuf_addstr(page, "<dt>came from</dt><dd><a");
		markup_attribute(page, "href", "/jobs/%s", j->text[PARENT]);
		strbuf_addch(page, '>');
		markup_add(page, j->text[PARENT]);
		strbuf_addstr(page, "</a></dd>");
	}
	strbuf_addstr(page, "</dl>\n");
}

/* Each kernel of a run with the first one. */
static void add_comparisons(struct strbuf *page, const struct shown_job *j)
{
	__cleanup_free char *base = NULL;
	struct error err;
	struct request r;

	if (request_parse(j->text[REQUEST], strlen(j->text[REQUEST]), "request", REQUEST_ANY, &r,
			  &err))
		return;
	if (r.kind == REQUEST_RUN && r.run.kernels.count > 1)
		base = judge_kernel_name(r.run.kernels.items[0]);
	for (size_t i = 1; base && i < r.run.kernels.count; i++) {
		__cleanup_free char *new = judge_kernel_name(r.run.kernels.items[i]);
		__cleanup_free char *text = xasprintf("Compare %s with %s", new, base);

		strbuf_addstr(page, "<p>");
		page_add_comparison(page, base, new, j->text[UID], text);
		strbuf_addstr(page, "</p>\n");
	}
	request_free(&r);
}

static void add_results(const struct exchange *x, struct strbuf *page, const struct shown_job *j)
{
	if (strcmp(j->text[STATE], "done"))
		return;
	add_comparisons(page, j);
	if (!strcmp(j->text[KIND], "signoff")) {
		strbuf_addstr(page, "<p><a");
		markup_attribute(page, "href", "/signoffs/%s", x->params[0]);
		strbuf_addstr(page, ">The sign-off</a></p>\n");
	}
}

static bool is_own(const struct exchange *x, const struct shown_job *j)
{
	return !strcmp(x->who.owner, j->text[OWNER]) ||
	       (x->who.scope & (SCOPE_OPERATOR | SCOPE_ADMIN));
}

static void add_actions(const struct exchange *x, struct strbuf *page, const struct shown_job *j)
{
	__cleanup_free char *cancel = xasprintf("/jobs/%s/cancel", j->text[UID]);
	__cleanup_free char *retry = xasprintf("/jobs/%s/retry", j->text[UID]);
	const char *state = j->text[STATE];

	if (!page_may(x, PAGE_SUBMITTERS) || !is_own(x, j))
		return;
	strbuf_addstr(page, "<div class=\"actions\">");
	if (!j->text[ENDED])
		page_add_button(x, page, cancel, "Cancel this job");
	else if (!strcmp(state, "failed") || !strcmp(state, "cancelled"))
		page_add_button(x, page, retry, "Try again what failed");
	strbuf_addstr(page, "</div>\n");
}

static int add_boots(struct strbuf *page, struct daemon_db *db, const char *uid, struct error *err)
{
	static const char *const heads[] = {"boot",	"state",   "host", "attempts",
					    "progress", "trouble", NULL};

	web_begin_table(page, "Boots", heads);
	return page_add_rows(
		page, db,
		database_query(
			db,
			"SELECT b.ordinal, b.state AS state, b.host, b.epoch, CASE WHEN b.state IN ('leased', 'running') "
			"THEN json_extract(b.progress, '$.line') END, CASE WHEN b.state <> 'stored' THEN coalesce(b.error, b.class) END FROM boot b JOIN job j ON "
			"j.id = b.job WHERE j.uid = ?1 ORDER BY b.ordinal",
			"t", uid),
		NULL, err);
}

static int add_state(struct exchange *x, struct daemon_db *db, struct strbuf *page,
		     const struct shown_job *j, struct error *err)
{
	int ret;

	strbuf_addf(page,
		    "<div id=\"state\" data-job=\"%s\" data-after=\"%lld\" data-events=\"" EVENTS
		    "\"%s>",
		    j->text[UID], (long long)j->event, j->text[ENDED] ? " data-over=\"1\"" : "");
	add_facts(page, j);
	add_results(x, page, j);
	add_actions(x, page, j);
	ret = add_boots(page, db, j->text[UID], err);
	strbuf_addstr(page, "</div>\n");
	return ret;
}

/* ---- its log ---- */

/* From the beginning of a line on. */
static const char *skip_part(const char *text, bool cut)
{
	const char *line = cut ? strchr(text, '\n') : NULL;

	return line ? line + 1 : text;
}

/* The end of the log, and up to which byte it goes: live.js has what comes then. */
static void add_log(const struct exchange *x, struct strbuf *page, const char *uid)
{
	__cleanup_free char *path = xasprintf("%s/logs/%s/log", x->service->state, uid);
	__cleanup_free char *text = xcalloc(LOG_SHOWN + 1, 1);
	struct strbuf clean = STRBUF_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = 0, from = 0;
	ssize_t n = 0;

	if (fd >= 0) {
		size = lseek(fd, 0, SEEK_END);
		if (size > LOG_SHOWN)
			from = size - LOG_SHOWN;
		n = pread(fd, text, LOG_SHOWN, from);
		close(fd);
	}
	if (n < 0)
		n = 0;
	terminal_add(&clean, skip_part(text, from > 0));
	strbuf_addstr(page, "<h2>Log</h2><p id=\"live\" role=\"status\"></p><p><a");
	markup_attribute(page, "href", "/v1/jobs/%s/log", uid);
	strbuf_addf(
		page,
		">%s</a></p><pre id=\"log\" tabindex=\"0\" role=\"region\" aria-label=\"log\" data-offset=\"%lld\">\n",
		from ? "The whole of it" : "As a file", (long long)from + n);
	markup_add(page, clean.buf);
	strbuf_addstr(page, "</pre>\n");
	strbuf_release(&clean);
}

API_HANDLER(page_job)
{
	static const char *const scripts[] = {"/live.js", NULL};
	struct strbuf page = STRBUF_INIT;
	struct shown_job j;
	int ret = load_job(db, x->params[0], &j, err);

	if (ret)
		return ret;
	page_begin(x, &page,
		   &(struct web_head){
			   .title = j.text[UID], .scripts = scripts, .moves = !j.text[ENDED]});
	ret = add_state(x, db, &page, &j, err);
	add_log(x, &page, j.text[UID]);
	strbuf_addstr(&page, "<h2>Request</h2>");
	markup_element(&page, "pre", "%s", j.text[REQUEST]);
	shown_release(&j);
	return page_answer(x, &page, ret);
}

/* ---- forms ---- */

static int go_to_job(struct exchange *x)
{
	__cleanup_free char *path = xasprintf("/jobs/%s", x->params[0]);

	return exchange_go_on(x, path);
}

API_HANDLER(page_job_cancel)
{
	int ret = api_job_cancel(x, db, err);

	if (ret)
		return ret;
	return go_to_job(x);
}

API_HANDLER(page_job_retry)
{
	int ret = api_job_retry(x, db, err);

	if (ret)
		return ret;
	return go_to_job(x);
}

/* ---- a sign-off ---- */

/* What the agent brought: it can do nothing here (sandbox), and has no style but a report's own. */
API_HANDLER(page_signoff)
{
	__cleanup_free char *path =
		xasprintf("%s/logs/%s/page.html", x->service->state, x->params[0]);
	struct strbuf page = STRBUF_INIT;
	size_t used;
	int64_t id;
	int ret = job_find(db, x->params[0], &id, err);

	if (ret)
		return ret;
	if (fs_read_file(path, PAGE_MAX, &page, NULL)) {
		strbuf_release(&page);
		return error_set(err, -ENOENT,
				 "%s: has no page: it is not over, was no sign-off, or failed",
				 x->params[0]);
	}
	report_html_policy(x->policy, sizeof(x->policy));
	used = strlen(x->policy);
	snprintf(x->policy + used, sizeof(x->policy) - used, "; sandbox");
	return exchange_answer_text(x, "text/html; charset=utf-8", &page);
}
