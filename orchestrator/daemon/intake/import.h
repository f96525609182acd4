/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * import.h - the one that takes results from the inbox to the database of results, and judges a job when all
 * of it is there. A thread of its own: what is slow here keeps nobody waiting.
 *
 * A result is a database of results itself, of one boot or of what a whole command made (compressed or not).
 * It is checked and merged (results_merge()): the same again adds nothing, so a crash between merging
 * and marking it costs a second look and no second boot. A boot of class infrastructure is not stored,
 * and tried again.
 */
#ifndef ORCHESTRATOR_DAEMON_INTAKE_IMPORT_H
#define ORCHESTRATOR_DAEMON_INTAKE_IMPORT_H

#include "orchestrator/daemon/storage/writer.h"

struct importer;

struct import_setting {	     /* borrowed */
	const char *queue;   /* daemon.db */
	const char *results; /* the database of results; made if need be */
	const char *folder;  /* for files on the way */
	struct writer *writer;
};

int import_start(const struct import_setting *setting, struct importer **out, struct error *err);
void import_wake(struct importer *i); /* something may have come in; from any thread */
void import_stop(struct importer *i); /* NULL: nothing */

#endif
