// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/options.h"
#include "common/strbuf.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/engine/run.h"
#include "results/compare/compare.h"
#include "results/report/text.h"

static const char usage[] = "nestlab run [options] SCENARIO... --kernel A [--kernel B]";
static const char about[] = "Builds the kernels (if they are not yet), boots each on the host with "
			    "the scenario, stores\n"
			    "every boot in the database and compares B with A.\n\n"
			    "SCENARIO is a name of `nestlab scenario list` or a path ending in "
			    ".json; a kernel is a name\n"
			    "of `nestlab kernel list` or a variant's path.\n\n"
			    "Exit status: 0 no regression, 1 a regression or a failed boot, 125 "
			    "cannot tell, 128 fatal.";

static char *join(int argc, char **argv)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, "nestlab");
	for (int i = 0; i < argc; i++)
		strbuf_addf(&sb, " %s", argv[i]);
	return strbuf_detach(&sb);
}

static char *runs_beside(const char *db)
{
	__cleanup_free char *copy = xstrdup(db);

	return xasprintf("%s/runs", dirname(copy));
}

static int fatal(const struct error *err)
{
	log_error("%s", err->text);
	return EXIT_FATAL;
}

/* What the options said. */
struct options {
	struct option_list kernels;
	const char *host, *db, *boots;
	long max_boots, seed;
	bool json;
};

static int compare(struct results_db *db, const struct run_request *req,
		   const struct run_summary *s, double alpha, struct results_comparison *c,
		   struct error *err)
{
	/* Only this session's boots: what the command made is what it shows. */
	struct results_filter filter = {.session = req->session, .alpha = alpha};

	return results_compare(db, s->kernels[0], s->kernels[1], &filter, c, err);
}

static int show_comparison(struct results_db *db, const struct run_request *req,
			   const struct run_summary *s, double alpha, bool json)
{
	struct results_comparison c = {0};
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	int ret = compare(db, req, s, alpha, &c, &err);

	if (ret == -ENODATA) { /* failed boots leave nothing to compare: say so, and cannot tell */
		log_error("%s", err.text);
		return EXIT_CANNOT_TELL;
	}
	if (ret)
		return fatal(&err);
	if (json)
		results_render_json(&c, &out);
	else
		results_render_text(&c, command_colour(), &out);
	fputs(out.buf, stdout);
	ret = command_exit_status(&c);
	strbuf_release(&out);
	results_comparison_free(&c);
	return ret;
}

/* All of them, for a comparison names only those that differ. */
static void show_selftests(struct results_db *db, const struct run_request *req,
			   const struct run_summary *s)
{
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};

	if (results_render_selftests(db, req->session, (const char *const *)s->kernels, s->nkernels,
				     command_colour(), &out, &err))
		log_error("%s", err.text);
	if (out.len)
		printf("\n%s", out.buf);
	strbuf_release(&out);
}

/* A look at the usual alpha after those of --boots auto is one more than the level allows for. */
static void tell_next(const struct run_summary *s, const char *path, double alpha)
{
	printf("next: nestlab compare %s %s --all --db %s\n", s->kernels[0], s->kernels[1], path);
	if (alpha)
		printf("      (which looks once more, at 0.05 where each look above had %.2g: what "
		       "it alone "
		       "calls\n      changed deserves boots of its own)\n",
		       alpha);
}

static int report(struct results_db *db, const struct run_request *req, const struct run_summary *s,
		  const char *path, double alpha, bool json)
{
	int status = s->nkernels == 2 ? show_comparison(db, req, s, alpha, json) : 0;
	bool wrong = s->failed[RESULTS_GUEST] || s->failed[RESULTS_INTEGRITY];
	bool unknown = s->failed[RESULTS_INFRASTRUCTURE] || s->failed[RESULTS_JOB];

	if (wrong && (status == 0 || status == EXIT_CANNOT_TELL))
		status = EXIT_NO;
	else if (unknown && status == 0)
		status = EXIT_CANNOT_TELL;
	if (json)
		return status;
	show_selftests(db, req, s);
	printf("\n%d boot%s passed; database: %s (session %s)\n", s->boots,
	       s->boots == 1 ? "" : "s", path, req->session);
	if (s->nkernels == 2)
		tell_next(s, path, alpha);
	return status;
}

/* How it stands after a look of --boots auto, and why. */
static void tell_look(const struct results_comparison *c, int boots, int more)
{
	__cleanup_free char *noise = results_noise_words(c);
	size_t open = 0;

	for (size_t i = 0; i < c->nmetrics; i++)
		open += c->metrics[i].median.verdict == VERDICT_INCONCLUSIVE;
	log_info("%d boot%s of each kernel: %zu of %zu medians undecided%s: %s", boots,
		 boots == 1 ? "" : "s", open, c->nmetrics,
		 !open			 ? ", so no more boots"
		 : more			 ? ", going on"
		 : results_more_boots(c) ? ", and --max-boots allows no more"
					 : ", and more boots would not help",
		 noise);
}

/* Looks at the boots so far. @more: how many more of each kernel are wanted and allowed. */
static int look(struct results_db *db, const struct run_request *req,
		const struct run_summary *summary, double alpha, long max_boots, int *more,
		struct error *err)
{
	int boots = req->first_boot + req->boots - 1;
	struct results_comparison c = {0};
	int ret = compare(db, req, summary, alpha, &c, err);

	*more = 0;
	if (ret)
		return ret == -ENODATA ? 0 : ret; /* the report will say it */
	*more = results_more_boots(&c);
	*more = *more < max_boots - boots ? *more : (int)(max_boots - boots);
	tell_look(&c, boots, *more);
	results_comparison_free(&c);
	return 0;
}

/*
 * --boots auto: one boot of each kernel, then as many more as the
 * comparison asks for, until all is decided, the maximum is reached or a boot failed. Each look has
 * its share of alpha, so that looking often finds no more than looking once.
 */
static int run_until_decided(struct run_request *req, struct results_db *db, long max_boots,
			     double alpha, struct run_summary *summary, struct error *err)
{
	for (;;) {
		int more, ret = run_execute(req, db, summary, err);

		if (ret || summary->first.code)
			return ret;
		ret = look(db, req, summary, alpha, max_boots, &more, err);
		if (ret || !more)
			return ret;
		req->first_boot += req->boots;
		req->boots = more;
	}
}

static int run_all(struct run_request *req, const struct options *o, struct results_db *db,
		   const char *path)
{
	bool automatic = !strcmp(o->boots, "auto");
	double alpha = automatic ? results_sequential_alpha(0.05, o->max_boots) : 0;
	struct run_summary summary = {0};
	struct error err = {0};
	int ret;

	if (automatic)
		ret = run_until_decided(req, db, o->max_boots, alpha, &summary, &err);
	else
		ret = run_execute(req, db, &summary, &err);
	ret = ret ? fatal(&err) : report(db, req, &summary, path, alpha, o->json);
	run_summary_free(&summary);
	return ret;
}

/* "auto" starts with one boot of each. */
static int parse_boots(const char *text)
{
	char *end;
	long n;

	if (!strcmp(text, "auto"))
		return 1;
	n = strtol(text, &end, 10);
	if (*end || end == text || n < 1 || n > 1000)
		options_usage_error(usage,
				    "--boots: expected a whole number from 1 to 1000, or auto");
	return n;
}

static void check_operands(const struct options *o, int nscenarios)
{
	const struct option_list *kernels = &o->kernels;

	if (!nscenarios)
		options_usage_error(usage, "no SCENARIO given");
	if (kernels->count < 1 || kernels->count > 2)
		options_usage_error(usage, "give --kernel once or twice");
	if (kernels->count == 2 && !strcmp(kernels->items[0], kernels->items[1]))
		options_usage_error(usage,
				    "the two kernels are the same one; see: nestlab compare A A");
	if (kernels->count == 1 && !strcmp(o->boots, "auto"))
		options_usage_error(usage, "--boots auto wants two kernels to decide between");
}

int cmd_run(int argc, char **argv)
{
	__cleanup_free char *command = join(argc, argv);
	struct options o = {.host = "emulated", .boots = "2", .max_boots = 8, .seed = 1};
	const struct option_spec opts[] = {
		OPTION_LIST("kernel", "NAME", &o.kernels,
			    "a kernel; twice to compare (base first)"),
		OPTION_STRING("boots", "N|auto", &o.boots,
			      "boots of each kernel (default: 2); auto: until all is decided"),
		OPTION_INT("max-boots", "N", &o.max_boots, 1, 1000,
			   "at most, with auto (default: 8)"),
		OPTION_STRING("host", "NAME", &o.host, "where to run (default: emulated)"),
		OPTION_STRING("db", "FILE", &o.db, "database (default: results/nestlab.db)"),
		OPTION_INT("seed", "N", &o.seed, 1, 1000000000, "seed of boot 1 (default: 1)"),
		OPTION_FLAG("json", &o.json, "the comparison as JSON on stdout"),
		OPTION_END};
	int n = options_parse(argc, argv, opts, usage, about), ret;
	__cleanup_free char *path = command_db_path(o.db);
	__cleanup_free char *runs = runs_beside(path);
	char session[RUN_SESSION_MAX];
	struct error err = {0};
	struct results_db *db;
	struct run_request req = {
		.scenarios = (const char *const *)argv,
		.nscenarios = n,
		.kernels = o.kernels.items,
		.nkernels = o.kernels.count,
		.host = o.host,
		.session = session,
		.runs_dir = runs,
		.command = command,
		.seed = o.seed,
		.first_boot = 1,
		.boots = parse_boots(o.boots),
	};

	check_operands(&o, n);
	run_new_session(session);
	if (fs_mkdir_p(runs, &err) || results_open(path, true, &db, &err))
		return fatal(&err);
	ret = run_all(&req, &o, db, path);
	results_close(db);
	free(o.kernels.items);
	return ret;
}
