// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/daemon/agent/agent.h"

static const char *url, *given_program, *with, *slurm, *spool, *host, *pool, *tags, *serves;
static long slots = 1, reconcile = 30;
static const struct option_spec options[] = {
	OPTION_STRING("url", "URL", &url,
		      "the daemon (default: $NESTLAB_URL, else this machine's)"),
	OPTION_STRING("spool", "FOLDER", &spool,
		      "where work is kept until the daemon has answered for it"),
	OPTION_STRING("host", "NAME", &host, "this machine's name (default: its host name)"),
	OPTION_STRING("pool", "NAME", &pool, "the pool that it belongs to"),
	OPTION_STRING("tags", "A,B", &tags, "what it has that jobs may ask for"),
	OPTION_STRING(
		"serves", "A,B", &serves,
		"hosts that it boots on, as `nestlab host list` has them (default: emulated)"),
	OPTION_STRING("program", "FILE", &given_program,
		      "what is started for each boot (default: the nestlab beside this one)"),
	OPTION_STRING(
		"with", "WORDS", &with,
		"what is put before that, and takes it elsewhere: \"srun --gres=emulator:1\""),
	OPTION_STRING("slurm", "OPTIONS", &slurm,
		      "hand boots to Slurm as job arrays, with these options of sbatch",
		      .excludes = "with"),
	OPTION_INT("reconcile", "SECONDS", &reconcile, 1, 3600,
		   "with --slurm: how often to ask what it knows (default: 30)", .needs = "slurm"),
	OPTION_INT("slots", "N", &slots, 1, AGENT_FARM_MAX, "boots at once (default: 1)"),
	OPTION_END};

static int run_agent(int n, char **operands)
{
	__cleanup_free char *programs = fs_program_dir();
	__cleanup_free char *program = xasprintf("%s/nestlab", programs);
	char name[64] = "";
	struct error err = {0};
	struct agent_setting set = {.url = url,
				    .spool = spool,
				    .host = host,
				    .pool = pool,
				    .tags = tags,
				    .serves = serves,
				    .program = given_program ? given_program : program,
				    .with = with,
				    .slurm = slurm,
				    .reconcile_ms = (int)reconcile * 1000,
				    .slots = slots};

	if (n)
		command_usage_error("%s: agent takes no operand", operands[0]);
	if (!spool)
		command_usage_error(
			"--spool is missing: a folder for work that is not delivered yet");
	if (!slurm && slots > AGENT_SLOTS_MAX)
		command_usage_error("--slots: at most %d without --slurm", AGENT_SLOTS_MAX);
	gethostname(name, sizeof(name) - 1);
	if (!host)
		set.host = name;
	if (!fs_is_plain_name(set.host))
		command_usage_error(
			"--host: a name of letters, digits and ._+- is expected, not %s", set.host);
	if (!serves)
		set.serves = "emulated";
	if (agent_run(&set, &err))
		return command_fatal(&err);
	return 0;
}

const struct command cmd_agent = {
	.name = "agent",
	.help = "work for a daemon",
	.usage = "--spool FOLDER [options]",
	.about =
		"Asks a daemon for boots, carries them out on this machine, and brings the results. No "
		"port is open here. What it was given is in FOLDER until the daemon has answered "
		"for it, whatever is killed meanwhile.\n"
		"\n"
		"Ends at SIGTERM: what runs is ended and given back. See docs/daemon.md.",
	.options = options,
	.run = run_agent,
};
