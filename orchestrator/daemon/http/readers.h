/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * readers.h - the threads that make what only reads: pages, lists, logs. Each has a connection of its own to the
 * queue, and its handler sees one state of the queue from the first row to the last. A page may take seconds (a comparison
 * of a thousand boots): meanwhile the writer commits, the server's thread answers, and agents get their leases.
 *
 * Pages have READERS_PAGES of the threads at most: one is always left for programs.
 */
#ifndef ORCHESTRATOR_DAEMON_HTTP_READERS_H
#define ORCHESTRATOR_DAEMON_HTTP_READERS_H

#include "orchestrator/daemon/storage/database.h"

#define READERS		  3
#define READERS_PAGES	  2
#define READERS_QUEUE_MAX 256 /* works that may wait */

struct readers;

struct readers_work { /* embedded in what the caller keeps until done() */
	bool is_page;
	/* In a reader's thread. */
	int (*act)(struct daemon_db *db, struct readers_work *work, struct error *err);
	/* In the same thread, when the snapshot is given back. */
	void (*done)(struct readers_work *work, int ret, const struct error *err);
	struct readers_work *next; /* the readers' */
};

/* @seconds: what one work may read for, in any database (common/sqlite.h); after that it fails with -ETIMEDOUT. */
int readers_start(const char *queue, double seconds, struct readers **out, struct error *err);
/* -EBUSY: too many wait already; -ECANCELED: it is being stopped. done() is not called then. */
int readers_submit(struct readers *r, struct readers_work *work);
/* What waits, and what comes later, is done with -ECANCELED; what is under way is finished. NULL: nothing. */
void readers_stop(struct readers *r);
void readers_free(
	struct readers
		*r); /* after readers_stop(), and when nobody submits any more. NULL: nothing */

#endif
