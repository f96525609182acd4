// SPDX-License-Identifier: GPL-2.0-only
/* nestlab daemon: its files, without asking it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/terminal.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/daemon/storage/database.h"
#include "orchestrator/daemon/storage/retention.h"
#include "orchestrator/demo/demo.h"
#include "orchestrator/places.h"

static const char *state, *results;
static const struct option_spec options[] = {
	OPTION_STRING("state", "FOLDER", &state, "nestlabd's folder (default: /var/lib/nestlab)"),
	OPTION_END};

static char *state_path(const char *name)
{
	return xasprintf("%s/%s", state ? state : "/var/lib/nestlab", name);
}

/* ---- check ---- */

static int check_queue(const char *path)
{
	struct strbuf report = STRBUF_INIT;
	struct error err = {0};
	struct daemon_db *db;
	int ret = daemon_db_open_read(path, &db, &err);

	if (ret)
		return command_fatal(&err);
	ret = daemon_db_check(db, &report, &err);
	terminal_printf("%s", report.buf);
	strbuf_release(&report);
	daemon_db_close(db);
	if (!ret) {
		terminal_printf("%s: good\n", path);
		return 0;
	}
	command_fatal(&err);
	return ret == -EBADMSG ? EXIT_NO : EXIT_FATAL;
}

static int check(int n, char **operands)
{
	__cleanup_free char *path = state_path("daemon.db");

	if (n)
		command_usage_error("%s: daemon check takes no operand", operands[0]);
	return check_queue(path);
}

/* ---- backup, restore ---- */

static const char *const databases[] = {"daemon.db", "nestlab.db"};

/* A backup of nothing is none. */
static int refuse_empty(const char *folder)
{
	struct error err = {0};

	error_set(&err, -ENOENT,
		  "%s: neither daemon.db nor nestlab.db is there: nothing was copied", folder);
	return command_fatal(&err);
}

static int backup(int n, char **operands)
{
	__cleanup_free char *from_where = NULL;
	struct error err = {0};
	bool copied = false;

	if (n != 1)
		command_usage_error("daemon backup takes the folder that the copies go to");
	if (fs_mkdir_p(operands[0], &err))
		return command_fatal(&err);
	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		__cleanup_free char *from = state_path(databases[i]);
		__cleanup_free char *to = xasprintf("%s/%s", operands[0], databases[i]);

		if (!fs_exists(from))
			continue;
		if (daemon_db_backup(from, to, &err))
			return command_fatal(&err);
		terminal_printf("%s\n", to);
		copied = true;
	}
	if (copied)
		return 0;
	from_where = state_path("");
	return refuse_empty(from_where);
}

/* A journal of the database that was there would be written into the one that is put back. */
static int check_free(const char *database, struct error *err)
{
	static const char *const suffixes[] = {"", "-wal", "-journal"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		__cleanup_free char *path = xasprintf("%s%s", database, suffixes[i]);

		if (fs_exists(path))
			return error_set(err, -EEXIST, "%s: is there already; move it away first",
					 path);
	}
	return 0;
}

/* The results are given with --db elsewhere: only what a backup has is put back. */
static int put_back(const char *folder)
{
	struct error err = {0};
	bool copied = false;

	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		__cleanup_free char *to = state_path(databases[i]);
		__cleanup_free char *from = xasprintf("%s/%s", folder, databases[i]);

		if (!fs_exists(from))
			continue;
		if (check_free(to, &err) || daemon_db_backup(from, to, &err))
			return command_fatal(&err);
		terminal_printf("%s\n", to);
		copied = true;
	}
	return copied ? 0 : refuse_empty(folder);
}

static int restore(int n, char **operands)
{
	__cleanup_free char *folder = state_path("");
	__cleanup_free char *lock = state_path("lock");
	struct error err = {0};
	int fd;

	if (n != 1)
		command_usage_error("daemon restore takes the folder that the backup is in");
	if (fs_mkdir_p(folder, &err) || fs_lock(lock, false, &fd, &err))
		return command_fatal(&err);
	return put_back(operands[0]);
}

/* ---- clean ---- */

static long passed_days = 90, failed_days = 365, cache_gb = 20;
static bool dry_run;

static const struct option_spec clean_options[] = {
	OPTION_STRING("state", "FOLDER", &state, "nestlabd's folder (default: /var/lib/nestlab)"),
	OPTION_STRING("db", "FILE", &results, "its results (default: FOLDER/nestlab.db)"),
	OPTION_FLAG("dry-run", &dry_run, "only tell what would go"),
	OPTION_INT("passed-days", "N", &passed_days, 0, 36500,
		   "logs and consoles of what was good stay so long (default: 90)"),
	OPTION_INT("failed-days", "N", &failed_days, 0, 36500, "of what was not (default: 365)"),
	OPTION_INT("cache-gb", "N", &cache_gb, 0, 1 << 20,
		   "kernels and images may take so much, each (default: 20)"),
	OPTION_END};

static void tell_gone(void *arg, const char *path, uint64_t bytes, const char *why)
{
	(void)arg;
	terminal_printf("%8.1f MB  %s: %s\n", bytes / 1e6, path, why);
}

static int clean(int n, char **operands)
{
	__cleanup_free char *folder = state_path(""), *db = NULL;
	struct retention_setting set = {.state = folder,
					.passed_days = passed_days,
					.failed_days = failed_days,
					.cache_bytes = (uint64_t)cache_gb << 30,
					.dry_run = dry_run,
					.tell = tell_gone};
	struct retention_sum sum;
	struct places places;
	struct error err = {0};
	int ret;

	if (n)
		command_usage_error("%s: daemon clean takes no operand", operands[0]);
	db = results ? xstrdup(results) : state_path("nestlab.db");
	places_find(&places, NULL);
	set.results = db;
	set.cache = places.cache;
	folder[strlen(folder) - 1] = '\0'; /* the slash */
	ret = retention_clean(&set, &sum, &err);
	places_free(&places);
	if (!ret || sum.count)
		terminal_printf("%llu things, %.1f MB %s\n", (unsigned long long)sum.count,
				sum.bytes / 1e6,
				dry_run ? "would go: run it without --dry-run" : "are gone");
	if (ret)
		return command_fatal(&err);
	return 0;
}

/* ---- demo ---- */

static struct demo_setting demo_setting;
static bool demo_is_cleaned;
static const struct option_spec demo_options[] = {
	OPTION_STRING("state", "FOLDER", &demo_setting.folder,
		      "where the daemon works, and what stays (default: a temporary folder)"),
	OPTION_FLAG("exit", &demo_setting.leave, "end when the mail is written"),
	OPTION_FLAG("clean", &demo_is_cleaned, "only remove what demos left in the cache",
		    .excludes = "state exit"),
	OPTION_END};

static void tell_cleaned(void *arg, const char *path, uint64_t bytes)
{
	*(uint64_t *)arg += bytes;
	terminal_printf("%8.1f MB  %s\n", bytes / 1e6, path);
}

static int clean_demo(void)
{
	struct error err = {0};
	uint64_t bytes = 0;

	if (demo_clean(command_places(), tell_cleaned, &bytes, &err))
		return command_fatal(&err);
	terminal_printf("%8.1f MB are gone\n", bytes / 1e6);
	return 0;
}

static int demo(int n, char **operands)
{
	struct error err = {0};

	if (n)
		command_usage_error("%s: daemon demo takes no operand", operands[0]);
	if (demo_is_cleaned)
		return clean_demo();
	demo_setting.places = command_places();
	if (demo_run(&demo_setting, &err))
		return command_fatal(&err);
	return 0;
}

static const struct command actions[] = {
	{
		.name = "check",
		.help = "verify a daemon's queue",
		.usage = "[--state FOLDER]",
		.about =
			"Verifies daemon.db: the file, its references, and that no two rows contradict "
			"each other. It only reads, and the daemon may be running. `nestlab db "
			"check` does the same for results.",
		.exit_status = "0 good, 1 faults were found, 128 the file cannot be opened",
		.options = options,
		.run = check,
	},
	{
		.name = "backup",
		.help = "copy a daemon's databases while it runs",
		.usage = "[--state FOLDER] TO",
		.about =
			"Copies the queue and the results to the folder TO, each as it was at one moment.",
		.options = options,
		.operand = "FOLDER",
		.run = backup,
	},
	{
		.name = "restore",
		.help = "put a backup back, where no daemon runs",
		.usage = "[--state FOLDER] FROM",
		.about =
			"Puts the copies of a backup into the state folder. What is there already is "
			"not overwritten.",
		.options = options,
		.operand = "FOLDER",
		.run = restore,
	},
	{
		.name = "clean",
		.help = "remove old logs, consoles, kernels and images",
		.usage = "[--state FOLDER] [--dry-run] [--passed-days N] [--failed-days N] "
			 "[--cache-gb N]",
		.about =
			"Removes what is old: logs and consoles by the end of their job, and the kernels and "
			"images of this user's cache that were not used for longest, when they take too much "
			"room. Results stay. What a job that is not over, the last two nights of a "
			"schedule or a sign-off needs stays as well, and so does what was used in the last two days. "
			"It may run beside the daemon, and waits for nothing.",
		.options = clean_options,
		.run = clean,
	},
	{
		.name = "demo",
		.help = "see three nights, an alarm, its culprit and the mail",
		.usage = "[--exit] [--state FOLDER] | --clean",
		.about =
			"Starts a daemon at a free port of this machine, with a schedule over a small history of the "
			"real kernel that has one slow commit in it, and lets nights begin one after the other: builds, "
			"boots on the emulated host, the alarm, the confirmation by fresh boots, the bisect and "
			"the mail (to a file). Then it says where all of it is to be seen, until Ctrl-C. The history "
			"and its kernels stay in the cache, so that the next demo is quicker; --clean removes them.",
		.options = demo_options,
		.run = demo,
	},
	{0},
};

const struct command cmd_daemon = {
	.name = "daemon",
	.help = "verify, back up, restore and clean a daemon's files, or see a demo",
	.usage = "ACTION [options]",
	.about = "The files of nestlabd. See docs/daemon.md.",
	.actions = actions,
};
