/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * route.h - the API, one row a route. docs/openapi.json describes the same routes; a test compares the two.
 *
 * To add one: a handler in api_NAME.c (api.h; a page's in pages/), a row in route.c, its description in docs/openapi.json.
 */
#ifndef ORCHESTRATOR_DAEMON_API_ROUTE_H
#define ORCHESTRATOR_DAEMON_API_ROUTE_H

#include "orchestrator/daemon/http/exchange.h"

enum route_flags {
	ROUTE_WRITES = 1,  /* the handler runs in the writer's transaction */
	ROUTE_UPLOADS = 4, /* its body is kept on the disk: 507 when there is little room */
	ROUTE_STREAMS = 8, /* events without end, not a handler's answer */
	ROUTE_PAGE = 16,   /* for people: what goes wrong is told as a page */
	ROUTE_FORM = 32,   /* its body is a form of a page of ours (guard.c) */
};

struct route {
	const char *method, *path; /* "/v1/jobs/{uid}" */
	unsigned int scopes;	   /* who may: enum scope; 0: anybody, unasked */
	unsigned int flags;
	size_t body_max; /* bytes; 0: no body */
	int (*handle)(struct exchange *x, struct daemon_db *db, struct error *err);
};

extern const struct route routes[]; /* ended by a NULL method */

/* The route of that method and path. *known: some other method has that path. @params: pieces of @path, which
 * is cut up. */
const struct route *route_find(const char *method, char *path, const char *params[EXCHANGE_PARAMS],
			       bool *known);

#endif
