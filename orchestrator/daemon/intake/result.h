/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * result.h - the inbox. What an agent brings is kept as it came, and answered when that is on the disk; one
 * importer (import.h) stores it later. The first result of a boot's valid attempt counts, nothing else.
 */
#ifndef ORCHESTRATOR_DAEMON_INTAKE_RESULT_H
#define ORCHESTRATOR_DAEMON_INTAKE_RESULT_H

#include "orchestrator/daemon/storage/database.h"

struct result_news { /* borrowed */
	const char *boot;
	int64_t epoch;
	const char *host;   /* who brings it must be it; NULL: anybody */
	const char *sha256; /* of the body, in hex */
	const void *body;   /* a results database, compressed or not; may be empty */
	size_t len;
	int status;	   /* the command's exit status */
	const char *error; /* the last that it complained of; or NULL */
};

enum result_fate {
	RESULT_NEW,	  /* it is the boot's result */
	RESULT_AGAIN,	  /* the same was there already */
	RESULT_DUPLICATE, /* another attempt's counts, or none does any more; kept, not counted */
};

/* -EEXIST: the attempt brought something else before; -ENOENT: no such boot, or it never had that attempt;
 * -EPERM: another host's. */
int result_put(struct daemon_db *db, const struct result_news *news, enum result_fate *fate,
	       struct error *err);

#endif
