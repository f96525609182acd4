/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * token.h - who may ask over the network. A token is 256 random bits, as "nlt_" and 64 hex digits; its SHA-256
 * is kept, the token itself nowhere.
 */
#ifndef ORCHESTRATOR_DAEMON_HTTP_TOKEN_H
#define ORCHESTRATOR_DAEMON_HTTP_TOKEN_H

#include "orchestrator/daemon/http/exchange.h"

#define TOKEN_MAX    80
#define TOKEN_PREFIX "nlt_"

struct token_order { /* borrowed */
	const char *owner, *scope;
	const char *host; /* of an agent's; else NULL */
	int64_t days;	  /* until it expires; 0: never */
};

/* @token: shown once. -EINVAL: scope and host do not go together, names are none. */
int token_add(struct daemon_db *db, const struct token_order *order, char token[TOKEN_MAX],
	      struct error *err);
/* Whose it is. -EACCES: nobody's, or expired. */
int token_find(struct daemon_db *db, const char *token, struct identity *out, struct error *err);
int token_remove(struct daemon_db *db, const char *sha256, struct error *err);

/* TOKEN_PREFIX and 256 random bits. */
int token_random(char text[TOKEN_MAX], struct error *err);

/* SCOPE_VIEWER, ... of its name; 0: no such scope. And back. */
enum scope token_scope(const char *name);
const char *token_scope_name(enum scope scope);

#endif
