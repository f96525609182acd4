// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fs.h"
#include "common/log.h"
#include "common/shell.h"
#include "common/strbuf.h"
#include "common/terminal.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/engine/run.h"
#include "results/compare/compare.h"
#include "results/report/text.h"

static bool as_json;
static const char *given_session;
static const struct option_spec options[] = {
	OPTION_FLAG("json", &as_json, "print the comparison as JSON"),
	OPTION_STRING("session", "NAME", &given_session,
		      "the session that the boots belong to (default: a new one)"),
	COMMAND_DB, OPTION_END};

/* One `nestlab run`. */
struct session {
	struct results_db *db;
	struct run_request request; /* boots of the engine's next call */
	struct run_summary summary;
	double alpha;  /* of each look of --boots auto; 0: one look at the usual level */
	int max_boots; /* with --boots auto */
};

/* Compares the boots of this session only: the ones that this run made. */
static int compare_boots(struct session *s, struct results_comparison *c, struct error *err)
{
	struct results_filter filter = {.session = s->request.session, .alpha = s->alpha};

	return results_compare(s->db, s->summary.kernels[0], s->summary.kernels[1], &filter, c,
			       err);
}

/* ---- what is shown at the end ---- */

static int show_comparison(struct session *s)
{
	struct results_comparison c = {0};
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	int status, ret = compare_boots(s, &c, &err);

	if (ret == -ENODATA) { /* all boots of a kernel failed: nothing to compare */
		log_error("%s", err.text);
		return EXIT_CANNOT_TELL;
	}
	if (ret)
		return command_fatal(&err);
	if (as_json)
		results_render_json(&c, &out);
	else
		results_render_text(&c, command_render_flags(), &out);
	if (as_json)
		fputs(out.buf, stdout);
	else
		command_print_text(out.buf);
	status = command_exit_status(&c);
	strbuf_release(&out);
	results_comparison_free(&c);
	return status;
}

/* All selftests: the comparison names only those that differ. */
static void show_selftests(struct session *s)
{
	const struct run_summary *sum = &s->summary;
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};

	if (results_render_selftests(s->db, s->request.session, (const char *const *)sum->kernels,
				     sum->nkernels, command_render_flags(), &out, &err))
		log_error("%s", err.text);
	if (out.len)
		printf("\n%s", out.buf);
	strbuf_release(&out);
}

static void print_compare(const struct session *s)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "next: %s compare", shell_program());
	for (size_t i = 0; i < s->summary.nkernels; i++)
		request_add_word(&line, s->summary.kernels[i]);
	strbuf_addstr(&line, " --all --db");
	request_add_word(&line, command_places()->db);
	terminal_printf("%s\n", line.buf);
	strbuf_release(&line);
}

/*
 * Prints the command that compares the stored boots again. After --boots auto this is one look more
 * than the significance level was shared among, so what only this comparison reports can be chance.
 */
static void show_next_command(struct session *s)
{
	print_compare(s);
	if (s->alpha)
		terminal_printf(
			"      (at level 0.05, where each look above had %.2g: confirm anything that\n"
			"      only this comparison reports with new boots)\n",
			s->alpha);
}

/* Failed boots count, whatever the numbers say. */
static int final_status(const struct run_summary *sum, int status)
{
	bool wrong = sum->failed[RESULTS_GUEST] || sum->failed[RESULTS_INTEGRITY];
	bool unknown = sum->failed[RESULTS_INFRASTRUCTURE] || sum->failed[RESULTS_JOB];

	if (wrong && (status == 0 || status == EXIT_CANNOT_TELL))
		return EXIT_NO;
	if (unknown && status == 0)
		return EXIT_CANNOT_TELL;
	return status;
}

static int show_results(struct session *s)
{
	const struct run_summary *sum = &s->summary;
	int status = 0;

	if (sum->nkernels == 2)
		status = show_comparison(s);
	status = final_status(sum, status);
	if (as_json)
		return status;
	show_selftests(s);
	terminal_printf("\n%d boot%s passed; database: %s (session %s)\n", sum->boots,
			sum->boots == 1 ? "" : "s", command_places()->db, s->request.session);
	if (sum->nkernels == 2)
		show_next_command(s);
	return status;
}

/* ---- --boots auto ---- */

static void log_look(const struct results_comparison *c, int boots, int more)
{
	char *noise = results_noise_words(c);
	const char *next = ", and more boots would not help";
	size_t undecided = 0;

	for (size_t i = 0; i < c->nmetrics; i++)
		undecided += c->metrics[i].median.verdict == VERDICT_INCONCLUSIVE;
	if (!undecided)
		next = ", so no more boots";
	else if (more)
		next = ", going on";
	else if (results_more_boots(c))
		next = ", and --max-boots allows no more";
	log_info("%d boot%s of each kernel: %zu of %zu medians undecided%s: %s", boots,
		 boots == 1 ? "" : "s", undecided, c->nmetrics, next, noise);
	free(noise);
}

/* Looks at the boots so far. @more: how many more of each kernel are wanted and allowed. */
static int look_at_boots(struct session *s, int *more, struct error *err)
{
	int boots = s->request.first_boot + s->request.boots - 1;
	struct results_comparison c = {0};
	int ret = compare_boots(s, &c, err);

	*more = 0;
	if (ret == -ENODATA)
		return 0; /* show_comparison() will say so */
	if (ret)
		return ret;
	*more = results_more_boots(&c);
	if (*more > s->max_boots - boots)
		*more = s->max_boots - boots;
	log_look(&c, boots, *more);
	results_comparison_free(&c);
	return 0;
}

/*
 * One boot of each kernel, then as many more as the comparison asks for, until all is decided, the
 * maximum is reached or a boot failed. The looks share alpha, so that many looks report no more by
 * chance than a single one.
 */
static int run_until_decided(struct session *s, struct error *err)
{
	for (;;) {
		int more, ret = run_execute(&s->request, s->db, &s->summary, err);

		if (ret || s->summary.first.code)
			return ret;
		ret = look_at_boots(s, &more, err);
		if (ret || !more)
			return ret;
		s->request.first_boot += s->request.boots;
		s->request.boots = more;
	}
}

/* ---- the command ---- */

static int run_session(struct session *s)
{
	struct error err = {0};
	int ret, status;

	if (s->alpha)
		ret = run_until_decided(s, &err);
	else
		ret = run_execute(&s->request, s->db, &s->summary, &err);
	if (ret) {
		status = command_fatal(&err);
		if (s->summary.kernel_at_fault)
			status = EXIT_NO; /* as `nestlab kernel build` does */
		else if (s->summary.unfit)
			status = EXIT_CANNOT_TELL;
	} else {
		status = show_results(s);
	}
	run_summary_free(&s->summary);
	return status;
}

/* A folder in runs/ has its name. */
static void name_session(char id[RUN_SESSION_MAX])
{
	if (!given_session) {
		run_new_session(id);
		return;
	}
	if (!fs_is_plain_name(given_session) || strlen(given_session) >= RUN_SESSION_MAX)
		command_usage_error(
			"--session: a name of letters, digits and ._+-, shorter than %d, "
			"is expected, not %s",
			RUN_SESSION_MAX, given_session);
	snprintf(id, RUN_SESSION_MAX, "%s", given_session);
}

static int carry_out_run(struct request *request, const char *line)
{
	const struct request_run *r = &request->run;
	const struct places *places = command_places();
	char id[RUN_SESSION_MAX];
	struct error err = {0};
	struct session s = {
		.request =
			{
				.scenarios = (const char *const *)r->scenarios.items,
				.nscenarios = r->scenarios.count,
				.kernels = (const char *const *)r->kernels.items,
				.nkernels = r->kernels.count,
				.host = r->host,
				.session = id,
				.runs_dir = places->runs,
				.command = line,
				.l1_kernel = r->l1_kernel,
				.seed = r->seed,
				.first_boot = r->first_boot,
				.boots = r->boots,
			},
		.max_boots = r->max_boots,
	};
	int status;

	if (!r->boots) { /* auto */
		s.request.boots = 1;
		s.alpha = results_sequential_alpha(0.05, r->max_boots);
	}
	name_session(id);
	if (fs_mkdir_p(places->runs, &err) || results_open(places->db, true, &s.db, &err))
		return command_fatal(&err);
	status = run_session(&s);
	results_close(s.db);
	return status;
}

const struct command cmd_run = {
	.name = "run",
	.help = "boot scenarios on two kernels and compare them",
	.usage = "[options] SCENARIO... --kernel KERNEL [--kernel KERNEL]\n"
		 "--request FILE [--json] [--db FILE]",
	.about =
		"Builds the kernels that are not built yet, boots each on the host with the "
		"scenarios, stores every boot in the database and compares the second kernel with "
		"the first.\n"
		"\n"
		"A kernel is a name of `nestlab kernel list`, or the path of a variant's .json file.",
	.exit_status =
		"0 no regression, 1 a regression, a failed boot, or a kernel that does not build (a patch "
		"does not apply, an option does not take, it does not compile), 125 cannot tell, 128 "
		"fatal: the lab is in trouble, which says nothing about a kernel",
	.options = options,
	.carry_out = carry_out_run,
	.kind = REQUEST_RUN,
};
