/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.h - nestlabd as a whole: the queue's database, the writer, the server and the importer, from start to
 * end. docs/daemon.md is the administrator's manual; docs/design.md says what each folder beside this file is for.
 *
 *	STATE/daemon.db		the queue (storage/schema.sql)
 *	STATE/nestlab.db	results, and runs/ beside it
 *	STATE/schedules/	what runs by itself (nights/schedule.h)
 *	STATE/logs/JOB/		what the commands of a job printed
 *	STATE/nestlabd.sock	where commands of this machine ask
 *	STATE/lock		held by the one daemon of this folder
 */
#ifndef ORCHESTRATOR_DAEMON_DAEMON_H
#define ORCHESTRATOR_DAEMON_DAEMON_H

#include <stdint.h>

#include "common/error.h"

struct daemon_setting {	     /* borrowed; NULL or 0: the default */
	const char *state;   /* folder, made if need be */
	const char *results; /* database of results */
	const char *socket;
	const char *listen; /* "ADDRESS:PORT" for TLS */
	const char *plain;  /* "ADDRESS:PORT" without TLS: loopback only */
	const char *certificate, *key;
	const char *schedules; /* folder; NULL: STATE/schedules */
	const char *smtp, *mail_from, *webhook_secret, *kcidb_token; /* mail/outbox.h */
	uint64_t min_free;					     /* bytes */
	int workers;	    /* boots at once of the agent beside the daemon; 0: none is started */
	const char *serves; /* hosts that it boots on; NULL: emulated */
};

/* Runs until a cancel (common/cancel.h). */
int daemon_run(const struct daemon_setting *setting, struct error *err);

#endif
