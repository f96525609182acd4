/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * undo.h - what a boot changes on a BMC is noted in the host's journal (journal.h) before it is done, and
 * undone by what stands there: at the end of a boot, and after a crash.
 *
 *	sessions	paths of sessions that are ours
 *	power		"on": we switched it on
 *	drive, image	the drive that we put the image at that URL into
 *	claim		what we wrote on the BMC to say that it is in use (claim.h)
 *	override	what was to be booted before we said what: an object, or false for nothing
 */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_UNDO_H
#define ORCHESTRATOR_HOSTS_REDFISH_UNDO_H

#include "orchestrator/hosts/journal.h"
#include "orchestrator/hosts/redfish/machine.h"

/* bmc.on_session: notes it. @arg is the journal. */
int undo_note_session(void *arg, const char *session, struct error *err);

/*
 * Undoes all that the journal has but our present session, each thing though another fails; adds a line to
 * @did (or NULL) for each. An error says what is left, and the journal keeps it.
 */
int undo_all(struct bmc *b, const struct machine *m, struct journal *j, struct strbuf *did,
	     struct error *err);

/* What the journal says is still to be undone, for people: " WHAT; WHAT". */
void undo_tell_left(const struct journal *j, struct strbuf *out);

/* Ends our session, and takes it out of the journal. */
int undo_session(struct bmc *b, struct journal *j, struct error *err);

#endif
