// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/bisect.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/options.h"
#include "common/progress.h"
#include "orchestrator/bisect/ddmin.h"
#include "orchestrator/bisect/git.h"
#include "orchestrator/bisect/lab.h"
#include "orchestrator/bisect/line.h"
#include "orchestrator/engine/run.h"

#define GUEST_FAILURES 2
#define HOST_FAILURES  4

/* A bisect while it runs. */
struct run {
	struct request request;
	struct bisect_git_range range;
	struct bisect_space *space; /* NULL for configs */
	struct lab *lab;
	struct bisect_session s;
	char *good, *bad; /* the ends' candidates */
	int lock;
	double started;
	/* the answer */
	struct bisect_answer found;
	struct bisect_confirmation again;
	char *reason; /* why it was refused */
};

int bisect_exit_status(enum bisect_end end)
{
	static const int statuses[] = {
		[BISECT_CONFIRMED] = 0,
		[BISECT_UNCONFIRMED] = EXIT_NO,
		[BISECT_NARROWED] = EXIT_CANNOT_TELL,
		[BISECT_REFUSED] = EXIT_CANNOT_TELL,
	};

	return statuses[end];
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* ---- the three kinds ---- */

static int open_git(struct run *r, struct error *err)
{
	const struct request_bisect *q = &r->request.bisect;
	int ret;

	r->range = (struct bisect_git_range){
		.tree = q->tree,
		.good = q->good,
		.bad = q->bad,
		.first_parent = q->first_parent,
		.paths = (const char *const *)q->paths.items,
		.npaths = q->paths.count,
	};
	ret = bisect_git_open(&r->range, &r->space, err);
	if (ret)
		return ret;
	r->good = xstrdup(bisect_git_good(r->space));
	r->bad = xstrdup(bisect_git_bad(r->space));
	return 0;
}

/* "3", "0": a prefix within the series; @text NULL: @otherwise. */
static int parse_prefix(const char *text, long otherwise, long max, long *out, struct error *err)
{
	char *end;

	*out = otherwise;
	if (!text)
		return 0;
	*out = strtol(text, &end, 10);
	if (*text && !*end && *out >= 0 && *out <= max)
		return 0;
	return error_set(err, -EINVAL, "%s: expected a number of patches from 0 to %ld", text, max);
}

static int open_series(struct run *r, struct error *err)
{
	const char *const *names;
	long n = bisect_lab_names(r->lab, &names), first = 0, last = n;
	int ret = parse_prefix(r->request.bisect.good, 0, n, &first, err);

	ret = ret ? ret : parse_prefix(r->request.bisect.bad, n, n, &last, err);
	ret = ret ? ret : bisect_line_open(first, last, names + (ret ? 0 : first), &r->space, err);
	r->good = xasprintf("%ld", first);
	r->bad = xasprintf("%ld", last);
	return ret;
}

static int open_config(struct run *r, struct error *err)
{
	const char *const *names;
	size_t n = bisect_lab_names(r->lab, &names);
	bool *all = xcalloc(n, sizeof(*all));

	(void)err;
	r->good = bisect_set_name(all, n);
	for (size_t i = 0; i < n; i++)
		all[i] = true;
	r->bad = bisect_set_name(all, n);
	free(all);
	return 0;
}

static int (*const open_space[])(struct run *r, struct error *err) = {
	[BISECT_GIT] = open_git,
	[BISECT_SERIES] = open_series,
	[BISECT_CONFIG] = open_config,
};

/* A candidate for people: "1a2b3c4d5e6f kvm: ...", "3 patches, the last 0003-....patch". */
static char *describe(const struct run *r, const char *id)
{
	const char *const *names;
	size_t n = bisect_lab_names(r->lab, &names);
	struct strbuf text = STRBUF_INIT;
	bool *set;

	if (r->space) {
		__cleanup_free char *subject = r->space->ops->describe(r->space, id);

		return xasprintf("%.12s%s%s", id, *subject ? " " : "", subject);
	}
	set = xcalloc(n, sizeof(*set));
	bisect_set_parse(id, set, n, NULL);
	for (size_t i = 0; i < n; i++)
		if (set[i])
			strbuf_addf(&text, "%s%s", text.len ? ", " : "", names[i]);
	free(set);
	return text.len ? strbuf_detach(&text) : xstrdup("no difference");
}

/* ---- progress ---- */

static void say_step(void *arg, const struct results_bisect_step *step)
{
	struct run *r = arg;
	__cleanup_free char *what = describe(r, step->candidate);

	progress_print("bisect: step %zu: %.100s: %s (%s) [%.0f s]\n", r->s.nsteps, what,
		       step->verdict, step->why, step->seconds);
}

/* Seconds of a round, from the steps that are known; 0: none is. */
static double round_seconds(const struct bisect_session *s)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < s->nsteps; i++) {
		if (!strcmp(s->steps[i].candidate, s->good) ||
		    !strcmp(s->steps[i].candidate, s->bad))
			continue;
		sum += s->steps[i].seconds; /* since its round began */
		n++;
	}
	return n ? sum / n : 0;
}

static void say_round(void *arg, long left, int rounds)
{
	static const char *const words[] = {
		[BISECT_GIT] = "commits",
		[BISECT_SERIES] = "patches",
		[BISECT_CONFIG] = "options",
	};
	const struct run *r = ((struct bisect_session *)arg)->arg;
	int parallel = r->request.bisect.parallel;
	double each = round_seconds(&r->s);
	__cleanup_free char *at_once = parallel > 1
					       ? xasprintf(" rounds of up to %d steps", parallel)
					       : xasprintf(" step%s", rounds == 1 ? "" : "s");
	__cleanup_free char *time =
		each > 0 ? xasprintf(", about %.0f min", ceil(rounds * each / 60)) : xstrdup("");

	if (left > 1)
		progress_print("bisect: %ld %s left, about %d%s%s\n", left,
			       words[r->request.bisect.kind], rounds, at_once, time);
}

/* ---- the search ---- */

static int search(struct run *r, struct error *err)
{
	struct bisect_tester tester = {.test = bisect_test, .round = say_round, .arg = &r->s};
	size_t parallel = r->request.bisect.parallel;
	const char *const *names;
	char *guilty;
	int ret;

	if (r->space)
		return bisect_search(r->space, parallel, &tester, &r->found, err);
	ret = bisect_ddmin(bisect_lab_names(r->lab, &names), parallel, &tester, &guilty, err);
	if (!ret) {
		r->found.suspects = xcalloc(1, sizeof(char *));
		r->found.suspects[r->found.nsuspects++] = guilty;
	}
	return ret;
}

/* What it is held against when it is tested again: the commit before, or the good config. */
static char *parent_of(const struct run *r, const char *culprit)
{
	return r->space ? r->space->ops->parent(r->space, culprit) : xstrdup(r->good);
}

/* All differences but the guilty ones. */
static int complement(const struct run *r, const char *culprit, char **id, struct error *err)
{
	const char *const *names;
	size_t n = bisect_lab_names(r->lab, &names);
	bool *set = xcalloc(n, sizeof(*set));
	int ret = bisect_set_parse(culprit, set, n, err);

	for (size_t i = 0; i < n; i++)
		set[i] = !set[i];
	if (!ret)
		*id = bisect_set_name(set, n);
	free(set);
	return ret;
}

/* The bad end without the culprit; *id NULL if it does not revert cleanly. */
static int without(const struct run *r, const char *culprit, char **id, struct error *err)
{
	*id = NULL;
	if (r->request.bisect.kind == BISECT_GIT)
		return bisect_git_revert(r->request.bisect.tree, r->bad, culprit, id, err);
	if (r->request.bisect.kind == BISECT_CONFIG)
		return complement(r, culprit, id, err);
	/* the last patch taken away is a prefix; whether another can be, the build will tell */
	*id = strcmp(culprit, r->bad) ? xasprintf("%s-%s", r->bad, culprit)
				      : xasprintf("%ld", strtol(r->bad, NULL, 10) - 1);
	return 0;
}

static int confirm(struct run *r, struct error *err)
{
	const char *culprit = r->found.suspects[0];
	__cleanup_free char *parent = parent_of(r, culprit);
	__cleanup_free char *reverted = NULL;
	__cleanup_free char *what = describe(r, culprit);
	int ret = without(r, culprit, &reverted, err);

	if (ret || !parent)
		return ret;
	progress_print("bisect: testing again in fresh boots: %s%s\n", what,
		       reverted ? ", and the bad end without it" : "");
	return bisect_confirm(&r->s, parent, culprit, reverted, &r->again, err);
}

/* The ends not differing, or not being measurable, is an answer and no error. */
static bool is_refusal(int code)
{
	return code == -EDOM || code == -ERANGE || code == -ENOEXEC || code == -ENODATA ||
	       code == -EXDEV;
}

static int go(struct run *r, enum bisect_end *end, struct error *err)
{
	int ret = bisect_check_ends(&r->s, err);

	if (!ret) {
		__cleanup_free char *text = bisect_ratio_text(&r->s.between);

		progress_print("bisect: the ends differ: good %.6g, bad %.6g %s, %s\n",
			       r->s.between.base_median, r->s.between.new_median, r->s.between.unit,
			       text);
		ret = search(r, err);
	}
	if (is_refusal(ret)) {
		r->reason = xstrdup(err->text);
		*end = BISECT_REFUSED;
		return 0;
	}
	*end = BISECT_NARROWED;
	if (ret || r->found.nsuspects != 1)
		return ret;
	ret = confirm(r, err);
	*end = r->again.confirmed ? BISECT_CONFIRMED : BISECT_UNCONFIRMED;
	return ret;
}

/* ---- the answer ---- */

static const char *const end_names[] = {
	[BISECT_CONFIRMED] = "confirmed",
	[BISECT_UNCONFIRMED] = "not confirmed",
	[BISECT_NARROWED] = "narrowed",
	[BISECT_REFUSED] = "refused",
};

static void count_steps(const struct run *r, size_t *skipped, size_t *unbooted)
{
	*skipped = *unbooted = 0;
	for (size_t i = 0; i < r->s.nsteps; i++) {
		*skipped += !strcmp(r->s.steps[i].verdict, "skip");
		*unbooted += strcmp(r->s.steps[i].verdict, "skip") && !r->s.steps[i].boots;
	}
}

static char *answer_json(const struct run *r, enum bisect_end end)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	char *text;

	for (size_t i = 0; i < r->found.nsuspects; i++)
		json_object_array_add(list, json_object_new_string(r->found.suspects[i]));
	json_object_object_add(o, "end", json_object_new_string(end_names[end]));
	json_object_object_add(o, "suspects", list);
	json_object_object_add(o, "ends_ratio", json_object_new_double(r->s.between.ratio));
	json_object_object_add(o, "steps", json_object_new_int64(r->s.nsteps));
	if (*r->again.text)
		json_object_object_add(o, "again", json_object_new_string(r->again.text));
	if (r->reason)
		json_object_object_add(o, "reason", json_object_new_string(r->reason));
	text = json_canonical(o);
	json_object_put(o);
	return text;
}

static void report_end(const struct run *r, enum bisect_end end, struct strbuf *out)
{
	const char *what = r->request.bisect.kind == BISECT_GIT ? "first bad commit"
			   : r->request.bisect.kind == BISECT_SERIES
				   ? "patch that makes the difference"
				   : "options that make the difference";

	if (end == BISECT_REFUSED) {
		strbuf_addf(out, "cannot bisect: %s\n", r->reason);
		return;
	}
	if (end == BISECT_NARROWED)
		strbuf_addf(out,
			    "not found exactly: %zu candidates are left, which could not be "
			    "judged:\n",
			    r->found.nsuspects);
	else
		strbuf_addf(out, "%s (%s):\n", what, end_names[end]);
	for (size_t i = 0; i < r->found.nsuspects; i++) {
		__cleanup_free char *text = describe(r, r->found.suspects[i]);

		strbuf_addf(out, "  %s\n", text);
	}
	if (*r->again.text)
		strbuf_addf(out, "  %s\n", r->again.text);
}

static void report(const struct run *r, enum bisect_end end, struct strbuf *out)
{
	__cleanup_free char *ends = bisect_ratio_text(&r->s.between);
	size_t skipped, unbooted;

	count_steps(r, &skipped, &unbooted);
	report_end(r, end, out);
	if (end != BISECT_REFUSED)
		strbuf_addf(out, "  the ends differ by %s\n", ends);
	strbuf_addf(out,
		    "%zu candidates judged, the ends included (%zu by their bytes, %zu skipped), "
		    "%d boots in %.0f s\n"
		    "the log for git bisect replay: nestlab bisect --log --session %s\n",
		    r->s.nsteps, unbooted, skipped, r->s.boots_made, now() - r->started,
		    r->s.session);
}

/* ---- a run, opened and closed ---- */

static int lock_session(struct run *r, const char *runs, const char *session, struct error *err)
{
	__cleanup_free char *dir = xasprintf("%s/%s", runs, session);
	__cleanup_free char *path = xasprintf("%s/lock", dir);
	int ret = fs_mkdir_p(dir, err);

	ret = ret ? ret : fs_lock(path, false, &r->lock, err);
	if (ret == -EWOULDBLOCK)
		ret = error_set(err, -EBUSY, "another nestlab is at the bisect %s", session);
	return ret;
}

static int open_run(struct run *r, struct results_db *db, const char *runs,
		    const struct results_bisect *b, struct error *err)
{
	int ret = request_parse(b->request, strlen(b->request), "the stored bisect", REQUEST_BISECT,
				&r->request, err);

	r->lock = -1;
	ret = ret ? ret : lock_session(r, runs, b->session, err);
	ret = ret ? ret : bisect_lab_open(&r->request.bisect, b->session, runs, db, &r->lab, err);
	ret = ret ? ret : open_space[r->request.bisect.kind](r, err);
	if (ret)
		return ret;
	r->s = (struct bisect_session){
		.db = db,
		.id = b->id,
		.session = b->session,
		.good = r->good,
		.bad = r->bad,
		.lab = bisect_lab_ops(r->lab),
		.limits =
			{
				.boots = r->request.bisect.boots,
				.max_boots = r->request.bisect.max_boots,
				.guest_failures = GUEST_FAILURES,
				.host_failures = HOST_FAILURES,
				.threshold = r->request.bisect.threshold,
			},
		.on_step = say_step,
		.arg = r,
	};
	return 0;
}

static void close_run(struct run *r)
{
	bisect_session_release(&r->s);
	bisect_answer_free(&r->found);
	if (r->space)
		r->space->ops->release(r->space);
	if (r->lab)
		bisect_lab_close(r->lab);
	request_free(&r->request);
	free(r->good);
	free(r->bad);
	free(r->reason);
	if (r->lock >= 0)
		close(r->lock);
}

int bisect_run(struct results_db *db, const char *runs, const struct results_bisect *b,
	       enum bisect_end *end, struct strbuf *out, struct error *err)
{
	struct run r = {0};
	int ret = open_run(&r, db, runs, b, err);

	r.started = now();
	ret = ret ? ret : go(&r, end, err);
	if (!ret) {
		__cleanup_free char *answer = answer_json(&r, *end);

		ret = results_bisect_finish(db, b->id, *end == BISECT_REFUSED ? "refused" : "done",
					    answer, err);
		report(&r, *end, out);
	}
	close_run(&r);
	return ret;
}

/* What is kept of a git range are commits: a branch may have moved by the time of a --resume. */
static char *lasting_request(const struct run *r, const struct request *request)
{
	struct request lasting = *request;

	if (request->bisect.kind == BISECT_GIT) {
		lasting.bisect.good = r->good;
		lasting.bisect.bad = r->bad;
	}
	return request_json(&lasting);
}

int bisect_start(struct results_db *db, const char *runs, const struct request *request,
		 char *session, struct error *err)
{
	__cleanup_free char *json = request_json(request);
	__cleanup_free char *lasting = NULL;
	struct results_bisect b = {.session = session, .request = json};
	struct run r = {0};
	int64_t id;
	int ret;

	run_new_session(session);
	ret = open_run(&r, db, runs, &b, err);
	if (!ret)
		lasting = lasting_request(&r, request);
	close_run(&r);
	return ret ? ret : results_bisect_create(db, session, lasting, &id, err);
}

/* ---- the log ---- */

static char *culprit_of(const struct results_bisect *b)
{
	struct json_object *o = *b->answer ? json_tokener_parse(b->answer) : NULL;
	struct json_object *list = NULL;
	char *culprit = NULL;

	if (o && json_object_object_get_ex(o, "suspects", &list) &&
	    json_object_array_length(list) == 1)
		culprit = xstrdup(json_object_get_string(json_object_array_get_idx(list, 0)));
	json_object_put(o);
	return culprit;
}

static void log_words(struct run *r, const struct results_bisect_step *steps, size_t n,
		      const char *culprit, struct strbuf *log)
{
	for (size_t i = 0; i < n; i++) {
		__cleanup_free char *what = describe(r, steps[i].candidate);

		strbuf_addf(log, "# %s: %s: %s\n", steps[i].verdict, what, steps[i].why);
	}
	if (culprit) {
		__cleanup_free char *what = describe(r, culprit);

		strbuf_addf(log, "# answer: %s\n", what);
	}
}

static int log_git(struct run *r, const struct results_bisect_step *steps, size_t n,
		   const char *culprit, struct strbuf *log, struct error *err)
{
	struct bisect_git_step *marks = xcalloc(n, sizeof(*marks));
	int ret;

	for (size_t i = 0; i < n; i++)
		marks[i] = (struct bisect_git_step){
			.id = steps[i].candidate,
			.verdict = bisect_verdict_parse(steps[i].verdict),
			.why = steps[i].why,
		};
	ret = bisect_git_log(r->space, marks, n, culprit, log, err);
	free(marks);
	return ret;
}

int bisect_log(struct results_db *db, const char *runs, const struct results_bisect *b,
	       struct strbuf *log, struct error *err)
{
	__cleanup_free char *culprit = culprit_of(b);
	struct results_bisect_step *steps = NULL;
	struct run r = {.lock = -1};
	size_t n = 0;
	int ret = request_parse(b->request, strlen(b->request), "the stored bisect", REQUEST_BISECT,
				&r.request, err);

	ret = ret ? ret : bisect_lab_open(&r.request.bisect, b->session, runs, db, &r.lab, err);
	ret = ret ? ret : open_space[r.request.bisect.kind](&r, err);
	ret = ret ? ret : results_bisect_steps(db, b->id, &steps, &n, err);
	if (!ret && r.request.bisect.kind == BISECT_GIT)
		ret = log_git(&r, steps, n, culprit, log, err);
	else if (!ret)
		log_words(&r, steps, n, culprit, log);
	results_bisect_steps_free(steps, n);
	close_run(&r);
	return ret;
}
