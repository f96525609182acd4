/* SPDX-License-Identifier: GPL-2.0-only */
/* boot_state.h - a boot from the inside, for boot.c (its steps) and boot_ending.c (how it ended). */
#ifndef ORCHESTRATOR_ENGINE_BOOT_STATE_H
#define ORCHESTRATOR_ENGINE_BOOT_STATE_H

#include "common/progress.h"
#include "orchestrator/engine/boot.h"
#include "orchestrator/engine/console.h"
#include "orchestrator/engine/records.h"

/* A file that somebody else appends to. */
struct growing_file {
	const char *path;
	int fd; /* -1 until it is there */
};

enum boot_phase {
	BOOT_PROVISION,
	BOOT_OPEN_CHANNEL,
	BOOT_POWER_ON,
	BOOT_FOLLOW,
	BOOT_POWER_OFF,
	BOOT_EXAMINE, /* after a failure */
	BOOT_RELEASE,
	BOOT_OVER,
};

struct boot {
	const struct host_driver *driver;
	struct host_session session;
	struct boot_request request;
	struct boot_result result;
	enum boot_phase phase;
	int not_started; /* 0, or the error that kept it from being switched on */
	int unread;	 /* 0, or the error that kept us from reading what came */
	struct error error;
	struct growing_file console_file, records_file;
	struct console console;
	struct record_stream records;
	struct progress *progress;		     /* NULL: none */
	double started, last_news, bye_at, panic_at; /* clock_seconds(); 0: not yet */
	double starved_s;			     /* session.starved_s as of last_news */
	double asked_at;			     /* when the driver was last asked */
	double tick_at; /* next look at the disk and the progress line */
	bool off;	/* went off by itself */
	bool foreign;	/* the first record is not of this boot */
};

/* When there has been no progress for too long, and when it has taken too long in all: clock_seconds(). The time
 * that the host waited for a processor is in neither limit. */
double boot_silence_ends(const struct boot *b);
double boot_wall_ends(const struct boot *b);

/* ---- boot_ending.c: each sets the outcome and the error ---- */

/* Reading the records gave the error @why, whose text is set. */
void boot_ends_broken(struct boot *b, int why);
void boot_ends_panicked(struct boot *b);
/* The `bye` came. */
void boot_ends_complete(struct boot *b);
void boot_ends_disk_full(struct boot *b);
/* The host went off by itself, and no `bye` had come. */
void boot_ends_gone(struct boot *b);
/* The first record was another boot's: the error says so. */
void boot_ends_foreign(struct boot *b);
/* Over one of its limits: true, and it has ended. */
bool boot_ends_late(struct boot *b);

/* Whatever it looked like: the machine itself was at fault, which @trouble says. */
void boot_ends_by_machine(struct boot *b, const char *trouble);

bool boot_disk_is_full(const struct boot *b);

#endif
