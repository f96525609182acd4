// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/mail/mail.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/strbuf.h"
#include "results/report/markup.h"
#include "results/report/words.h"

static const char of_change[] =
	"SELECT c.schedule, c.branch, c.culprit, c.subject, c.why, g.kernel, b.kernel, g.time, b.time, "
	"c.confirm_job, c.bisect_job, g.commit_id, b.commit_id, b.tree, (SELECT count(*) FROM change_metric "
	"WHERE change = c.id AND verdict = 'regressed'), (SELECT max(abs(ratio - 1)) FROM change_metric "
	"WHERE change = c.id AND verdict IN ('regressed', 'improved')), (SELECT metric FROM change_metric "
	"WHERE change = c.id AND verdict IN ('regressed', 'improved') ORDER BY abs(ratio - 1) DESC LIMIT "
	"1), f.kernel, c.explained FROM change c JOIN night g ON g.id = c.good JOIN night b ON b.id = c.bad LEFT "
	"JOIN night f ON f.id = c.fixed WHERE c.id = ?1";
enum {
	SCHEDULE,
	BRANCH,
	CULPRIT,
	SUBJECT,
	WHY,
	GOOD,
	BAD,
	GOOD_TIME,
	BAD_TIME,
	CONFIRM_JOB,
	BISECT_JOB,
	GOOD_COMMIT,
	BAD_COMMIT,
	TREE,
	WORSE,
	MOST,
	METRIC,
	FIXED,
	EXPLAINED
};

static const char *text_of(sqlite3_stmt *s, int column)
{
	const char *text = database_column(s, column);

	return text ? text : "";
}

/* A line of its own, whatever is in the text. */
static void add_line(struct strbuf *out, const char *head, const char *text)
{
	if (!*text)
		return;
	strbuf_addstr(out, head);
	markup_line(out, text);
	strbuf_addch(out, '\n');
}

static void add_metric(sqlite3_stmt *s, struct strbuf *out)
{
	__cleanup_free char *params = words_params(NULL, NULL, text_of(s, 1));

	strbuf_addf(out, "  %+.2f %% [%+.2f, %+.2f]  ", (sqlite3_column_double(s, 6) - 1) * 100,
		    (sqlite3_column_double(s, 7) - 1) * 100,
		    (sqlite3_column_double(s, 8) - 1) * 100);
	markup_line(out, text_of(s, 9));
	strbuf_addstr(out, "  ");
	markup_line(out, text_of(s, 0));
	strbuf_addstr(out, " ");
	markup_line(out, text_of(s, 2));
	strbuf_addstr(out, " ");
	markup_line(out, params);
	strbuf_addf(out, "  (nights: %.6g -> %.6g ", sqlite3_column_double(s, 4),
		    sqlite3_column_double(s, 5));
	markup_line(out, text_of(s, 3));
	strbuf_addstr(out, ")\n");
}

static int add_metrics(struct daemon_db *db, int64_t change, struct strbuf *out, struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT scenario, params, metric, unit, before, after, ratio, low, high, verdict FROM "
		"change_metric WHERE change = ?1 AND verdict IN ('regressed', 'improved') ORDER BY abs(ratio "
		"- 1) DESC",
		"i", change);
	int ret;

	while ((ret = database_row(db, s, err)) == 1)
		add_metric(s, out);
	return ret;
}

static void add_cause(sqlite3_stmt *s, struct strbuf *out)
{
	if (database_column(s, CULPRIT)) {
		add_line(out, "\nCommit:  ", text_of(s, CULPRIT));
		add_line(out, "         ", text_of(s, SUBJECT));
	} else {
		strbuf_addstr(out, "\nWhich commit did it is not known.\n");
	}
	add_line(out, "Note:    ", text_of(s, WHY));
	add_line(out, "Before:  ", text_of(s, GOOD));
	add_line(out, "         night of ", text_of(s, GOOD_TIME));
	add_line(out, "After:   ", text_of(s, BAD));
	add_line(out, "         night of ", text_of(s, BAD_TIME));
	add_line(out, "Confirmed by fresh, interleaved boots of both: job ",
		 text_of(s, CONFIRM_JOB));
	add_line(out, "Bisect:  job ", text_of(s, BISECT_JOB));
	if (database_column(s, EXPLAINED))
		strbuf_addf(out, "\n%s", text_of(s, EXPLAINED));
}

static void add_hint(sqlite3_stmt *s, struct strbuf *out)
{
	strbuf_addstr(out, "\nTo see it:\n");
	add_line(out, "  nestlab compare --session ", text_of(s, CONFIRM_JOB));
	add_line(out, "      ", text_of(s, GOOD));
	add_line(out, "      ", text_of(s, BAD));
	if (database_column(s, CULPRIT))
		add_line(out, "  git show ", text_of(s, CULPRIT));
}

/* Finds the row, and keeps it open for the caller, who resets it. */
static int find_change(struct daemon_db *db, int64_t change, sqlite3_stmt **s, struct error *err)
{
	int ret;

	*s = database_query(db, of_change, "i", change);
	ret = database_row(db, *s, err);
	if (!ret)
		return error_set(err, -1, "change %lld: there is none", (long long)change);
	return ret < 0 ? ret : 0;
}

char *mail_text(struct daemon_db *db, int64_t change, struct error *err)
{
	struct strbuf out = STRBUF_INIT;
	sqlite3_stmt *s;
	int ret = find_change(db, change, &s, err);

	if (!ret) {
		add_line(&out, "Schedule ", text_of(s, SCHEDULE));
		add_line(&out, "Branch   ", text_of(s, BRANCH));
		strbuf_addch(&out, '\n');
		ret = add_metrics(db, change, &out, err);
	}
	if (!ret) {
		add_cause(s, &out);
		add_hint(s, &out);
	}
	if (s)
		sqlite3_reset(s);
	if (!ret)
		return strbuf_detach(&out);
	strbuf_release(&out);
	return NULL;
}

/* ---- headers ---- */

void mail_add_date(struct strbuf *out)
{
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	strbuf_addf(out, "Date: %s\n", date);
}

static void add_headers(struct strbuf *out, int64_t change, const char *recipients, bool reply)
{
	mail_add_date(out);
	strbuf_addf(out, "From: nestlab <nestlab@localhost>\nTo: ");
	for (const char *c = recipients; *c;
	     c++) /* a JSON array of addresses without quotes in them */
		if (!strchr("[]\"", *c))
			strbuf_addch(out, *c);
	strbuf_addf(out, "\nMessage-ID: <nestlab.change-%lld%s@localhost>\n", (long long)change,
		    reply ? ".fixed" : "");
	if (reply)
		strbuf_addf(out,
			    "In-Reply-To: <nestlab.change-%lld@localhost>\nReferences: "
			    "<nestlab.change-%lld@localhost>\n",
			    (long long)change, (long long)change);
	strbuf_addstr(out, "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
			   "Content-Transfer-Encoding: 8bit\n");
}

static void add_subject(struct strbuf *out, sqlite3_stmt *s, bool reply)
{
	const char *verb = sqlite3_column_int(s, WORSE) ? "regressed" : "improved";
	struct strbuf line = STRBUF_INIT;

	if (reply)
		strbuf_addstr(&line, "Re: ");
	strbuf_addf(&line, "[nestlab] %s: %s %s by %.2f %%", text_of(s, BRANCH), text_of(s, METRIC),
		    verb, sqlite3_column_double(s, MOST) * 100);
	if (database_column(s, CULPRIT))
		strbuf_addf(&line, " since %.12s", text_of(s, CULPRIT));
	if (reply)
		strbuf_addstr(&line, ": fixed");
	strbuf_addstr(out, "Subject: ");
	markup_line(out, line.buf);
	strbuf_addstr(out, "\n\n");
	strbuf_release(&line);
}

const char *mail_from(const struct outbox_setting *setting)
{
	if (setting->from)
		return setting->from;
	return OUTBOX_FROM;
}

char *mail_with_crlf(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	for (; *text; text++) {
		if (*text == '\n')
			strbuf_addch(&out, '\r');
		strbuf_addch(&out, *text);
	}
	return strbuf_detach(&out);
}

static int put_mail(struct daemon_db *db, int64_t change, const char *recipients,
		    const struct strbuf *mail, bool reply, struct error *err)
{
	__cleanup_free char *dedupe =
		xasprintf("change-%lld%s", (long long)change, reply ? "-fixed" : "");
	__cleanup_free char *payload = mail_with_crlf(mail->buf);

	const struct outbox_item item = {.dedupe = dedupe,
					 .kind = "mail",
					 .recipients = recipients,
					 .payload = payload,
					 .change = change};

	return outbox_add(db, &item, err);
}

int mail_change(struct daemon_db *db, int64_t change, const char *recipients, struct error *err)
{
	__cleanup_free char *text = NULL;
	struct strbuf mail = STRBUF_INIT;
	sqlite3_stmt *s;
	int ret;

	if (!strcmp(recipients, "[]"))
		return 0;
	text = mail_text(db, change, err);
	if (!text)
		return err->code;
	ret = find_change(db, change, &s, err);
	if (!ret) {
		add_headers(&mail, change, recipients, false);
		add_subject(&mail, s, false);
		strbuf_addstr(&mail, text);
		sqlite3_reset(s);
		ret = put_mail(db, change, recipients, &mail, false, err);
	}
	strbuf_release(&mail);
	return ret;
}

static int find_recipients(struct daemon_db *db, int64_t change, char **out, struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT recipients FROM outbox WHERE change = ?1 AND kind = 'mail' ORDER BY id LIMIT 1",
		"i", change);
	int ret = database_row(db, s, err);

	if (ret != 1)
		return ret;
	*out = xstrdup(database_column(s, 0));
	sqlite3_reset(s);
	return 0;
}

int mail_fixed(struct daemon_db *db, int64_t change, struct error *err)
{
	__cleanup_free char *recipients = NULL;
	struct strbuf mail = STRBUF_INIT;
	sqlite3_stmt *s = NULL;
	int ret = find_recipients(db, change, &recipients, err);

	if (!ret && recipients)
		ret = find_change(db, change, &s, err);
	if (ret || !recipients)
		return ret;
	add_headers(&mail, change, recipients, true);
	add_subject(&mail, s, true);
	strbuf_addstr(&mail, "All numbers that had regressed are back at their level before.\n\n");
	add_line(&mail, "Fixed in: ", text_of(s, FIXED));
	sqlite3_reset(s);
	ret = put_mail(db, change, recipients, &mail, true, err);
	strbuf_release(&mail);
	return ret;
}
