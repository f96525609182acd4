/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * letter.h - the first look at a mail from outside, before anything of it is kept or given to git: what its
 * headers say, or why it counts for nothing. Takes time in proportion to the mail's size, whatever is in it.
 */
#ifndef ORCHESTRATOR_DAEMON_WATCH_LETTER_H
#define ORCHESTRATOR_DAEMON_WATCH_LETTER_H

#include <stdbool.h>
#include <stddef.h>

#define LETTER_MAX	   (1 << 20) /* bytes; lists of the kernel refuse mails of 100 kB and more */
#define LETTER_HEADERS_MAX (64 << 10)
#define LETTER_ID_MAX	   250 /* bytes of a message id */
#define LETTER_IDS_MAX	   64  /* that it may refer to; the oldest and the newest of more */

struct letter { /* free with letter_free() */
	/* "<x@y>"; of a mail that is refused perhaps what the archive calls it */
	char *id;
	char *subject; /* of one line, as it stands there */
	char **refs;   /* the mails that it refers to, its own parent last */
	size_t nrefs;
	char *refused; /* NULL, or why */
};

/* @name: what the archive calls it. @raw has a NUL behind its @len bytes. */
void letter_read(const char *raw, size_t len, const char *name, struct letter *out);
void letter_free(struct letter *l);

/* Is it to the list @address, by To, Cc or List-Id (in which a dot stands for the @)? */
bool letter_is_to(const char *raw, const char *address);

#endif
