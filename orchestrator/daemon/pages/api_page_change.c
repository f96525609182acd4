// SPDX-License-Identifier: GPL-2.0-only
/* The page of a change, and what people say there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/mail/mail.h"
#include "orchestrator/daemon/pages/page.h"
#include "orchestrator/daemon/nights/triage.h"
#include "results/report/markup.h"

enum text {
	STATE,
	BRANCH,
	WHY,
	CULPRIT,
	SUBJECT,
	TRIAGE,
	OWNER,
	NOTE,
	OPENED,
	CHANGED,
	CONFIRM_JOB,
	BISECT_JOB,
	GOOD,
	BAD,
	GOOD_JOB,
	BAD_JOB,
	TEXTS
};

struct change {
	int64_t id, bad, duplicate_of;
	char *text[TEXTS]; /* NULL: none */
};

static void change_release(struct change *c)
{
	for (size_t i = 0; i < TEXTS; i++)
		free(c->text[i]);
}

/* The texts in the order of enum text. */
static const char of_change[] =
	"SELECT c.state, c.schedule || ': ' || c.branch, c.why, c.culprit, c.subject, c.triage, c.owner, c.note, "
	"c.opened, c.changed, c.confirm_job, c.bisect_job, g.kernel, b.kernel, g.job, b.job, c.bad, "
	"c.duplicate_of FROM change c JOIN night g ON g.id = c.good JOIN night b ON b.id = c.bad WHERE c.id = ?1";

static int load_change(struct daemon_db *db, const char *name, struct change *c, struct error *err)
{
	sqlite3_stmt *s;
	int ret;

	*c = (struct change){.id = atoll(name)};
	s = database_query(db, of_change, "i", c->id);
	ret = database_row(db, s, err);
	if (!ret)
		return error_set(err, -ENOENT, "%s: no such change", name);
	if (ret < 0)
		return ret;
	for (int i = 0; i < TEXTS; i++)
		if (database_column(s, i))
			c->text[i] = xstrdup(database_column(s, i));
	c->bad = sqlite3_column_int64(s, TEXTS);
	c->duplicate_of = sqlite3_column_int64(s, TEXTS + 1);
	sqlite3_reset(s);
	return 0;
}

/* ---- facts ---- */

static void add_job(struct strbuf *page, const char *name, const char *job)
{
	if (!job)
		return;
	markup_element(page, "dt", "%s", name);
	strbuf_addstr(page, "<dd><a");
	markup_attribute(page, "href", "/jobs/%s", job);
	strbuf_addch(page, '>');
	markup_add(page, job);
	strbuf_addstr(page, "</a></dd>\n");
}

static void add_comparison(struct strbuf *page, const struct change *c)
{
	if (!c->text[CONFIRM_JOB])
		return;
	strbuf_addstr(page, "<dt>comparison</dt><dd>");
	page_add_comparison(page, c->text[GOOD], c->text[BAD], c->text[CONFIRM_JOB],
			    "of the fresh boots");
	strbuf_addstr(page, "</dd>\n");
}

static void add_duplicate(struct strbuf *page, const struct change *c)
{
	if (!c->duplicate_of)
		return;
	strbuf_addf(page, "<dt>duplicate of</dt><dd><a href=\"/changes/%lld\">change %lld</a></dd>",
		    (long long)c->duplicate_of, (long long)c->duplicate_of);
}

static void add_facts(struct strbuf *page, const struct change *c)
{
	strbuf_addstr(page, "<dl>");
	page_add_fact(page, "state", c->text[STATE]);
	page_add_fact(page, "branch", c->text[BRANCH]);
	page_add_fact(page, "culprit", c->text[CULPRIT]);
	page_add_fact(page, "subject", c->text[SUBJECT]);
	page_add_fact(page, "reason", c->text[WHY]);
	page_add_fact(page, "opened", c->text[OPENED]);
	page_add_fact(page, "changed", c->text[CHANGED]);
	add_job(page, "last good night", c->text[GOOD_JOB]);
	add_job(page, "first bad night", c->text[BAD_JOB]);
	add_job(page, "confirmed by", c->text[CONFIRM_JOB]);
	add_comparison(page, c);
	add_job(page, "bisected by", c->text[BISECT_JOB]);
	page_add_fact(page, "triage", c->text[TRIAGE]);
	add_duplicate(page, c);
	page_add_fact(page, "owner", c->text[OWNER]);
	page_add_fact(page, "note", c->text[NOTE]);
	strbuf_addstr(page, "</dl>\n");
}

static int add_metrics(struct strbuf *page, struct daemon_db *db, int64_t id, struct error *err)
{
	static const char *const heads[] = {"metric",	 "parameters",	   "before",  "after",
					    "by nights", "by fresh boots", "verdict", NULL};

	web_begin_table(page, "What moved, the most first", heads);
	return page_add_rows(
		page, db,
		database_query(
			db,
			"SELECT scenario || ' ' || metric, params, printf('%.6g %s', before, unit), printf('%.6g %s', "
			"after, unit), printf('%+.2f %%', 100 * (after / before - 1)), CASE WHEN ratio IS NOT NULL THEN "
			"printf('%+.2f %% (%+.2f .. %+.2f)', 100 * (ratio - 1), 100 * (low - 1), 100 * (high - 1)) END, "
			"verdict FROM change_metric WHERE change = ?1 ORDER BY abs(coalesce(ratio, after / before) - 1) "
			"DESC",
			"i", id),
		NULL, err);
}

/* ---- triage ---- */

static const struct web_choice triages[] = {
	{"", "nothing yet"},
	{"acknowledged", "acknowledged: somebody looks at it"},
	{"wontfix", "wontfix: it stays like that"},
	{"duplicate", "duplicate of another change"},
	{0},
};

static void add_triage(const struct exchange *x, struct strbuf *page, const struct change *c)
{
	__cleanup_free char *path = xasprintf("/changes/%lld", (long long)c->id);
	__cleanup_free char *other = NULL;

	strbuf_addstr(page, "<h2>What is done about it</h2>");
	if (!page_may(x, PAGE_SUBMITTERS)) {
		strbuf_addstr(page,
			      "<p>Who is <a href=\"/login\">logged in</a> as a submitter can say "
			      "it here; <code>nestlab changes</code> does it too.</p>");
		return;
	}
	if (c->duplicate_of)
		other = xasprintf("%lld", (long long)c->duplicate_of);
	page_begin_form(x, page, path);
	web_select(page, "triage", "Triage", c->text[TRIAGE] ? c->text[TRIAGE] : "", triages);
	web_field(page, &(struct web_field){.name = "duplicate_of",
					    .label = "Duplicate of change",
					    .type = "text",
					    .value = other,
					    .hint = "Its number; with duplicate alone."});
	web_field(page, &(struct web_field){.name = "owner",
					    .label = "Owner",
					    .type = "text",
					    .value = c->text[OWNER]});
	web_field(page, &(struct web_field){.name = "note",
					    .label = "Note",
					    .type = "textarea",
					    .value = c->text[NOTE]});
	web_button(page, "Save");
	strbuf_addstr(page, "</form>\n");
}

API_HANDLER(page_change)
{
	__cleanup_free char *text = NULL, *title = NULL;
	struct strbuf page = STRBUF_INIT;
	struct change c;
	int ret = load_change(db, x->params[0], &c, err);

	if (ret)
		return ret;
	text = mail_text(db, c.id, err);
	if (!text) {
		change_release(&c);
		return err->code;
	}
	title = xasprintf("Change %lld", (long long)c.id);
	page_begin(x, &page, &(struct web_head){.title = title});
	add_facts(&page, &c);
	ret = add_metrics(&page, db, c.id, err);
	add_triage(x, &page, &c);
	strbuf_addstr(&page, "<h2>As it is mailed</h2>");
	markup_element(&page, "pre", "%s", text);
	strbuf_addstr(&page, "<h2>Trends of its branch</h2>");
	if (!ret)
		ret = page_add_trends(x, db, c.bad, &page, err);
	change_release(&c);
	return page_answer(x, &page, ret);
}

/* Fields of the form that are empty take away what was there. */
static struct json_object *read_triage(const struct form *f)
{
	static const char *const names[] = {"triage", "duplicate_of", "owner", "note"};
	struct json_object *said = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = form_value(f, names[i]);

		json_object_object_add(said, names[i],
				       value ? json_object_new_string(value) : NULL);
	}
	return said;
}

/* A duplicate is one of something, and nothing else is. */
static int check_pair(const struct form *f, struct error *err)
{
	const char *triage = form_value(f, "triage");
	bool is_duplicate = triage && !strcmp(triage, "duplicate");

	if (is_duplicate == (form_value(f, "duplicate_of") != NULL))
		return 0;
	return error_set(
		err, -EINVAL,
		"a duplicate needs the number of the other change, and nothing else has one");
}

API_HANDLER(page_change_triage)
{
	__cleanup_free char *path = xasprintf("/changes/%lld", atoll(x->params[0]));
	struct json_object *said;
	int ret = check_pair(&x->form, err);

	if (ret)
		return ret;
	said = read_triage(&x->form);
	ret = triage_set(db, atoll(x->params[0]), said, x->who.owner, err);
	json_object_put(said);
	if (ret)
		return ret;
	return exchange_go_on(x, path);
}
