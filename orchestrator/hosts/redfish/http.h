/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * http.h - one HTTP request to a BMC, over libcurl: waits for its answer, so it belongs into a thread of the
 * driver's.
 *
 * Each request has a connection of its own (`Connection: close`: some BMCs choke on kept-alive ones, sushy's
 * release note disable-conn-pooling), no proxy, no compression (some BMCs put the encoding into the ETag),
 * and no redirect to another machine.
 */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_HTTP_H
#define ORCHESTRATOR_HOSTS_REDFISH_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"

struct http_setting {	  /* borrowed */
	const char *base; /* "https://192.0.2.3" */
	const char *pin;  /* NULL, or "sha256:HEX" of the certificate's public key */
	const char *ca;	  /* NULL, or a file */
	int64_t connect_limit_ms, request_limit_ms;
	/* NULL, or asked several times a second: true breaks off, which is -ECANCELED. */
	bool (*gives_up)(void *arg);
	void *arg;
};

struct http_request {		     /* borrowed */
	const char *method;	     /* "GET" */
	const char *path;	     /* "/redfish/v1/" */
	const char *body;	     /* NULL, or JSON */
	const char *if_match;	     /* NULL: none */
	const char *token;	     /* NULL, or the session's */
	const char *user, *password; /* NULL, or for basic authentication */
};

struct http_reply { /* freed by http_reply_release() */
	long status;
	struct strbuf body;
	char *location, *etag, *token, *allow; /* headers; NULL: not there */
	long retry_after_s;		       /* 0: not there */
};

/*
 * 0: there is an answer, whatever its status. -ECANCELED: given up. -EPROTO: the certificate is not the one
 * that is trusted; nothing was sent. -ECONNREFUSED: nothing was sent, as there is no connection.
 * -EREMOTEIO: anything else of the network, and it may have been done. -EINVAL: the CA's file is none.
 * -EMFILE, -ENOMEM, ...: this machine.
 */
int http_send(const struct http_setting *s, const struct http_request *req,
	      struct http_reply *reply, struct error *err);
void http_reply_release(struct http_reply *reply);

#define HTTP_PIN_TEXT 72 /* "sha256:", 64 digits and the NUL */
/* Is @text of that form? */
bool http_is_pin(const char *text);

/* What the BMC shows as its certificate, whoever signed it: its pin, and its subject for people (the caller
 * frees). No request is sent. */
int http_ask_certificate(const struct http_setting *s, char pin[HTTP_PIN_TEXT], char **subject,
			 struct error *err);

#endif
