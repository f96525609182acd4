// SPDX-License-Identifier: GPL-2.0-only
/* What drives nestlab daemon demo: it moves the branch, lets nights begin and tells what the daemon makes of them. */
#include "orchestrator/demo/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/json.h"
#include "common/progress.h"
#include "common/scratch.h"
#include "common/terminal.h"
#include "orchestrator/daemon/agent/command.h"
#include "orchestrator/daemon/http/client.h"
#include "orchestrator/daemon/storage/database.h"
#include "results/trend/trend.h"

#define BISECT_LINES 16 /* boots that the bisect makes */

/* Nights, and where the branch stands in each; then what follows an alarm. Seconds on two idle cores, for the ETA. */
static const struct night {
	const char *commit, *what;
	int seconds;
} nights[] = {
	{"demo~4", "linux as Debian ships it", 20},
	{"demo~4", "nothing has moved", 5},
	{"demo", "four commits", 20},
};
#define HISTORY_S 20
#define CONFIRM_S 20
#define BISECT_S  60
#define EXPLAIN_S 10

/* ---- telling ---- */

static void show(struct demo *d, double seconds, const char *what)
{
	int total = HISTORY_S + CONFIRM_S + BISECT_S + EXPLAIN_S;

	for (size_t i = 0; i < ARRAY_SIZE(nights); i++)
		total += nights[i].seconds;
	progress_update(d->line, 10 * (d->done_s + seconds), 10 * total, what);
}

static void show_history(void *arg, double share)
{
	show(arg, share * HISTORY_S, "making a git history of the kernel's source");
}

/* ---- what is asked for ---- */

static int write_json(const char *path, struct json_object *obj, struct error *err)
{
	__cleanup_free char *text = json_canonical(obj);
	int ret = fs_write_file(path, text, strlen(text), err);

	json_object_put(obj);
	return ret;
}

static int write_plan(const char *path, struct error *err)
{
	return write_json(
		path,
		json_tokener_parse(
			"{\"description\": \"one exit\", \"scenarios\": [{\"scenario\": \"exits\", "
			"\"reason\": \"cpuid\", \"memory\": \"managed\", \"rounds\": 30, "
			"\"warmup\": 3}]}"),
		err);
}

static int write_schedule(struct demo *d, const char *plan, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/schedules/demo.json", d->folder);
	struct json_object *s = json_tokener_parse(
		"{\"at\": \"*-*-* 01:00\", \"boots\": 1, \"kernels\": [{\"ref\": \"main\"}], "
		"\"on_change\": {\"mail\": [\"kvm-perf@example.org\"]}}");
	struct json_object *plans = json_object_new_array();

	json_object_array_add(plans, json_object_new_string(plan));
	json_object_object_add(s, "plans", plans);
	json_add_string(json_object_array_get_idx(json_object_object_get(s, "kernels"), 0), "git",
			d->cache.repo);
	return write_json(path, s, err);
}

static int ask_for_nights(struct demo *d, struct error *err)
{
	__cleanup_free char *plan = xasprintf("%s/exit.json", d->folder);
	__cleanup_free char *schedules = xasprintf("%s/schedules", d->folder);
	int ret = fs_mkdir_p(schedules, err);

	if (!ret)
		ret = write_plan(plan, err);
	if (!ret)
		ret = write_schedule(d, plan, err);
	return ret;
}

/* ---- nights ---- */

static int move_branch(struct demo *d, const char *commit, struct error *err)
{
	const char *const args[] = {"update-ref", "refs/heads/main", commit, NULL};

	return git_run(&(struct git_command){.dir = d->cache.repo, .args = args}, NULL, NULL, err);
}

/* The number that night @n measured; NAN: none, its boot failed. */
static int tell_night(struct demo *d, int n, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/nestlab.db", d->folder);
	sqlite3_stmt *s = database_query(d->queue, "SELECT job, kernel FROM night WHERE id = ?1",
					 "i", (int64_t)n);
	struct results_db *results;
	struct trend_list list;
	int ret = database_row(d->queue, s, err);

	if (ret != 1)
		return ret;
	ret = results_open_read(path, &results, err);
	if (ret)
		return ret;
	ret = trend_load(results,
			 &(struct trend_night){database_column(s, 0), database_column(s, 1)}, 1,
			 &list, err);
	if (!ret && !list.count)
		ret = error_set(err, -EIO, "night %d has no number; see %s/logs/%s/log", n,
				d->folder, database_column(s, 0));
	if (!ret) {
		double now = list.items[0].points[0].median;

		if (!d->level)
			d->level = now;
		progress_print("night %d: %s: %.0f instructions an exit (%+.2f %%)\n", n,
			       nights[n - 1].what, now, (now / d->level - 1) * 100);
		trend_free(&list);
	}
	results_close(results);
	sqlite3_reset(s);
	return ret;
}

static int run_night(struct demo *d, int n, struct error *err)
{
	__cleanup_free char *what = xasprintf("night %d: %s", n, nights[n - 1].what);
	int ret = move_branch(d, nights[n - 1].commit, err);

	if (!ret)
		ret = client_json(d->client, "POST", "/v1/schedules/demo/run", NULL, NULL, err);
	while (!ret && demo_ask_queue(d, "SELECT count(*) FROM night WHERE looked = 1") < n) {
		show(d, 0, what);
		ret = demo_wait(d, err);
	}
	if (ret)
		return ret;
	d->done_s += nights[n - 1].seconds;
	return tell_night(d, n, err);
}

/* The daemon has to have read the file. */
static int await_schedule(struct demo *d, struct error *err)
{
	int ret = 0;

	while (!ret && !demo_ask_queue(d, "SELECT count(*) FROM schedule WHERE error IS NULL"))
		ret = demo_wait(d, err);
	return ret;
}

/* ---- what comes of them ---- */

static int64_t count_confirmed(struct demo *d)
{
	return demo_ask_queue(
		d, "SELECT count(*) FROM boot b JOIN job j ON j.id = b.job WHERE j.kind = "
		   "'confirm' AND b.state = 'stored'");
}

/* Boots of the bisect, by its log; *last: its last own line, for the caller to free. */
static int count_bisected(struct demo *d, char **last)
{
	sqlite3_stmt *s = database_query(d->queue, "SELECT uid FROM job WHERE kind = 'bisect'", "");
	struct strbuf text = STRBUF_INIT;
	struct error err;
	int count = 0;

	if (database_row(d->queue, s, &err) == 1) {
		__cleanup_free char *log =
			xasprintf("%s/logs/%s/log", d->folder, database_column(s, 0));

		sqlite3_reset(s);
		if (fs_exists(log))
			fs_read_file(log, 0, &text, &err);
	}
	for (char *line = strtok(text.buf, "\n"); text.len && line; line = strtok(NULL, "\n")) {
		count += strstr(line, " done") != NULL;
		if (!strncmp(line, "bisect: ", 8) || !strncmp(line, "build ", 6)) {
			free(*last);
			*last = xstrdup(line);
		}
	}
	strbuf_release(&text);
	return count;
}

static void show_confirming(struct demo *d)
{
	int64_t boots = count_confirmed(d);
	__cleanup_free char *what = xasprintf(
		"alarm: fresh boots of both nights' kernels, %lld of 8", (long long)boots);

	show(d, boots * CONFIRM_S / 8.0, what);
}

static void show_bisecting(struct demo *d)
{
	__cleanup_free char *last = NULL;
	int boots = count_bisected(d, &last);

	if (boots > BISECT_LINES)
		boots = BISECT_LINES;
	show(d, CONFIRM_S + (double)boots * BISECT_S / BISECT_LINES, last ? last : "bisecting");
}

static void show_explaining(struct demo *d)
{
	show(d, CONFIRM_S + BISECT_S, "which functions it was, for the mail");
}

static void show_state(struct demo *d, const char *state)
{
	static const struct {
		const char *state;
		void (*show)(struct demo *d);
	} states[] = {{"alarm", show_confirming},
		      {"confirming", show_confirming},
		      {"confirmed", show_confirming},
		      {"bisecting", show_bisecting},
		      {"culprit", show_explaining}};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(states[i].state, state))
			states[i].show(d);
}

static int take_state(struct demo *d, char **state, char **why, struct error *err)
{
	sqlite3_stmt *s = database_query(d->queue, "SELECT state, why FROM change LIMIT 1", "");
	int ret = database_row(d->queue, s, err);

	if (!ret)
		return error_set(err, -EIO, "the slow commit raised no alarm");
	if (ret < 0)
		return ret;
	*state = xstrdup(database_column(s, 0));
	*why = xstrdup(database_column(s, 1));
	sqlite3_reset(s);
	return 0;
}

static bool is_over(const char *state)
{
	static const char *const ends[] = {"reported", "noise", "inconclusive", "drift", "fixed"};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (!strcmp(ends[i], state))
			return true;
	return false;
}

/* Until the change is reported; each state that it comes to is told. */
static int follow_change(struct demo *d, struct error *err)
{
	__cleanup_free char *before = NULL;
	int ret = 0;

	while (!ret) {
		__cleanup_free char *state = NULL, *why = NULL;

		ret = take_state(d, &state, &why, err);
		if (ret)
			return ret;
		if (!before || strcmp(before, state)) {
			progress_print("the change is: %s\n", state);
			free(before);
			before = xstrdup(state);
		}
		if (!strcmp(state, "reported"))
			return 0;
		if (is_over(state))
			return error_set(err, -EIO, "the slow commit was not confirmed: %s",
					 why ? why : state);
		show_state(d, state);
		ret = demo_wait(d, err);
	}
	return ret;
}

/* ---- the end ---- */

static int keep_mail(struct demo *d, char **path, struct error *err)
{
	sqlite3_stmt *s = database_query(d->queue, "SELECT payload FROM outbox LIMIT 1", "");
	const char *mail;
	int ret = database_row(d->queue, s, err);

	if (!ret)
		return error_set(err, -EIO, "there is no mail");
	if (ret < 0)
		return ret;
	mail = database_column(s, 0);
	*path = xasprintf("%s/mail.eml", d->folder);
	ret = fs_write_file(*path, mail, strlen(mail), err);
	sqlite3_reset(s);
	return ret;
}

static int tell_end(struct demo *d, struct error *err)
{
	__cleanup_free char *mail = NULL;
	sqlite3_stmt *s = database_query(
		d->queue,
		"SELECT id, coalesce(substr(culprit, 1, 12) || ' ' || subject, 'not found') FROM change LIMIT 1",
		"");
	int ret = database_row(d->queue, s, err);

	if (ret != 1)
		return ret;
	terminal_printf("\nculprit:   %s\n", database_column(s, 1));
	ret = keep_mail(d, &mail, err);
	if (!ret)
		terminal_printf(
			"the mail:  %s\n"
			"the alarm, its confirmation, the culprit and the mail:  %s/changes/%lld\n"
			"nights:    %s/    trends:  %s/trends\n",
			mail, d->url, (long long)sqlite3_column_int64(s, 0), d->url, d->url);
	sqlite3_reset(s);
	return ret;
}

static int leave_open(struct demo *d, struct error *err)
{
	int ret = 0;

	if (d->setting->leave)
		return 0;
	terminal_printf("Ctrl-C ends the daemon; %s %s.\n", d->folder,
			d->setting->folder ? "stays" : "goes with it");
	fflush(stdout);
	while (!ret)
		ret = demo_wait(d, err);
	return ret == -ECANCELED ? 0 : ret;
}

/* ---- all ---- */

static int run_all(struct demo *d, struct error *err)
{
	int ret = demo_cache_open(d->setting->places, show_history, d, &d->cache, err);

	d->done_s = HISTORY_S;
	if (!ret)
		ret = move_branch(d, nights[0].commit, err);
	if (!ret)
		ret = ask_for_nights(d, err);
	if (!ret)
		ret = demo_start_daemon(d, err);
	if (!ret)
		ret = demo_start_agent(d, err);
	if (!ret)
		ret = await_schedule(d, err);
	for (size_t n = 1; !ret && n <= ARRAY_SIZE(nights); n++)
		ret = run_night(d, n, err);
	if (!ret)
		ret = follow_change(d, err);
	return ret;
}

/* A temporary folder goes, unless its logs are what is left of a failure. */
static void end_all(struct demo *d, int ret)
{
	bool failed = ret && ret != -ECANCELED && d->daemon.pid > 0;

	client_close(d->client);
	daemon_db_close(d->queue);
	if (d->agent.pid > 0)
		command_end(&d->agent);
	if (d->daemon.pid > 0)
		command_end(&d->daemon);
	demo_cache_close(&d->cache);
	if (failed)
		progress_print("what it left, with its logs, is in %s\n", d->folder);
	if (failed && d->scratch.dir)
		scratch_keep(&d->scratch);
	scratch_end(&d->scratch);
	free(d->folder);
	free(d->socket);
	free(d->url);
}

static int choose_folder(struct demo *d, struct error *err)
{
	__cleanup_free char *queue = NULL;
	int ret;

	if (d->setting->folder) {
		d->folder = realpath(d->setting->folder, NULL);
		if (!d->folder && !fs_mkdir_p(d->setting->folder, err))
			d->folder = realpath(d->setting->folder, NULL);
	} else {
		ret = scratch_begin(NULL, NULL, &d->scratch, err);
		if (ret)
			return ret;
		d->folder = xasprintf("%s/demo", d->scratch.dir);
		ret = fs_mkdir_p(d->folder, err);
		if (ret)
			return ret;
	}
	if (!d->folder)
		return error_set(err, -errno, "%s: %s", d->setting->folder, strerror(errno));
	queue = xasprintf("%s/daemon.db", d->folder);
	if (fs_exists(queue))
		return error_set(err, -EEXIST, "%s: is another daemon's; give a new folder",
				 d->folder);
	d->socket = xasprintf("%s/nestlabd.sock", d->folder);
	return 0;
}

int demo_run(const struct demo_setting *setting, struct error *err)
{
	struct demo d = {
		.setting = setting, .cache.lock = -1, .daemon.pidfd = -1, .agent.pidfd = -1};
	int ret = choose_folder(&d, err);

	if (ret) {
		scratch_end(&d.scratch);
		free(d.folder);
		return ret;
	}
	d.line = progress_start("demo");
	ret = run_all(&d, err);
	progress_end(d.line, ret ? "not finished" : "done");
	if (!ret)
		ret = tell_end(&d, err);
	if (!ret)
		ret = leave_open(&d, err);
	end_all(&d, ret);
	if (ret == -ECANCELED)
		error_set(err, ret,
			  "cancelled; what was built is kept, and the next `nestlab daemon "
			  "demo` begins with that");
	return ret;
}
