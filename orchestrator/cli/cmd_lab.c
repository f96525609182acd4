// SPDX-License-Identifier: GPL-2.0-only
/* nestlab hosts, reserve, quarantine, token: the machines that work for a daemon, and who may ask it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/terminal.h"
#include "orchestrator/cli/ask.h"

/* ---- hosts ---- */

static const struct option_spec json_options[] = {ASK_JSON, OPTION_END};

static void print_host(struct json_object *host)
{
	__cleanup_free char *head = xasprintf(
		"%-16s %-12s %3lld running  %s", ask_text(host, "name"), ask_text(host, "state"),
		(long long)ask_number(host, "boots"), ask_text(host, "serves"));
	__cleanup_free char *text =
		xasprintf("%s%s", ask_text(host, "reason"), ask_text(host, "reserved_by"));

	command_print_row(head, text);
}

static int print_hosts(struct json_object *answer)
{
	struct json_object *hosts = json_object_object_get(answer, "hosts");

	if (ask_json)
		command_print_json(answer);
	for (size_t i = 0; !ask_json && i < json_object_array_length(hosts); i++)
		print_host(json_object_array_get_idx(hosts, i));
	json_object_put(answer);
	return 0;
}

static int list_hosts(int n, char **operands)
{
	struct json_object *answer;
	int status;

	if (n)
		command_usage_error("%s: hosts takes no operand", operands[0]);
	status = ask_daemon("GET", "/v1/hosts", NULL, &answer);
	if (status)
		return status;
	return print_hosts(answer);
}

/* ---- what may run there ---- */

static const char *reason, *whose;
static bool drain, off;

static int change_host(int n, char **operands, const char *state)
{
	__cleanup_free char *path = NULL;
	struct json_object *body = json_object_new_object(), *answer;
	int status;

	if (n != 1)
		command_usage_error("one host is expected: `nestlab hosts` lists them");
	json_add_string(body, "state", state);
	if (reason)
		json_add_string(body, "reason", reason);
	if (whose)
		json_add_string(body, "for", whose);
	path = ask_path("hosts", operands[0], "");
	status = ask_daemon("PATCH", path, body, &answer);
	if (status)
		return status;
	return print_hosts(answer);
}

static const struct option_spec reserve_options[] = {
	OPTION_STRING("for", "OWNER", &whose, "whose jobs alone it gets (default: yours)"),
	OPTION_STRING("reason", "TEXT", &reason, "why; others see it"),
	OPTION_FLAG("drain", &drain, "nobody's: what runs ends, nothing new begins",
		    .excludes = "for"),
	OPTION_FLAG("off", &off, "end it: everybody's again", .excludes = "for drain"),
	ASK_JSON,
	OPTION_END};

static int reserve(int n, char **operands)
{
	if (off)
		return change_host(n, operands, "up");
	if (drain)
		return change_host(n, operands, "draining");
	return change_host(n, operands, "reserved");
}

static const struct option_spec quarantine_options[] = {
	OPTION_STRING("reason", "TEXT", &reason, "why; others see it"),
	OPTION_FLAG("off", &off, "end it: the host is good again"), ASK_JSON, OPTION_END};

static int quarantine(int n, char **operands)
{
	return change_host(n, operands, off ? "up" : "quarantined");
}

/* ---- tokens ---- */

static const char *scope, *host;
static long days;
static const struct option_spec add_options[] = {
	OPTION_STRING("scope", "SCOPE", &scope,
		      "viewer, submitter, agent, operator or admin (default: submitter)"),
	OPTION_STRING("host", "NAME", &host, "the host that an agent's token is bound to"),
	OPTION_INT("days", "N", &days, 1, 36500, "how long it is good (default: for ever)"),
	ASK_JSON, OPTION_END};

static int add_token(int n, char **operands)
{
	struct json_object *body = json_object_new_object(), *answer;
	int status;

	if (n != 1)
		command_usage_error("token add takes the owner's name");
	json_add_string(body, "owner", operands[0]);
	json_add_string(body, "scope", scope ? scope : "submitter");
	if (host)
		json_add_string(body, "host", host);
	json_object_object_add(body, "days", json_object_new_int(days));
	status = ask_daemon("POST", "/v1/tokens", body, &answer);
	if (status)
		return status;
	if (ask_json)
		command_print_json(answer);
	else
		terminal_printf("%s\n", ask_text(answer, "token"));
	json_object_put(answer);
	return 0;
}

static int list_tokens(int n, char **operands)
{
	struct json_object *answer, *tokens;
	int status;

	if (n)
		command_usage_error("%s: token list takes no operand", operands[0]);
	status = ask_daemon("GET", "/v1/tokens", NULL, &answer);
	if (status)
		return status;
	tokens = json_object_object_get(answer, "tokens");
	if (ask_json)
		command_print_json(answer);
	for (size_t i = 0; !ask_json && i < json_object_array_length(tokens); i++) {
		struct json_object *t = json_object_array_get_idx(tokens, i);

		terminal_printf("%s  %-10s %-16s %s\n", ask_text(t, "sha256"), ask_text(t, "scope"),
				ask_text(t, "owner"), ask_text(t, "host"));
	}
	json_object_put(answer);
	return 0;
}

static int remove_token(int n, char **operands)
{
	__cleanup_free char *path = NULL;

	if (n != 1)
		command_usage_error(
			"token remove takes the token's hash: `nestlab token list` has it");
	path = ask_path("tokens", operands[0], "");
	return ask_daemon("DELETE", path, NULL, NULL);
}

static const struct command token_actions[] = {
	{
		.name = "add",
		.help = "make a token, and print it: it is shown once",
		.usage = "[--scope SCOPE] [--host NAME] [--days N] OWNER",
		.about =
			"Makes a token of 256 random bits for OWNER. The daemon keeps its hash alone.",
		.options = add_options,
		.run = add_token,
	},
	{
		.name = "list",
		.help = "list tokens by their hashes",
		.usage = "[--json]",
		.about = "Lists the tokens: hash, scope, owner, host.",
		.options = json_options,
		.run = list_tokens,
	},
	{
		.name = "remove",
		.help = "make a token worthless",
		.usage = "HASH",
		.about = "Removes the token with that hash.",
		.run = remove_token,
	},
	{0},
};

/* ---- the table ---- */

const struct command cmd_hosts = {
	.name = "hosts",
	.help = "list the hosts that work for the daemon",
	.usage = "[--json]",
	.about =
		"Lists the machines whose agents ask the daemon for work. `nestlab host` is about the "
		"host files of this machine.",
	.options = json_options,
	.run = list_hosts,
};

const struct command cmd_reserve = {
	.name = "reserve",
	.help = "keep a host for somebody's jobs",
	.usage = "[--for OWNER | --drain | --off] [--reason TEXT] HOST",
	.about =
		"From now on the host gets the jobs of one owner alone, or none. What runs on it ends "
		"as it would.",
	.options = reserve_options,
	.operand = "HOST",
	.run = reserve,
};

const struct command cmd_quarantine = {
	.name = "quarantine",
	.help = "keep a host that is in trouble from work",
	.usage = "[--off] [--reason TEXT] HOST",
	.about =
		"The host gets nothing but health jobs. The daemon does this by itself after three "
		"failures of the infrastructure in a row.",
	.options = quarantine_options,
	.operand = "HOST",
	.run = quarantine,
};

const struct command cmd_token = {
	.name = "token",
	.help = "who may ask the daemon over the network",
	.usage = "ACTION [options]",
	.about = "Tokens for HTTPS. An admin makes them. See docs/daemon.md.",
	.actions = token_actions,
};
