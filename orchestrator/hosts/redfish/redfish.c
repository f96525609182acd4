// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/redfish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/shell.h"
#include "images/images.h"
#include "orchestrator/hosts/channel.h"
#include "orchestrator/hosts/redfish/claim.h"
#include "orchestrator/hosts/redfish/events.h"
#include "orchestrator/hosts/redfish/steps.h"
#include "orchestrator/hosts/redfish/undo.h"
#include "orchestrator/hosts/serve.h"
#include "orchestrator/hosts/task.h"

#define LOCK_POLL_MS 1000
#define BOOT_LIMIT_S \
	1200 /* the POST of a server with a TiB takes up to ten minutes, and then it boots */
#define CLAIM_SLACK_S 1800 /* to prepare it, and to undo that with a slow BMC */
#define EXAMINE_TRIES 2
#define OFFS_BELIEVED 2 /* in a row: power states lag, and lie */

/* One boot. */
struct redfish_boot {
	const struct redfish_config *cfg;
	struct bmc bmc;
	struct machine machine;
	struct journal *journal;   /* NULL until the host is ours */
	struct serve_boot *served; /* the image */
	struct channel *channel;
	char *log_path, *channel_log;
	struct task *task;
	task_function *closing; /* the step of those that undo that has begun */
	enum override_source source;
	bool told_busy;
	int64_t longest_s; /* that a boot may take: when our claim runs out */
	bool found;	   /* machine is filled in */
	atomic_int offs;   /* times in a row that it said it was off */
	bool lost;	   /* the channel has failed: why is in @trouble */
	struct strbuf trouble;
	double on_at;	   /* when it was told to go on: clock_seconds(); 0: not yet */
	struct sel events; /* since then, after a failure */
};

/* ---- in a task's thread ---- */

static int note_drive(void *arg, const char *drive, struct error *err)
{
	struct redfish_boot *b = arg;
	const char *url = serve_image_url(b->served);
	int ret = journal_note(b->journal, "drive", json_object_new_string(drive), err);

	return ret ? ret : journal_note(b->journal, "image", json_object_new_string(url), err);
}

static int insert_image(struct redfish_boot *b, struct error *err)
{
	char *drive = NULL;
	int ret = media_insert(&b->bmc, &b->machine, serve_image_url(b->served), note_drive, b,
			       &drive, err);

	free(drive);
	return ret;
}

static int override_boot(struct redfish_boot *b, struct error *err)
{
	struct json_object *before = NULL;
	int ret = override_read(&b->bmc, &b->machine, &before, err);

	if (ret)
		return ret;
	ret = journal_note(b->journal, "override", before ? before : json_object_new_boolean(false),
			   err);
	if (ret)
		return ret;
	return override_set(&b->bmc, &b->machine, b->source, serve_image_url(b->served), err);
}

static int note_claim(void *arg, const char *claim, struct error *err)
{
	struct redfish_boot *b = arg;

	return journal_note(b->journal, "claim", json_object_new_string(claim), err);
}

static int claim_machine(struct redfish_boot *b, struct error *err)
{
	char *claim = NULL;
	int ret = claim_take(&b->bmc, &b->machine, b->longest_s, note_claim, b, &claim, err);

	if (!claim && journal_string(b->journal, "claim"))
		journal_note(b->journal, "claim", NULL, NULL); /* it is not there */
	free(claim);
	return ret;
}

/* By a drive, unless there is none that takes an image or the host file wants HTTP. */
static int choose_path(struct redfish_boot *b, struct error *err)
{
	const struct machine *m = &b->machine;
	const char *no_cd = override_lacks(m, OVERRIDE_CD);
	const char *no_http = override_lacks(m, OVERRIDE_HTTP);

	if (!m->ndrives)
		no_cd = "it has no drive that takes one";
	if (b->cfg->path == REDFISH_HTTP)
		no_cd = "\"boot\" is \"http\"";
	if (b->cfg->path == REDFISH_MEDIA)
		no_http = "\"boot\" is \"media\"";
	b->source = no_cd ? OVERRIDE_HTTP : OVERRIDE_CD;
	if (!no_cd || !no_http)
		return 0;
	return bmc_fail(err, BMC_UNFIT,
			"%s: no way in for an image: %s; %s; %sboot it by PXE with another driver",
			m->system, no_cd, no_http, m->rejected.buf);
}

/* All that is switched off: BMCs refuse, or forget, settings of a machine that is on or in POST. */
static int run_provision(void *arg, struct error *err)
{
	struct redfish_boot *b = arg;
	int ret = machine_find(&b->bmc, &b->machine, err);

	if (ret)
		return ret;
	b->found = true;
	if (!journal_is_empty(b->journal)) {
		ret = undo_all(&b->bmc, &b->machine, b->journal, NULL, err);
		if (ret)
			return error_prefix(err, ret, "what a crashed run left cannot be undone");
	}
	ret = choose_path(b, err);
	if (!ret)
		ret = claim_machine(b, err);
	if (ret)
		return ret;
	ret = power_set(&b->bmc, &b->machine, STEP_OFF, err);
	if (!ret && b->source == OVERRIDE_CD)
		ret = insert_image(b, err);
	if (!ret)
		ret = override_boot(b, err);
	return ret;
}

static int run_power_on(void *arg, struct error *err)
{
	struct redfish_boot *b = arg;
	int ret;

	b->on_at = clock_seconds();
	ret = journal_note(b->journal, "power", json_object_new_string("on"), err);

	return ret ? ret : power_set(&b->bmc, &b->machine, STEP_ON, err);
}

/* What undoes something heeds a second Ctrl-C alone. */
static void begin_closing(struct redfish_boot *b)
{
	atomic_store(&b->bmc.heeds_cancel, false);
	atomic_store(&b->bmc.given_up, false);
}

static int run_power_off(void *arg, struct error *err)
{
	struct redfish_boot *b = arg;
	int ret;

	begin_closing(b);
	ret = power_set(&b->bmc, &b->machine, STEP_OFF, err);

	return ret ? ret : journal_note(b->journal, "power", NULL, err);
}

/* A BMC that does not answer now is asked again in a while: no answer is not "off". */
static int run_watch(void *arg, struct error *err)
{
	struct redfish_boot *b = arg;
	enum step_power now;
	bool off = !power_read(&b->bmc, &b->machine, &now, err) && now == STEP_OFF;

	if (off)
		atomic_fetch_add(&b->offs, 1);
	else
		atomic_store(&b->offs, 0);
	return 0;
}

/* A BMC that does not answer is not waited for as long as where something has to be undone. */
static int run_examine(void *arg, struct error *err)
{
	struct redfish_boot *b = arg;
	int64_t tries = b->bmc.tries;
	int ret;

	begin_closing(b);
	b->bmc.tries = tries < EXAMINE_TRIES ? tries : EXAMINE_TRIES;
	ret = events_read(&b->bmc, &b->machine, clock_seconds() - b->on_at, &b->events, err);
	b->bmc.tries = tries;
	return ret;
}

/* Nothing but a second Ctrl-C ends what undoes. */
static int tell_left(struct redfish_boot *b, struct error *err)
{
	struct strbuf left = STRBUF_INIT;
	int ret;

	undo_tell_left(b->journal, &left);
	ret = error_set(err, -ECANCELED, "%s: broken off by the second Ctrl-C%s", b->cfg->bmc,
			left.buf);
	strbuf_release(&left);
	return ret;
}

static int run_undo(void *arg, struct error *err)
{
	struct redfish_boot *b = arg;
	struct error own = {0};
	int ret = 0, code;

	begin_closing(b);
	if (!b->found && !journal_is_empty(b->journal))
		ret = machine_find(&b->bmc, &b->machine, err);
	if (!ret)
		ret = undo_all(&b->bmc, &b->machine, b->journal, NULL, err);
	code = undo_session(&b->bmc, b->journal, &own);
	if (ret == -ECANCELED || code == -ECANCELED)
		return tell_left(b, err);
	if (code && !ret)
		return error_set(err, code, "%s", own.text);
	return ret;
}

/* ---- the driver's methods ---- */

static int do_step(struct host_session *s, task_function *run, struct error *err)
{
	struct redfish_boot *b = s->priv;
	int ret = task_step(&b->task, run, b, s, err);

	if (ret < 0 && ret != -ECANCELED)
		error_append(err, ret, " (%s)", b->log_path);
	return ret;
}

/* A step that undoes: what still goes on is broken off before it. */
static int do_closing_step(struct host_session *s, task_function *run, struct error *err)
{
	struct redfish_boot *b = s->priv;

	if (b->closing != run)
		atomic_store(&b->bmc.given_up, true);
	b->closing = run;
	return do_step(s, run, err);
}

static int new_boot_state(struct host_session *s, struct error *err)
{
	struct redfish_boot *b = xcalloc(1, sizeof(*b));
	int ret;

	s->priv = b;
	b->cfg = s->cfg->own;
	b->longest_s = s->cfg->wall_limit_s + s->cfg->boot_limit_s + CLAIM_SLACK_S;
	b->trouble = (struct strbuf)STRBUF_INIT;
	b->events = (struct sel)SEL_INIT(0);
	b->machine.rejected = (struct strbuf)STRBUF_INIT;
	b->log_path = xasprintf("%s/redfish.log", s->run_dir);
	b->channel_log = xasprintf("%s/console.err", s->run_dir);
	ret = bmc_open(&b->bmc, b->cfg, s->cfg->path, err);
	b->bmc.log_path = b->log_path;
	return ret;
}

static int take_host(struct host_session *s, struct error *err)
{
	struct redfish_boot *b = s->priv;
	struct error own = {0};
	int ret = journal_open(s->cfg, b->cfg->machine, &b->journal, &own);

	if (ret == -EBUSY) {
		if (!b->told_busy)
			log_info("%s; waiting", own.text);
		b->told_busy = true;
		s->poll_ms = LOCK_POLL_MS;
		return HOST_GOES_ON;
	}
	if (ret)
		return error_set(err, ret, "%s", own.text);
	s->poll_ms = 0;
	b->bmc.on_session = undo_note_session;
	b->bmc.arg = b->journal;
	return ret;
}

/* The agent POSTs its records to the image's server; the line is the console alone. */
static int take_records(struct host_session *s, struct error *err)
{
	struct redfish_boot *b = s->priv;
	const struct line_setting setting = {.ticket = &s->ticket, .records_path = s->records_path};

	s->ticket.channel = TICKET_HTTP;
	s->ticket.answers = true;
	snprintf(s->ticket.device, sizeof(s->ticket.device), "%s", serve_records_url(b->served));
	return serve_take_records(b->served, &setting, err);
}

/* The ticket is written over its placeholder as the image is sent. */
static int serve_image(struct host_session *s, struct error *err)
{
	struct redfish_boot *b = s->priv;
	const struct serve_request req = {
		.base_url = b->cfg->image_url, .listen = b->cfg->listen, .image = s->image};
	char ticket[TICKET_BYTES];
	uint64_t at;
	int ret = image_find_ticket(s->image, &at, err);

	if (!ret)
		ret = serve_open(&req, &b->served, err);
	if (ret)
		return ret;
	host_console_ticket(&b->cfg->console, &s->ticket);
	if (b->cfg->records == REDFISH_RECORDS_HTTP)
		ret = take_records(s, err);
	if (!ret)
		ret = ticket_format(&s->ticket, ticket);
	if (!ret)
		ret = serve_set_overlay(b->served, ticket, sizeof(ticket), at, err);
	explicit_bzero(ticket, sizeof(ticket));
	s->ticketed = !ret;
	return ret;
}

static int redfish_provision(struct host_session *s, struct error *err)
{
	struct redfish_boot *b = s->priv;
	int ret = 0;

	if (!b) {
		ret = new_boot_state(s, err);
		if (ret)
			return ret;
		b = s->priv;
	}
	if (!b->journal)
		ret = take_host(s, err);
	if (ret)
		return ret;
	if (!b->served)
		ret = serve_image(s, err);
	if (ret)
		return ret;
	return do_step(s, run_provision, err);
}

static int start_channel(struct host_session *s, struct error *err)
{
	struct redfish_boot *b = s->priv;
	const struct channel_setting setting = {
		.line = {.ticket = &s->ticket,
			 .console_path = s->console_path,
			 .records_path = s->records_path},
		.argv = (const char *const *)b->cfg->console.command,
		.log_path = b->channel_log,
	};

	return channel_start(&setting, &b->channel, err);
}

static int redfish_open_channel(struct host_session *s, struct error *err)
{
	struct redfish_boot *b = s->priv;
	struct strbuf why = STRBUF_INIT;
	enum channel_state state;
	int ret = b->channel ? 0 : start_channel(s, err);

	if (ret)
		return ret;
	s->wake_fd = channel_fd(b->channel);
	state = channel_state(b->channel, &why);
	if (state == CHANNEL_FAILED)
		ret = error_set(err, -EIO, "console: %s (%s)", why.buf, b->channel_log);
	else if (state != CHANNEL_OPEN)
		ret = HOST_GOES_ON;
	strbuf_release(&why);
	return ret;
}

static int redfish_power(struct host_session *s, enum host_power want, struct error *err)
{
	struct redfish_boot *b = s->priv;
	int ret;

	if (want == HOST_POWER_OFF)
		return do_closing_step(s, run_power_off, err);
	ret = do_step(s, run_power_on, err);
	if (ret)
		return ret;
	s->wake_fd = channel_fd(b->channel);
	s->poll_ms = (int)b->cfg->watch_ms;
	return 0;
}

static void hear_records(struct host_session *s)
{
	struct redfish_boot *b = s->priv;
	struct line_counts counts;

	serve_tell_records(b->served, &counts, &s->heard_at);
	s->refused += counts.refused;
}

static bool redfish_is_on(struct host_session *s)
{
	struct redfish_boot *b = s->priv;

	if (!channel_serves(b->channel, s)) {
		b->lost = true;
		channel_state(b->channel, &b->trouble);
		return false;
	}
	if (b->cfg->records == REDFISH_RECORDS_HTTP)
		hear_records(s);
	task_step(&b->task, run_watch, b, s, NULL);
	s->wake_fd = channel_fd(b->channel); /* the question's answer can wait for the next look */
	return atomic_load(&b->offs) < OFFS_BELIEVED;
}

static void redfish_tell(struct host_session *s, struct strbuf *out)
{
	struct redfish_boot *b = s->priv;
	struct serve_tally t;

	serve_tell(b->served, &t);
	if (!t.requests)
		strbuf_addstr(out, "nobody fetched the image");
	else
		strbuf_addf(out, "%s fetched %llu bytes of the image in %llu requests (%s)", t.who,
			    (unsigned long long)t.bytes, (unsigned long long)t.requests, t.agent);
}

/* The agent switches nothing off before its `bye`, and a kernel that dies starts the machine anew: an operator did
 * it, a tripped protection, or a BMC that lies. */
static int redfish_postmortem(struct host_session *s, struct strbuf *why)
{
	struct redfish_boot *b = s->priv;

	if (b->lost) {
		strbuf_addf(why, "console: %s (%s)", b->trouble.buf, b->channel_log);
	} else {
		strbuf_addstr(why, "the BMC says that the machine is off; ");
		redfish_tell(s, why);
	}
	return -EIO;
}

static int redfish_examine(struct host_session *s, struct strbuf *trouble, struct error *err)
{
	struct redfish_boot *b = s->priv;
	int ret, code;

	if (!b->on_at)
		return 0;
	ret = do_closing_step(s, run_examine, err);
	if (ret == HOST_GOES_ON)
		return ret;
	strbuf_addstr(trouble, b->events.trouble.buf);
	code = sel_write(&b->events, s->run_dir, ret ? NULL : err);
	if (ret)
		return ret;
	return code;
}

static void free_boot_state(struct host_session *s)
{
	struct redfish_boot *b = s->priv;

	task_wait(&b->task);
	channel_stop(b->channel);
	serve_close(b->served);
	journal_close(b->journal);
	if (b->found || b->machine.system)
		machine_release(&b->machine);
	bmc_close(&b->bmc);
	strbuf_release(&b->trouble);
	sel_release(&b->events);
	free(b->log_path);
	free(b->channel_log);
	free(b);
	s->priv = NULL;
	s->wake_fd = -1;
	s->poll_ms = 0;
}

static int redfish_release(struct host_session *s, struct error *err)
{
	struct redfish_boot *b = s->priv;
	int ret = 0;

	if (!b)
		return 0;
	if (b->journal)
		ret = do_closing_step(s, run_undo, err);
	if (ret == HOST_GOES_ON)
		return ret;
	if (ret)
		error_append(err, ret, "; or: %s host rescue %s", shell_program(), s->cfg->name);
	free_boot_state(s);
	return ret;
}

static const char *const kernel_config[] = {"pc", "bare-metal", NULL};

const struct host_driver host_redfish = {
	.name = "redfish",
	.help = "a bare-metal server behind a BMC that speaks Redfish",
	.clock = HOST_CLOCK_TSC,
	.parallel = 1,
	.boot_limit_s = BOOT_LIMIT_S,
	.kernel_config = kernel_config,
	.keys = redfish_keys,
	.configure = redfish_configure,
	.free_config = redfish_free_config,
	.cmdline = redfish_cmdline,
	.identify = host_identify_machine,
	.probe = redfish_probe,
	.provision = redfish_provision,
	.open_channel = redfish_open_channel,
	.power = redfish_power,
	.is_on = redfish_is_on,
	.postmortem = redfish_postmortem,
	.tell = redfish_tell,
	.examine = redfish_examine,
	.release = redfish_release,
	.rescue = redfish_rescue,
	.trust = redfish_trust,
};
