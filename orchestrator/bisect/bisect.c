// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/explained.h"
#include "orchestrator/bisect/bisect.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/exit.h"
#include "common/fs.h"
#include "common/progress.h"
#include "orchestrator/bisect/answer.h"
#include "orchestrator/bisect/commits.h"
#include "orchestrator/bisect/ddmin.h"
#include "orchestrator/bisect/ends.h"
#include "orchestrator/bisect/git_log.h"
#include "orchestrator/bisect/line.h"
#include "orchestrator/bisect/step.h"
#include "orchestrator/engine/run.h"

/* A kernel that failed twice as a guest is expected to fail again. Trouble of a host may pass. */
#define GUEST_FAILURES 2
#define HOST_FAILURES  4

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

/* ---- the three kinds of candidates ---- */

static int open_git(struct bisect_run *r, struct error *err)
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

static int open_series(struct bisect_run *r, struct error *err)
{
	const char *const *names;
	long n = bisect_lab_names(r->lab, &names), first, last;
	int ret = parse_prefix(r->request.bisect.good, 0, n, &first, err);

	if (ret)
		return ret;
	ret = parse_prefix(r->request.bisect.bad, n, n, &last, err);
	if (ret)
		return ret;
	ret = bisect_line_open(first, last, names + first, &r->space, err);
	if (ret)
		return ret;
	r->good = xasprintf("%ld", first);
	r->bad = xasprintf("%ld", last);
	return 0;
}

static int open_config(struct bisect_run *r, struct error *err)
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

/* Sets the ends' candidates, and the space between them. */
static int (*const open_candidates[])(struct bisect_run *r, struct error *err) = {
	[BISECT_GIT] = open_git,
	[BISECT_SERIES] = open_series,
	[BISECT_CONFIG] = open_config,
};

/* ---- progress ---- */

static void print_step(void *arg, const struct results_bisect_step *step)
{
	struct bisect_run *r = arg;
	__cleanup_free char *what = bisect_describe_candidate(r, step->candidate);

	progress_print("bisect: step %zu: %.100s: %s (%s) [%.0f s]\n", r->s.nsteps, what,
		       step->verdict, step->why, step->seconds);
}

/* Mean seconds of a step, without the ends; 0: none is known. */
static double mean_step_seconds(const struct bisect_session *s)
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
	if (!n)
		return 0;
	return sum / n;
}

/* "bisect: 12 commits left, about 4 steps, about 7 min" */
static void print_round(void *arg, long left, int rounds)
{
	static const char *const words[] = {
		[BISECT_GIT] = "commits",
		[BISECT_SERIES] = "patches",
		[BISECT_CONFIG] = "options",
	};
	const struct bisect_run *r = ((struct bisect_session *)arg)->arg;
	double seconds = rounds * mean_step_seconds(&r->s);
	struct strbuf line = STRBUF_INIT;

	if (left <= 1)
		return;
	strbuf_addf(&line, "bisect: %ld %s left, about %d ", left, words[r->request.bisect.kind],
		    rounds);
	if (r->request.bisect.parallel > 1)
		strbuf_addf(&line, "rounds of up to %d steps", r->request.bisect.parallel);
	else
		strbuf_addstr(&line, rounds == 1 ? "step" : "steps");
	if (seconds > 0)
		strbuf_addf(&line, ", about %.0f min", ceil(seconds / 60));
	progress_print("%s\n", line.buf);
	strbuf_release(&line);
}

/* ---- the search ---- */

static int search_options(struct bisect_run *r, const struct bisect_tester *tester,
			  struct error *err)
{
	const char *const *names;
	size_t n = bisect_lab_names(r->lab, &names);
	char *guilty;
	int ret = bisect_ddmin(n, r->request.bisect.parallel, tester, &guilty, err);

	if (ret)
		return ret;
	r->found.suspects = xcalloc(1, sizeof(char *));
	r->found.suspects[r->found.nsuspects++] = guilty;
	return 0;
}

static int search_culprit(struct bisect_run *r, struct error *err)
{
	struct bisect_tester tester = {.test = bisect_test, .round = print_round, .arg = &r->s};

	if (r->space)
		return bisect_search(r->space, r->request.bisect.parallel, &tester, &r->found, err);
	return search_options(r, &tester, err);
}

/* All differences but the guilty ones. */
static int revert_options(const struct bisect_run *r, const char *culprit, char **id,
			  struct error *err)
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

/* "7-3": seven patches without the third. Without the last one it is a prefix again. The build will
 * show whether the patches after the culprit apply without it. */
static char *revert_patch(const struct bisect_run *r, const char *culprit)
{
	if (strcmp(culprit, r->bad))
		return xasprintf("%s-%s", r->bad, culprit);
	return xasprintf("%ld", strtol(r->bad, NULL, 10) - 1);
}

/* The bad end without the culprit; *id is NULL if it does not revert cleanly. */
static int find_revert(const struct bisect_run *r, const char *culprit, char **id,
		       struct error *err)
{
	*id = NULL;
	switch (r->request.bisect.kind) {
	case BISECT_GIT:
		return bisect_commit_revert(r->request.bisect.tree, r->bad, culprit, id, err);
	case BISECT_CONFIG:
		return revert_options(r, culprit, id, err);
	case BISECT_SERIES:
		*id = revert_patch(r, culprit);
		return 0;
	}
	return 0;
}

/* The candidate that the culprit is compared with when it is tested again; the caller frees. */
static char *find_parent(const struct bisect_run *r, const char *culprit)
{
	if (r->space)
		return r->space->ops->parent(r->space, culprit);
	return xstrdup(r->good);
}

static int confirm_culprit(struct bisect_run *r, struct error *err)
{
	const char *culprit = r->found.suspects[0];
	__cleanup_free char *parent = find_parent(r, culprit);
	__cleanup_free char *revert = NULL;
	__cleanup_free char *what = bisect_describe_candidate(r, culprit);
	int ret = find_revert(r, culprit, &revert, err);

	if (ret || !parent)
		return ret;
	progress_print("bisect: testing again in fresh boots: %s%s\n", what,
		       revert ? ", and the bad end without it" : "");
	return bisect_confirm(&r->s, parent, culprit, revert, &r->again, err);
}

static int explain_culprit(struct bisect_run *r, struct error *err)
{
	const char *culprit = r->found.suspects[0];
	__cleanup_free char *parent = find_parent(r, culprit);

	return bisect_explain_culprit(r, parent, culprit, err);
}

/* Ends that do not differ, or cannot be measured, are an answer ("cannot tell") and not an
 * error. */
static bool is_refusal(int code)
{
	return code == -EDOM || code == -ERANGE || code == -ENOEXEC || code == -ENODATA ||
	       code == -EXDEV;
}

static void print_ends(const struct bisect_run *r)
{
	__cleanup_free char *difference = bisect_ratio_text(&r->s.between);
	__cleanup_free char *failure = NULL;

	if (r->hunt) {
		failure = bisect_hunt_text(r->hunt);
		progress_print("bisect: the bad end %s, which the good end has; looked for: %s\n",
			       difference, failure);
		return;
	}
	progress_print("bisect: the ends differ: good %.6g, bad %.6g %s, %s\n",
		       r->s.between.base_median, r->s.between.new_median, r->s.between.unit,
		       difference);
}

static int check_and_search(struct bisect_run *r, struct error *err)
{
	int ret = bisect_check_ends(&r->s, err);

	if (ret)
		return ret;
	print_ends(r);
	return search_culprit(r, err);
}

static int find_answer(struct bisect_run *r, enum bisect_end *end, struct error *err)
{
	int ret = check_and_search(r, err);

	if (is_refusal(ret)) {
		r->reason = xstrdup(err->text);
		*end = BISECT_REFUSED;
		return 0;
	}
	if (ret)
		return ret;
	*end = BISECT_NARROWED;
	if (r->found.nsuspects != 1)
		return 0;
	ret = confirm_culprit(r, err);
	if (ret)
		return ret;
	*end = BISECT_UNCONFIRMED;
	if (!r->again.confirmed)
		return 0;
	*end = BISECT_CONFIRMED;
	return explain_culprit(r, err);
}

/* ---- a run, opened and closed ---- */

static int lock_session(struct bisect_run *r, const char *runs, const char *session,
			struct error *err)
{
	__cleanup_free char *dir = xasprintf("%s/%s", runs, session);
	__cleanup_free char *path = xasprintf("%s/lock", dir);
	int ret = fs_mkdir_p(dir, err);

	if (ret)
		return ret;
	ret = fs_lock(path, false, &r->lock, err);
	if (ret == -EWOULDBLOCK)
		return error_set(err, -EBUSY, "another nestlab is running the bisect %s", session);
	return ret;
}

/* Opens the lab and the candidates of a request. */
static int open_candidates_of(struct bisect_run *r, struct results_db *db, const char *runs,
			      const char *session, struct error *err)
{
	const struct request_fails *fails = &r->request.bisect.probe.fails;
	int ret = bisect_lab_open(&r->request.bisect, session, runs, db, &r->lab, err);

	if (ret)
		return ret;
	if (fails->wanted)
		ret = bisect_hunt_open(fails, &r->hunt, err);
	if (ret)
		return ret;
	return open_candidates[r->request.bisect.kind](r, err);
}

static int open_run(struct bisect_run *r, struct results_db *db, const char *runs,
		    const struct results_bisect *b, struct error *err)
{
	int ret = request_parse(b->request, strlen(b->request), "the stored bisect", REQUEST_BISECT,
				&r->request, err);

	if (ret)
		return ret;
	ret = lock_session(r, runs, b->session, err);
	if (ret)
		return ret;
	ret = open_candidates_of(r, db, runs, b->session, err);
	if (ret)
		return ret;
	r->runs = runs;
	r->s = (struct bisect_session){
		.db = db,
		.id = b->id,
		.session = b->session,
		.good = r->good,
		.bad = r->bad,
		.lab = bisect_lab_ops(r->lab),
		.hunt = r->hunt,
		.limits.boots = r->request.bisect.boots,
		.limits.max_boots = r->request.bisect.max_boots,
		.limits.guest_failures = GUEST_FAILURES,
		.limits.host_failures = HOST_FAILURES,
		.limits.threshold = r->request.bisect.threshold,
		.on_step = print_step,
		.arg = r,
	};
	return 0;
}

static void close_run(struct bisect_run *r)
{
	bisect_session_release(&r->s);
	bisect_answer_free(&r->found);
	bisect_hunt_free(r->hunt);
	if (r->space)
		r->space->ops->release(r->space);
	if (r->lab)
		bisect_lab_close(r->lab);
	request_free(&r->request);
	free(r->good);
	free(r->bad);
	free(r->reason);
	free(r->explanation);
	if (r->lock >= 0)
		close(r->lock);
}

static int run_to_end(struct bisect_run *r, struct results_db *db, enum bisect_end *end,
		      struct strbuf *out, struct error *err)
{
	__cleanup_free char *answer = NULL;
	int ret = find_answer(r, end, err);

	if (ret)
		return ret;
	answer = bisect_answer_json(r, *end);
	bisect_answer_text(r, *end, out);
	return results_bisect_finish(db, r->s.id, *end == BISECT_REFUSED ? "refused" : "done",
				     answer, err);
}

int bisect_run(struct results_db *db, const char *runs, const struct results_bisect *b,
	       enum bisect_end *end, struct strbuf *out, struct error *err)
{
	struct bisect_run r = {.lock = -1, .started = clock_seconds()};
	int ret = open_run(&r, db, runs, b, err);

	if (!ret)
		ret = run_to_end(&r, db, end, out, err);
	close_run(&r);
	return ret;
}

/* The stored request names commits instead of branches: a branch may have moved when the bisect is
 * resumed. */
static char *lasting_request(const struct bisect_run *r, const struct request *request)
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
	struct bisect_run r = {.lock = -1};
	int64_t id;
	int ret;

	run_new_session(session);
	ret = open_run(&r, db, runs, &b, err);
	if (!ret)
		lasting = lasting_request(&r, request);
	close_run(&r);
	if (ret)
		return ret;
	return results_bisect_create(db, session, lasting, &id, err);
}

/* ---- the log ---- */

static void log_in_words(struct bisect_run *r, const struct results_bisect_step *steps, size_t n,
			 const char *culprit, struct strbuf *log)
{
	for (size_t i = 0; i < n; i++) {
		__cleanup_free char *what = bisect_describe_candidate(r, steps[i].candidate);

		strbuf_addf(log, "# %s: %s: %s\n", steps[i].verdict, what, steps[i].why);
	}
	if (culprit) {
		__cleanup_free char *what = bisect_describe_candidate(r, culprit);

		strbuf_addf(log, "# answer: %s\n", what);
	}
}

static int log_for_git(struct bisect_run *r, const struct results_bisect_step *steps, size_t n,
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

static int write_log(struct bisect_run *r, struct results_db *db, const struct results_bisect *b,
		     struct strbuf *log, struct error *err)
{
	__cleanup_free char *culprit = bisect_answer_culprit(b->answer);
	struct results_bisect_step *steps = NULL;
	size_t n = 0;
	int ret = results_bisect_steps(db, b->id, &steps, &n, err);

	if (ret)
		return ret;
	if (r->request.bisect.kind == BISECT_GIT)
		ret = log_for_git(r, steps, n, culprit, log, err);
	else
		log_in_words(r, steps, n, culprit, log);
	results_bisect_steps_free(steps, n);
	return ret;
}

int bisect_log(struct results_db *db, const char *runs, const struct results_bisect *b,
	       struct strbuf *log, struct error *err)
{
	struct bisect_run r = {.lock = -1};
	int ret = request_parse(b->request, strlen(b->request), "the stored bisect", REQUEST_BISECT,
				&r.request, err);

	if (ret)
		goto out;
	ret = open_candidates_of(&r, db, runs, b->session, err);
	if (ret)
		goto out;
	ret = write_log(&r, db, b, log, err);
out:
	close_run(&r);
	return ret;
}
