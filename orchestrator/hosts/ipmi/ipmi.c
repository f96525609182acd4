// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/ipmi/ipmi.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/shell.h"
#include "images/images.h"
#include "orchestrator/hosts/ipmi/config.h"
#include "orchestrator/hosts/ipmi/events.h"
#include "orchestrator/hosts/ipmi/sol.h"
#include "orchestrator/hosts/journal.h"
#include "orchestrator/hosts/serve.h"
#include "orchestrator/hosts/task.h"

#define CHANNEL_POLL_MS 1000 /* the line tells what it has heard so often */
#define REPEAT_S	20.0 /* a power request that shows no effect is made again after */

/* One boot. */
struct ipmi_run {
	struct host_session *session;
	const struct ipmi_config *cfg;
	struct ipmi_tool tool;
	struct task *task;
	struct sol *sol;
	struct serve_boot *served;
	/* What of "files", "device" and "power" is to be undone; "sol": the session of our line. */
	struct journal *journal;
	bool refused; /* somebody else has the host: what an earlier run of ours left is his now */
	double on_at; /* when it was told to go on: clock_seconds(); 0: not yet */
	struct sel events; /* since then, after a failure */
};

/* ---- power; in a task's thread ---- */

static const char *const ask_power[] = {"chassis", "power", "status", NULL};

static int read_power(struct ipmi_run *b, enum ipmi_purpose purpose, bool *on, struct error *err)
{
	struct strbuf out = STRBUF_INIT;
	int ret = ipmi_tool_run(&b->tool, purpose, ask_power, &out, err);

	*on = strstr(out.buf, "Power is on") != NULL;
	strbuf_release(&out);
	return ret;
}

/* A cancel ends it; where something is undone, a second Ctrl-C. */
static bool pause_between(const struct ipmi_run *b, enum ipmi_purpose purpose)
{
	struct pollfd p = {.fd = cancel_fd(), .events = POLLIN};

	if (purpose == IPMI_UNDOES)
		p.fd = cancel_insisted_fd();
	return poll(&p, 1, (int)b->cfg->poll_ms) <= 0;
}

/* Asks for it and looks until it is so: BMCs tell late, and forget. */
static int set_power(struct ipmi_run *b, enum ipmi_purpose purpose, const char *word, bool want,
		     int64_t limit_s, struct error *err)
{
	const char *const request[] = {"chassis", "power", word, NULL};
	double start = clock_seconds(), asked = 0;
	struct strbuf out = STRBUF_INIT;
	bool on = !want;
	int ret = read_power(b, purpose, &on, err);

	while (!ret && on != want && clock_seconds() - start < (double)limit_s) {
		if (!asked || clock_seconds() - asked > REPEAT_S) {
			ret = ipmi_tool_run(&b->tool, purpose, request, &out, err);
			asked = clock_seconds();
		}
		if (!ret)
			ret = read_power(b, purpose, &on, err);
		if (!ret && on != want && !pause_between(b, purpose))
			ret = cancel_error(err);
	}
	strbuf_release(&out);
	if (!ret && on != want)
		ret = error_set(err, -EIO,
				"BMC %s: was told to switch %s, and is not within %lld s",
				b->cfg->bmc, word, (long long)limit_s);
	return ret;
}

/* It will have to be undone, whatever becomes of us meanwhile. */
static int note_change(struct ipmi_run *b, const char *what, struct error *err)
{
	return journal_note(b->journal, what, json_object_new_boolean(true), err);
}

static int note_undone(struct ipmi_run *b, const char *what, struct error *err)
{
	return journal_note(b->journal, what, NULL, err);
}

/* So that what is left of a crash of ours can be told from another's. */
static int note_line(struct ipmi_run *b, struct error *err)
{
	char session[SOL_SESSION_TEXT];

	if (b->cfg->console.command)
		return 0;
	sol_find_session(&b->tool, session);
	if (!*session)
		return 0;
	return journal_note(b->journal, "sol", json_object_new_string(session), err);
}

static int power_on(void *arg, struct error *err)
{
	struct ipmi_run *b = arg;
	int ret = note_line(b, err);

	if (!ret)
		ret = note_change(b, "power", err);
	if (ret)
		return ret;
	b->on_at = clock_seconds();
	return set_power(b, IPMI_DOES, "on", true, b->cfg->on_limit_s, err);
}

static int power_off(void *arg, struct error *err)
{
	struct ipmi_run *b = arg;
	int ret = set_power(b, IPMI_UNDOES, "off", false, b->cfg->off_limit_s, err);

	if (ret)
		return ret;
	return note_undone(b, "power", err);
}

/* ---- what it boots; in a task's thread ---- */

/* By the device that `chassis bootparam get 5` names once it is set. */
static const struct {
	const char *word, *told;
} devices[] = {
	[IPMI_BOOT_PXE] = {"pxe", "Force PXE"},
	[IPMI_BOOT_CDROM] = {"cdrom", "Force Boot from CD/DVD"},
};

/* Without this BMCs clear the flags 60 seconds after they were set: POST takes longer. Not all know it. */
static const char *const keep_flags[] = {"raw", "0x0", "0x8", "0x3", "0x1f", NULL};

static int set_device(struct ipmi_run *b, struct error *err)
{
	const char *options = b->cfg->firmware == IPMI_UEFI ? "options=efiboot" : NULL;
	const char *const set[] = {"chassis", "bootdev", devices[b->cfg->boot].word, options, NULL};
	const char *const ask[] = {"chassis", "bootparam", "get", "5", NULL};
	struct strbuf out = STRBUF_INIT;
	int ret = note_change(b, "device", err);

	if (ret)
		return ret;
	ipmi_tool_run(&b->tool, IPMI_DOES, keep_flags, &out, NULL);
	ret = ipmi_tool_run(&b->tool, IPMI_DOES, set, &out, err);
	if (!ret)
		ret = ipmi_tool_run(&b->tool, IPMI_DOES, ask, &out, err);
	if (!ret && !strstr(out.buf, devices[b->cfg->boot].told))
		ret = error_set(
			err, -EIO,
			"BMC %s: was told to boot from %s once, and does not say that it will",
			b->cfg->bmc, devices[b->cfg->boot].word);
	strbuf_release(&out);
	return ret;
}

static int clear_device(struct ipmi_run *b, struct error *err)
{
	static const char *const none[] = {"chassis", "bootdev", "none", NULL};
	struct strbuf out = STRBUF_INIT;
	int ret = ipmi_tool_run(&b->tool, IPMI_UNDOES, none, &out, err);

	strbuf_release(&out);
	if (ret)
		return ret;
	return note_undone(b, "device", err);
}

/* The URL has the port that the server got. */
static int take_records(struct ipmi_run *b, struct error *err)
{
	struct host_session *s = b->session;
	const struct line_setting setting = {.ticket = &s->ticket, .records_path = s->records_path};

	s->ticket.channel = TICKET_HTTP;
	s->ticket.answers = true;
	snprintf(s->ticket.device, sizeof(s->ticket.device), "%s", serve_records_url(b->served));
	return serve_take_records(b->served, &setting, err);
}

static int serve_image(struct ipmi_run *b, struct error *err)
{
	const struct serve_request request = {
		.base_url = b->cfg->image_url,
		.listen = b->cfg->listen,
		.image = b->session->image,
	};
	char ticket[TICKET_BYTES];
	uint64_t at;
	int ret = image_find_ticket(request.image, &at, err);

	if (!ret)
		ret = serve_open(&request, &b->served, err);
	if (!ret && b->cfg->records == IPMI_RECORDS_HTTP)
		ret = take_records(b, err);
	if (ret)
		return ret;
	ticket_format(&b->session->ticket, ticket);
	ret = serve_set_overlay(b->served, ticket, sizeof(ticket), at, err);
	explicit_bzero(ticket, sizeof(ticket));
	if (!ret)
		b->session->ticketed = true;
	return ret;
}

/* iPXE asks the TFTP or web server for it; the image it gets from us. */
static int write_script(struct ipmi_run *b, struct error *err)
{
	__cleanup_free char *script =
		xasprintf("#!ipxe\n# written by nestlab for one boot of host %s\n"
			  "sanboot --no-describe %s\n",
			  b->session->cfg->name, serve_image_url(b->served));

	return fs_write_file(b->cfg->boot_script, script, strlen(script), err);
}

static int prepare(void *arg, struct error *err)
{
	struct ipmi_run *b = arg;
	int ret = sol_check_free(&b->tool, journal_string(b->journal, "sol"), err);

	b->refused = ret == -EBUSY;
	if (!ret)
		ret = note_change(b, "files", err);
	if (!ret && b->cfg->image_url)
		ret = serve_image(b, err);
	if (!ret && b->cfg->boot_script)
		ret = write_script(b, err);
	if (!ret && b->cfg->image_file)
		ret = host_copy_image(b->session, b->cfg->image_file, err);
	if (!ret)
		ret = set_power(b, IPMI_DOES, "off", false, b->cfg->off_limit_s, err);
	if (!ret)
		ret = set_device(b, err);
	return ret;
}

/* ---- the driver's methods ---- */

static int ipmi_provision(struct host_session *s, struct error *err)
{
	struct ipmi_run *b = s->priv;
	int ret;

	if (!b) {
		b = xcalloc(1, sizeof(*b));
		b->session = s;
		b->cfg = s->cfg->own;
		b->tool.secret = -1;
		b->events = (struct sel)SEL_INIT(0);
		s->priv = b;
		host_console_ticket(&b->cfg->console, &s->ticket);
		ret = journal_open(s->cfg, b->cfg->machine, &b->journal, err);
		if (!ret)
			ret = ipmi_tool_open(&b->tool, b->cfg, err);
		if (ret)
			return ret;
	}
	return task_step(&b->task, prepare, b, s, err);
}

static int ipmi_open_channel(struct host_session *s, struct error *err)
{
	struct ipmi_run *b = s->priv;
	struct strbuf why = STRBUF_INIT;
	enum channel_state state;
	int ret = 0;

	if (!b->sol)
		ret = sol_start(&b->tool, s, &b->sol, err);
	if (ret)
		return ret;
	s->wake_fd = channel_fd(sol_channel(b->sol));
	state = channel_state(sol_channel(b->sol), &why);
	if (state == CHANNEL_FAILED)
		ret = error_set(err, -EIO, "the console: %s", why.buf);
	else if (state != CHANNEL_OPEN)
		ret = HOST_GOES_ON;
	strbuf_release(&why);
	return ret;
}

static int ipmi_power(struct host_session *s, enum host_power want, struct error *err)
{
	struct ipmi_run *b = s->priv;
	int ret;

	if (!b)
		return 0;
	if (want == HOST_POWER_OFF)
		return task_step(&b->task, power_off, b, s, err);
	ret = task_step(&b->task, power_on, b, s, err);
	if (ret)
		return ret;
	s->wake_fd = channel_fd(sol_channel(b->sol));
	s->poll_ms = CHANNEL_POLL_MS;
	return 0;
}

static void hear_records(struct ipmi_run *b)
{
	struct line_counts counts;

	serve_tell_records(b->served, &counts, &b->session->heard_at);
	b->session->refused += counts.refused;
}

/* The power state is no news: BMCs report it late, and the agent's `bye` ends a boot. */
static bool ipmi_is_on(struct host_session *s)
{
	struct ipmi_run *b = s->priv;
	bool serves = channel_serves(sol_channel(b->sol), s);

	if (b->cfg->records == IPMI_RECORDS_HTTP)
		hear_records(b);
	return serves;
}

static int ipmi_postmortem(struct host_session *s, struct strbuf *why)
{
	struct ipmi_run *b = s->priv;

	strbuf_addstr(why, "the console was lost: ");
	channel_state(sol_channel(b->sol), why);
	return -EIO;
}

static int remove_file(const char *path, struct error *err)
{
	if (!path || !unlink(path) || errno == ENOENT)
		return 0;
	return error_set(err, -errno, "%s: cannot remove: %s", path, strerror(errno));
}

static int remove_files(struct ipmi_run *b, struct error *err)
{
	int ret = remove_file(b->cfg->image_file, err);

	if (!ret)
		ret = remove_file(b->cfg->boot_script, err);
	if (ret)
		return ret;
	return note_undone(b, "files", err);
}

/* What is left to be undone, by the journal; each thing that was adds a line to @did, if that is not NULL.
 * What fails does not keep the rest from being tried; the first error is told. */
static const struct {
	const char *what, *told;
	int (*undo)(struct ipmi_run *b, struct error *err);
} undoings[] = {
	{"files", "removed the image and the boot script", remove_files},
	{"device", "cleared the boot device", clear_device},
};

/* After a second Ctrl-C: what a person, or `host rescue`, has to do. */
static int tell_left(struct ipmi_run *b, struct error *err)
{
	struct strbuf left = STRBUF_INIT;
	int ret;

	if (json_object_object_get_ex(b->journal->state, "power", NULL))
		strbuf_addstr(&left, ": it may be on");
	if (json_object_object_get_ex(b->journal->state, "device", NULL))
		strbuf_addf(&left, "%s the boot device is set", left.len ? ";" : ":");
	if (json_object_object_get_ex(b->journal->state, "files", NULL))
		strbuf_addf(&left, "%s the image and the boot script are there",
			    left.len ? ";" : ":");
	ret = error_set(err, -ECANCELED, "BMC %s: broken off by the second Ctrl-C%s", b->cfg->bmc,
			left.buf);
	strbuf_release(&left);
	return ret;
}

static int undo_all(struct ipmi_run *b, struct strbuf *did, struct error *err)
{
	int first = 0;

	for (size_t i = 0; i < ARRAY_SIZE(undoings); i++) {
		struct error why = {0};
		int ret;

		if (!json_object_object_get_ex(b->journal->state, undoings[i].what, NULL))
			continue;
		ret = undoings[i].undo(b, &why);
		if (!ret && did)
			strbuf_addf(did, "%s\n", undoings[i].told);
		if (ret && !first)
			first = error_set(err, ret, "%s", why.text);
	}
	if (first == -ECANCELED)
		return tell_left(b, err);
	if (!first && journal_string(b->journal, "sol"))
		return note_undone(b, "sol", err);
	return first;
}

static int clean_up(void *arg, struct error *err)
{
	struct ipmi_run *b = arg;

	sol_stop(b->sol); /* with it ends what tells others that the host is in use */
	b->sol = NULL;
	serve_close(b->served);
	b->served = NULL;
	if (b->tool.secret < 0 || b->refused)
		return 0;
	return undo_all(b, NULL, err);
}

static int read_events(void *arg, struct error *err)
{
	struct ipmi_run *b = arg;

	return ipmi_events_read(&b->tool, clock_seconds() - b->on_at, &b->events, err);
}

static int ipmi_examine(struct host_session *s, struct strbuf *trouble, struct error *err)
{
	struct ipmi_run *b = s->priv;
	int ret;

	if (!b || !b->on_at)
		return 0;
	ret = task_step(&b->task, read_events, b, s, err);
	if (ret)
		return ret;
	strbuf_addstr(trouble, b->events.trouble.buf);
	return sel_write(&b->events, s->run_dir, err);
}

static int ipmi_release(struct host_session *s, struct error *err)
{
	struct ipmi_run *b = s->priv;
	int ret;

	if (!b)
		return 0;
	s->poll_ms = 0;
	ret = task_step(&b->task, clean_up, b, s, err);
	if (ret == HOST_GOES_ON)
		return ret;
	if (ret)
		error_append(err, ret, "; or: %s host rescue %s", shell_program(), s->cfg->name);
	journal_close(b->journal);
	ipmi_tool_close(&b->tool);
	sel_release(&b->events);
	free(b);
	s->priv = NULL;
	return ret;
}

/* A crash of ours may have left the server running, too. */
static int ipmi_rescue(const struct host_config *cfg, struct strbuf *did, struct error *err)
{
	struct ipmi_run b = {.cfg = cfg->own, .tool = {.secret = -1}};
	int ret = journal_open(cfg, b.cfg->machine, &b.journal, err);

	if (ret)
		return ret;
	if (journal_is_empty(b.journal))
		goto out;
	ret = ipmi_tool_open(&b.tool, b.cfg, err);
	if (!ret)
		ret = sol_check_free(&b.tool, journal_string(b.journal, "sol"), err);
	if (ret)
		goto out;
	if (json_object_object_get_ex(b.journal->state, "power", NULL)) {
		ret = power_off(&b, err);
		if (!ret)
			strbuf_addstr(did, "switched it off\n");
	}
	if (!ret)
		ret = undo_all(&b, did, err);
out:
	ipmi_tool_close(&b.tool);
	journal_close(b.journal);
	return ret;
}

static const char *const kernel_config[] = {"pc", "bare-metal", NULL};

const struct host_driver host_ipmi = {
	.name = "ipmi",
	.help = "a server by its BMC's IPMI: power, boot device, serial over LAN",
	.clock = HOST_CLOCK_TSC,
	.parallel = 1,
	.boot_limit_s = 900,
	.kernel_config = kernel_config,
	.keys = ipmi_keys,
	.configure = ipmi_configure,
	.free_config = ipmi_free_config,
	.cmdline = ipmi_cmdline,
	.probe = ipmi_probe,
	.identify = host_identify_machine,
	.netboot = ipmi_netboot,
	.rescue = ipmi_rescue,
	.provision = ipmi_provision,
	.open_channel = ipmi_open_channel,
	.power = ipmi_power,
	.is_on = ipmi_is_on,
	.postmortem = ipmi_postmortem,
	.examine = ipmi_examine,
	.release = ipmi_release,
};
