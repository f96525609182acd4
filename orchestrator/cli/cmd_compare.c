// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "common/log.h"
#include "common/strbuf.h"
#include "orchestrator/cli/command.h"
#include "results/compare/compare.h"
#include "results/report/text.h"

static bool as_json, all_metrics;
static const struct option_spec options[] = {
	OPTION_FLAG("all", &all_metrics, "show every metric, not only the headline ones"),
	OPTION_FLAG("json", &as_json, "machine-readable output"), COMMAND_DB, OPTION_END};

static void print_comparison(const struct results_comparison *c)
{
	struct strbuf out = STRBUF_INIT;
	unsigned int how = command_render_flags();

	if (all_metrics)
		how |= RESULTS_RENDER_ALL;
	if (as_json)
		results_render_json(c, &out);
	else
		results_render_text(c, how, &out);
	command_print_text(out.buf);
	strbuf_release(&out);
}

static int compare_kernels(struct results_db *db, const struct request_compare *r)
{
	struct results_filter filter = {
		.scenario = r->scenario, .metric = r->metric, .session = r->session};
	struct results_comparison c;
	struct error err = {0};
	int status, ret = results_compare(db, r->base, r->new, &filter, &c, &err);

	if (ret == -ENODATA) { /* as run and report: without boots there is no answer */
		log_error("%s", err.text);
		return EXIT_CANNOT_TELL;
	}
	if (ret)
		return command_fatal(&err);
	print_comparison(&c);
	status = command_exit_status(&c);
	results_comparison_free(&c);
	return status;
}

static int carry_out_compare(struct request *r, const char *line)
{
	struct results_db *db;
	struct error err = {0};
	int status;

	(void)line;
	if (results_open(command_places()->db, false, &db, &err))
		return command_fatal(&err);
	status = compare_kernels(db, &r->compare);
	results_close(db);
	return status;
}

const struct command cmd_compare = {
	.name = "compare",
	.help = "compare two kernels by their stored boots",
	.usage = "[options] BASE NEW",
	.about =
		"Compares kernel NEW with kernel BASE from the boots in the database.\n"
		"\n"
		"If both are the same kernel, its boots are split into two alternating halves, which "
		"must not differ.",
	.exit_status = "0 no regression, 1 a regression, 125 cannot tell, 128 fatal",
	.options = options,
	.carry_out = carry_out_compare,
	.kind = REQUEST_COMPARE,
};
