// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "orchestrator/cli/command.h"
#include "results/compare/compare.h"
#include "results/report/text.h"

static bool as_json, all_metrics;
static const struct option_spec options[] = {
	OPTION_FLAG("all", &all_metrics, "show every metric, not only the headline ones"),
	OPTION_FLAG("json", &as_json, "machine-readable output"), COMMAND_DB, OPTION_END};

static unsigned int render_flags(void)
{
	unsigned int how = command_render_flags();

	if (all_metrics)
		how |= RESULTS_RENDER_ALL;
	return how;
}

static int compare_kernels(struct results_db *db, const struct request_compare *r)
{
	struct results_filter filter = {
		.scenario = r->scenario, .metric = r->metric, .session = r->session};
	size_t n;
	__cleanup_free const char **kernels = command_list_kernels(r->base, r->new, &r->others, &n);
	struct results_table t;
	struct error err = {0};
	int status, ret = results_compare_table(db, kernels, n, &filter, &t, &err);

	if (ret == -ENODATA) { /* as run and report: without boots there is no answer */
		log_error("%s", err.text);
		return EXIT_CANNOT_TELL;
	}
	if (ret)
		return command_fatal(&err);
	ret = results_confirm_read(db, &err);
	if (ret) {
		status = command_fatal(&err);
	} else {
		command_print_table(&t, as_json, render_flags());
		status = command_verdict_status(t.verdict);
	}
	results_table_free(&t);
	return status;
}

static int carry_out_compare(struct request *r, const char *line)
{
	struct results_db *db;
	struct error err = {0};
	int status;

	(void)line;
	if (results_open_read(command_places()->db, &db, &err))
		return command_fatal(&err);
	status = compare_kernels(db, &r->compare);
	results_close(db);
	return status;
}

const struct command cmd_compare = {
	.name = "compare",
	.help = "compare kernels by their stored boots",
	.usage = "[options] BASE NEW...",
	.about =
		"Compares kernel NEW with kernel BASE from the boots in the database.\n"
		"\n"
		"Several NEW, or commits in order: one table, each kernel against BASE, all judged "
		"together; the exit status is the worst.\n"
		"\n"
		"KERNEL+L1: only its boots whose Linux L1s had that kernel (run --l1-kernel). Named on both "
		"sides, L1 kernels are what is compared; else both must have had the same.\n"
		"\n"
		"If both are the same kernel, its boots are split into two alternating halves, which "
		"must not differ.",
	.exit_status = "0 no regression, 1 a regression, 125 cannot tell, 128 fatal",
	.options = options,
	.carry_out = carry_out_compare,
	.kind = REQUEST_COMPARE,
};
