// SPDX-License-Identifier: GPL-2.0-only
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/log.h"
#include "common/options.h"
#include "orchestrator/bisect/commits.h"
#include "orchestrator/bisect/engine_lab.h"
#include "orchestrator/bisect/session.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/engine/run.h"
#include "scenarios/scenarios.h"

static const char usage[] =
	"nestlab test KERNEL-TREE --scenario S --metric M --limit X [--param K=V]...";
static const char about[] =
	"Builds what is checked out in KERNEL-TREE (a git work tree; uncommitted changes "
	"included),\n"
	"boots it and holds the metric's median against the limit. For `git bisect run`:\n\n"
	"  git bisect run nestlab test . --scenario multiplex --metric switch --limit 25000\n\n"
	"Exit status: 0 within the limit, 1 beyond it, 125 cannot tell (it does not build or "
	"boot,\n"
	"its boots disagree, or the host is in trouble: git bisect skips it), 128 interrupted, or "
	"the\n"
	"request is wrong (ends git bisect run).";

/* One kernel under test. */
struct test {
	struct bisect_request request;
	struct results_db *db;
	struct lab *lab;
	char session[RUN_SESSION_MAX];
	struct bisect_session s;
	struct bisect_built built;
	double limit;
	bool higher_is_better;
};

static int cannot_tell(const char *text)
{
	log_error("%s", text);
	/* 128 and above make `git bisect run` stop, where 125 would make it go on */
	return cancel_requested() ? EXIT_FATAL : EXIT_CANNOT_TELL;
}

/* What is wrong with every commit: skipping them one after the other would tell nothing. */
static int fatal(const char *text)
{
	log_error("%s", text);
	return EXIT_FATAL;
}

/* 0 within, EXIT_NO beyond, EXIT_CANNOT_TELL: the boots disagree. */
static int hold_against(const struct test *t, const double *medians, size_t n)
{
	size_t beyond = 0;

	for (size_t i = 0; i < n; i++)
		beyond += t->higher_is_better ? medians[i] < t->limit : medians[i] > t->limit;
	if (!n || (beyond && beyond < n))
		return EXIT_CANNOT_TELL;
	return beyond ? EXIT_NO : 0;
}

static void say(const struct test *t, const double *medians, size_t n, int status)
{
	static const char *const words[] = {"within", "beyond"};

	printf("%s %s:", t->request.probe.scenario, t->request.probe.metric);
	for (size_t i = 0; i < n; i++)
		printf(" %.6g", medians[i]);
	if (status == EXIT_CANNOT_TELL)
		printf(": %s the limit of %.6g\n", n ? "on both sides of" : "no number for",
		       t->limit);
	else
		printf(": %s the limit of %.6g\n", words[status], t->limit);
}

/* Boots until all agree, at most max_boots times. */
static int measure(struct test *t, int boots, struct error *err)
{
	const struct bisect_built *kernel = &t->built;
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
	int status, ret = bisect_fill_boots(&t->s, &b, err);

	if (!ret && failed) {
		status = cannot_tell(failed);
		free(failed);
		return status;
	}
	if (!ret)
		ret = results_boot_medians(t->db, t->session, kernel->key,
					   t->request.probe.scenario, t->request.probe.metric,
					   &medians, &n, err);
	status = ret ? cannot_tell(err->text) : hold_against(t, medians, n);
	if (!ret && (status != EXIT_CANNOT_TELL || !n || boots == t->request.max_boots))
		say(t, medians, n, status);
	free(medians);
	if (ret || status != EXIT_CANNOT_TELL || !n || boots == t->request.max_boots)
		return status;
	boots = boots * 2 < t->request.max_boots ? boots * 2 : t->request.max_boots;
	return measure(t, boots, err);
}

static int build_and_measure(struct test *t, struct error *err)
{
	const char *ids[1];
	int status;
	char *commit = NULL;

	if (bisect_commit_checked_out(t->request.tree, &commit, err))
		return cannot_tell(err->text);
	ids[0] = commit;
	if (t->s.lab.build(t->s.lab.arg, ids, 1, &t->built, err))
		status = cannot_tell(err->text);
	else if (t->built.why)
		status = cannot_tell(t->built.why);
	else
		status = measure(t, t->request.boots, err);
	free(commit);
	bisect_built_free(&t->built);
	return status;
}

static int test(struct test *t, const char *db)
{
	__cleanup_free char *path = command_db_path(db);
	__cleanup_free char *copy = xstrdup(path);
	__cleanup_free char *runs = xasprintf("%s/runs", dirname(copy));
	struct error err = {0};
	int status;

	run_new_session(t->session);
	if (results_open(path, true, &t->db, &err))
		return fatal(err.text);
	if (bisect_lab_open(&t->request, t->session, runs, t->db, &t->lab, &err)) {
		status = fatal(err.text);
	} else {
		t->s = (struct bisect_session){
			.db = t->db,
			.session = t->session,
			.lab = bisect_lab_ops(t->lab),
			.limits = {.guest_failures = 2, .host_failures = 4},
		};
		status = build_and_measure(t, &err);
		bisect_lab_close(t->lab);
	}
	results_close(t->db);
	return status;
}

static void check_metric(struct test *t)
{
	const struct bisect_probe *p = &t->request.probe;
	const struct scenario_metric *m = scenario_find_metric(p->scenario, p->metric);

	if (!m)
		options_usage_error(usage, "scenario %s has no metric %s (docs/scenarios.md)",
				    p->scenario, p->metric);
	t->higher_is_better = !strcmp(m->better, "higher");
}

int cmd_test(int argc, char **argv)
{
	const char *scenario = NULL, *metric = NULL, *variant = "baseline", *host = "emulated",
		   *db = NULL;
	struct option_list params = {0};
	struct test t = {.limit = -1};
	long boots = 2, max_boots = 8, rounds = 0;
	const struct option_spec opts[] = {
		OPTION_STRING("scenario", "S", &scenario, "multiplex, migrate, exits, ..."),
		OPTION_STRING("metric", "M", &metric, "one of its metrics, e.g. switch"),
		OPTION_DOUBLE("limit", "X", &t.limit, "in the metric's unit"),
		OPTION_LIST("param", "K=V", &params, "a parameter; may be given again"),
		OPTION_INT("rounds", "N", &rounds, 0, 1000000, "rounds (default: the scenario's)"),
		OPTION_STRING("variant", "NAME", &variant,
			      "config and compiler of the kernel (default: baseline)"),
		OPTION_INT("boots", "N", &boots, 1, 100, "boots, at first (default: 2)"),
		OPTION_INT("max-boots", "N", &max_boots, 1, 100, "at most (default: 8)"),
		OPTION_STRING("host", "NAME", &host, "where to run (default: emulated)"),
		OPTION_STRING("db", "FILE", &db, "database (default: results/nestlab.db)"),
		OPTION_END};
	int n = options_parse(argc, argv, opts, usage, about), status;

	if (n != 1)
		options_usage_error(usage, "give one KERNEL-TREE");
	if (!scenario || !metric || !(t.limit >= 0))
		options_usage_error(usage, "give --scenario, --metric and --limit");
	t.request = (struct bisect_request){
		.kind = BISECT_GIT,
		.probe = {.scenario = xstrdup(scenario),
			  .metric = xstrdup(metric),
			  .params = xcalloc(params.count + 1, sizeof(char *)),
			  .nparams = params.count,
			  .rounds = rounds},
		.variant = xstrdup(variant),
		.tree = realpath(argv[0], NULL),
		.host = xstrdup(host),
		.boots = boots,
		.max_boots = max_boots > boots ? max_boots : boots,
		.parallel = 1,
		.seed = 1,
		.command = xasprintf("nestlab test %s", argv[0]),
	};
	for (size_t i = 0; i < params.count; i++)
		t.request.probe.params[i] = xstrdup(params.items[i]);
	if (!t.request.tree)
		options_usage_error(usage, "%s: no such folder", argv[0]);
	check_metric(&t);
	status = test(&t, db);
	bisect_request_free(&t.request);
	free(params.items);
	return status;
}
