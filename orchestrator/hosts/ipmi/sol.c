// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/ipmi/sol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define READY	"[SOL Session operational"
#define GOODBYE "~."

/* Get Payload Instance Info (IPMI 2.0, 24.6) of payload type 1, SOL, instance 1: four bytes of the session's
 * number, zero if the payload is not active. */
static const char *const ask_session[] = {"raw", "0x06", "0x4b", "0x01", "0x01", NULL};
static const char *const deactivate[] = {"sol", "deactivate", NULL};

struct sol {
	const struct ipmi_tool *tool;
	struct channel *channel;
	/* That has the line and is ours: " 82 04 00 00"; "": none was opened. */
	char session[SOL_SESSION_TEXT];
};

/* The session that has the line, to @session; "" if none has. False: the BMC does not say. */
static bool find_session(const struct ipmi_tool *t, char session[SOL_SESSION_TEXT])
{
	struct strbuf out = STRBUF_INIT;
	bool known = !ipmi_tool_run(t, IPMI_UNDOES, ask_session, &out, NULL) && out.len >= 12;

	session[0] = '\0';
	if (known && strncmp(out.buf, " 00 00 00 00", 12))
		snprintf(session, SOL_SESSION_TEXT, "%.12s", out.buf);
	strbuf_release(&out);
	return known;
}

static void give_back(const struct ipmi_tool *t)
{
	struct strbuf out = STRBUF_INIT;

	ipmi_tool_run(t, IPMI_UNDOES, deactivate, &out, NULL);
	strbuf_release(&out);
}

/* A session of ours that died left the line taken; another's is left alone. */
static void free_line(void *arg)
{
	const struct sol *sol = arg;
	char session[SOL_SESSION_TEXT];

	if (!find_session(sol->tool, session) || !*session)
		return;
	if (!strcmp(session, sol->session) || sol->tool->cfg->console.steal)
		give_back(sol->tool);
}

static void note_session(void *arg)
{
	struct sol *sol = arg;

	find_session(sol->tool, sol->session);
}

static enum channel_owner judge_silence(void *arg, struct strbuf *why)
{
	const struct sol *sol = arg;
	char session[SOL_SESSION_TEXT];

	if (!find_session(sol->tool, session) || !*sol->session || !strcmp(session, sol->session))
		return CHANNEL_OURS;
	if (!*session || sol->tool->cfg->console.steal)
		return CHANNEL_CLOSED;
	strbuf_addf(
		why,
		"BMC %s: another session has taken the console (ours was%s, now it is%s); end it "
		"there, or let the host file say \"console\": {\"steal\": true}",
		sol->tool->cfg->bmc, sol->session, session);
	return CHANNEL_STOLEN;
}

/* Either ipmitool's, or the command of the host file, whose end is the driver's business no more. */
static void choose_command(struct sol *sol, struct channel_setting *setting, const char **argv)
{
	static const char *const activate[] = {"sol", "activate", "usesolkeepalive", NULL};
	const struct ipmi_config *cfg = sol->tool->cfg;

	if (cfg->console.command) {
		setting->argv = (const char *const *)cfg->console.command;
		return;
	}
	ipmi_tool_argv(sol->tool, activate, argv);
	setting->argv = argv;
	setting->secret_fd = sol->tool->secret;
	setting->ready = READY;
	setting->goodbye = GOODBYE;
	setting->silence_s = (int)cfg->silence_s;
	setting->owner = judge_silence;
	setting->before = free_line;
	setting->opened = note_session;
	setting->arg = sol;
}

int sol_start(const struct ipmi_tool *t, struct host_session *s, struct sol **out,
	      struct error *err)
{
	__cleanup_free char *log = xasprintf("%s/console.err", s->run_dir);
	const char *argv[IPMI_TOOL_ARGV];
	struct sol *sol = xcalloc(1, sizeof(*sol));
	struct channel_setting setting = {
		.line = {&s->ticket, s->console_path, s->records_path},
		.log_path = log,
	};
	int ret;

	sol->tool = t;
	choose_command(sol, &setting, argv);
	ret = channel_start(&setting, &sol->channel, err);
	if (ret)
		free(sol);
	else
		*out = sol;
	return ret;
}

struct channel *sol_channel(struct sol *sol)
{
	return sol->channel;
}

void sol_stop(struct sol *sol)
{
	char session[SOL_SESSION_TEXT];

	if (!sol)
		return;
	channel_stop(sol->channel);
	if (*sol->session && find_session(sol->tool, session) && !strcmp(session, sol->session))
		give_back(sol->tool);
	free(sol);
}

void sol_find_session(const struct ipmi_tool *t, char session[SOL_SESSION_TEXT])
{
	find_session(t, session);
}

/* "console ip : 192.0.2.7" of `ipmitool session info`, where the BMC tells. */
static void add_address(const struct ipmi_tool *t, const char *session, struct strbuf *out)
{
	const char *words[] = {"session", "info", "id", NULL, NULL};
	unsigned int byte[4] = {0};
	struct strbuf said = STRBUF_INIT;
	__cleanup_free char *id = NULL;
	const char *at;

	sscanf(session, "%2x %2x %2x %2x", &byte[0], &byte[1], &byte[2], &byte[3]);
	id = xasprintf("0x%02x%02x%02x%02x", byte[3], byte[2], byte[1], byte[0]);
	words[3] = id;
	if (!ipmi_tool_run(t, IPMI_UNDOES, words, &said, NULL) &&
	    (at = strcasestr(said.buf, "console ip")) && (at = strchr(at, ':')))
		strbuf_addf(out, " from %.*s", (int)strspn(at + 2, "0123456789."), at + 2);
	strbuf_release(&said);
}

int sol_check_free(const struct ipmi_tool *t, const char *ours, struct error *err)
{
	char session[SOL_SESSION_TEXT];
	struct strbuf from = STRBUF_INIT;

	if (t->cfg->console.command || !find_session(t, session) || !*session)
		return 0;
	if (t->cfg->console.steal || (ours && !strcmp(session, ours))) {
		give_back(t);
		return 0;
	}
	add_address(t, session, &from);
	error_set(
		err, -EBUSY,
		"busy: session%s%s has the console of BMC %s, and so somebody uses the host; a dead "
		"one ends by the BMC's time-out, or let the host file say \"console\": {\"steal\": "
		"true}",
		session, from.buf, t->cfg->bmc);
	strbuf_release(&from);
	return -EBUSY;
}
