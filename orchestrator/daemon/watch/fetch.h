/* SPDX-License-Identifier: GPL-2.0-only */
/* fetch.h - GET of a text, bounded in size and time. */
#ifndef ORCHESTRATOR_DAEMON_WATCH_FETCH_H
#define ORCHESTRATOR_DAEMON_WATCH_FETCH_H

#include "common/error.h"
#include "common/strbuf.h"

#define FETCH_SECONDS 60   /* for all of it */
#define FETCH_SLOWEST 1024 /* bytes a second; who sends less for fetch_patience_s is given up */
extern long fetch_patience_s;

/* Appends what @url (http, https) has. -ENOENT: 404 or 410; -EFBIG: more than @max bytes; -ECANCELED: the program ends;
 * -EREMOTEIO: any other trouble with the server; the message names the address. Redirections are followed to http and https. */
int fetch_text(const char *url, size_t max, struct strbuf *out, struct error *err);

/* @base + @name with everything escaped that an address cannot have + @end; the caller frees. */
char *fetch_address(const char *base, const char *name, const char *end);

#endif
