// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/options.h"
#include "common/strbuf.h"
#include "orchestrator/bisect/bisect.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/engine/run.h"

static const char usage[] =
	"nestlab bisect --good A --bad B --tree PATH --scenario S --metric M [options] [-- "
	"PATH...]\n"
	"       nestlab bisect --series VARIANT --scenario S --metric M [options]\n"
	"       nestlab bisect --config FRAGMENT-A FRAGMENT-B --scenario S --metric M [options]\n"
	"       nestlab bisect --resume | --log [--session ID]";
static const char about[] =
	"Finds the commit, the patch of a series or the config options that made a metric worse "
	"(or\n"
	"better). Ends first: they must differ beyond doubt. Each step is judged by which end it "
	"is\n"
	"nearer; what does not build or cannot be judged is skipped; the culprit is tested "
	"again.\n\n"
	"State is in the database: --resume goes on after a kill, --log prints what `git bisect\n"
	"replay` takes. --config: A is the good fragment, B the bad one.\n\n"
	"Exit status: 0 found and confirmed, 1 found but not confirmed, 125 cannot tell, 128 "
	"fatal.";

struct options {
	const char *tree, *series, *variant, *good, *bad, *scenario, *metric, *host, *db, *session;
	struct option_list params;
	bool first_parent, config, resume, log;
	double threshold;
	long boots, max_boots, parallel, rounds, seed;
};

static int fatal(const struct error *err)
{
	log_error("%s", err->text);
	return EXIT_FATAL;
}

static char *join(int argc, char **argv)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, "nestlab");
	for (int i = 0; i < argc; i++)
		strbuf_addf(&sb, " %s", argv[i]);
	return strbuf_detach(&sb);
}

/* A path that is still right when the bisect is resumed elsewhere. */
static char *absolute(const char *path)
{
	char *full = realpath(path, NULL);

	return full ? full : xstrdup(path);
}

static void check_options(const struct options *o, int operands)
{
	int kinds = !!o->tree + !!o->series + o->config;

	if (o->resume && o->log)
		options_usage_error(usage, "give --resume or --log");
	if (o->resume || o->log)
		return;
	if (!(o->threshold >= 0))
		options_usage_error(usage, "--threshold is a percentage, 0 or more");
	if (kinds != 1)
		options_usage_error(usage, "give one of --tree, --series and --config");
	if (!o->scenario || !o->metric)
		options_usage_error(usage, "give --scenario and --metric: what is to be measured");
	if (o->tree && (!o->good || !o->bad))
		options_usage_error(usage, "give --good and --bad: the ends of the range");
	if (o->config && operands != 2)
		options_usage_error(usage, "--config takes two fragments");
	if (o->series && operands)
		options_usage_error(usage, "a series has no paths");
	if (o->boots > o->max_boots)
		options_usage_error(usage, "--boots is more than --max-boots");
}

static char **copy_words(const char *const *words, size_t n)
{
	char **copy = xcalloc(n + 1, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(words[i]);
	return copy;
}

static void make_request(const struct options *o, char **operands, int n, const char *command,
			 struct bisect_request *out)
{
	*out = (struct bisect_request){
		.kind = o->tree	    ? BISECT_GIT
			: o->series ? BISECT_SERIES
				    : BISECT_CONFIG,
		.probe =
			{
				.scenario = xstrdup(o->scenario),
				.metric = xstrdup(o->metric),
				.params = copy_words(o->params.items, o->params.count),
				.nparams = o->params.count,
				.rounds = o->rounds,
				.smallest_effect = o->threshold,
			},
		.variant = xstrdup(o->series ? o->series : o->variant),
		.good = o->config ? absolute(operands[0]) : xstrdup(o->good),
		.bad = o->config ? absolute(operands[1]) : xstrdup(o->bad),
		.first_parent = o->first_parent,
		.host = xstrdup(o->host),
		.threshold = o->threshold,
		.boots = o->boots,
		.max_boots = o->max_boots,
		.parallel = o->parallel,
		.seed = o->seed,
		.command = xstrdup(command),
	};
	if (!o->tree)
		return;
	out->tree = absolute(o->tree);
	out->paths = copy_words((const char *const *)operands, n);
	out->npaths = n;
}

static int run(struct results_db *db, const char *runs, const char *session)
{
	struct strbuf report = STRBUF_INIT;
	struct results_bisect b;
	struct error err = {0};
	enum bisect_end end;
	int ret = results_bisect_find(db, session, &b, &err);

	if (ret)
		return fatal(&err);
	ret = bisect_run(db, runs, &b, &end, &report, &err);
	if (ret) {
		log_error("%s", err.text);
		log_error("what was finished is kept: nestlab bisect --resume --session %s goes on",
			  b.session);
	} else {
		fputs(report.buf, stdout);
	}
	results_bisect_free(&b);
	strbuf_release(&report);
	return ret ? EXIT_FATAL : bisect_exit_status(end);
}

static int print_log(struct results_db *db, const char *runs, const char *session)
{
	struct strbuf log = STRBUF_INIT;
	struct results_bisect b;
	struct error err = {0};
	int ret = results_bisect_find(db, session, &b, &err);

	if (ret)
		return fatal(&err);
	ret = bisect_log(db, runs, &b, &log, &err);
	if (!ret)
		fputs(log.buf, stdout);
	results_bisect_free(&b);
	strbuf_release(&log);
	return ret ? fatal(&err) : 0;
}

static int start(struct results_db *db, const char *runs, const struct options *o, char **operands,
		 int n, const char *command)
{
	char session[RUN_SESSION_MAX];
	struct bisect_request request;
	struct error err = {0};
	int ret;

	make_request(o, operands, n, command, &request);
	ret = bisect_start(db, runs, &request, session, &err);
	bisect_request_free(&request);
	if (ret)
		return fatal(&err);
	log_info("bisect: session %s", session);
	return run(db, runs, session);
}

static int dispatch(const struct options *o, char **operands, int n, const char *command)
{
	__cleanup_free char *path = command_db_path(o->db);
	__cleanup_free char *copy = xstrdup(path);
	__cleanup_free char *runs = xasprintf("%s/runs", dirname(copy));
	struct results_db *db;
	struct error err = {0};
	int ret;

	if (results_open(path, !o->resume && !o->log, &db, &err))
		return fatal(&err);
	if (o->log)
		ret = print_log(db, runs, o->session);
	else if (o->resume)
		ret = run(db, runs, o->session);
	else
		ret = start(db, runs, o, operands, n, command);
	results_close(db);
	return ret;
}

int cmd_bisect(int argc, char **argv)
{
	__cleanup_free char *command = join(argc, argv);
	struct options o = {.variant = "baseline",
			    .host = "emulated",
			    .boots = 2,
			    .max_boots = 8,
			    .parallel = 1,
			    .seed = 1};
	const struct option_spec opts[] = {
		OPTION_STRING("good", "A", &o.good, "the good end: a commit, a number of patches"),
		OPTION_STRING("bad", "B", &o.bad, "the bad end"),
		OPTION_STRING("tree", "PATH", &o.tree, "over the commits of a kernel tree"),
		OPTION_FLAG("first-parent", &o.first_parent, "follow first parents only"),
		OPTION_STRING("series", "VARIANT", &o.series, "over a variant's patches"),
		OPTION_FLAG("config", &o.config, "over the options that two fragments differ in"),
		OPTION_STRING("variant", "NAME", &o.variant,
			      "config and compiler of the kernels (default: baseline)"),
		OPTION_STRING("scenario", "S", &o.scenario, "multiplex, migrate, exits, ..."),
		OPTION_STRING("metric", "M", &o.metric, "one of its metrics, e.g. switch"),
		OPTION_LIST("param", "K=V", &o.params, "a parameter; may be given again"),
		OPTION_INT("rounds", "N", &o.rounds, 0, 1000000,
			   "rounds (default: the scenario's)"),
		OPTION_DOUBLE("threshold", "X", &o.threshold,
			      "percent off the good end that is bad (default: halfway)"),
		OPTION_INT("boots", "N", &o.boots, 1, 100,
			   "boots of a step, at first (default: 2)"),
		OPTION_INT("max-boots", "N", &o.max_boots, 1, 100, "at most (default: 8)"),
		OPTION_INT("parallel", "K", &o.parallel, 1, 64, "steps at once (default: 1)"),
		OPTION_STRING("host", "NAME", &o.host, "where to run (default: emulated)"),
		OPTION_INT("seed", "N", &o.seed, 1, 1000000000, "seed of boot 1 (default: 1)"),
		OPTION_STRING("db", "FILE", &o.db, "database (default: results/nestlab.db)"),
		OPTION_FLAG("resume", &o.resume, "go on with the newest bisect"),
		OPTION_FLAG("log", &o.log, "print its log, for git bisect replay"),
		OPTION_STRING("session", "ID", &o.session, "of another one than the newest"),
		OPTION_END};
	int n = options_parse(argc, argv, opts, usage, about), ret;

	check_options(&o, n);
	ret = dispatch(&o, argv, n, command);
	free(o.params.items);
	return ret;
}
