// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/options.h"
#include "common/strbuf.h"
#include "orchestrator/cli/command.h"
#include "results/store/store.h"

static const char usage[] = "nestlab db check [--db FILE]";
static const char about[] =
	"Verifies a database: the file itself, references, and that every number "
	"is its histogram's.\n\n"
	"Exit status: 0 good, 1 faults were found, 128 the file cannot be opened.";

static int check(const char *path)
{
	struct strbuf report = STRBUF_INIT;
	struct error err = {0};
	struct results_db *db;
	int status = 0;

	if (results_open(path, false, &db, &err)) {
		log_error("%s", err.text);
		return EXIT_FATAL;
	}
	if (results_check(db, &report, &err)) {
		fputs(report.buf, stdout);
		log_error("%s", err.text);
		status = EXIT_NO;
	} else {
		printf("%s: good\n", path);
	}
	strbuf_release(&report);
	results_close(db);
	return status;
}

int cmd_db(int argc, char **argv)
{
	const char *file = NULL;
	const struct option_spec opts[] = {
		OPTION_STRING("db", "FILE", &file, "the database (default: results/nestlab.db)"),
		OPTION_END};
	__cleanup_free char *path = NULL;

	argc = options_parse(argc, argv, opts, usage, about);
	path = command_db_path(file);
	if (argc == 1 && !strcmp(argv[0], "check"))
		return check(path);
	options_usage_error(usage, "say what to do: check");
}
