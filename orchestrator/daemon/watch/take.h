/* SPDX-License-Identifier: GPL-2.0-only */
/* take.h - a mail of an archive into the database. */
#ifndef ORCHESTRATOR_DAEMON_WATCH_TAKE_H
#define ORCHESTRATOR_DAEMON_WATCH_TAKE_H

#include "orchestrator/daemon/nights/nightly.h"

struct archive { /* borrowed */
	struct night_context *night;
	const struct schedule *s;
	int64_t since; /* seconds since 1970: older mails are passed over */
};

/*
 * Takes a mail, unless it is here already or not of the list that is asked for. @name: what to call it if it has
 * no id; @place, @commit: where the looking is after it, or NULL. @raw has a NUL behind its @len bytes.
 */
struct archive_mail {
	const char *name, *raw;
	size_t len;
	const char *place, *commit;
	const char *refused; /* NULL, or why it is not read */
};
int archive_take(const struct archive *a, const struct archive_mail *mail, struct error *err);

#endif
