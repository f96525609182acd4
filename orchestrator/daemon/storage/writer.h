/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * writer.h - the one thread that writes daemon.db. What is given to it while a commit is under way goes into
 * the next one together (group commit): a disk that syncs 500 times a second takes thousands of answers.
 *
 * Each piece of work runs in a savepoint of its own: one that fails undoes itself and no other. Its done()
 * is called after the commit, so what is answered then is on the disk.
 */
#ifndef ORCHESTRATOR_DAEMON_STORAGE_WRITER_H
#define ORCHESTRATOR_DAEMON_STORAGE_WRITER_H

#include "orchestrator/daemon/storage/database.h"

struct writer;

struct writer_work { /* embedded in what the caller keeps until done() */
	/* In the writer's thread, in a transaction. */
	int (*act)(struct daemon_db *db, struct writer_work *work, struct error *err);
	/* In the writer's thread, after the commit; @ret and @err are act()'s, or the commit's. */
	void (*done)(struct writer_work *work, int ret, const struct error *err);
	int ret; /* the writer's */
	struct error *err;
	struct writer_work *next;
};

#define WRITER_QUEUE_MAX 4096 /* works that may wait */

/* @on_commit(@arg): in the writer's thread, after each commit's done()s. */
int writer_start(struct daemon_db *db, void (*on_commit)(void *arg), void *arg, struct writer **out,
		 struct error *err);
/* -EBUSY: too many wait already; done() is not called then. -ECANCELED: the writer is being stopped. */
int writer_submit(struct writer *w, struct writer_work *work);
/* The same for a caller that can wait: returns when it is committed. Not in the writer's thread. */
int writer_do(struct writer *w, int (*act)(struct daemon_db *db, void *arg, struct error *err),
	      void *arg, struct error *err);
/* Finishes what waits, and ends the thread. */
void writer_stop(struct writer *w);

#endif
