/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - HTTP: connections, bodies, who asks, and routes' handlers between the readers (readers.h) and the
 * writer. One thread a listener (libmicrohttpd's, with epoll): what waits for a commit, for a reader, for work or for
 * events is suspended meanwhile, and costs no thread.
 */
#ifndef ORCHESTRATOR_DAEMON_HTTP_SERVER_H
#define ORCHESTRATOR_DAEMON_HTTP_SERVER_H

#include "orchestrator/daemon/http/exchange.h"
#include "orchestrator/daemon/storage/writer.h"

#define SERVER_BUFFER_MAX \
	((size_t)128 << 20) /* bodies in memory at once; more are told to come again (503) */

enum listen_kind {
	LISTEN_UNIX,  /* who asks is known by its process: SO_PEERCRED */
	LISTEN_TLS,   /* by its token */
	LISTEN_PLAIN, /* by its token; loopback addresses only. Without one: a viewer */
};

struct server_setting { /* borrowed */
	struct service service;
	struct writer *writer;
	const char *certificate, *key; /* files, PEM; of LISTEN_TLS */
	unsigned int connections_max;
};

struct server;

int server_new(const struct server_setting *setting, struct server **out, struct error *err);
/* Takes connections from @fd, a listening socket, which it closes in the end. */
int server_listen(struct server *s, enum listen_kind kind, int fd, struct error *err);
/* Ends all connections. Before the writer is stopped. NULL: nothing. */
void server_stop(struct server *s);
/* After the writer is stopped. */
void server_free(struct server *s);

/* The writer's on_commit(): what was parked looks again, listeners get events. @server: a struct server. */
void server_on_commit(void *server);
/* Answers those that have waited long enough; signs of life for listeners. Returns when it is due next, by
 * database_now()'s clock; INT64_MAX: nobody waits. */
int64_t server_tick(struct server *s);

#endif
