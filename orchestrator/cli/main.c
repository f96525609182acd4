// SPDX-License-Identifier: GPL-2.0-only
/* The command table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cancel.h"
#include "common/options.h"
#include "orchestrator/cli/command.h"

static const struct command commands[] = {
	{"run", cmd_run, "run a scenario on two kernels and compare them"},
	{"compare", cmd_compare, "compare two kernels by their stored runs"},
	{"bisect", cmd_bisect, "find the commit, patch or config option that did it"},
	{"test", cmd_test, "judge what is checked out, for git bisect run"},
	{"kernel", cmd_kernel, "list, show, build and import kernels"},
	{"scenario", cmd_scenario, "list and check scenario files"},
	{"host", cmd_host, "list hosts and check whether they can run"},
	{"report", cmd_report, "render a comparison for people or CI, or sign it off"},
	{"db", cmd_db, "verify a results database"},
	{NULL, NULL, NULL},
};

static void print_usage(FILE *f)
{
	fputs("usage: nestlab COMMAND [options]\n\n"
	      "Is this kernel better or worse at running nested guests, and by how much?\n\n",
	      f);
	for (const struct command *c = commands; c->name; c++)
		fprintf(f, "  %-10s %s\n", c->name, c->help);
	fputs("\nnestlab COMMAND --help tells more.\n", f);
}

/* What nobody got is no answer, whatever it was: a full disk, a closed pipe. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "nestlab: error: the output could not be written: %s\n", strerror(errno));
	return EXIT_FATAL;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return 0;
	}
	cancel_install();
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(argv[1], c->name))
			return finish(c->run(argc - 1, argv + 1));
	fprintf(stderr, "nestlab: error: no such command: %s\n", argv[1]);
	print_usage(stderr);
	return EXIT_USAGE;
}
