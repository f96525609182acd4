// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/strbuf.h"
#include "common/terminal.h"
#include "orchestrator/cli/command.h"
#include "results/store/store.h"

static const char *noted; /* --head */
static const struct option_spec check_options[] = {
	OPTION_STRING("head", "COUNT:HASH", &noted,
		      "a head that was noted down earlier: was it this database's?"),
	COMMAND_DB, OPTION_END};
static const struct option_spec options[] = {COMMAND_DB, OPTION_END};

static void refuse_operands(int n, char **operands)
{
	if (n)
		command_usage_error("%s: %s takes no operand", operands[0], command_path);
}

/* ---- db head ---- */

static void print_head(const char *path, const struct results_head *h)
{
	if (!h->seals) {
		terminal_printf(
			"%s: no chain of seals yet; nestlab run, merge or migrate begins one\n",
			path);
		return;
	}
	terminal_printf("%s: %" PRId64 " seals, head %s\n", path, h->seals, h->head);
	if (h->adopted)
		terminal_printf("(%" PRId64
				" rows are older than the chain, which began at %s: what was done "
				"to them before, it cannot show)\n",
				h->adopted, h->started);
}

/* Opens the database for reading and does something with it. */
static int with_database(int (*act)(struct results_db *db, const char *path))
{
	const char *path = command_places()->db;
	struct error err = {0};
	struct results_db *db;
	int status;

	if (results_open_read(path, &db, &err))
		return command_fatal(&err);
	status = act(db, path);
	results_close(db);
	return status;
}

static int tell_head(struct results_db *db, const char *path)
{
	struct results_head head;
	struct error err = {0};

	if (results_head(db, &head, &err) || results_confirm_read(db, &err))
		return command_fatal(&err);
	print_head(path, &head);
	return 0;
}

static int show_head(int n, char **operands)
{
	refuse_operands(n, operands);
	return with_database(tell_head);
}

/* ---- db check ---- */

/* "412:HASH" */
static int64_t parse_noted(const char **hash)
{
	char *end;
	long long seals = strtoll(noted, &end, 10);

	*hash = end + 1;
	if (end == noted || *end != ':' || seals < 1 || strlen(*hash) != 64)
		command_usage_error("--head: expected COUNT:HASH as `nestlab db head` and reports "
				    "have them (64 digits), not %s",
				    noted);
	return seals;
}

static int check_noted(struct results_db *db)
{
	struct error err = {0};
	const char *hash;
	int64_t seals;

	if (!noted)
		return 0;
	seals = parse_noted(&hash);
	if (!results_check_head(db, seals, hash, &err))
		return 0;
	command_fatal(&err);
	return EXIT_NO;
}

static int check_contents(struct results_db *db, const char *path)
{
	struct strbuf report = STRBUF_INIT;
	struct results_head head;
	struct error err = {0};
	int status = check_noted(db);

	if (results_check(db, &report, &err)) {
		terminal_printf("%s", report.buf);
		command_fatal(&err);
		status = EXIT_NO;
	}
	strbuf_release(&report);
	if (results_confirm_read(db, &err))
		return command_fatal(&err);
	if (status)
		return status;
	terminal_printf("%s: good\n", path);
	if (results_head(db, &head, &err))
		return command_fatal(&err);
	print_head(path, &head);
	return 0;
}

static int check_database(int n, char **operands)
{
	const char *hash;

	refuse_operands(n, operands);
	if (noted)
		parse_noted(&hash);
	return with_database(check_contents);
}

/* ---- db migrate ---- */

static int migrate_database(int n, char **operands)
{
	const char *path = command_places()->db;
	struct results_head head;
	struct error err = {0};
	struct results_db *db;
	int ret;

	refuse_operands(n, operands);
	if (results_open(path, false, &db, &err))
		return command_fatal(&err);
	ret = results_head(db, &head, &err);
	results_close(db);
	if (ret)
		return command_fatal(&err);
	print_head(path, &head);
	return 0;
}

/* ---- db merge ---- */

static void print_merged(const char *from, const char *into, const struct results_merged *m)
{
	terminal_printf("%s: %" PRId64 " boots added from %s, %" PRId64 " were there already", into,
			m->boots, from, m->same);
	if (m->bisects || m->steps)
		terminal_printf("; %" PRId64 " bisects and %" PRId64 " of their steps added",
				m->bisects, m->steps);
	putchar('\n');
	if (m->consoles)
		terminal_printf(
			"%" PRId64
			" of these boots have a console log: it stays where it was written, which "
			"is where their console_path says\n",
			m->consoles);
}

static int merge_into(struct results_db *from, const char *from_path, const char *into_path)
{
	struct results_merged merged;
	struct results_head head;
	struct error err = {0};
	struct results_db *into;
	int ret;

	if (results_open(into_path, false, &into, &err))
		return command_fatal(&err);
	ret = results_merge(from, into, &merged, &err);
	if (!ret)
		ret = results_head(into, &head, &err);
	results_close(into);
	if (ret)
		return command_fatal(&err);
	print_merged(from_path, into_path, &merged);
	print_head(into_path, &head);
	return 0;
}

static int merge_databases(int n, char **operands)
{
	struct error err = {0};
	struct results_db *from;
	int status;

	if (n != 2)
		command_usage_error("merge takes two databases: FROM and INTO");
	if (results_open_read(operands[0], &from, &err))
		return command_fatal(&err);
	status = merge_into(from, operands[0], operands[1]);
	results_close(from);
	return status;
}

/* ---- the table ---- */

static const struct command actions[] = {
	{
		.name = "check",
		.help = "verify a results database",
		.usage = "[--head COUNT:HASH] [--db FILE]",
		.about =
			"Verifies a database: the file itself, its references, that every number "
			"follows from its histogram, and that every row is what was stored, and none "
			"is missing (the chain of seals, docs/results.md). It only reads.\n"
			"\n"
			"Rows that were removed from the end, with their seals, leave a chain that is "
			"whole but shorter: a head that was noted down, or printed in a report, shows "
			"that with --head.",
		.exit_status = "0 good, 1 faults were found, 128 the file cannot be opened",
		.options = check_options,
		.run = check_database,
	},
	{
		.name = "head",
		.help = "print how many seals there are, and the last one's hash",
		.usage = "[--db FILE]",
		.about =
			"Prints the number of seals and the head of their chain, which all results "
			"have gone into: to be noted down, and given to `nestlab db check --head`.",
		.options = options,
		.run = show_head,
	},
	{
		.name = "merge",
		.help = "add the results of another database",
		.usage = "FROM INTO",
		.about =
			"Adds to database INTO the boots and bisects of database FROM that it has "
			"not. FROM is checked first, and only read. The same again adds nothing. A "
			"boot that is in both with different contents is an error, and nothing is "
			"added. Console logs stay where they are.",
		.operand = "FILE",
		.run = merge_databases,
	},
	{
		.name = "migrate",
		.help = "bring an older database up to date",
		.usage = "[--db FILE]",
		.about =
			"Brings a database to the newest schema, and folds in the log that lies "
			"beside it. `nestlab run` and `nestlab bisect` do so, too; what only reads "
			"takes older databases as they are.",
		.options = options,
		.run = migrate_database,
	},
	{0},
};

const struct command cmd_db = {
	.name = "db",
	.help = "verify, merge and migrate results databases",
	.usage = "ACTION [options]",
	.about = "The database of results: verifies, merges and migrates it. See docs/results.md.",
	.actions = actions,
};
