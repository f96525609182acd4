// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/sockets.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"

#define BACKLOG 1024

/* Does somebody listen at it? */
static bool is_answered(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered = fd >= 0 && !connect(fd, (const struct sockaddr *)address, sizeof(*address));

	if (fd >= 0)
		close(fd);
	return answered;
}

/* A socket that a killed daemon left is removed; anything else at that path is somebody's. */
static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st))
		return 0; /* nothing is there, or bind() says what is wrong */
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, -EEXIST,
				 "%s: there is something that is no socket: name another path with "
				 "--socket, or move it away",
				 path);
	if (is_answered(address))
		return error_set(err, -EADDRINUSE,
				 "%s: another program listens there: end it, or name another path "
				 "with --socket",
				 path);
	if (unlink(path))
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

int socket_listen_unix(const char *path, int *fd, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(
			err, -ENAMETOOLONG,
			"%s: a socket's path has at most %zu bytes: name a shorter one with "
			"--socket",
			path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	ret = remove_stale(&address, err);
	if (ret)
		return ret;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mask = umask(0117);
	if (*fd >= 0 && !bind(*fd, (struct sockaddr *)&address, sizeof(address)) &&
	    !listen(*fd, BACKLOG)) {
		umask(mask);
		return 0;
	}
	umask(mask);
	error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (*fd >= 0)
		close(*fd);
	return err->code;
}

/* "[::1]:80" or "host:80"; cuts @text up. */
static int split_address(char *text, char **host, char **port, struct error *err)
{
	char *colon = strrchr(text, ':');

	if (!colon || !colon[1])
		return error_set(err, -EINVAL, "%s: expected ADDRESS:PORT", text);
	*colon = '\0';
	*port = colon + 1;
	*host = text;
	if (text[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = text + 1;
	}
	return 0;
}

static bool is_loopback(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	if (a->sa_family == AF_INET)
		return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int listen_at(const struct addrinfo *a)
{
	int on = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, BACKLOG))
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

static void tell_port(const char *address, int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&a, &len) ||
	    getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	log_info("%s: listening at %s port %s", address, host, port);
}

int socket_listen_tcp(const char *address, bool loopback, int *fd, struct error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
	__cleanup_free char *text = xstrdup(address);
	char *host = NULL, *port = NULL;
	int ret = split_address(text, &host, &port, err);

	if (ret)
		return ret;
	ret = getaddrinfo(*host ? host : NULL, port, &hints, &list);
	if (ret)
		return error_set(err, -EINVAL, "%s: %s", address, gai_strerror(ret));
	if (loopback && !is_loopback(list->ai_addr)) {
		freeaddrinfo(list);
		return error_set(
			err, -EINVAL,
			"%s: without TLS only an address of this machine itself (127.0.0.1, ::1) "
			"is listened at; use --listen with a certificate",
			address);
	}
	*fd = listen_at(list);
	ret = -errno;
	freeaddrinfo(list);
	if (*fd < 0)
		return error_set(err, ret, "%s: %s", address, strerror(-ret));
	tell_port(address, *fd);
	return 0;
}

bool socket_is_unix(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX;
}
