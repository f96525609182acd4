// SPDX-License-Identifier: GPL-2.0-only
/* The command `nestlab test`. Tests of nestlab are in tests/. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/terminal.h"
#include "orchestrator/bisect/commits.h"
#include "orchestrator/bisect/engine_lab.h"
#include "orchestrator/bisect/probe.h"
#include "orchestrator/bisect/session.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/engine/run.h"
#include "scenarios/scenarios.h"

static const struct option_spec options[] = {COMMAND_DB, OPTION_END};

/* One kernel under test. */
struct test {
	const struct request_test *request;
	struct request_bisect lab_request; /* the same, in the form that the lab takes; borrowed */
	struct results_db *db;
	struct lab *lab;
	char session[RUN_SESSION_MAX];
	struct bisect_session s;
	struct bisect_built built;
	int max_boots;
	bool higher_is_better;
	struct bisect_hunt *hunt; /* NULL: a metric is looked at */
};

/* Is this an error that says nothing about the commit? The next commit would fail in the same
 * way. */
static bool is_trouble_here(int code)
{
	static const int codes[] = {-ENOSPC, -EDQUOT,	 -ENOMEM, -EMFILE, -ENFILE,
				    -EAGAIN, -ECANCELED, -EINTR,  -EFBIG};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i] == code)
			return true;
	return cancel_requested();
}

/* At 125 `git bisect run` skips the commit. At 128 and above it ends, as it should after a Ctrl-C
 * or on a full disk. */
static int cannot_tell(int code, const char *why)
{
	log_error("%s", why);
	if (is_trouble_here(code))
		return EXIT_FATAL;
	return EXIT_CANNOT_TELL;
}

/* ---- the limit ---- */

static bool is_beyond(const struct test *t, double median)
{
	if (t->higher_is_better)
		return median < t->request->limit;
	return median > t->request->limit;
}

/* 0 within, EXIT_NO beyond, EXIT_CANNOT_TELL: there are no boots, or they disagree. */
static int compare_with_limit(const struct test *t, const double *medians, size_t n)
{
	size_t beyond = 0;

	for (size_t i = 0; i < n; i++)
		beyond += is_beyond(t, medians[i]);
	if (!n || (beyond && beyond < n))
		return EXIT_CANNOT_TELL;
	if (beyond)
		return EXIT_NO;
	return 0;
}

static void print_medians(const struct test *t, const double *medians, size_t n, int status)
{
	const char *where = "within";

	if (!n)
		where = "no number for";
	else if (status == EXIT_CANNOT_TELL)
		where = "on both sides of";
	else if (status == EXIT_NO)
		where = "beyond";
	terminal_printf("%s %s:", t->request->probe.scenario, t->request->probe.metric);
	for (size_t i = 0; i < n; i++)
		terminal_printf(" %.6g", medians[i]);
	terminal_printf(": %s the limit of %.6g\n", where, t->request->limit);
}

/* ---- failures ---- */

/* One boot that fails in the way that is looked for is enough: there is no other kernel to compare with. */
static int judge_failures(struct test *t, struct error *err)
{
	__cleanup_free char *what = bisect_hunt_text(t->hunt);
	struct bisect_counts c;
	int ret = bisect_hunt_count(t->hunt, t->db, t->session, t->built.key, &c, err);

	if (ret)
		return cannot_tell(ret, err->text);
	free(c.error);
	printf("%s: in %d of %d boots\n", what, c.this_way, c.this_way + c.passed);
	if (c.this_way)
		return EXIT_NO;
	return 0;
}

static int boot_for_failures(struct test *t, struct error *err)
{
	const struct bisect_built *kernel = &t->built;
	char *failed = NULL;
	const struct bisect_boots b = {
		.session = t->session,
		.kernels = &kernel,
		.n = 1,
		.wanted = t->request->boots,
		.failed = &failed,
	};
	int status, ret = bisect_fill_boots(&t->s, &b, err);

	if (ret)
		return cannot_tell(ret, err->text);
	if (!failed)
		return judge_failures(t, err);
	status = cannot_tell(0, failed);
	free(failed);
	return status;
}

/* ---- boots ---- */

/* Boots up to @boots times. *status: the answer; *final: more boots would not change it. */
static int measure_boots(struct test *t, int boots, int *status, bool *final, struct error *err)
{
	const struct bisect_built *kernel = &t->built;
	const struct request_probe *p = &t->request->probe;
	char *failed = NULL;
	double *medians = NULL;
	size_t n = 0;
	const struct bisect_boots b = {
		.session = t->session,
		.kernels = &kernel,
		.n = 1,
		.wanted = boots,
		.failed = &failed,
	};
	int ret = bisect_fill_boots(&t->s, &b, err);

	*final = true;
	if (ret)
		return ret;
	if (failed) {
		*status = cannot_tell(0, failed);
		free(failed);
		return 0;
	}
	ret = results_boot_medians(t->db, t->session, kernel->key, p->scenario, p->metric, &medians,
				   &n, err);
	if (ret)
		return ret;
	*status = compare_with_limit(t, medians, n);
	*final = *status != EXIT_CANNOT_TELL || !n || boots >= t->max_boots;
	if (*final)
		print_medians(t, medians, n, *status);
	free(medians);
	return 0;
}

/* Doubles the boots until all agree, up to the maximum. */
static int measure_until_sure(struct test *t, struct error *err)
{
	int boots = t->request->boots;

	for (;;) {
		bool final;
		int status, ret = measure_boots(t, boots, &status, &final, err);

		if (ret)
			return cannot_tell(ret, err->text);
		if (final)
			return status;
		boots *= 2;
		if (boots > t->max_boots)
			boots = t->max_boots;
	}
}

static int build_and_measure(struct test *t, struct error *err)
{
	char *commit = NULL;
	const char *ids[1];
	int status, ret = bisect_commit_checked_out(t->request->tree, &commit, err);

	if (ret)
		return cannot_tell(ret, err->text);
	ids[0] = commit;
	ret = t->s.lab.build(t->s.lab.arg, ids, 1, &t->built, err);
	if (ret)
		status = cannot_tell(ret, err->text);
	else if (t->built.why)
		status = cannot_tell(0, t->built.why);
	else if (t->hunt)
		status = boot_for_failures(t, err);
	else
		status = measure_until_sure(t, err);
	free(commit);
	bisect_built_free(&t->built);
	return status;
}

/* A wrong request is wrong for every commit, so it is fatal and not a skip. */
static int test_in_lab(struct test *t)
{
	struct error err = {0};
	int status;

	if (bisect_lab_open(&t->lab_request, t->session, command_places()->runs, t->db, &t->lab,
			    &err))
		return command_fatal(&err);
	t->s = (struct bisect_session){
		.db = t->db,
		.session = t->session,
		.lab = bisect_lab_ops(t->lab),
		.hunt = t->hunt,
		.limits = {.guest_failures = 2, .host_failures = 4},
	};
	status = build_and_measure(t, &err);
	bisect_lab_close(t->lab);
	return status;
}

/* ---- the command ---- */

static void fill_lab_request(const struct request_test *r, const char *line, struct test *t)
{
	t->max_boots = r->max_boots;
	if (t->max_boots < r->boots)
		t->max_boots = r->boots;
	t->lab_request = (struct request_bisect){
		.kind = BISECT_GIT,
		.probe = r->probe,
		.variant = r->variant,
		.tree = r->tree,
		.host = r->host,
		.boots = r->boots,
		.max_boots = t->max_boots,
		.parallel = 1,
		.seed = 1,
		.command = (char *)line,
	};
}

static void check_metric(const struct request_probe *p, struct test *t)
{
	const struct scenario_metric *m = scenario_find_metric(p->scenario, p->metric);

	if (!m)
		command_usage_error("scenario %s has no metric %s (docs/scenarios.md)", p->scenario,
				    p->metric);
	t->higher_is_better = !strcmp(m->better, "higher");
}

static int check_request(const struct request_test *r, struct test *t, struct error *err)
{
	const struct request_probe *p = &r->probe;
	int ret;

	if (!p->fails.wanted)
		check_metric(p, t);
	ret = bisect_probe_check(p, err);
	if (ret)
		return ret;
	ret = bisect_check_tree(r->tree, err);
	if (ret || !p->fails.wanted)
		return ret;
	return bisect_hunt_open(&p->fails, &t->hunt, err);
}

static int carry_out_test(struct request *r, const char *line)
{
	struct test t = {.request = &r->test};
	struct error err = {0};
	int status;

	request_absolute(r);
	/* before anything is written: a wrong request leaves nothing */
	if (check_request(&r->test, &t, &err))
		return command_fatal(&err);
	fill_lab_request(&r->test, line, &t);
	run_new_session(t.session);
	if (results_open(command_places()->db, true, &t.db, &err)) {
		bisect_hunt_free(t.hunt);
		return command_fatal(&err);
	}
	status = test_in_lab(&t);
	results_close(t.db);
	bisect_hunt_free(t.hunt);
	return status;
}

const struct command cmd_test = {
	.name = "test",
	.help = "judge what is checked out, for git bisect run",
	.usage = "FOLDER --scenario KIND --metric METRIC --limit X [options]\n"
		 "FOLDER --fails [--test NAME | --class CLASS | --message REGEX] [options]",
	.about =
		"Builds what is checked out in FOLDER (a git work tree of the kernel; uncommitted "
		"changes included), boots it and compares the metric's median with the limit. For "
		"`git bisect run`:\n"
		"\n"
		"  git bisect run nestlab test . --scenario multiplex --metric switch \\\n"
		"      --limit 25000\n"
		"\n"
		"With --fails it asks whether one of --boots boots fails: in this selftest (--test), "
		"in this class, with this message, or at all. A boot that fails in another way does "
		"not tell.",
	.exit_status =
		"0 within the limit or no failure, 1 beyond it or a failure, 125 cannot tell (it does "
		"not build or boot, its boots disagree or fail in another way, or the host is in trouble: git bisect skips it), 128 interrupted, "
		"the disk is full, or the request is wrong (ends git bisect run)",
	.options = options,
	.carry_out = carry_out_test,
	.kind = REQUEST_TEST,
};
