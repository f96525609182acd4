/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * archive.h - looking at a public-inbox for mails that are new. How far the looking has come is written in the
 * transaction that takes the mails: killed anywhere, none is missed, and each is taken once (by its id).
 */
#ifndef ORCHESTRATOR_DAEMON_WATCH_ARCHIVE_H
#define ORCHESTRATOR_DAEMON_WATCH_ARCHIVE_H

#include "orchestrator/daemon/nightly.h"

struct archive { /* borrowed */
	struct night_context *night;
	const struct schedule *s;
	int64_t since; /* seconds since 1970: older mails are passed over */
};

/* What is in it that was not there at the last look. */
int archive_look(struct night_context *n, const struct schedule *s, struct error *err);

/* By kind: archive_git.c, archive_http.c */
int archive_look_git(const struct archive *a, struct error *err);
int archive_look_http(const struct archive *a, struct error *err);

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
