// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/shell.h"
#include "common/strbuf.h"
#include "common/terminal.h"
#include "orchestrator/bisect/bisect.h"
#include "orchestrator/bisect/hunt.h"
#include "orchestrator/bisect/commits.h"
#include "orchestrator/bisect/probe.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/engine/run.h"

/* ---- a bisect that is in the database ---- */

/* Goes on with @b until its end. */
static int run_to_end(struct results_db *db, const struct results_bisect *b)
{
	struct strbuf report = STRBUF_INIT;
	struct error err = {0};
	enum bisect_end end;
	int status;

	if (bisect_run(db, command_places()->runs, b, &end, &report, &err)) {
		status = command_fatal(&err);
		struct strbuf line = STRBUF_INIT;

		strbuf_addf(&line, "%s bisect --resume --session %s", shell_program(), b->session);
		if (command_db) {
			strbuf_addstr(&line, " --db");
			request_add_word(&line, command_places()->db);
		}
		log_error("the finished steps are kept; to go on: %s", line.buf);
		strbuf_release(&line);
	} else {
		terminal_printf("%s", report.buf);
		status = bisect_exit_status(end);
	}
	strbuf_release(&report);
	return status;
}

static int print_log(struct results_db *db, const struct results_bisect *b)
{
	struct strbuf log = STRBUF_INIT;
	struct error err = {0};
	int status = 0;

	if (bisect_log(db, command_places()->runs, b, &log, &err))
		status = command_fatal(&err);
	else
		terminal_printf("%s", log.buf);
	strbuf_release(&log);
	return status;
}

/* Finds the bisect of @session (NULL: the newest) and does something with it. */
static int with_bisect(struct results_db *db, const char *session,
		       int (*act)(struct results_db *db, const struct results_bisect *b))
{
	struct results_bisect b;
	struct error err = {0};
	int status;

	if (results_bisect_find(db, session, &b, &err))
		return command_fatal(&err);
	status = act(db, &b);
	results_bisect_free(&b);
	return status;
}

static bool resume, show_log;
static const char *session;
static const struct option_spec options[] = {
	OPTION_FLAG("resume", &resume, "go on with the newest bisect"),
	OPTION_FLAG("log", &show_log, "print the log of the newest bisect, for git bisect replay",
		    .excludes = "resume"),
	OPTION_STRING("session", "ID", &session,
		      "with --resume or --log: this bisect instead of the newest",
		      .needs = "resume log"),
	COMMAND_DB, OPTION_END};

static bool is_about_stored(void)
{
	return resume || show_log;
}

static int go_on_or_log(int n, char **operands)
{
	struct error err = {0};
	struct results_db *db;
	int status, ret;

	if (n)
		command_usage_error("%s: --resume and --log take no operand", operands[0]);
	if (resume)
		ret = results_open(command_places()->db, false, &db, &err);
	else
		ret = results_open_read(command_places()->db, &db, &err);
	if (ret)
		return command_fatal(&err);
	status = with_bisect(db, session, resume ? run_to_end : print_log);
	results_close(db);
	return status;
}

/* ---- a new one ---- */

static int start_bisect(struct results_db *db, const struct request *r)
{
	char id[RUN_SESSION_MAX];
	struct error err = {0};

	if (bisect_start(db, command_places()->runs, r, id, &err))
		return command_fatal(&err);
	log_info("bisect: session %s", id);
	return with_bisect(db, id, run_to_end);
}

static int check_request(const struct request_bisect *b, struct error *err)
{
	int ret = bisect_probe_check(&b->probe, err);

	if (ret)
		return ret;
	ret = bisect_hunt_check(&b->probe.fails, err);
	if (ret || b->kind != BISECT_GIT)
		return ret;
	ret = bisect_check_tree(b->tree, err);
	if (ret)
		return error_prefix(err, ret, "--tree");
	return 0;
}

static int carry_out_bisect(struct request *r, const char *line)
{
	struct request_bisect *b = &r->bisect;
	struct error err = {0};
	struct results_db *db;
	int status;

	request_absolute(r); /* the bisect may be resumed in another folder */
	if (!b->command)
		b->command = xstrdup(line);
	/* a difference as large as the threshold has to matter */
	if (!(b->probe.smallest_effect > 0))
		b->probe.smallest_effect = b->threshold;
	/* before anything is written: a wrong request leaves nothing */
	if (check_request(b, &err) || results_open(command_places()->db, true, &db, &err))
		return command_fatal(&err);
	status = start_bisect(db, r);
	results_close(db);
	return status;
}

const struct command cmd_bisect = {
	.name = "bisect",
	.help = "find the commit, patch or config option that changed a metric or fails",
	.usage =
		"--tree FOLDER --good A --bad B --scenario KIND --metric METRIC [options] [-- PATH...]\n"
		"--series KERNEL --scenario KIND --metric METRIC [options]\n"
		"--config FRAGMENT-A FRAGMENT-B --scenario KIND --metric METRIC [options]\n"
		"--tree FOLDER --good A --bad B --fails --test NAME [options]\n"
		"--tree FOLDER --good A --bad B --scenario KIND --fails [--class CLASS | --message REGEX] [options]\n"
		"--resume | --log [--session ID]",
	.about =
		"Finds the commit, the patch of a series or the config options that made a metric "
		"worse (or better).\n"
		"\n"
		"The ends are tested first: they must differ beyond doubt. Each step is then judged by "
		"which end it is nearer to. A step that does not build or cannot be judged is "
		"skipped. The culprit is tested again with new boots.\n"
		"\n"
		"With --fails a failure is hunted instead of a metric: of a selftest (--test), of one "
		"class, with a message, or any that the bad end's boots show. A step is bad if its "
		"boots fail in the same way surely more often than those of the good end; one that "
		"fails in another way is skipped.\n"
		"\n"
		"The state is in the database: --resume continues a bisect that was interrupted, and "
		"--log prints a log for `git bisect replay`.",
	.exit_status =
		"0 found and confirmed, 1 found but not confirmed, 125 cannot tell, 128 fatal",
	.options = options,
	.run = go_on_or_log,
	.carry_out = carry_out_bisect,
	.without_request = is_about_stored,
	.kind = REQUEST_BISECT,
};
