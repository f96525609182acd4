// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
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
		      "the session that the boots belong to (default: a new one)",
		      .excludes = "submit"),
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
static int compare_boots(struct session *s, struct results_table *t, struct error *err)
{
	struct results_filter filter = {.session = s->request.session, .alpha = s->alpha};

	return results_compare_table(s->db, (const char *const *)s->summary.kernels,
				     s->summary.nkernels, &filter, t, err);
}

/* ---- what is shown at the end ---- */

static int show_comparison(struct session *s)
{
	struct results_table t = {0};
	struct error err = {0};
	int status, ret = compare_boots(s, &t, &err);

	if (ret == -ENODATA) { /* all boots of a kernel failed: nothing to compare */
		log_error("%s", err.text);
		return EXIT_CANNOT_TELL;
	}
	if (ret)
		return command_fatal(&err);
	command_print_table(&t, as_json, command_render_flags());
	status = command_verdict_status(t.verdict);
	results_table_free(&t);
	return status;
}

/* What there is of one kernel alone: with --session other runs may have added other kernels. */
static void show_numbers(struct session *s)
{
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};

	if (results_render_numbers(s->db, s->request.session, s->summary.kernels[0],
				   command_render_flags(), &out, &err))
		log_error("%s", err.text);
	if (out.len)
		printf("\n%s", out.buf);
	strbuf_release(&out);
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

	if (sum->nkernels > 1)
		status = show_comparison(s);
	status = final_status(sum, status);
	if (as_json)
		return status;
	if (sum->nkernels == 1)
		show_numbers(s);
	show_selftests(s);
	terminal_printf("\n%d boot%s passed; database: %s (session %s)\n", sum->boots,
			sum->boots == 1 ? "" : "s", command_places()->db, s->request.session);
	if (sum->nkernels > 1)
		show_next_command(s);
	return status;
}

/* ---- --boots auto ---- */

/* The numbers of a comparison that decide and are undecided, and which of the pairs asks for most boots. */
struct look {
	size_t undecided, medians;
	int more;
	char *noise; /* of that pair, or of the first */
};

static void look_at_pairs(const struct results_table *t, struct look *l)
{
	const struct results_comparison *most = &t->pairs[0];

	*l = (struct look){.more = results_more_boots(most)};
	for (size_t p = 0; p < t->npairs; p++) {
		const struct results_comparison *c = &t->pairs[p];
		int more = results_more_boots(c);

		for (size_t i = 0; i < c->nmetrics; i++) {
			const struct results_compared *m = &c->metrics[i];

			if (!results_decides(c, m))
				continue;
			l->medians++;
			l->undecided += m->median.verdict == VERDICT_INCONCLUSIVE;
		}
		if (more <= l->more)
			continue;
		l->more = more;
		most = c;
	}
	l->noise = results_noise_words(most);
}

static void log_look(const struct look *l, int boots, int more)
{
	const char *next = ", and more boots would not help";

	if (!l->undecided)
		next = ", so no more boots";
	else if (more)
		next = ", going on";
	else if (l->more)
		next = ", and --max-boots allows no more";
	log_info("%d boot%s of each kernel: %zu of %zu medians undecided%s: %s", boots,
		 boots == 1 ? "" : "s", l->undecided, l->medians, next, l->noise);
}

/* Looks at the boots so far. @more: how many more of each kernel are wanted and allowed. */
static int look_at_boots(struct session *s, int *more, struct error *err)
{
	int boots = s->request.first_boot + s->request.boots - 1;
	struct results_table t = {0};
	struct look look;
	int ret = compare_boots(s, &t, err);

	*more = 0;
	if (ret == -ENODATA)
		return 0; /* show_comparison() will say so */
	if (ret)
		return ret;
	look_at_pairs(&t, &look);
	*more = look.more;
	if (*more > s->max_boots - boots)
		*more = s->max_boots - boots;
	log_look(&look, boots, *more);
	free(look.noise);
	results_table_free(&t);
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

/* The kernels as the engine is asked for them: those given, then the last one with the options of
 * --config. The caller frees the list with fs_free_names(). */
static char **list_kernels(const struct request_run *r, size_t *n)
{
	const struct request_list *given = &r->kernels;
	char **kernels = xcalloc(given->count + 1, sizeof(*kernels));
	struct strbuf name = STRBUF_INIT;

	for (*n = 0; *n < given->count; (*n)++)
		kernels[*n] = xstrdup(given->items[*n]);
	if (!r->config.count)
		return kernels;
	strbuf_addstr(&name, given->items[given->count - 1]);
	for (size_t i = 0; i < r->config.count; i++)
		strbuf_addf(&name, "+%s", r->config.items[i]);
	kernels[(*n)++] = strbuf_detach(&name);
	return kernels;
}

/* A wrong request leaves no database and no folder. */
static int open_and_run(struct session *s)
{
	const struct places *places = command_places();
	struct error err = {0};
	int status;
	bool unfit;

	if (run_check(&s->request, &unfit, &err)) {
		command_fatal(&err);
		return unfit ? EXIT_CANNOT_TELL : EXIT_FATAL;
	}
	if (fs_mkdir_p(places->runs, &err) || results_open(places->db, true, &s->db, &err))
		return command_fatal(&err);
	status = run_session(s);
	results_close(s->db);
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
	char id[RUN_SESSION_MAX];
	size_t nkernels;
	char **kernels = list_kernels(r, &nkernels);
	struct session s = {
		.request =
			{
				.scenarios = (const char *const *)r->scenarios.items,
				.nscenarios = r->scenarios.count,
				.kernels = (const char *const *)kernels,
				.nkernels = nkernels,
				.host = r->host,
				.append = r->append,
				.session = id,
				.runs_dir = command_places()->runs,
				.command = line,
				.l1_kernel = r->l1_kernel,
				.l1_image = r->l1_image,
				.seed = r->seed,
				.first_boot = r->first_boot,
				.boots = r->boots,
			},
		.max_boots = r->max_boots,
	};
	int status;

	if (as_json && nkernels == 1)
		command_usage_error("--json: prints a comparison, which takes two kernels");
	if (!r->boots) { /* auto */
		s.request.boots = 1;
		s.alpha = results_sequential_alpha(0.05, r->max_boots);
	}
	name_session(id);
	status = open_and_run(&s);
	fs_free_names(kernels, nkernels);
	return status;
}

const struct command cmd_run = {
	.name = "run",
	.help = "boot scenarios on kernels and compare them",
	.usage = "[options] SCENARIO... --kernel KERNEL [--kernel KERNEL]...\n"
		 "--request FILE [--json] [--db FILE]",
	.about =
		"Builds the kernels that are not built yet, boots each on the host with the "
		"scenarios, stores every boot in the database and compares the others with the "
		"first kernel.\n"
		"\n"
		"A kernel is a name of `nestlab kernel list`, or the path of a variant's .json file. "
		"KERNEL+CONFIG_X=y is that kernel with another option, made on the spot; so does "
		"--config of the last one given.",
	.exit_status =
		"0 no regression, 1 a regression, a failed boot, or a kernel that does not build (a patch "
		"does not apply, an option does not take, it does not compile), 125 cannot tell, 128 "
		"fatal: the lab is in trouble, which says nothing about a kernel",
	.options = options,
	.carry_out = carry_out_run,
	.kind = REQUEST_RUN,
};
