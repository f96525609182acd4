// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "orchestrator/engine/boot_state.h"

#define POWER_OFF_GRACE 5.0 /* seconds from `bye` to a power-off of the guest's own */
#define PANIC_GRACE	3.0 /* seconds for the rest of a panic's text */

/*
 * Nothing announces that a disk is full: the file just stops growing. Nor that a second has passed on a
 * progress line that a person looks at. Ticks are whole multiples of these, so that many boots share
 * a wake-up.
 */
#define DISK_TICK     5.0
#define PROGRESS_TICK 1.0

static const char *const outcome_names[] = {
	[BOOT_DONE] = "done",
	[BOOT_GUEST_PANIC] = "panic",
	[BOOT_GUEST_COMPLAINED] = "complained",
	[BOOT_HANG] = "hang",
	[BOOT_GUEST_DIED] = "died",
	[BOOT_BROKEN_RECORDS] = "broken records",
	[BOOT_FOREIGN] = "not ours",
	[BOOT_HOST_FAILED] = "host failed",
	[BOOT_CANCELLED] = "cancelled",
};

const char *boot_outcome_name(enum boot_outcome o)
{
	return outcome_names[o];
}

/* ---- reading what came ---- */

/* A line may still hold what another boot said, or belong to another machine. */
static void check_nonce(struct boot *b, struct json_object *hello)
{
	const char *expected = b->session.ticket.nonce, *found = NULL;
	struct json_object *member;

	if (json_object_object_get_ex(hello, "nonce", &member))
		found = json_object_get_string(member);
	if (found && !strcmp(found, expected))
		return;
	b->foreign = true;
	error_set(&b->error, -EREMOTEIO,
		  "another boot's records came: its hello has the nonce %.64s, this boot has %s",
		  found ? found : "(none)", expected);
}

static void note_record(struct json_object *record, void *arg)
{
	struct boot *b = arg;

	if (!b->result.records && b->session.ticketed && !b->foreign)
		check_nonce(b, record);
	if (b->foreign)
		return;
	if (!b->result.records++)
		b->result.first_record_seconds = clock_seconds() - b->started;
	if (b->request.on_record)
		b->request.on_record(record, b->request.arg);
}

/* Without descriptors, say, or on a disk that fails: the guest's silence is none then. */
static void note_unread(struct boot *b, const struct growing_file *f)
{
	b->unread = error_set(&b->error, -errno, "%s: cannot read: %s", f->path, strerror(errno));
}

/* What is new in the file, at most a chunk; 0: nothing. */
static size_t read_news(struct boot *b, struct growing_file *f, char *chunk, size_t size)
{
	ssize_t n;

	if (f->fd < 0)
		f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0 && errno != ENOENT)
		note_unread(b, f);
	if (f->fd < 0)
		return 0;
	n = read(f->fd, chunk, size);
	if (n < 0 && errno != EINTR)
		note_unread(b, f);
	return n > 0 ? n : 0;
}

static void note_progress(struct boot *b, double at)
{
	if (at <= b->last_news)
		return;
	b->last_news = at;
	b->starved_s = b->session.starved_s;
}

static void read_console(struct boot *b)
{
	char chunk[65536];

	for (size_t n; (n = read_news(b, &b->console_file, chunk, sizeof(chunk)));) {
		console_feed(&b->console, chunk, n);
		/* Once there are records only they count: a kernel that has locked up says so for ever. */
		if (!b->result.records)
			note_progress(b, clock_seconds());
	}
	if (b->console.panic.len && !b->panic_at)
		b->panic_at = clock_seconds();
}

static int read_records(struct boot *b)
{
	char chunk[65536];

	for (size_t n; (n = read_news(b, &b->records_file, chunk, sizeof(chunk)));) {
		int ret = record_stream_feed(&b->records, chunk, n, &b->error);

		if (ret)
			return ret;
		note_progress(b, clock_seconds());
	}
	if (b->records.complete && !b->bye_at)
		b->bye_at = clock_seconds();
	return 0;
}

static void show_progress(struct boot *b)
{
	char detail[64];

	if (!b->progress)
		return;
	snprintf(detail, sizeof(detail), "%llu records", (unsigned long long)b->result.records);
	progress_update(b->progress, b->records.ended, b->request.expected, detail);
}

/* ---- the steps; each returns true when the next one is to be taken ---- */

/* Was it asked for news, or is it time to ask? Each question may cost a request to a BMC. */
static bool driver_is_due(struct boot *b, unsigned int news)
{
	double t = clock_seconds();
	int poll_ms = b->session.poll_ms;

	if (b->asked_at && !(news & BOOT_NEWS_HOST) && !cancel_requested() &&
	    !(poll_ms && t >= b->asked_at + poll_ms / 1e3))
		return false;
	b->asked_at = t;
	return true;
}

static bool enter_phase(struct boot *b, enum boot_phase phase)
{
	b->phase = phase;
	b->asked_at = 0;
	return true;
}

static double next_tick(const struct boot *b)
{
	double step = DISK_TICK;

	if (b->progress && isatty(STDERR_FILENO))
		step = PROGRESS_TICK;
	return (floor(clock_seconds() / step) + 1) * step;
}

static void note_power_on(struct boot *b)
{
	b->started = b->last_news = clock_seconds();
	if (b->request.label)
		b->progress = progress_start(b->request.label);
	b->tick_at = next_tick(b);
}

static int call_starting_step(struct boot *b)
{
	if (cancel_requested())
		return cancel_error(&b->error);
	if (b->phase == BOOT_PROVISION)
		return b->driver->provision(&b->session, &b->error);
	if (b->phase == BOOT_OPEN_CHANNEL)
		return b->driver->open_channel(&b->session, &b->error);
	return b->driver->power(&b->session, HOST_POWER_ON, &b->error);
}

static bool take_starting_step(struct boot *b, unsigned int news)
{
	int ret;

	if (!driver_is_due(b, news))
		return false;
	ret = call_starting_step(b);
	if (ret == HOST_GOES_ON)
		return false;
	if (ret) {
		b->not_started = ret;
		return enter_phase(b, b->phase == BOOT_POWER_ON ? BOOT_POWER_OFF : BOOT_RELEASE);
	}
	if (b->phase == BOOT_POWER_ON)
		note_power_on(b);
	return enter_phase(b, b->phase + 1);
}

/* Has it ended? Then outcome and error are set. */
static bool judge_news(struct boot *b, int records_error, bool tick)
{
	double t = clock_seconds();

	if (cancel_requested()) {
		cancel_error(&b->error);
		b->result.outcome = BOOT_CANCELLED;
	} else if (b->unread) {
		b->result.outcome = BOOT_HOST_FAILED;
	} else if (b->foreign) {
		boot_ends_foreign(b);
	} else if (records_error) {
		boot_ends_broken(b, records_error);
	} else if (b->panic_at &&
		   (b->console.panic_told || b->off || t - b->panic_at > PANIC_GRACE)) {
		boot_ends_panicked(b);
	} else if (b->bye_at && (b->off || t - b->bye_at > POWER_OFF_GRACE)) {
		boot_ends_complete(b);
	} else if ((tick || b->off) && boot_disk_is_full(b)) {
		boot_ends_disk_full(b);
	} else if (b->off) {
		boot_ends_gone(b);
	} else {
		return boot_ends_late(b);
	}
	return true;
}

static bool follow(struct boot *b, unsigned int news)
{
	bool tick = clock_seconds() >= b->tick_at;
	int ret;

	/* Asked before reading: what an off host sent is then all in the files. */
	if (!b->off && driver_is_due(b, news))
		b->off = !b->driver->is_on(&b->session);
	note_progress(b, b->session.heard_at);
	read_console(b);
	ret = read_records(b);
	show_progress(b);
	if (judge_news(b, ret, tick))
		return enter_phase(b, BOOT_POWER_OFF);
	if (tick)
		b->tick_at = next_tick(b);
	return false;
}

static void note_undone(struct boot *b, const struct error *err)
{
	char *before = b->result.undone;

	if (!before) {
		b->result.undone = xstrdup(err->text);
		return;
	}
	b->result.undone = xasprintf("%s; %s", before, err->text);
	free(before);
}

static bool take_closing_step(struct boot *b, unsigned int news)
{
	struct error err = {0};
	int ret;

	if (!driver_is_due(b, news))
		return false;
	if (b->phase == BOOT_POWER_OFF)
		ret = b->driver->power(&b->session, HOST_POWER_OFF, &err);
	else
		ret = b->driver->release(&b->session, &err);
	if (ret == HOST_GOES_ON)
		return false;
	if (ret)
		note_undone(b, &err);
	if (b->phase == BOOT_POWER_OFF && b->started)
		b->result.wall_seconds = clock_seconds() - b->started;
	return enter_phase(b, b->phase + 1);
}

/* What a user has ended is not the machine's to explain. */
static bool needs_examining(const struct boot *b)
{
	if (!b->driver->examine || cancel_requested())
		return false;
	return b->not_started ||
	       (b->result.outcome != BOOT_DONE && b->result.outcome != BOOT_CANCELLED);
}

static bool examine(struct boot *b, unsigned int news)
{
	struct strbuf trouble = STRBUF_INIT;
	struct error err = {0};
	int ret = 0;

	if (!needs_examining(b))
		return enter_phase(b, BOOT_RELEASE);
	if (!driver_is_due(b, news))
		return false;
	ret = b->driver->examine(&b->session, &trouble, &err);
	if (ret < 0)
		error_append(&b->error, b->error.code, "; its event log was not read: %s",
			     err.text);
	else if (trouble.len)
		boot_ends_by_machine(b, trouble.buf);
	strbuf_release(&trouble);
	if (ret == HOST_GOES_ON)
		return false;
	return enter_phase(b, BOOT_RELEASE);
}

static bool (*const steps[])(struct boot *b, unsigned int news) = {
	[BOOT_PROVISION] = take_starting_step, [BOOT_OPEN_CHANNEL] = take_starting_step,
	[BOOT_POWER_ON] = take_starting_step,  [BOOT_FOLLOW] = follow,
	[BOOT_POWER_OFF] = take_closing_step,  [BOOT_EXAMINE] = examine,
	[BOOT_RELEASE] = take_closing_step,
};

bool boot_look(struct boot *b, unsigned int news)
{
	while (b->phase != BOOT_OVER && steps[b->phase](b, news))
		;
	return b->phase == BOOT_OVER;
}

/* ---- from outside ---- */

double boot_deadline(const struct boot *b)
{
	double at = INFINITY;

	if (b->session.poll_ms)
		at = b->asked_at + b->session.poll_ms / 1e3;
	if (b->phase != BOOT_FOLLOW)
		return at;
	at = fmin(at, b->tick_at);
	at = fmin(at, boot_wall_ends(b));
	at = fmin(at, boot_silence_ends(b));
	if (b->bye_at)
		at = fmin(at, b->bye_at + POWER_OFF_GRACE);
	if (b->panic_at)
		at = fmin(at, b->panic_at + PANIC_GRACE);
	return at;
}

int boot_wake_fd(const struct boot *b)
{
	return b->session.wake_fd;
}

const char *boot_run_dir(const struct boot *b)
{
	return b->request.run_dir;
}

void *boot_arg(const struct boot *b)
{
	return b->request.arg;
}

int boot_find_memory(struct boot *b, struct host_memory *out, struct error *err)
{
	if (b->driver->find_memory)
		return b->driver->find_memory(&b->session, out, err);
	return error_set(err, -EOPNOTSUPP, "the memory of host %s cannot be reached from here",
			 b->session.cfg->name);
}

/* getrandom() gives so few bytes at once, or there is no kernel that we know. */
static void draw_ticket(struct ticket *t)
{
	uint8_t nonce[TICKET_NONCE_DIGITS / 2];

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce) ||
	    getrandom(t->key, sizeof(t->key), 0) != sizeof(t->key))
		abort();
	for (size_t i = 0; i < sizeof(nonce); i++)
		snprintf(t->nonce + 2 * i, 3, "%02x", nonce[i]);
}

struct boot *boot_begin(const struct host_config *cfg, const struct boot_request *request)
{
	struct boot *b = xcalloc(1, sizeof(*b));

	b->driver = cfg->driver;
	b->request = *request;
	b->result.console_path = xasprintf("%s/console.log", request->run_dir);
	b->result.records_path = xasprintf("%s/records.jsonl", request->run_dir);
	b->session = (struct host_session){
		.cfg = cfg,
		.image = request->image,
		.cmdline = request->cmdline,
		.agent = request->agent,
		.plan = request->plan,
		.selftests = request->selftests,
		.l1_kernel = request->l1_kernel,
		.l1_image = request->l1_image,
		.run_dir = request->run_dir,
		.console_path = b->result.console_path,
		.records_path = b->result.records_path,
		.tracer = request->tracer,
		.wake_fd = -1,
	};
	draw_ticket(&b->session.ticket);
	b->console_file = (struct growing_file){b->result.console_path, -1};
	b->records_file = (struct growing_file){b->result.records_path, -1};
	b->console = (struct console)CONSOLE_INIT;
	b->records = (struct record_stream)RECORD_STREAM_INIT;
	b->records.on_record = note_record;
	b->records.arg = b;
	return b;
}

static void close_file(const struct growing_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
}

int boot_end(struct boot *b, struct boot_result *result, struct error *err)
{
	int ret = b->not_started;

	if (b->progress)
		progress_end(b->progress, boot_outcome_name(b->result.outcome));
	if (b->error.code)
		error_set(err, b->error.code, "%s", b->error.text);
	*result = b->result;
	if (ret) {
		free(result->console_path);
		free(result->records_path);
		*result = (struct boot_result){.undone = result->undone};
	}
	close_file(&b->console_file);
	close_file(&b->records_file);
	explicit_bzero(&b->session.ticket, sizeof(b->session.ticket));
	console_release(&b->console);
	record_stream_release(&b->records);
	free(b);
	return ret;
}

void boot_result_free(struct boot_result *r)
{
	free(r->console_path);
	free(r->records_path);
	free(r->undone);
	memset(r, 0, sizeof(*r));
}
