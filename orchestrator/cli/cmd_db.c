// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "common/strbuf.h"
#include "orchestrator/cli/command.h"
#include "results/store/store.h"

static const struct option_spec options[] = {COMMAND_DB, OPTION_END};

static int check_contents(struct results_db *db, const char *path)
{
	struct strbuf report = STRBUF_INIT;
	struct error err = {0};
	int status = 0;

	if (results_check(db, &report, &err)) {
		fputs(report.buf, stdout);
		command_fatal(&err);
		status = EXIT_NO;
	} else {
		printf("%s: good\n", path);
	}
	strbuf_release(&report);
	return status;
}

static int check_database(int n, char **operands)
{
	const char *path = command_places()->db;
	struct error err = {0};
	struct results_db *db;
	int status;

	if (n)
		command_usage_error("%s: db check takes no operand", operands[0]);
	if (results_open(path, false, &db, &err))
		return command_fatal(&err);
	status = check_contents(db, path);
	results_close(db);
	return status;
}

static const struct command actions[] = {
	{
		.name = "check",
		.help = "verify a results database",
		.usage = "[--db FILE]",
		.about = "Verifies a database: the file itself, its references, and that every "
			 "number follows from its histogram.",
		.exit_status = "0 good, 1 faults were found, 128 the file cannot be opened",
		.options = options,
		.run = check_database,
	},
	{0},
};

const struct command cmd_db = {
	.name = "db",
	.help = "verify a results database",
	.usage = "ACTION [options]",
	.about = "Verifies the database of results.",
	.actions = actions,
};
