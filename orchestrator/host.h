/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * host.h - WHERE it runs: hosts are drivers behind one table.
 *
 * A boot of an image on a host is host_boot(): the driver provisions the image, opens the record
 * channel, powers on, follows records and console until the agent's `bye`, a failure or a limit, and
 * releases. Console and record stream are kept as files in the run directory.
 */
#ifndef ORCHESTRATOR_HOST_H
#define ORCHESTRATOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"

/* How a boot ended. */
enum host_outcome {
	HOST_DONE, /* a complete record stream, ending in `bye` */
	HOST_GUEST_PANIC, /* the kernel panicked: its text is in the error */
	HOST_HANG, /* wall-clock or no-progress limit */
	HOST_GUEST_DIED, /* powered off or reset before `bye` without a panic */
	HOST_BROKEN_RECORDS, /* truncated or damaged stream: which line is in the error */
	HOST_FAILED, /* the emulator, BMC or disk failed: infrastructure */
	HOST_CANCELLED,
};
const char *host_outcome_name(enum host_outcome o);

struct host_config { /* hosts/NAME.json, or the built-in "emulated" */
	char *name;
	char *driver;
	int megabytes; /* emulated: RAM */
	uint64_t ips; /* emulated: instructions per emulated second, the TSC's rate */
	int wall_limit_s; /* whole boot; 0: driver's default */
	int progress_limit_s; /* no new record and no new console byte; 0: default */
};

struct host_boot { /* borrowed strings */
	const char *image; /* ISO */
	const char *run_dir; /* exists, empty, the driver's: console.log, records.jsonl, ... */
	const char *label; /* for progress */
	uint64_t expected; /* measurements in the plan, for progress */
	/* NULL, or called on each good record line as it comes. */
	void (*on_record)(const char *line, size_t len, void *arg);
	void *arg;
};

struct host_result {
	enum host_outcome outcome;
	char *console_path, *records_path; /* in run_dir; freed by host_result_free() */
	double wall_seconds; /* power-on to end */
	double first_record_seconds; /* power-on to hello; 0 if none came */
};

struct host_driver {
	const char *name;
	const char *help;
	/* Can it run now? Each missing thing with its remedy is a line in @report; *ok is the answer.
	 * @identity gets a canonical JSON object: what makes its numbers comparable (emulator and
	 * version, CPU model, memory, clock rate). */
	int (*probe)(const struct host_config *cfg, bool *ok, struct strbuf *report,
		     struct strbuf *identity, struct error *err);
	/* Boots to the end. 0 with result->outcome (and @err's text unless HOST_DONE), or a negative
	 * errno before anything was started. Thread-safe: several boots run in parallel. */
	int (*boot)(const struct host_config *cfg, const struct host_boot *boot,
		    struct host_result *result, struct error *err);
	/* What the kernel's command line must have on this host. */
	const char *cmdline;
	/* Boots that may run at once (0: one per core). */
	int parallel;
};

extern const struct host_driver *const host_drivers[]; /* NULL-terminated */

int host_find(const char *name, struct host_config *cfg, const struct host_driver **driver,
	      struct error *err);
void host_config_free(struct host_config *cfg);
void host_result_free(struct host_result *r);

#endif
