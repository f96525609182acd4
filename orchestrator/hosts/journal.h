/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.h - what a boot has changed on a host and has yet to undo, kept on the disk for the case that this
 * nestlab is killed; and the lock that keeps two nestlabs from one host.
 *
 * A driver writes what it is about to do before it does it, and removes it once it is undone. What is left
 * under a lock that nobody holds was left by a crash: the next boot undoes it first, and so does `nestlab
 * host rescue`.
 *
 * CACHE/hosts/KEY.state is a JSON object of the driver's, without secrets. CACHE/hosts/KEY.lock is held as long
 * as the host is in use; it dies with the process. KEY is of the machine, not of the host file: two files
 * that name one BMC share both, and a file that names another BMC than it did undoes nothing there.
 */
#ifndef ORCHESTRATOR_HOSTS_JOURNAL_H
#define ORCHESTRATOR_HOSTS_JOURNAL_H

#include <json-c/json.h>

#include "common/error.h"
#include "orchestrator/hosts/driver.h"

/* What journal_open() is to be told of the BMC at @host, so that all ways to write its address, and all drivers that
 * drive it, lock one machine: "host", or "host:port" where the port is not the @usual one. The caller frees. */
char *journal_machine(const char *host, const char *port, const char *usual);

struct journal {
	char *path;
	int lock_fd;
	struct json_object *state; /* what is to be undone; empty: nothing */
	bool once; /* the driver's: KEY is of one boot, and the lock file goes when all is undone */
};

/* Takes the lock for @machine (its BMC's address, or whatever else may be used by one alone) and reads what a crash has left. -EBUSY: another nestlab
 * has it, and the error says which. Closed by journal_close(). */
int journal_open(const struct host_config *cfg, const char *machine, struct journal **out,
		 struct error *err);

/* Notes @value (taken over; NULL removes the key) and writes the file: on the disk when this returns. */
int journal_note(struct journal *j, const char *key, struct json_object *value, struct error *err);
/* NULL: not noted. */
const char *journal_string(const struct journal *j, const char *key);
bool journal_is_empty(const struct journal *j);

/* Gives the lock back. The file is removed if nothing is left to be undone. NULL is fine. */
void journal_close(struct journal *j);

#endif
