// SPDX-License-Identifier: GPL-2.0-only
/* How a boot ended: what records, console, limits, disk and driver say, as one outcome and one text. */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/fs.h"
#include "orchestrator/engine/boot_state.h"

#define DISK_FULL_BYTES 4096

static const char *last_line(const struct boot *b)
{
	return b->console.last.len ? b->console.last.buf : "(nothing)";
}

/* What the kernel said before it came to that. */
static void add_complaint(struct boot *b)
{
	const struct console *c = &b->console;

	if (c->ncomplaints)
		error_append(&b->error, b->error.code, "; before it: %.*s",
			     (int)strcspn(c->complaints.buf, "\n"), c->complaints.buf);
}

/* Before the agent's hello of a host that boots in minutes, what comes on the console is no progress. */
static bool waits_for_hello(const struct boot *b)
{
	return b->session.cfg->boot_limit_s && !b->result.records;
}

double boot_silence_ends(const struct boot *b)
{
	const struct host_config *cfg = b->session.cfg;

	if (waits_for_hello(b))
		return b->started + cfg->boot_limit_s + b->session.starved_s;
	return b->last_news + cfg->progress_limit_s + b->session.starved_s - b->starved_s;
}

double boot_wall_ends(const struct boot *b)
{
	return b->started + b->session.cfg->wall_limit_s + b->session.starved_s;
}

/* What of the time was not the guest's. */
static void add_starved(struct boot *b, double seconds)
{
	if (seconds >= 1)
		error_append(&b->error, b->error.code,
			     " (and %.0f s in which it waited for a processor of this machine)",
			     seconds);
}

void boot_ends_foreign(struct boot *b)
{
	if (b->session.refused)
		error_append(
			&b->error, b->error.code,
			"; %llu lines of records were refused: damaged, forged or another boot's",
			(unsigned long long)b->session.refused);
	b->result.outcome = BOOT_FOREIGN;
}

/* A console that has repeated another boot's records may have repeated its kernel's words as well. */
static bool kernel_is_ours(const struct boot *b)
{
	return b->console.kernel_spoke && !b->session.refused;
}

/* What the driver knows where nobody spoke. */
static void add_drivers_word(struct boot *b)
{
	struct strbuf word = STRBUF_INIT;

	if (b->driver->tell)
		b->driver->tell(&b->session, &word);
	if (word.len)
		error_append(&b->error, b->error.code, "; %s", word.buf);
	strbuf_release(&word);
}

/* Whatever started, it is not known to be our kernel, and no fault of it. */
static void boot_ends_unheard(struct boot *b)
{
	error_set(
		&b->error, -ETIMEDOUT,
		"no word of this boot's agent or kernel came: the host started something else (its "
		"disk, a boot menu), or its console is another port or speed; the console's last "
		"line after %lld s: %s",
		(long long)b->session.cfg->boot_limit_s, last_line(b));
	add_drivers_word(b);
	boot_ends_foreign(b);
}

/* Over one of its limits? Then the error says which. */
static bool is_over_limit(struct boot *b)
{
	const struct host_config *cfg = b->session.cfg;
	double t = clock_seconds(), starved = b->session.starved_s;

	if (t > boot_wall_ends(b)) {
		error_set(&b->error, -ETIMEDOUT, "not done within %lld s",
			  (long long)cfg->wall_limit_s);
	} else if (t <= boot_silence_ends(b)) {
		return false;
	} else if (waits_for_hello(b)) {
		error_set(&b->error, -ETIMEDOUT, "hangs: no agent within %lld s of power-on",
			  (long long)cfg->boot_limit_s);
	} else {
		error_set(&b->error, -ETIMEDOUT, "hangs: nothing came for %lld s",
			  (long long)cfg->progress_limit_s);
		starved -= b->starved_s;
	}
	add_starved(b, starved);
	return true;
}

bool boot_ends_late(struct boot *b)
{
	if (clock_seconds() > boot_silence_ends(b) && waits_for_hello(b) && !kernel_is_ours(b)) {
		boot_ends_unheard(b);
		return true;
	}
	if (!is_over_limit(b))
		return false;
	error_append(&b->error, -ETIMEDOUT, "; after %llu records; the console's last line: %s",
		     (unsigned long long)b->result.records, last_line(b));
	add_complaint(b);
	b->result.outcome = BOOT_HANG;
	return true;
}

bool boot_disk_is_full(const struct boot *b)
{
	uint64_t bytes = 0;

	return !fs_free_bytes(b->request.run_dir, &bytes, NULL) && bytes < DISK_FULL_BYTES;
}

/* Bochs does not say when a byte of its serial line does not fit on the disk. */
void boot_ends_disk_full(struct boot *b)
{
	error_set(&b->error, -ENOSPC, "%s: no space left on the disk", b->request.run_dir);
	b->result.outcome = BOOT_HOST_FAILED;
}

void boot_ends_broken(struct boot *b, int why)
{
	if (why == -ECONNRESET)
		b->result.outcome = BOOT_GUEST_DIED;
	else if (boot_disk_is_full(b))
		boot_ends_disk_full(b);
	else
		b->result.outcome = BOOT_BROKEN_RECORDS;
}

void boot_ends_panicked(struct boot *b)
{
	const struct console *c = &b->console;

	error_set(&b->error, -EIO, "%s", c->panic.buf);
	add_complaint(b);
	if (c->place.len)
		error_append(&b->error, -EIO, " (%s)", c->place.buf);
	b->result.outcome = BOOT_GUEST_PANIC;
}

void boot_ends_complete(struct boot *b)
{
	const struct console *c = &b->console;
	const char *line = c->complaints.buf;

	b->result.outcome = BOOT_DONE;
	if (!c->ncomplaints)
		return;
	error_set(&b->error, -EIO, "the kernel complained");
	for (const char *separator = ": "; *line; separator = "; ") {
		int len = (int)strcspn(line, "\n");

		error_append(&b->error, -EIO, "%s%.*s", separator, len, line);
		line += len + 1;
	}
	if (c->ncomplaints > CONSOLE_COMPLAINTS)
		error_append(&b->error, -EIO, "; and %zu more",
			     c->ncomplaints - CONSOLE_COMPLAINTS);
	b->result.outcome = BOOT_GUEST_COMPLAINED;
}

/* It went off in good order, and no `bye` had come. */
static void boot_ends_early(struct boot *b, const char *why)
{
	int ret;

	if (!b->result.records && !b->records.partial.len) {
		error_set(&b->error, -EIO,
			  "%s before the agent's first record; the console's last line: %s", why,
			  last_line(b));
		b->result.outcome = BOOT_GUEST_DIED;
		return;
	}
	ret = record_stream_end(&b->records, &b->error);
	error_append(&b->error, ret, "; %s", why);
	boot_ends_broken(b, ret);
}

void boot_ends_gone(struct boot *b)
{
	struct strbuf why = STRBUF_INIT;
	int ret = b->driver->postmortem(&b->session, &why);

	if (!ret) {
		boot_ends_early(b, why.buf);
		goto out;
	}
	error_set(&b->error, ret, "%s after %llu records; the console's last line: %s", why.buf,
		  (unsigned long long)b->result.records, last_line(b));
	b->result.outcome = ret == -ECONNRESET ? BOOT_GUEST_DIED : BOOT_HOST_FAILED;
out:
	strbuf_release(&why);
}

void boot_ends_by_machine(struct boot *b, const char *trouble)
{
	const struct error before = b->error;

	error_set(&b->error, before.code, "the machine itself failed: %s; what came of it: %s",
		  trouble, before.text);
	b->result.outcome = BOOT_HOST_FAILED;
}
