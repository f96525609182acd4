/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - a browser that is logged in. It shows a token once and gets a cookie (HttpOnly, Secure, SameSite=Strict,
 * this host alone) of 256 random bits, whose SHA-256 is kept. It may do what its token may, for SESSION_HOURS at most,
 * and ends with the token.
 *
 * A cookie is sent by a browser whoever made it ask. So it counts for looking (GET) and for forms; each form brings a key
 * that is made from cookie and path, which no other site can know.
 */
#ifndef ORCHESTRATOR_DAEMON_HTTP_SESSION_H
#define ORCHESTRATOR_DAEMON_HTTP_SESSION_H

#include "common/sha256.h"
#include "orchestrator/daemon/http/exchange.h"

#define SESSION_COOKIE "__Host-nestlab"
#define SESSION_FIELD  "key" /* of a form */
#define SESSION_HOURS  12

/* @session: the cookie's value. -EACCES: nobody's token; -EPERM: an agent's, which looks at nothing. */
int session_begin(struct daemon_db *db, const char *token, char session[SESSION_MAX],
		  struct error *err);
/* Whose it is. -EACCES: nobody's, or expired. */
int session_find(struct daemon_db *db, const char *session, struct identity *out,
		 struct error *err);
int session_end(struct daemon_db *db, const char *session, struct error *err);

/* What a form that goes to @path has to bring in its field SESSION_FIELD. */
void session_form_key(const char *session, const char *path, char key[SHA256_HEX]);
bool session_is_form_key(const char *session, const char *path, const char *key);

#endif
