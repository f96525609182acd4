// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/listen.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"

#define BACKLOG 64

/* A URL or an address taken apart; freed by parts_free(). */
struct parts {
	char *host, *port; /* port: NULL, none is named; both libcurl's */
	bool plain;	   /* http, and nothing but host and port */
};

static void parts_free(struct parts *p)
{
	curl_free(p->host);
	curl_free(p->port);
}

static bool has_part(CURLU *u, CURLUPart part, const char *empty)
{
	char *text = NULL;
	bool has = !curl_url_get(u, part, &text, 0) && strcmp(text, empty);

	curl_free(text);
	return has;
}

/* False: not a URL. */
static bool take_apart(const char *url, struct parts *p)
{
	CURLU *u = curl_url();
	bool ok = u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
		  !curl_url_get(u, CURLUPART_HOST, &p->host, 0);

	if (ok) {
		curl_url_get(u, CURLUPART_PORT, &p->port, 0);
		p->plain = !has_part(u, CURLUPART_SCHEME, "http") &&
			   !has_part(u, CURLUPART_PATH, "/") && !has_part(u, CURLUPART_QUERY, "") &&
			   !has_part(u, CURLUPART_USER, "") && !has_part(u, CURLUPART_FRAGMENT, "");
	}
	curl_url_cleanup(u);
	return ok;
}

static int take_base_apart(const char *url, struct parts *p, struct error *err)
{
	if (take_apart(url, p) && p->plain)
		return 0;
	parts_free(p);
	return error_set(err, -EINVAL,
			 "%s: expected http://ADDRESS or http://ADDRESS:PORT, the address of this "
			 "machine that the host reaches",
			 url);
}

int listen_check_url(const char *base_url, struct error *err)
{
	struct parts p = {0};
	int ret = take_base_apart(base_url, &p, err);

	if (!ret)
		parts_free(&p);
	return ret;
}

/* getaddrinfo() takes an IPv6 address without the brackets that URLs have. */
static char *without_brackets(const char *host)
{
	size_t len = strlen(host);

	if (len > 1 && host[0] == '[' && host[len - 1] == ']')
		return xasprintf("%.*s", (int)len - 2, host + 1);
	return xstrdup(host);
}

static int bind_socket(int fd, const struct addrinfo *a)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, BACKLOG))
		return -errno;
	return 0;
}

static const char *find_remedy(int ret)
{
	if (ret == -EADDRINUSE)
		return ": another program uses the port; name another one in image_url, or none for any";
	if (ret == -EADDRNOTAVAIL)
		return ": not an address of this machine; put the one that is into \"listen\"";
	return "";
}

static int open_socket(const struct parts *p, int *fd, struct error *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	__cleanup_free char *host = without_brackets(p->host);
	struct addrinfo *a = NULL;
	int ret = getaddrinfo(host, p->port ? p->port : "0", &hints, &a);

	if (ret)
		return error_set(err, -EINVAL, "%s: cannot find that address: %s", host,
				 gai_strerror(ret));
	*fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ret = *fd < 0 ? -errno : bind_socket(*fd, a);
	freeaddrinfo(a);
	if (!ret)
		return 0;
	if (*fd >= 0)
		close(*fd);
	return error_set(err, ret, "cannot listen on %s port %s: %s%s", host,
			 p->port ? p->port : "any", strerror(-ret), find_remedy(ret));
}

static unsigned int find_port(int fd)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);

	getsockname(fd, (struct sockaddr *)&a, &len);
	if (a.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

static int take_where_apart(const char *where, struct parts *p, struct error *err)
{
	__cleanup_free char *url = xasprintf("http://%s", where);

	if (take_apart(url, p) && p->plain)
		return 0;
	parts_free(p);
	return error_set(err, -EINVAL, "listen: %s: expected ADDRESS or ADDRESS:PORT", where);
}

int listen_open(const char *base_url, const char *where, int *fd, char **base, struct error *err)
{
	struct parts url = {0}, here = {0};
	int ret = take_base_apart(base_url, &url, err);

	if (ret)
		return ret;
	if (where)
		ret = take_where_apart(where, &here, err);
	if (!ret)
		ret = open_socket(where ? &here : &url, fd, err);
	if (!ret && url.port)
		*base = xasprintf("http://%s:%s", url.host, url.port);
	else if (!ret)
		*base = xasprintf("http://%s:%u", url.host, find_port(*fd));
	parts_free(&url);
	if (where)
		parts_free(&here);
	return ret;
}

void listen_format_address(const struct sockaddr *address, char *out, size_t size)
{
	const void *raw = NULL;

	if (address->sa_family == AF_INET)
		raw = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else if (address->sa_family == AF_INET6)
		raw = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (!raw || !inet_ntop(address->sa_family, raw, out, (socklen_t)size))
		snprintf(out, size, "?");
}
