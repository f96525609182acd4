/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cut.h - what a job travels as. A run of a fixed number of boots is cut into its boots, in the order in
 * which `nestlab run` would make them; what cannot be cut (it decides on the way, or reads all results)
 * travels whole.
 */
#ifndef ORCHESTRATOR_DAEMON_QUEUE_CUT_H
#define ORCHESTRATOR_DAEMON_QUEUE_CUT_H

#include "orchestrator/request/request.h"

#define CUT_MAX 10000 /* pieces of a job */

struct cut {	       /* free with cut_free() */
	char **pieces; /* requests, as JSON */
	size_t count;
	bool shared;	  /* they read the database of all results: only where that is */
	const char *host; /* host file that it boots on; NULL: none. Of the request */
};

/* -E2BIG: too many boots. */
int cut_request(const struct request *r, struct cut *out, struct error *err);
void cut_free(struct cut *c);

#endif
