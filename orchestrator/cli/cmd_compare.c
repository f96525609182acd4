// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/options.h"
#include "common/strbuf.h"
#include "orchestrator/cli/command.h"
#include "results/compare/compare.h"
#include "results/report/text.h"

static const char usage[] = "nestlab compare [options] A B";
static const char about[] =
	"Compares kernel B with kernel A from the boots in the database: names, or the first "
	"digits "
	"of their keys.\n"
	"A twice: its boots are split into two alternating halves, which must not differ.\n\n"
	"Exit status: 0 no regression, 1 a regression, 125 cannot tell, 128 fatal.";

static int fatal(const struct error *err)
{
	log_error("%s", err->text);
	return EXIT_FATAL;
}

static int compare(struct results_db *db, char **kernels, const struct results_filter *filter,
		   bool json, bool all)
{
	struct results_comparison c;
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	int status = results_compare(db, kernels[0], kernels[1], filter, &c, &err);

	if (status == -ENODATA) { /* as run and report: nothing to compare is no answer */
		log_error("%s", err.text);
		return EXIT_CANNOT_TELL;
	}
	if (status)
		return fatal(&err);
	if (json)
		results_render_json(&c, &out);
	else
		results_render_text(&c,
				    (command_colour() ? RESULTS_RENDER_COLOUR : 0) |
					    (all ? RESULTS_RENDER_ALL : 0),
				    &out);
	fputs(out.buf, stdout);
	status = command_exit_status(&c);
	strbuf_release(&out);
	results_comparison_free(&c);
	return status;
}

int cmd_compare(int argc, char **argv)
{
	struct results_filter filter = {0};
	const char *file = NULL;
	bool json = false, all = false;
	const struct option_spec opts[] = {
		OPTION_STRING("scenario", "S", &filter.scenario, "only this scenario"),
		OPTION_STRING("metric", "M", &filter.metric, "only this metric"),
		OPTION_STRING("session", "ID", &filter.session, "only boots of this `nestlab run`"),
		OPTION_FLAG("all", &all, "every metric, not the headline ones alone"),
		OPTION_FLAG("json", &json, "machine-readable output"),
		OPTION_STRING("db", "FILE", &file, "the database (default: results/nestlab.db)"),
		OPTION_END};
	__cleanup_free char *path = NULL;
	struct results_db *db;
	struct error err = {0};
	int status;

	argc = options_parse(argc, argv, opts, usage, about);
	if (argc != 2)
		options_usage_error(usage, "two kernels are compared; %d given", argc);
	path = command_db_path(file);
	if (results_open(path, false, &db, &err))
		return fatal(&err);
	status = compare(db, argv, &filter, json, all);
	results_close(db);
	return status;
}
