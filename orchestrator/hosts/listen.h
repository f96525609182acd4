/* SPDX-License-Identifier: GPL-2.0-only */
/* listen.h - a socket to serve hosts from, by the URL under which they reach us. */
#ifndef ORCHESTRATOR_HOSTS_LISTEN_H
#define ORCHESTRATOR_HOSTS_LISTEN_H

#include <stddef.h>
#include <sys/socket.h>

#include "common/error.h"

/*
 * Listens for TCP on the address of @base_url ("http://HOST[:PORT]", nothing behind it), or on @where
 * ("ADDRESS:PORT", "[ADDRESS]:PORT", "ADDRESS") if that is not NULL. Without a port any free one. *base is
 * @base_url with its port; the caller frees. -EINVAL, -EADDRINUSE, -EADDRNOTAVAIL, ...
 */
int listen_open(const char *base_url, const char *where, int *fd, char **base, struct error *err);

/* Is it a URL that listen_open() takes? */
int listen_check_url(const char *base_url, struct error *err);

/* "192.0.2.7", "2001:db8::7", "?" */
void listen_format_address(const struct sockaddr *address, char *out, size_t size);

#endif
