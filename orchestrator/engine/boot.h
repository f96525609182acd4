/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot.h - one boot of one image on one host: the engine that every driver shares. It follows records
 * and console until the agent's `bye`, a failure or a limit, and says how the boot ended.
 */
#ifndef ORCHESTRATOR_ENGINE_BOOT_H
#define ORCHESTRATOR_ENGINE_BOOT_H

#include "orchestrator/hosts/driver.h"

/* How a boot ended. */
enum host_outcome {
	HOST_DONE,	       /* a complete record stream, ending in `bye` */
	HOST_GUEST_PANIC,      /* the kernel panicked: its text is in the error */
	HOST_GUEST_COMPLAINED, /* ran to `bye`, but the kernel warned: the lines are in the error */
	HOST_HANG,	       /* wall-clock or no-progress limit */
	HOST_GUEST_DIED,       /* powered off or reset before `bye` without a panic */
	HOST_BROKEN_RECORDS,   /* truncated or damaged stream: which line is in the error */
	HOST_FAILED,	       /* the emulator, BMC or disk failed: infrastructure */
	HOST_CANCELLED,
};
const char *host_outcome_name(enum host_outcome o); /* "done", "panic", ... */

struct host_boot {	     /* borrowed strings */
	const char *image;   /* ISO */
	const char *run_dir; /* exists, empty, the driver's: console.log, records.jsonl, ... */
	const char *label;   /* for progress; NULL: no progress line */
	uint64_t expected;   /* measurements in the plan, for progress */
	/* NULL, or called on each good record line (no newline) as it comes. */
	void (*on_record)(const char *line, size_t len, void *arg);
	void *arg;
};

struct host_result {
	enum host_outcome outcome;
	char *console_path, *records_path; /* in run_dir; freed by host_result_free() */
	uint64_t records;		   /* good ones */
	double wall_seconds;		   /* power-on to off */
	double first_record_seconds;	   /* power-on to hello; 0 if none came */
};

/*
 * Boots to the end. 0 with result->outcome (and @err's text unless HOST_DONE), or a negative errno
 * before anything was started. Thread-safe: several boots run in parallel. A cancel
 * (common/cancel.h) ends it at once.
 */
int host_boot(const struct host_driver *drv, const struct host_config *cfg,
	      const struct host_boot *boot, struct host_result *result, struct error *err);
void host_result_free(struct host_result *r);

#endif
