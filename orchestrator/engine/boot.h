/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot.h - one boot of one image on one host, as a state machine that never waits: the engine that
 * every driver shares.
 *
 *	boot_begin() --> provision --> open channel --> power on --> follow --> power off --> release --> over
 *	                     |              |               |                      ^      |      ^
 *	                     +--------------+---------------|----------------------|------|------+
 *	                        an error, a cancel          +----------------------+  (examine: after a failure)
 *
 * Following means to read records and console until the agent's `bye`, a failure, a limit or a
 * cancel (common/cancel.h), and to say how the boot ended. boot_look() goes as far along the line as
 * it can without waiting. Who calls it when is orchestrator/engine/loop.h's, which drives many boots
 * in one thread; boot_once() there is a loop around one.
 */
#ifndef ORCHESTRATOR_ENGINE_BOOT_H
#define ORCHESTRATOR_ENGINE_BOOT_H

#include <json-c/json.h>

#include "orchestrator/hosts/driver.h"

/* How a boot ended. */
enum boot_outcome {
	BOOT_DONE,	       /* a complete record stream, ending in `bye` */
	BOOT_GUEST_PANIC,      /* the kernel panicked: its text is in the error */
	BOOT_GUEST_COMPLAINED, /* ran to `bye`, but the kernel warned: the lines are in the error */
	BOOT_HANG,	       /* wall-clock or no-progress limit */
	BOOT_GUEST_DIED,       /* powered off or reset before `bye` without a panic */
	BOOT_BROKEN_RECORDS,   /* truncated or damaged stream: which line is in the error */
	BOOT_FOREIGN,	       /* nothing of this boot came: the host started something else */
	BOOT_HOST_FAILED,      /* the emulator, BMC or disk failed: infrastructure */
	BOOT_CANCELLED,
};
const char *boot_outcome_name(enum boot_outcome o); /* "done", "panic", ... */

struct boot_request {	     /* borrowed strings */
	const char *image;   /* ISO; and where the host runs in place these files: driver.h */
	const char *cmdline; /* the kernel's, as it is in the image */
	const char *agent, *plan, *selftests, *l1_kernel, *l1_image;
	const char *run_dir; /* exists, empty, the driver's: console.log, records.jsonl, ... */
	const char *label;   /* for progress; NULL: no progress line */
	uint64_t expected;   /* measurements in the plan, for progress */
	const struct host_tracer *tracer; /* NULL: nobody follows its instructions */
	/* NULL, or called on each good record as it comes. It may keep it: json_object_get(). */
	void (*on_record)(struct json_object *record, void *arg);
	void *arg;
};

struct boot_result { /* freed by boot_result_free() */
	enum boot_outcome outcome;
	char *console_path, *records_path; /* in run_dir; NULL if nothing was started */
	uint64_t records;		   /* good ones */
	double wall_seconds;		   /* power-on to off */
	double first_record_seconds;	   /* power-on to hello; 0 if none came */
	char *undone; /* NULL, or what could not be undone on the host: for a person to do */
};
void boot_result_free(struct boot_result *r);

struct boot;

/* Makes a boot; nothing is started before the first boot_look(). @cfg and @request's strings are
 * borrowed to boot_end(). Never NULL. */
struct boot *boot_begin(const struct host_config *cfg, const struct boot_request *request);

/* What has come since the last look; bits. Limits need none: the clock is always looked at. */
#define BOOT_NEWS_FILES 1 /* the run directory's files grew */
#define BOOT_NEWS_HOST	2 /* boot_wake_fd() is readable */

/* Goes as far as it can without waiting. True: it is over, nothing runs any more, boot_end() is due. */
bool boot_look(struct boot *b, unsigned int news);

/* When boot_look() is due though nothing comes: clock_seconds(), INFINITY: never. */
double boot_deadline(const struct boot *b);
/* Descriptor that announces news of the host, or -1; may change with each boot_look(). */
int boot_wake_fd(const struct boot *b);
const char *boot_run_dir(const struct boot *b);
void *boot_arg(const struct boot *b); /* request->arg */
/* The memory of its machine, which is on: driver.h. -EOPNOTSUPP: nobody can reach it. */
int boot_find_memory(struct boot *b, struct host_memory *out, struct error *err);

/* Frees a boot that is over. 0 with result->outcome (and @err's text unless BOOT_DONE), or a negative
 * errno if nothing was started: then @result is empty but for `undone`. */
int boot_end(struct boot *b, struct boot_result *result, struct error *err);

#endif
