/* SPDX-License-Identifier: GPL-2.0-only */
/* serve_boot.h - what serve.c, which opens servers and boots, and serve_answer.c, which answers their hosts, share. */
#ifndef ORCHESTRATOR_HOSTS_SERVE_BOOT_H
#define ORCHESTRATOR_HOSTS_SERVE_BOOT_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>

#include "orchestrator/hosts/inbox.h"
#include "orchestrator/hosts/serve.h"

#define SERVE_TOKEN_BYTES 16
#define SERVE_TOKEN_HEX	  (2 * SERVE_TOKEN_BYTES)
#define SERVE_FOLDER	  "/boot/"

struct serve_boot {
	struct serve_server *server;
	struct serve_boot *next;
	char token[SERVE_TOKEN_HEX + 1];
	char *image_url, *script_url, *records_url;
	struct inbox *inbox; /* NULL: takes no records */
	int fd;
	uint64_t size;
	char *overlay; /* NULL: none */
	size_t overlay_bytes;
	uint64_t overlay_at;
	int users; /* serve_open()'s caller, and each answer that is being sent */
	bool closed;
	struct serve_tally tally;
};

struct serve_server {
	struct serve_server *next;
	char *where; /* as asked for: the same words find the same server */
	char *base;  /* "http://192.0.2.1:8085": what hosts are told */
	struct MHD_Daemon *daemon;
	struct serve_boot *boots;
};

/* Of all servers and boots. Nothing that waits is done under it. */
extern pthread_mutex_t serve_lock;

/* The boot of that token, to be dropped by the caller, or NULL. How long it takes says nothing of a token. */
struct serve_boot *serve_find_boot(struct serve_server *s, const char *token);
void serve_drop_boot(struct serve_boot *b);

/* What libmicrohttpd calls: for each request, with its server as @arg, and at its end. */
enum MHD_Result serve_answer(void *arg, struct MHD_Connection *c, const char *url,
			     const char *method, const char *version, const char *data,
			     size_t *size, void **state);
void serve_end_request(void *arg, struct MHD_Connection *c, void **state,
		       enum MHD_RequestTerminationCode why);

#endif
