// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/progress.h"
#include "orchestrator/engine/console.h"
#include "orchestrator/engine/records.h"

#define POLL_MS		20  /* how often files are looked at; only latency depends on it */
#define POWER_OFF_GRACE 5.0 /* seconds from `bye` to a power-off of the guest's own */
#define PANIC_GRACE	3.0 /* seconds for the rest of a panic's text */
#define DISK_FULL_BYTES 4096

static const char *const outcome_names[] = {
	[HOST_DONE] = "done",
	[HOST_GUEST_PANIC] = "panic",
	[HOST_GUEST_COMPLAINED] = "complained",
	[HOST_HANG] = "hang",
	[HOST_GUEST_DIED] = "died",
	[HOST_BROKEN_RECORDS] = "broken records",
	[HOST_FAILED] = "host failed",
	[HOST_CANCELLED] = "cancelled",
};

const char *host_outcome_name(enum host_outcome o)
{
	return outcome_names[o];
}

/* A file that somebody else appends to. */
struct growing_file {
	const char *path;
	int fd; /* -1 until it is there */
};

/* A boot that goes on. */
struct running {
	const struct host_driver *drv;
	struct host_session session;
	const struct host_boot *boot;
	struct host_result *result;
	struct growing_file console_file, records_file;
	struct console console;
	struct record_stream records;
	struct progress *progress;		     /* NULL: none */
	double started, last_news, bye_at, panic_at; /* monotonic seconds; 0: not yet */
	bool off;				     /* went off by itself */
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void note_record(const char *line, size_t len, void *arg)
{
	struct running *r = arg;
	const struct host_boot *boot = r->boot;

	if (!r->result->records++)
		r->result->first_record_seconds = now() - r->started;
	if (boot->on_record)
		boot->on_record(line, len, boot->arg);
}

/* What is new in the file, at most a chunk; 0: nothing. */
static size_t read_news(struct growing_file *f, char *chunk, size_t size)
{
	ssize_t n;

	if (f->fd < 0)
		f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		return 0;
	n = read(f->fd, chunk, size);
	return n > 0 ? n : 0;
}

static void read_console(struct running *r)
{
	char chunk[65536];

	for (size_t n; (n = read_news(&r->console_file, chunk, sizeof(chunk)));) {
		console_feed(&r->console, chunk, n);
		/* Once there are records only they count: a kernel that has locked up says so for ever. */
		if (!r->result->records)
			r->last_news = now();
	}
	if (r->console.panic.len && !r->panic_at)
		r->panic_at = now();
}

static int read_records(struct running *r, struct error *err)
{
	char chunk[65536];

	for (size_t n; (n = read_news(&r->records_file, chunk, sizeof(chunk)));) {
		int ret = record_stream_feed(&r->records, chunk, n, err);

		if (ret)
			return ret;
		r->last_news = now();
	}
	if (r->records.complete && !r->bye_at)
		r->bye_at = now();
	return 0;
}

static void show_progress(struct running *r)
{
	char detail[64];

	if (!r->progress)
		return;
	snprintf(detail, sizeof(detail), "%llu records", (unsigned long long)r->result->records);
	progress_update(r->progress, r->records.ended, r->boot->expected, detail);
}

/* Sets the outcome; returns true: it is over. */
static bool end_with(struct running *r, enum host_outcome outcome)
{
	r->result->outcome = outcome;
	return true;
}

/* What the kernel said before it came to that. */
static void add_complaint(const struct console *c, struct error *err)
{
	if (c->ncomplaints)
		error_append(err, err->code, "; before it: %.*s",
			     (int)strcspn(c->complaints.buf, "\n"), c->complaints.buf);
}

static const char *last_line(const struct running *r)
{
	return r->console.last.len ? r->console.last.buf : "(nothing)";
}

static bool check_limits(struct running *r, struct error *err)
{
	const struct host_config *cfg = r->session.cfg;
	double t = now();

	if (t - r->started > cfg->wall_limit_s)
		error_set(err, -ETIMEDOUT, "not done within %lld s", (long long)cfg->wall_limit_s);
	else if (t - r->last_news > cfg->progress_limit_s)
		error_set(err, -ETIMEDOUT, "hangs: nothing came for %lld s",
			  (long long)cfg->progress_limit_s);
	else
		return false;
	error_append(err, -ETIMEDOUT, "; after %llu records; the console's last line: %s",
		     (unsigned long long)r->result->records, last_line(r));
	add_complaint(&r->console, err);
	return end_with(r, HOST_HANG);
}

static bool disk_is_full(const struct running *r)
{
	uint64_t bytes = 0;

	return !fs_free_bytes(r->boot->run_dir, &bytes, NULL) && bytes < DISK_FULL_BYTES;
}

/* Bochs does not say when a byte of its serial line does not fit on the disk. */
static bool end_disk_full(struct running *r, struct error *err)
{
	error_set(err, -ENOSPC, "%s: no space left on the disk", r->boot->run_dir);
	return end_with(r, HOST_FAILED);
}

static bool end_broken(struct running *r, int why, struct error *err)
{
	if (why == -ECONNRESET)
		return end_with(r, HOST_GUEST_DIED);
	if (disk_is_full(r))
		return end_disk_full(r, err);
	return end_with(r, HOST_BROKEN_RECORDS);
}

static bool end_panicked(struct running *r, struct error *err)
{
	const struct console *c = &r->console;

	error_set(err, -EIO, "%s", c->panic.buf);
	add_complaint(c, err);
	if (c->place.len)
		error_append(err, -EIO, " (%s)", c->place.buf);
	return end_with(r, HOST_GUEST_PANIC);
}

static bool end_complete(struct running *r, struct error *err)
{
	const struct console *c = &r->console;
	const char *line = c->complaints.buf;

	if (!c->ncomplaints)
		return end_with(r, HOST_DONE);
	error_set(err, -EIO, "the kernel complained");
	for (const char *separator = ": "; *line; separator = "; ") {
		int len = (int)strcspn(line, "\n");

		error_append(err, -EIO, "%s%.*s", separator, len, line);
		line += len + 1;
	}
	if (c->ncomplaints > CONSOLE_COMPLAINTS)
		error_append(err, -EIO, "; and %zu more", c->ncomplaints - CONSOLE_COMPLAINTS);
	return end_with(r, HOST_GUEST_COMPLAINED);
}

/* It went off in good order, and no `bye` had come. */
static bool end_early(struct running *r, const char *why, struct error *err)
{
	int ret;

	if (!r->result->records && !r->records.partial.len) {
		error_set(err, -EIO,
			  "%s before the agent's first record; the console's last line: %s", why,
			  last_line(r));
		return end_with(r, HOST_GUEST_DIED);
	}
	ret = record_stream_end(&r->records, err);
	error_append(err, ret, "; %s", why);
	return end_broken(r, ret, err);
}

static bool end_gone(struct running *r, struct error *err)
{
	struct strbuf why = STRBUF_INIT;
	int ret = r->drv->postmortem(&r->session, &why);
	bool over;

	if (!ret) {
		over = end_early(r, why.buf, err);
	} else {
		error_set(err, ret, "%s after %llu records; the console's last line: %s", why.buf,
			  (unsigned long long)r->result->records, last_line(r));
		over = end_with(r, ret == -ECONNRESET ? HOST_GUEST_DIED : HOST_FAILED);
	}
	strbuf_release(&why);
	return over;
}

/* One look at everything; true when it is over, with the outcome and @err set. */
static bool look(struct running *r, struct error *err)
{
	int ret;

	/* Asked before reading: what an off host sent is then all in the files. */
	r->off = !r->drv->is_on(&r->session);
	read_console(r);
	ret = read_records(r, err);
	show_progress(r);
	if (cancel_requested()) {
		cancel_error(err);
		return end_with(r, HOST_CANCELLED);
	}
	if (ret)
		return end_broken(r, ret, err);
	if (r->panic_at && (r->console.panic_told || r->off || now() - r->panic_at > PANIC_GRACE))
		return end_panicked(r, err);
	if (r->bye_at && (r->off || now() - r->bye_at > POWER_OFF_GRACE))
		return end_complete(r, err);
	if (disk_is_full(r))
		return end_disk_full(r, err);
	if (r->off)
		return end_gone(r, err);
	return check_limits(r, err);
}

static void follow(struct running *r, struct error *err)
{
	struct pollfd fds[] = {
		{.fd = cancel_fd(), .events = POLLIN},
		{.fd = r->session.wake_fd, .events = POLLIN},
	};

	r->started = r->last_news = now();
	while (!look(r, err))
		poll(fds, ARRAY_SIZE(fds), POLL_MS);
	r->drv->power(&r->session, HOST_POWER_OFF, NULL);
	r->result->wall_seconds = now() - r->started;
}

static int start(struct running *r, struct error *err)
{
	int ret = r->drv->provision(&r->session, err);

	if (!ret)
		ret = r->drv->open_channel(&r->session, err);
	if (!ret)
		ret = r->drv->power(&r->session, HOST_POWER_ON, err);
	return ret;
}

static void set_up(struct running *r, const struct host_config *cfg, const struct host_boot *boot,
		   struct host_result *result)
{
	memset(result, 0, sizeof(*result));
	result->console_path = xasprintf("%s/console.log", boot->run_dir);
	result->records_path = xasprintf("%s/records.jsonl", boot->run_dir);
	r->session = (struct host_session){
		.cfg = cfg,
		.image = boot->image,
		.run_dir = boot->run_dir,
		.console_path = result->console_path,
		.records_path = result->records_path,
		.wake_fd = -1,
	};
	r->boot = boot;
	r->result = result;
	r->console_file = (struct growing_file){result->console_path, -1};
	r->records_file = (struct growing_file){result->records_path, -1};
	r->records.on_record = note_record;
	r->records.arg = r;
}

static void tear_down(struct running *r)
{
	r->drv->release(&r->session);
	if (r->console_file.fd >= 0)
		close(r->console_file.fd);
	if (r->records_file.fd >= 0)
		close(r->records_file.fd);
	console_release(&r->console);
	record_stream_release(&r->records);
}

int host_boot(const struct host_driver *drv, const struct host_config *cfg,
	      const struct host_boot *boot, struct host_result *result, struct error *err)
{
	struct running r = {
		.drv = drv,
		.console = CONSOLE_INIT,
		.records = RECORD_STREAM_INIT,
	};
	int ret;

	if (cancel_requested())
		return cancel_error(err);
	set_up(&r, cfg, boot, result);
	ret = start(&r, err);
	if (!ret) {
		r.progress = boot->label ? progress_start(boot->label) : NULL;
		follow(&r, err);
		if (r.progress)
			progress_end(r.progress, host_outcome_name(result->outcome));
	}
	tear_down(&r);
	if (ret)
		host_result_free(result);
	return ret;
}

void host_result_free(struct host_result *r)
{
	free(r->console_path);
	free(r->records_path);
	memset(r, 0, sizeof(*r));
}
