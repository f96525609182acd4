/* SPDX-License-Identifier: GPL-2.0-only */
/* nightly.h - what the parts of the nights' thread (night.h) share: what they work with, and jobs of a schedule. */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_NIGHTLY_H
#define ORCHESTRATOR_DAEMON_NIGHTS_NIGHTLY_H

#include "orchestrator/daemon/mail/outbox.h"
#include "orchestrator/daemon/nights/schedule.h"
#include "orchestrator/daemon/storage/writer.h"
#include "results/store/store.h"

struct night_setting {	     /* borrowed */
	const char *queue;   /* daemon.db */
	const char *results; /* the database of results */
	const char *
		state; /* folder; made for nights: STATE/nights/SCHEDULE/REF-COMMIT.json, variants */
	const char *schedules; /* folder of NAME.json */
	struct outbox_setting outbox;
	struct writer *writer;
};

struct night_context {
	const struct night_setting *setting;
	struct daemon_db *queue; /* to read */
	struct results_db *results;
	int64_t started; /* seconds since 1970 */
	bool lists;	 /* of the thread that looks at lists, and at no night: it has no results */
	int64_t series_again; /* after trouble with series: not before; each commit wakes us */
	int64_t due;	      /* when to look again; lowered by who has something to wait for */
};

/* The schedule's file, loaded. -ENOENT: it is no longer there. */
int night_load_schedule(const struct night_context *n, const char *name, struct schedule *out,
			struct error *err);

/* "kvm-next-0123456789ab" of "kvm/next": a file's name. The caller frees. */
char *night_branch_name(const char *ref, const char *commit);
/* Writes the variant that is the repository's commit, built with the config of @base. */
int night_write_variant(const char *path, const char *base, const char *git, const char *commit,
			struct error *err);

/* A run of these kernels with the schedule's plans; the caller frees. @seed: of boot 1. */
char *night_make_request(const struct schedule *s, const char *const *kernels, size_t count,
			 int boots, int64_t seed);

/* "nightly", "confirm", "bisect", "series", ...: a job of the schedule. In the writer's transaction. */
int night_submit(struct daemon_db *db, const struct schedule *s, const char *kind,
		 const char *request, const char *parent, const char *key,
		 char uid[DAEMON_TIME_MAX], struct error *err);

#endif
