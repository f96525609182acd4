// SPDX-License-Identifier: GPL-2.0-only
/* nestlab schedule and changes: nights, and lists that are watched. */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/terminal.h"
#include "orchestrator/cli/ask.h"
#include "orchestrator/daemon/nights/schedule.h"

/* ---- schedule ---- */

static const struct option_spec json_options[] = {ASK_JSON, OPTION_END};

/* A path as it is; a name is a file of the folder `schedules`. */
static char *find_file(const char *name)
{
	if (strchr(name, '/') || fs_has_suffix(name, ".json"))
		return xstrdup(name);
	return xasprintf("schedules/%s.json", name);
}

static int check(int n, char **names)
{
	int worst = 0;

	if (!n)
		command_usage_error("FILE is missing");
	for (int i = 0; i < n; i++) {
		__cleanup_free char *path = find_file(names[i]);
		struct error err = {0};

		if (schedule_check(path, &err))
			worst = command_fatal(&err);
		else
			terminal_printf("%s: good\n", path);
	}
	return worst;
}

static int show_schedules(struct json_object *answer)
{
	struct json_object *list = json_object_object_get(answer, "schedules");

	if (ask_json)
		command_print_json(answer);
	for (size_t i = 0; !ask_json && i < json_object_array_length(list); i++) {
		struct json_object *s = json_object_array_get_idx(list, i);
		__cleanup_free char *head =
			xasprintf("%-20s  %-20s  ", ask_text(s, "name"),
				  *ask_text(s, "next") ? ask_text(s, "next") : "never");
		const char *text = ask_text(s, "error");

		command_print_row(head, *text ? text : ask_text(s, "last_job"));
	}
	json_object_put(answer);
	return 0;
}

static int list(int n, char **operands)
{
	struct json_object *answer;
	int status;

	if (n)
		command_usage_error("%s: schedule list takes no operand", operands[0]);
	status = ask_daemon("GET", "/v1/schedules", NULL, &answer);
	if (status)
		return status;
	return show_schedules(answer);
}

static int run_now(int n, char **names)
{
	__cleanup_free char *path = NULL;
	struct json_object *answer;
	int status;

	if (n != 1)
		command_usage_error(
			"schedule run takes one NAME: `nestlab schedule list` has them");
	path = ask_path("schedules", names[0], "/run");
	status = ask_daemon("POST", path, NULL, &answer);
	if (status)
		return status;
	return show_schedules(answer);
}

/* ---- lists ---- */

/* "measured: improved", with what there is to say of it. */
static char *describe_state(struct json_object *s)
{
	const char *verdict = ask_text(s, "verdict"), *why = ask_text(s, "why");
	struct json_object *draft = json_object_object_get(s, "draft");
	struct strbuf out = STRBUF_INIT;
	const char *answer = "";

	if (*ask_text(s, "answered"))
		answer = ", answered";
	else if (draft && json_object_get_int64(draft))
		answer = ", draft";
	else if (draft)
		answer = ", to be sent";
	strbuf_addstr(&out, ask_text(s, "state"));
	if (*verdict)
		strbuf_addf(&out, ": %s", verdict);
	if (*why)
		strbuf_addf(&out, ": %.*s", (int)strcspn(why, "\n"), why);
	strbuf_addstr(&out, answer);
	return strbuf_detach(&out);
}

static void print_series(struct json_object *list)
{
	for (size_t i = json_object_array_length(list); i-- > 0;) {
		struct json_object *s = json_object_array_get_idx(list, i);
		__cleanup_free char *state = describe_state(s);
		__cleanup_free char *head = xasprintf(
			"%5lld  %-60s  ", (long long)ask_number(s, "id"), ask_text(s, "subject"));

		command_print_row(head, state);
	}
}

static void print_others(struct json_object *list, const char *head, const char *of)
{
	for (size_t i = json_object_array_length(list); i-- > 0;) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *subject = ask_text(o, "subject"), *why = ask_text(o, "why");
		__cleanup_free char *text = NULL, *first = NULL;

		if (!strcmp(ask_text(o, "state"), "series"))
			continue;
		if (of && *why)
			text = xasprintf("%s: %s", ask_text(o, of), why);
		else
			text = xstrdup(of ? ask_text(o, of) : why);
		first = xasprintf("%5s  %-60s  ", head,
				  *subject ? subject : ask_text(o, "message_id"));
		command_print_row(first, text);
	}
}

static int show_list(int n, char **names)
{
	__cleanup_free char *path = NULL;
	struct json_object *answer;
	int status;

	if (n != 1)
		command_usage_error(
			"schedule show takes one NAME: `nestlab schedule list` has them");
	path = ask_path("schedules", names[0], "");
	status = ask_daemon("GET", path, NULL, &answer);
	if (status)
		return status;
	if (ask_json) {
		command_print_json(answer);
	} else {
		print_series(json_object_object_get(answer, "series"));
		print_others(json_object_object_get(answer, "threads"), "-", "state");
		print_others(json_object_object_get(answer, "refused"), "x", NULL);
	}
	json_object_put(answer);
	return 0;
}

/* With the ends of lines that programs for mails read from a file. */
static void print_mail(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	for (; *text; text++)
		if (*text != '\r')
			strbuf_addch(&out, *text);
	terminal_printf("%s", out.buf);
	strbuf_release(&out);
}

static bool send_it;
static const struct option_spec answer_options[] = {
	OPTION_FLAG("send", &send_it, "let the draft go to those whom it names"), ASK_JSON,
	OPTION_END};

static int show_answer(int n, char **ids)
{
	__cleanup_free char *path = NULL;
	struct json_object *answer;
	int status;

	if (n != 1)
		command_usage_error(
			"schedule answer takes one SERIES: `nestlab schedule show NAME` "
			"has their numbers");
	path = ask_path("series", ids[0], send_it ? "/send" : "");
	status = ask_daemon(send_it ? "POST" : "GET", path, NULL, &answer);
	if (status)
		return status;
	if (ask_json)
		command_print_json(answer);
	else
		print_mail(ask_text(answer, "mail"));
	json_object_put(answer);
	return 0;
}

static const struct command schedule_actions[] = {
	{.name = "check",
	 .help = "see if schedules are right",
	 .usage = "FILE|NAME...",
	 .about = "Checks files, their times, repositories and refs, without a daemon. NAME is "
		  "schedules/NAME.json.",
	 .run = check},
	{.name = "list",
	 .help = "list the daemon's schedules",
	 .usage = "[--json]",
	 .about = "Prints each schedule's next time, and its last job or what is wrong with it.",
	 .options = json_options,
	 .run = list},
	{.name = "run",
	 .help = "let a night begin now",
	 .usage = "[--json] NAME",
	 .about = "Begins the schedule's next night now, unless one is under way: then after it.",
	 .options = json_options,
	 .operand = "NAME",
	 .run = run_now},
	{.name = "show",
	 .help = "what became of a list's threads",
	 .usage = "[--json] NAME",
	 .about =
		 "Of a schedule that watches a mailing list: each series with its state and verdict, the "
		 "newest last; then threads without one (-), and mails that were refused (x).",
	 .options = json_options,
	 .operand = "NAME",
	 .run = show_list},
	{.name = "answer",
	 .help = "print the answer to a series, or send it",
	 .usage = "[--send] [--json] SERIES",
	 .about =
		 "Prints the mail that answers a series, as it is or would be sent. SERIES is a number of "
		 "`nestlab schedule show NAME`.",
	 .options = answer_options,
	 .operand = "SERIES",
	 .run = show_answer},
	{0}};

const struct command cmd_schedule = {
	.name = "schedule",
	.help = "check, list and begin nights; lists that are watched",
	.usage = "ACTION ...",
	.about = "What runs by itself. docs/daemon.md tells how a schedule is written.",
	.actions = schedule_actions,
};

/* ---- changes ---- */

static const char *state, *triage, *owner, *note;
static const struct option_spec change_options[] = {
	OPTION_STRING("state", "STATE", &state,
		      "only those that are alarm, confirmed, reported, fixed, noise, ..."),
	OPTION_STRING("triage", "WORD", &triage, "say: acknowledged, wontfix or duplicate"),
	OPTION_STRING("owner", "WHO", &owner, "say who looks after it"),
	OPTION_STRING("note", "TEXT", &note, "say something of it"),
	ASK_JSON,
	OPTION_END};

static void print_change(struct json_object *c)
{
	const char *text = ask_text(c, "why");
	__cleanup_free char *head = xasprintf("%5lld  %-12s %-12s ", (long long)ask_number(c, "id"),
					      ask_text(c, "state"), ask_text(c, "triage"));
	__cleanup_free char *words = NULL;

	if (*ask_text(c, "culprit"))
		text = ask_text(c, "subject");
	words = xasprintf("%s %s: %.12s %s", ask_text(c, "schedule"), ask_text(c, "branch"),
			  ask_text(c, "culprit"), text);
	command_print_row(head, words);
}

static void print_metrics(struct json_object *c)
{
	struct json_object *list_of = json_object_object_get(c, "metrics");

	terminal_printf("before: %s\nafter:  %s\n", ask_text(c, "good"), ask_text(c, "bad"));
	if (*ask_text(c, "owner") || *ask_text(c, "note"))
		terminal_printf("owner:  %s\nnote:   %s\n", ask_text(c, "owner"),
				ask_text(c, "note"));
	for (size_t i = 0; i < json_object_array_length(list_of); i++) {
		struct json_object *m = json_object_array_get_idx(list_of, i);
		double ratio = json_object_get_double(json_object_object_get(m, "ratio"));

		terminal_printf("  %+.2f %%  %s  %s %s %s\n", ratio ? (ratio - 1) * 100 : 0,
				ask_text(m, "verdict"), ask_text(m, "scenario"),
				ask_text(m, "metric"), ask_text(m, "params"));
	}
}

static struct json_object *make_triage(void)
{
	struct json_object *body;

	if (!triage && !owner && !note)
		return NULL;
	body = json_object_new_object();
	if (triage)
		json_add_string(body, "triage", triage);
	if (owner)
		json_add_string(body, "owner", owner);
	if (note)
		json_add_string(body, "note", note);
	return body;
}

static int ask_change(const char *id)
{
	__cleanup_free char *path = ask_path("changes", id, "");
	struct json_object *body = make_triage(), *answer;
	int status = ask_daemon(body ? "PATCH" : "GET", path, body, &answer);

	if (status)
		return status;
	if (ask_json) {
		command_print_json(answer);
	} else {
		print_change(answer);
		print_metrics(answer);
	}
	json_object_put(answer);
	return 0;
}

static int list_changes(void)
{
	__cleanup_free char *word = client_escape(state ? state : "");
	__cleanup_free char *path = xasprintf("/v1/changes%s%s", *word ? "?state=" : "", word);
	struct json_object *answer, *all;
	int status = ask_daemon("GET", path, NULL, &answer);

	if (status)
		return status;
	all = json_object_object_get(answer, "changes");
	if (ask_json)
		command_print_json(answer);
	for (size_t i = json_object_array_length(all); !ask_json && i-- > 0;)
		print_change(json_object_array_get_idx(all, i));
	json_object_put(answer);
	return 0;
}

static int show_changes(int n, char **ids)
{
	if (n > 1)
		command_usage_error("changes takes one change at most");
	if (n && state)
		command_usage_error("--state: is for the list; a change has one, whatever it is");
	if (!n && (triage || owner || note))
		command_usage_error("of which change? `nestlab changes` has their numbers");
	if (n)
		return ask_change(ids[0]);
	return list_changes();
}

const struct command cmd_changes = {
	.name = "changes",
	.help = "list what nights found, and say what is done about it",
	.usage =
		"[--state STATE] [--json]\n[--triage WORD] [--owner WHO] [--note TEXT] [--json] CHANGE",
	.about =
		"Lists changes of numbers over nights, the newest last; or shows one with its metrics. "
		"docs/daemon.md tells of their states.",
	.options = change_options,
	.operand = "CHANGE",
	.run = show_changes,
};
