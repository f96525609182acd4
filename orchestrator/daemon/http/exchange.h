/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exchange.h - one request and its answer, as a route's handler sees them. server.c carries it.
 *
 * A handler fills the answer and returns 0, or returns a negative errno, which becomes a problem document
 * (RFC 9457) with the status that fits. It runs in a reader's thread and snapshot (readers.h); if its
 * route writes, in the writer's thread and transaction; if anybody may ask, in the server's thread.
 */
#ifndef ORCHESTRATOR_DAEMON_HTTP_EXCHANGE_H
#define ORCHESTRATOR_DAEMON_HTTP_EXCHANGE_H

#include <json-c/json.h>

#include "common/strbuf.h"
#include "orchestrator/daemon/storage/database.h"
#include "orchestrator/daemon/http/form.h"

enum scope { /* bits: who may use a route */
	     SCOPE_VIEWER = 1,
	     SCOPE_SUBMITTER = 2,
	     SCOPE_AGENT = 4,
	     SCOPE_OPERATOR = 8,
	     SCOPE_ADMIN = 16,
};
#define SCOPE_NAME_MAX 64
#define SESSION_MAX    80

struct identity {
	enum scope scope;
	char owner[SCOPE_NAME_MAX];
	char host[SCOPE_NAME_MAX]; /* of an agent's token; "": any */
	bool local;		   /* a process of this machine, by the socket file */
};

struct service {		   /* what handlers share; borrowed, constant */
	const char *state;	   /* folder */
	const char *queue;	   /* daemon.db */
	const char *results;	   /* the database of results */
	uint64_t min_free;	   /* bytes of disk below which nothing new is taken */
	struct counters *counters; /* metrics.h */
};

#define EXCHANGE_PARAMS 2
#define EXCHANGE_PARK	2 /* a handler's return: nothing yet; ask again when the queue has changed */

struct exchange {
	const struct service *service;
	struct identity who;
	char *path;			     /* as it was asked for, decoded; owned */
	const char *params[EXCHANGE_PARAMS]; /* what stands for {...} in the path, decoded */
	struct strbuf body;
	struct form form;	   /* the body of a route with ROUTE_FORM */
	char session[SESSION_MAX]; /* the cookie of a browser that is logged in; "": none */

	int status;		  /* of the answer; 0: 200 */
	struct json_object *json; /* the answer; owned */
	char *text;		  /* or this one; owned */
	size_t text_len;
	const char *type;   /* of the text */
	char etag[48];	    /* with its quotes; "": none */
	char location[128]; /* "": none */
	char cookie[192];   /* Set-Cookie; "": none */
	char policy[256];   /* Content-Security-Policy; "": WEB_POLICY */
	bool lasts;	    /* the answer may be kept for a while: it is part of the program */
	bool log_grew;	    /* those that follow a log look again */
	int wait_ms;	    /* with EXCHANGE_PARK: for how long */

	/* the server's */
	const char *(*get_query)(const struct exchange *x, const char *name);
	const char *(*get_header)(const struct exchange *x, const char *name);
};

/* A value of the query or a header; NULL: not there, or empty. */
const char *exchange_query(const struct exchange *x, const char *name);
const char *exchange_header(const struct exchange *x, const char *name);
/* A number of the query; @fallback if it is not there. -EINVAL: no number, or not in the range. */
int exchange_query_int(const struct exchange *x, const char *name, int64_t fallback, int64_t min,
		       int64_t max, int64_t *out, struct error *err);

/* The body as a JSON object, which the caller puts; an empty body is an empty object. */
int exchange_parse(const struct exchange *x, struct json_object **out, struct error *err);

/* Sets the answer; @json is taken over. */
int exchange_answer(struct exchange *x, int status, struct json_object *json);
/* A text, taken over. */
int exchange_answer_text(struct exchange *x, const char *type, struct strbuf *text);
/* 303: the browser goes on to @path. */
int exchange_go_on(struct exchange *x, const char *path);

/* ---- rows as JSON ---- */

/* The row's columns under their names. Those named request, tags, serves, progress and data hold JSON. */
struct json_object *exchange_row(sqlite3_stmt *s);
/* All rows, as an array. */
int exchange_rows(struct daemon_db *db, sqlite3_stmt *s, struct json_object **out,
		  struct error *err);

#endif
