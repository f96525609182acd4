// SPDX-License-Identifier: GPL-2.0-only
/* nestlab submit, jobs, show, log, cancel, hold, release, retry: the daemon's queue. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <poll.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/terminal.h"
#include "orchestrator/cli/ask.h"

#define FOLLOW_MS 500

/* ---- submit ---- */

static long priority = -1, deadline;
static bool hold;
static const char *after, *pool, *tags, *key;
static const struct option_spec submit_options[] = {
	OPTION_INT("priority", "N", &priority, 0, 100,
		   "0..100, the highest goes first (default: 50)"),
	OPTION_FLAG("hold", &hold, "not before it is released"),
	OPTION_STRING("after", "JOB", &after, "when that job is done"),
	OPTION_STRING("pool", "NAME", &pool, "only on hosts of that pool"),
	OPTION_STRING("tags", "A,B", &tags, "only on hosts that have all of these"),
	OPTION_INT("deadline", "SECONDS", &deadline, 1, 31536000,
		   "failed if it is not over by then"),
	OPTION_STRING("key", "TEXT", &key, "the same key again submits nothing new"),
	ASK_JSON,
	OPTION_END};

static void add_tags(struct json_object *body)
{
	struct json_object *list = json_object_new_array();
	__cleanup_free char *copy = xstrdup(tags);
	char *rest = copy, *name;

	while ((name = strsep(&rest, ",")))
		json_object_array_add(list, json_object_new_string(name));
	json_object_object_add(body, "tags", list);
}

static struct json_object *make_submission(const struct request *r)
{
	__cleanup_free char *text = request_json(r);
	struct json_object *body = json_object_new_object();

	json_object_object_add(body, "request", json_tokener_parse(text));
	if (priority >= 0)
		json_object_object_add(body, "priority", json_object_new_int(priority));
	if (hold)
		json_object_object_add(body, "hold", json_object_new_boolean(true));
	if (deadline)
		json_object_object_add(body, "deadline_seconds", json_object_new_int(deadline));
	if (after)
		json_add_string(body, "after", after);
	if (pool)
		json_add_string(body, "pool", pool);
	if (tags)
		add_tags(body);
	return body;
}

static int post_submission(struct json_object *body, struct json_object **out, struct error *err)
{
	__cleanup_free char *header = NULL;
	const char *headers[2] = {NULL};
	struct client_question q = {.method = "POST", .path = "/v1/jobs", .headers = headers};
	struct client *c;
	int ret = client_open(NULL, &c, err);

	if (ret)
		return ret;
	if (key)
		headers[0] = header = xasprintf("Idempotency-Key: %s", key);
	q.body = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN);
	q.len = strlen(q.body);
	ret = client_json_question(c, &q, out, err);
	client_close(c);
	return ret;
}

static int submit_request(struct request *r)
{
	struct json_object *body, *answer = NULL;
	struct error err = {0};
	int ret;

	request_absolute(r);
	body = make_submission(r);
	ret = post_submission(body, &answer, &err);
	json_object_put(body);
	if (ret)
		return command_fatal(&err);
	if (ask_json)
		command_print_json(answer);
	else
		terminal_printf("%s\n", ask_text(answer, "uid"));
	json_object_put(answer);
	return 0;
}

static int submit(int n, char **operands)
{
	struct error err = {0};
	struct request r;
	int ret, status;

	if (n != 1)
		command_usage_error("submit takes one file with a request");
	if (key && strpbrk(key, "\r\n"))
		command_usage_error("--key: a line break is in it");
	ret = request_load(operands[0], REQUEST_ANY, &r, &err);
	if (ret)
		return command_fatal(&err);
	status = submit_request(&r);
	request_free(&r);
	return status;
}

/* ---- jobs ---- */

static const char *state, *owner;
static const struct option_spec list_options[] = {
	OPTION_STRING("state", "STATE", &state,
		      "only jobs that are held, waiting, queued, running, judging, done, failed or "
		      "cancelled"),
	OPTION_STRING("owner", "NAME", &owner, "only that owner's"), ASK_JSON, OPTION_END};

/* "done: regressed", "failed: infrastructure" */
static char *state_words(struct json_object *job)
{
	const char *what = ask_text(job, "verdict");

	if (!*what)
		what = ask_text(job, "class");
	if (!*what)
		return xstrdup(ask_text(job, "state"));
	return xasprintf("%s: %s", ask_text(job, "state"), what);
}

static void print_job(struct json_object *job)
{
	__cleanup_free char *words = state_words(job);
	__cleanup_free char *head =
		xasprintf("%-24s  %-9s %-24s", ask_text(job, "uid"), ask_text(job, "kind"), words);
	__cleanup_free char *text =
		xasprintf("%lld of %lld boots, %s", (long long)ask_number(job, "stored"),
			  (long long)ask_number(job, "boots"), ask_text(job, "owner"));

	command_print_row(head, text);
}

static char *list_path(void)
{
	struct strbuf path = STRBUF_INIT;

	strbuf_addstr(&path, "/v1/jobs?limit=100");
	if (state) {
		__cleanup_free char *escaped = client_escape(state);

		strbuf_addf(&path, "&state=%s", escaped);
	}
	if (owner) {
		__cleanup_free char *escaped = client_escape(owner);

		strbuf_addf(&path, "&owner=%s", escaped);
	}
	return strbuf_detach(&path);
}

static int list_jobs(int n, char **operands)
{
	__cleanup_free char *path = list_path();
	struct json_object *answer, *jobs;
	int status;

	if (n)
		command_usage_error("%s: jobs takes no operand", operands[0]);
	status = ask_daemon("GET", path, NULL, &answer);
	if (status)
		return status;
	jobs = json_object_object_get(answer, "jobs");
	if (ask_json)
		command_print_json(answer);
	for (size_t i = json_object_array_length(jobs); !ask_json && i-- > 0;)
		print_job(json_object_array_get_idx(jobs, i));
	json_object_put(answer);
	return 0;
}

/* ---- show and change one ---- */

static const struct option_spec json_options[] = {ASK_JSON, OPTION_END};

static void print_boot(struct json_object *boot)
{
	__cleanup_free char *head =
		xasprintf("%6lld  %-10s %-16s", (long long)ask_number(boot, "ordinal"),
			  ask_text(boot, "state"), ask_text(boot, "host"));
	const char *text = ask_text(boot, "error");

	if (!*text)
		text = ask_text(json_object_object_get(boot, "progress"), "line");
	command_print_row(head, text);
}

static void print_details(struct json_object *job)
{
	struct json_object *boots = json_object_object_get(job, "all_boots");

	print_job(job);
	terminal_printf("submitted %s, priority %lld\n", ask_text(job, "submitted"),
			(long long)ask_number(job, "priority"));
	if (*ask_text(job, "error"))
		terminal_printf("%s\n", ask_text(job, "error"));
	terminal_printf("%s\n", ask_text(job, "request"));
	for (size_t i = 0; i < json_object_array_length(boots); i++)
		print_boot(json_object_array_get_idx(boots, i));
}

static int ask_about_job(const char *method, const char *uid, const char *after_uid,
			 struct json_object *body)
{
	__cleanup_free char *path = ask_path("jobs", uid, after_uid);
	struct json_object *answer;
	int status = ask_daemon(method, path, body, &answer);

	if (status)
		return status;
	if (ask_json)
		command_print_json(answer);
	else if (strcmp(method, "GET"))
		print_job(answer);
	else
		print_details(answer);
	json_object_put(answer);
	return 0;
}

static int ask_about_jobs(int n, char **uids, const char *method, const char *after_uid,
			  const char *member, bool value)
{
	int worst = 0;

	if (!n)
		command_usage_error("JOB is missing: `nestlab jobs` lists them");
	for (int i = 0; i < n; i++) {
		struct json_object *body = NULL;
		int status;

		if (member) {
			body = json_object_new_object();
			json_object_object_add(body, member, json_object_new_boolean(value));
		}
		status = ask_about_job(method, uids[i], after_uid, body);
		if (status)
			worst = status;
	}
	return worst;
}

static int show_jobs(int n, char **uids)
{
	return ask_about_jobs(n, uids, "GET", "", NULL, false);
}

static int cancel_jobs(int n, char **uids)
{
	return ask_about_jobs(n, uids, "DELETE", "", NULL, false);
}

static int hold_jobs(int n, char **uids)
{
	return ask_about_jobs(n, uids, "PATCH", "", "hold", true);
}

static int release_jobs(int n, char **uids)
{
	return ask_about_jobs(n, uids, "PATCH", "", "hold", false);
}

static int retry_jobs(int n, char **uids)
{
	return ask_about_jobs(n, uids, "POST", "/retry", NULL, false);
}

/* ---- log ---- */

static bool follow;
static const struct option_spec log_options[] = {
	OPTION_FLAG("f", &follow, "go on until the job is over; its exit status is the job's"),
	OPTION_END};

/* Prints what is new from *offset on. */
static int print_log(struct client *c, const char *uid, int64_t *offset, struct error *err)
{
	for (;;) {
		__cleanup_free char *after_uid = xasprintf("/log?offset=%lld", (long long)*offset);
		__cleanup_free char *path = ask_path("jobs", uid, after_uid);
		const struct client_question q = {.method = "GET", .path = path};
		struct client_answer a;
		size_t len;
		int ret = client_ask_well(c, &q, &a, err);

		if (ret)
			return ret;
		len = a.body.len;
		*offset += len;
		if (len)
			terminal_printf("%s", a.body.buf);
		client_answer_free(&a);
		if (!len)
			return 0;
	}
}

/* Whether the job is over, and with which exit status. */
static int look_at_job(struct client *c, const char *uid, bool *over, int *status,
		       struct error *err)
{
	__cleanup_free char *path = ask_path("jobs", uid, "");
	struct json_object *job;
	int ret = client_json(c, "GET", path, NULL, &job, err);

	if (ret)
		return ret;
	*over = *ask_text(job, "ended");
	*status = ask_number(job, "status");
	if (*over && strcmp(ask_text(job, "state"), "done"))
		*status = EXIT_FATAL;
	json_object_put(job);
	return 0;
}

static int follow_log(struct client *c, const char *uid, int *status, struct error *err)
{
	struct pollfd cancel = {.fd = cancel_fd(), .events = POLLIN};
	int64_t offset = 0;
	bool over = !follow;
	int ret = 0;

	do {
		if (follow)
			ret = look_at_job(c, uid, &over, status, err);
		if (!ret)
			ret = print_log(c, uid, &offset, err);
		fflush(stdout);
	} while (!ret && !over && !poll(&cancel, 1, FOLLOW_MS));
	if (!ret && !over)
		return cancel_error(err);
	return ret;
}

static int show_log(int n, char **uids)
{
	struct error err = {0};
	struct client *c;
	int status = 0, ret;

	if (n != 1)
		command_usage_error("log takes one job");
	ret = client_open(NULL, &c, &err);
	if (ret)
		return command_fatal(&err);
	ret = follow_log(c, uids[0], &status, &err);
	client_close(c);
	if (ret)
		return command_fatal(&err);
	return status;
}

/* ---- the table ---- */

#define ABOUT_DAEMON \
	"\n\nAsks the nestlabd at $NESTLAB_URL, else the one of this machine. See docs/daemon.md."

const struct command cmd_submit = {
	.name = "submit",
	.help = "give the daemon a request to carry out",
	.usage = "[options] FILE",
	.about =
		"Queues the request in FILE (docs/requests.md; --print-request makes one) and prints "
		"the job's name. `nestlab run --submit` and its like do the same from "
		"options." ABOUT_DAEMON,
	.options = submit_options,
	.operand = "FILE",
	.run = submit,
};

const struct command cmd_jobs = {
	.name = "jobs",
	.help = "list the daemon's jobs",
	.usage = "[--state STATE] [--owner NAME] [--json]",
	.about = "Lists the newest hundred jobs, the newest last." ABOUT_DAEMON,
	.options = list_options,
	.run = list_jobs,
};

const struct command cmd_show = {
	.name = "show",
	.help = "show a job of the daemon with its boots",
	.usage = "[--json] JOB...",
	.about =
		"Shows what a job is asked for, where its boots are and how it ended." ABOUT_DAEMON,
	.options = json_options,
	.operand = "JOB",
	.run = show_jobs,
};

const struct command cmd_log = {
	.name = "log",
	.help = "print what a job's commands print",
	.usage = "[-f] JOB",
	.about = "Prints the log of a job. Where it has several boots, each line has its boot's "
		 "number." ABOUT_DAEMON,
	.exit_status =
		"0 printed; with -f as the command's own: 0 good, 1 no, 125 cannot tell, 128 "
		"failed or cancelled",
	.options = log_options,
	.operand = "JOB",
	.run = show_log,
};

const struct command cmd_cancel = {
	.name = "cancel",
	.help = "cancel jobs of the daemon",
	.usage = "[--json] JOB...",
	.about = "Cancels jobs. What runs is ended (SIGTERM, then SIGKILL)." ABOUT_DAEMON,
	.options = json_options,
	.operand = "JOB",
	.run = cancel_jobs,
};

const struct command cmd_hold = {
	.name = "hold",
	.help = "keep queued jobs from being begun",
	.usage = "[--json] JOB...",
	.about = "Holds jobs that have not begun, until they are released." ABOUT_DAEMON,
	.options = json_options,
	.operand = "JOB",
	.run = hold_jobs,
};

const struct command cmd_release = {
	.name = "release",
	.help = "let held jobs be begun",
	.usage = "[--json] JOB...",
	.about = "Releases jobs that were held." ABOUT_DAEMON,
	.options = json_options,
	.operand = "JOB",
	.run = release_jobs,
};

const struct command cmd_retry = {
	.name = "retry",
	.help = "try failed or cancelled jobs again",
	.usage = "[--json] JOB...",
	.about =
		"Boots that have a result keep it; the others are tried anew. A boot that has ended "
		"three different hosts never runs again." ABOUT_DAEMON,
	.options = json_options,
	.operand = "JOB",
	.run = retry_jobs,
};
