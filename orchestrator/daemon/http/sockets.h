/* SPDX-License-Identifier: GPL-2.0-only */
/* sockets.h - listening sockets: made here, or handed over by systemd. */
#ifndef ORCHESTRATOR_DAEMON_HTTP_SOCKETS_H
#define ORCHESTRATOR_DAEMON_HTTP_SOCKETS_H

#include <stdbool.h>

#include "common/error.h"

/* A socket file, with mode 0660; one that was left there is replaced. */
int socket_listen_unix(const char *path, int *fd, struct error *err);

/* "127.0.0.1:8080", "[::1]:0", "example.org:443". @loopback: any other address is -EINVAL. Logs the port that port 0
 * became. */
int socket_listen_tcp(const char *address, bool loopback, int *fd, struct error *err);

/* Is @fd a unix socket? */
bool socket_is_unix(int fd);

#endif
