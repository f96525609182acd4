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
#include "orchestrator/command.h"
#include "orchestrator/database.h"
#include "orchestrator/run.h"
#include "results/results.h"

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

/* Only this session's boots: what the command made is what it shows. */
static int show_comparison(struct results_db *db, const struct run_request *req, bool json)
{
	struct results_filter filter = { .session = req->session };
	struct results_comparison c = { 0 };
	struct strbuf out = STRBUF_INIT;
	struct error err = { 0 };
	int ret = results_compare(db, req->kernels[0], req->kernels[1], &filter, &c, &err);

	if (ret)
		return ret == -ENODATA ? EXIT_CANNOT_TELL : fatal(&err);
	if (json)
		results_render_json(&c, &out);
	else
		results_render_text(&c, database_colour(), &out);
	fputs(out.buf, stdout);
	ret = database_exit_status(&c);
	strbuf_release(&out);
	results_comparison_free(&c);
	return ret;
}

static int report(struct results_db *db, const struct run_request *req, const struct run_summary *s,
		  const char *path, bool json)
{
	int status = req->nkernels == 2 ? show_comparison(db, req, json) : 0;
	bool wrong = s->failed[RESULTS_GUEST] || s->failed[RESULTS_INTEGRITY];
	bool unknown = s->failed[RESULTS_INFRASTRUCTURE] || s->failed[RESULTS_JOB];

	if (wrong && (status == 0 || status == EXIT_CANNOT_TELL))
		status = EXIT_NO;
	else if (unknown && status == 0)
		status = EXIT_CANNOT_TELL;
	if (json)
		return status;
	printf("\n%d boots passed; database: %s (session %s)\n", s->boots, path, req->session);
	if (req->nkernels == 2)
		printf("next: nestlab compare %s %s --all --db %s\n", req->kernels[0],
		       req->kernels[1], path);
	return status;
}

int cmd_run(int argc, char **argv)
{
	__cleanup_free char *command = join(argc, argv);
	struct option_list kernels = { 0 };
	const char *host = "emulated", *db_path = NULL;
	bool json = false;
	long boots = 2, seed = 1;
	const struct option_spec opts[] = {
		OPTION_LIST("kernel", "NAME", &kernels, "a kernel; twice to compare (base first)"),
		OPTION_INT("boots", "N", &boots, 1, 1000, "boots of each kernel (default: 2)"),
		OPTION_STRING("host", "NAME", &host, "where to run (default: emulated)"),
		OPTION_STRING("db", "FILE", &db_path, "database (default: results/nestlab.db)"),
		OPTION_INT("seed", "N", &seed, 1, 1000000000, "seed of boot 1 (default: 1)"),
		OPTION_FLAG("json", &json, "the comparison as JSON on stdout"),
		OPTION_END
	};
	int n = options_parse(argc, argv, opts, usage, about), ret;
	__cleanup_free char *path = NULL;
	__cleanup_free char *runs = NULL;
	char session[RUN_SESSION_MAX];
	struct run_summary summary = { 0 };
	struct error err = { 0 };
	struct results_db *db;
	struct run_request req;

	if (!n)
		options_usage_error(usage, "no SCENARIO given");
	if (kernels.count < 1 || kernels.count > 2)
		options_usage_error(usage, "give --kernel once or twice");
	if (kernels.count == 2 && !strcmp(kernels.items[0], kernels.items[1]))
		options_usage_error(usage,
				    "the two kernels are the same one; see: nestlab compare A A");
	path = database_path(db_path);
	runs = runs_beside(path);
	run_new_session(session);
	if (fs_mkdir_p(runs, &err) || results_open(path, true, &db, &err))
		return fatal(&err);
	req = (struct run_request){
		.scenarios = (const char *const *)argv,
		.nscenarios = n,
		.kernels = kernels.items,
		.nkernels = kernels.count,
		.host = host,
		.session = session,
		.runs_dir = runs,
		.command = command,
		.seed = seed,
		.first_boot = 1,
		.boots = boots,
	};
	ret = run_execute(&req, db, &summary, &err);
	ret = ret ? fatal(&err) : report(db, &req, &summary, path, json);
	results_close(db);
	free(kernels.items);
	return ret;
}
