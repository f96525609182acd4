// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/confirm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/git.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/nights/explained.h"
#include "orchestrator/daemon/mail/mail.h"
#include "orchestrator/daemon/mail/news.h"
#include "results/compare/compare.h"
#include "results/report/formats.h"
#include "results/store/bisect.h"

#define SEEDS_FROM 1000000 /* beyond those of nights: fresh boots are others */
#define SEEDS_EACH 1000

struct end { /* a night */
	char *kernel, *path, *tree, *commit, *variant;
};

struct change {
	int64_t id;
	char *schedule, *state, *confirm_job, *bisect_job, *explain_job;
	struct end good, bad;
	/* what it comes to */
	const char *next; /* state */
	char *why, *culprit, *subject, *request, *key, *mail, *explained;
	struct strbuf kcidb;
	struct results_comparison comparison;
	bool compared;
	struct schedule s;
};

static void end_release(struct end *e)
{
	free(e->kernel);
	free(e->path);
	free(e->tree);
	free(e->commit);
	free(e->variant);
}

static void change_release(struct change *c)
{
	free(c->schedule);
	free(c->state);
	free(c->confirm_job);
	free(c->bisect_job);
	free(c->explain_job);
	end_release(&c->good);
	end_release(&c->bad);
	free(c->why);
	free(c->culprit);
	free(c->subject);
	free(c->request);
	free(c->key);
	free(c->mail);
	free(c->explained);
	strbuf_release(&c->kcidb);
	if (c->compared)
		results_comparison_free(&c->comparison);
	schedule_free(&c->s);
}

static void take_end(sqlite3_stmt *s, int at, struct end *e)
{
	e->kernel = xstrdup(database_column(s, at));
	e->path = xstrdup(database_column(s, at + 1));
	e->tree = xstrdup(database_column(s, at + 2));
	e->commit = xstrdup(database_column(s, at + 3));
	e->variant = xstrdup(database_column(s, at + 4));
}

/* The next change after @after that can be brought on. */
static int take_change(struct night_context *n, int64_t after, struct change *c, struct error *err)
{
	sqlite3_stmt *s = database_query(
		n->queue,
		"SELECT c.id, c.schedule, c.state, c.confirm_job, c.bisect_job, g.kernel, g.path, g.tree, "
		"g.commit_id, g.variant, b.kernel, b.path, b.tree, b.commit_id, b.variant, c.explain_job, "
		"c.culprit FROM change c JOIN night g ON g.id = c.good JOIN night b ON b.id = c.bad LEFT JOIN job j "
		"ON j.uid = CASE c.state WHEN 'confirming' THEN c.confirm_job WHEN 'bisecting' THEN c.bisect_job WHEN "
		"'culprit' THEN c.explain_job END WHERE c.id > ?1 AND (c.state IN ('alarm', 'confirmed') OR c.state "
		"= 'culprit' AND c.explain_job IS NULL OR c.state IN ('confirming', 'bisecting', 'culprit') AND "
		"j.ended IS NOT NULL) ORDER BY c.id LIMIT 1",
		"i", after);
	int ret = database_row(n->queue, s, err);

	if (ret != 1)
		return ret;
	c->id = sqlite3_column_int64(s, 0);
	c->schedule = xstrdup(database_column(s, 1));
	c->state = xstrdup(database_column(s, 2));
	c->confirm_job = xstrdup(database_column(s, 3));
	c->bisect_job = xstrdup(database_column(s, 4));
	take_end(s, 5, &c->good);
	take_end(s, 10, &c->bad);
	c->explain_job = xstrdup(database_column(s, 15));
	c->culprit = xstrdup(database_column(s, 16));
	sqlite3_reset(s);
	return 1;
}

/* ---- alarm ---- */

/* Where there is nothing to compare, the alarm is closed with the reason. */
static int from_alarm(struct night_context *n, struct change *c, struct error *err)
{
	const char *kernels[] = {c->good.path, c->bad.path};

	(void)n;
	(void)err;
	if (!strcmp(c->good.path, c->bad.path)) {
		c->next = "noise";
		c->why = xstrdup(
			"both nights had the same kernel: what moved is the host or the lab");
		return 0;
	}
	if (!c->s.confirm) {
		c->next = "inconclusive";
		c->why = xstrdup("the schedule asks for no confirmation");
		return 0;
	}
	c->next = "confirming";
	c->key = xasprintf("confirm-%lld", (long long)c->id);
	c->request = night_make_request(&c->s, kernels, ARRAY_SIZE(kernels), CONFIRM_BOOTS,
					SEEDS_FROM + c->id % 1000 * SEEDS_EACH);
	return 0;
}

/* ---- confirming ---- */

static int job_error(struct night_context *n, const char *uid, char **why, struct error *err)
{
	sqlite3_stmt *s = database_query(
		n->queue,
		"SELECT state, coalesce(class || ': ' || error, error, '') FROM job WHERE uid = ?1",
		"t", uid);
	int ret = database_row(n->queue, s, err);

	if (ret != 1)
		return ret;
	if (strcmp(database_column(s, 0), "done"))
		*why = xasprintf("job %s was %s: %s", uid, database_column(s, 0),
				 database_column(s, 1));
	sqlite3_reset(s);
	return 0;
}

static const struct results_compared *find_metric(const struct results_comparison *c,
						  sqlite3_stmt *s)
{
	for (size_t i = 0; i < c->nmetrics; i++)
		if (!strcmp(c->metrics[i].scenario, database_column(s, 0)) &&
		    !strcmp(c->metrics[i].params, database_column(s, 1)) &&
		    !strcmp(c->metrics[i].metric, database_column(s, 2)))
			return &c->metrics[i];
	return NULL;
}

/* What the fresh boots say of the metrics that raised the alarm, and of no other. */
static int judge_metrics(struct night_context *n, struct change *c, struct error *err)
{
	sqlite3_stmt *s = database_query(
		n->queue, "SELECT scenario, params, metric FROM change_metric WHERE change = ?1",
		"i", c->id);
	int changed = 0, open = 0, ret;

	while ((ret = database_row(n->queue, s, err)) == 1) {
		const struct results_compared *m = find_metric(&c->comparison, s);
		enum results_verdict v = m ? m->median.verdict : VERDICT_INCONCLUSIVE;

		changed += v == VERDICT_REGRESSED || v == VERDICT_IMPROVED;
		open += v == VERDICT_INCONCLUSIVE;
	}
	if (ret)
		return ret;
	c->next = "noise";
	if (changed)
		c->next = "confirmed";
	else if (open)
		c->next = "inconclusive";
	if (!changed)
		c->why = xasprintf("%d + %d fresh boots do not differ%s", CONFIRM_BOOTS,
				   CONFIRM_BOOTS, open ? " beyond doubt" : "");
	return 0;
}

static int from_confirming(struct night_context *n, struct change *c, struct error *err)
{
	const struct results_filter filter = {.session = c->confirm_job};
	int ret = job_error(n, c->confirm_job, &c->why, err);

	c->next = "inconclusive";
	if (ret || c->why)
		return ret;
	ret = results_compare(n->results, c->good.kernel, c->bad.kernel, &filter, &c->comparison,
			      err);
	if (ret == -ENODATA || ret == -ENOENT || ret == -EXDEV) {
		c->why = xstrdup(err->text);
		return 0;
	}
	if (ret)
		return ret;
	c->compared = true;
	return judge_metrics(n, c, err);
}

/* ---- confirmed ---- */

static int count_commits(const struct change *c, long *count, struct error *err)
{
	__cleanup_free char *range = xasprintf("%s..%s", c->good.commit, c->bad.commit);
	__cleanup_free char *line = NULL;
	const char *const args[] = {"rev-list", "--count", range, NULL};
	const struct git_command cmd = {.dir = c->bad.tree, .args = args};
	int ret = git_line(&cmd, &line, err);

	*count = line ? atol(line) : 0;
	return ret;
}

static int describe_culprit(struct change *c, struct error *err)
{
	const char *const args[] = {"show", "-s", "--format=%s (%an)", c->culprit, NULL};
	const struct git_command cmd = {.dir = c->bad.tree, .args = args};

	c->next = "culprit";
	return git_line(&cmd, &c->subject, err);
}

static const char of_most[] =
	"SELECT scenario, params, metric FROM change_metric WHERE change = ?1 AND verdict IN ('regressed', "
	"'improved') ORDER BY abs(ratio - 1) DESC LIMIT 1";

/* As many rounds as the fresh boots had, which are those of the schedule's plan: with the scenario's default the
 * number of one kernel is another, and so may be what the bisect takes for its two ends. */
static int add_rounds(struct night_context *n, const struct change *c, sqlite3_stmt *metric,
		      struct json_object *request, struct error *err)
{
	const struct results_filter filter = {.session = c->confirm_job};
	const struct results_compared *m;
	struct results_comparison fresh;
	struct error why = {0};
	int ret = results_compare(n->results, c->good.kernel, c->bad.kernel, &filter, &fresh, &why);

	if (ret == -ENODATA || ret == -ENOENT || ret == -EXDEV)
		return 0;
	if (ret)
		return error_set(err, ret, "%s", why.text);
	m = find_metric(&fresh, metric);
	if (m)
		json_object_object_add(request, "rounds", json_object_new_int64(m->rounds));
	results_comparison_free(&fresh);
	return 0;
}

/* By the metric that moved most, the headline's first: one bisect for all that moved together. */
static int make_bisect(struct night_context *n, struct change *c, struct error *err)
{
	sqlite3_stmt *s = database_query(n->queue, of_most, "i", c->id);
	struct json_object *r;
	int ret = database_row(n->queue, s, err);

	if (ret != 1)
		return ret;
	r = json_object_new_object();
	json_add_string(r, "request", "bisect");
	json_add_string(r, "kind", "git");
	json_add_string(r, "scenario", database_column(s, 0));
	json_object_object_add(r, "params", explained_params(database_column(s, 1)));
	json_add_string(r, "metric", database_column(s, 2));
	json_add_string(r, "tree", c->bad.tree);
	json_add_string(r, "good", c->good.commit);
	json_add_string(r, "bad", c->bad.commit);
	json_add_string(r, "variant", c->bad.variant);
	if (c->s.host)
		json_add_string(r, "host", c->s.host);
	ret = add_rounds(n, c, s, r, err);
	c->request = json_canonical(r);
	/* Another change between the same commits asks for the same: it gets the same job. */
	c->key = xasprintf("bisect %s %.200s %.40s %.40s", database_column(s, 0),
			   database_column(s, 1), c->good.commit, c->bad.commit);
	json_object_put(r);
	sqlite3_reset(s);
	c->next = "bisecting";
	return ret;
}

static int from_confirmed(struct night_context *n, struct change *c, struct error *err)
{
	bool same_tree = c->good.tree && c->bad.tree && !strcmp(c->good.tree, c->bad.tree);
	long commits = 0;
	int ret = 0;

	c->next = "culprit"; /* unknown: the mail says between which kernels */
	if (!same_tree)
		return 0;
	ret = count_commits(c, &commits, err);
	if (ret)
		return ret;
	if (commits == 1) {
		c->culprit = xstrdup(c->bad.commit);
		return describe_culprit(c, err);
	}
	if (!commits || !c->s.bisect) {
		c->why = xstrdup(commits ? "the schedule asks for no bisect"
					 : "the branch was rewritten: no commits lie between");
		return 0;
	}
	return make_bisect(n, c, err);
}

/* ---- bisecting ---- */

/* The bisect's only suspect; else *why. */
static void read_answer(const char *text, struct change *c)
{
	struct json_object *o = json_tokener_parse(text), *list = NULL, *reason = NULL;

	if (o && json_object_object_get_ex(o, "suspects", &list) &&
	    json_object_array_length(list) == 1)
		c->culprit = xstrdup(json_object_get_string(json_object_array_get_idx(list, 0)));
	else if (o && json_object_object_get_ex(o, "reason", &reason))
		c->why = xasprintf("the bisect refused: %s", json_object_get_string(reason));
	else
		c->why = xstrdup("the bisect found several candidates; see its job's log");
	json_object_put(o);
}

static int from_bisecting(struct night_context *n, struct change *c, struct error *err)
{
	__cleanup_free char *answer = NULL;
	int ret = job_error(n, c->bisect_job, &c->why, err);

	c->next = "culprit";
	if (ret || c->why)
		return ret;
	ret = results_bisect_between(n->results, c->good.commit, c->bad.commit, &answer, err);
	if (ret == -ENOENT) {
		c->why = xasprintf("job %s left no answer", c->bisect_job);
		return 0;
	}
	if (ret)
		return ret;
	read_answer(answer, c);
	if (!c->culprit)
		return 0;
	return describe_culprit(c, err);
}

/* ---- culprit ---- */

/* What moved most, explained. Where that cannot be, the mail goes without. */
static int make_explanation(struct night_context *n, struct change *c, struct error *err)
{
	sqlite3_stmt *s = database_query(n->queue, of_most, "i", c->id);
	int ret = database_row(n->queue, s, err);

	if (ret != 1)
		return ret;
	c->request = explained_request(&c->s, c->good.path, c->bad.path, database_column(s, 0),
				       database_column(s, 2), database_column(s, 1));
	c->key = xasprintf("explain-%lld", (long long)c->id);
	sqlite3_reset(s);
	return 0;
}

/* The comparison of the fresh boots: for KCIDB, and for whether these numbers can be explained. */
static int look_at_boots(struct night_context *n, struct change *c, bool *explainable,
			 struct error *err)
{
	const struct results_filter filter = {.session = c->confirm_job};
	struct error why = {0};
	struct report r;
	int ret = report_load(n->results, c->good.kernel, c->bad.kernel, &filter, &r, &why);

	*explainable = false;
	if (ret == -ENODATA || ret == -ENOENT || ret == -EXDEV)
		return 0;
	if (ret)
		return error_set(err, ret, "%s", why.text);
	*explainable = !strcmp(r.comparison.clock, "emulated");
	if (c->s.kcidb)
		kcidb_render(&r, NULL, &c->kcidb);
	report_free(&r);
	return 0;
}

static int from_culprit(struct night_context *n, struct change *c, struct error *err)
{
	struct json_object *list;
	bool explainable;
	int ret = look_at_boots(n, c, &explainable, err);

	c->next = "culprit";
	if (!ret && explainable && c->culprit && c->s.explain && !c->explain_job)
		ret = make_explanation(n, c, err);
	if (ret || c->request)
		return ret;
	list = json_object_new_array();
	for (size_t i = 0; i < c->s.mail.count; i++)
		json_object_array_add(list, json_object_new_string(c->s.mail.items[i]));
	c->mail = json_canonical(list);
	json_object_put(list);
	if (c->explain_job)
		c->explained = explained_lines(n->setting->state, c->explain_job);
	c->next = "reported";
	return 0;
}

/* ---- writing ---- */

static int keep_verdicts(struct daemon_db *db, const struct change *c, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; c->compared && ret >= 0 && i < c->comparison.nmetrics; i++) {
		const struct results_compared *m = &c->comparison.metrics[i];

		ret = database_change(
			db, err,
			"UPDATE change_metric SET ratio = ?5, low = ?6, high = ?7, verdict = ?8 WHERE "
			"change = ?1 AND scenario = ?2 AND params = ?3 AND metric = ?4",
			"itttffft", c->id, m->scenario, m->params, m->metric, m->median.ratio,
			m->median.low, m->median.high, results_verdict_name(m->median.verdict));
	}
	if (ret < 0)
		return ret;
	return 0;
}

/* The job that the next state waits for. */
static int submit_next(struct daemon_db *db, const struct change *c, char uid[DAEMON_TIME_MAX],
		       struct error *err)
{
	struct schedule s = c->s;
	const char *kind = "bisect";

	uid[0] = '\0';
	if (!c->request)
		return 0;
	if (!strcmp(c->next, "confirming"))
		kind = "confirm";
	if (!strcmp(c->next, "culprit")) {
		kind = "explain";
		s.deadline_ms = EXPLAINED_WAIT_MS;
	}
	return night_submit(db, &s, kind, c->request, c->confirm_job, c->key, uid, err);
}

static int tell_change(struct daemon_db *db, const struct change *c, struct error *err)
{
	const char *kcidb = c->kcidb.len ? c->kcidb.buf : NULL;
	int ret = mail_change(db, c->id, c->mail, err);

	if (ret)
		return ret;
	return news_change(db, &c->s, c->id, kcidb, err);
}

static int act_next(struct daemon_db *db, void *arg, struct error *err)
{
	const struct change *c = arg;
	char uid[DAEMON_TIME_MAX], now[DAEMON_TIME_MAX], type[64];
	int ret = submit_next(db, c, uid, err);

	if (ret)
		return ret;
	database_time(now);
	ret = database_change(
		db, err,
		"UPDATE change SET state = ?3, why = coalesce(?4, why), culprit = coalesce(?5, culprit), "
		"subject = coalesce(?6, subject), confirm_job = CASE ?3 WHEN 'confirming' THEN ?7 ELSE "
		"confirm_job END, bisect_job = CASE ?3 WHEN 'bisecting' THEN ?7 ELSE bisect_job END, "
		"explain_job = CASE ?3 WHEN ?2 THEN ?7 ELSE explain_job END, explained = coalesce(?9, explained), "
		"changed = ?8, version = version + 1 WHERE id = ?1 AND state = ?2",
		"itttttt"
		"tt",
		c->id, c->state, c->next, c->why, c->culprit, c->subject, uid, now, c->explained);
	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -EAGAIN, "change %lld moved meanwhile", (long long)c->id);
	ret = keep_verdicts(db, c, err);
	snprintf(type, sizeof(type), "change.%s", c->next);
	if (!ret)
		ret = event_add(db, type, *uid ? uid : NULL, NULL, NULL, err);
	if (!ret && c->mail)
		ret = tell_change(db, c, err);
	return ret;
}

/* ---- all ---- */

static const struct transition {
	const char *state;
	int (*leave)(struct night_context *n, struct change *c, struct error *err);
} transitions[] = {
	{"alarm", from_alarm},	       {"confirming", from_confirming},
	{"confirmed", from_confirmed}, {"bisecting", from_bisecting},
	{"culprit", from_culprit},
};

static int bring_on(struct night_context *n, struct change *c, struct error *err)
{
	int ret = night_load_schedule(n, c->schedule, &c->s, err);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(transitions); i++)
		if (!strcmp(c->state, transitions[i].state))
			ret = transitions[i].leave(n, c, err);
	if (!ret)
		ret = writer_do(n->setting->writer, act_next, c, err);
	if (!ret)
		log_info("change %lld is %s", (long long)c->id, c->next);
	return ret;
}

/* One that is stuck (its schedule's file is gone) keeps no other waiting. */
int confirm_run(struct night_context *n, struct error *err)
{
	struct error first = {0};
	int64_t after = 0;
	int ret, worst = 0;

	for (;;) {
		struct change c = {.kcidb = STRBUF_INIT};

		ret = take_change(n, after, &c, err);
		if (ret != 1)
			break;
		ret = bring_on(n, &c, err);
		after = ret ? c.id : c.id - 1; /* perhaps it can go on at once */
		if (ret && !worst) {
			worst = ret;
			first = *err;
		}
		change_release(&c);
	}
	if (ret || !worst)
		return ret;
	*err = first;
	return worst;
}
