/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h - asking a nestlabd: for the command line and for agents.
 *
 * The daemon is the one at $NESTLAB_URL ("https://lab:8443", "http://127.0.0.1:8080" or "unix:/path"), else
 * the one of this machine, at CLIENT_SOCKET. Over the network the token is in the file
 * $NESTLAB_TOKEN_FILE, or in $NESTLAB_TOKEN; $NESTLAB_CA names a file of certificates to trust.
 */
#ifndef ORCHESTRATOR_DAEMON_HTTP_CLIENT_H
#define ORCHESTRATOR_DAEMON_HTTP_CLIENT_H

#include <stdbool.h>

#include <json-c/json.h>

#include "common/error.h"
#include "common/strbuf.h"

#define CLIENT_SOCKET "/run/nestlab/nestlabd.sock"

struct client; /* used by one thread at a time */

/* Is there a daemon to ask: a URL, or the socket of this machine? */
bool client_has_daemon(void);

/* @url: NULL: as above. Does not connect yet. -EINVAL: the URL; -ENOENT: there is no daemon. */
int client_open(const char *url, struct client **out, struct error *err);
void client_close(struct client *c); /* NULL: nothing */
const char *client_url(const struct client *c);
/* From now on a cancel ends no question; each has a few seconds. For what is to be said at the end. */
void client_finish(struct client *c);

struct client_question {	   /* borrowed */
	const char *method, *path; /* path with its query; see client_escape() */
	const void *body;	   /* NULL: none */
	size_t len;
	const char *const *headers; /* NULL, or NULL-terminated: "Name: value" */
	int timeout_s;		    /* 0: 60 */
	/* NULL, or called with pieces of the answer instead of keeping it; non-zero ends it */
	int (*on_data)(const char *data, size_t len, void *arg);
	void *arg;
};

struct client_answer { /* freed with client_answer_free() */
	int status;
	struct strbuf body;
};
void client_answer_free(struct client_answer *a);

/* 0: an answer of whatever status came. -EAGAIN: none did (refused, cut off, too slow): try again later.
 * -ECANCELED: the user's. */
int client_ask(struct client *c, const struct client_question *q, struct client_answer *out,
	       struct error *err);

/* The same with JSON in (taken over; NULL: none) and out (the caller puts it; NULL if the answer has none), where
 * any status but 2xx is an error with what the daemon said: -ENOENT for 404, -EACCES for 401, -EPERM for
 * 403, -EEXIST for 409, -EBUSY for 503, -EINVAL for other 4xx, else -EREMOTEIO. */
int client_json(struct client *c, const char *method, const char *path, struct json_object *in,
		struct json_object **out, struct error *err);

/* The same for a question of one's own; its answer as it is, for client_answer_free(). */
int client_json_question(struct client *c, const struct client_question *q,
			 struct json_object **out, struct error *err);
int client_ask_well(struct client *c, const struct client_question *q, struct client_answer *out,
		    struct error *err);

/* A piece of a path or query, %-escaped; the caller frees. */
char *client_escape(const char *text);

#endif
