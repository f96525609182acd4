// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "orchestrator/hosts/listen.h"
#include "orchestrator/hosts/serve_boot.h"

#define IDLE_LIMIT_S 120 /* firmware that reads in small pieces thinks in between */
#define CONNECTIONS  64

static struct serve_server *servers;

/* ---- servers ---- */

static void free_server(struct serve_server *s)
{
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	free(s->where);
	free(s->base);
	free(s);
}

static int start_server(struct serve_server *s, const struct serve_request *req, struct error *err)
{
	int fd, ret = listen_open(req->base_url, req->listen, &fd, &s->base, err);

	if (ret)
		return ret;
	s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL,
				     serve_answer, s, MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_LIMIT_S,
				     MHD_OPTION_NOTIFY_COMPLETED, serve_end_request, NULL,
				     MHD_OPTION_END);
	if (s->daemon)
		return 0;
	ret = errno ? -errno : -EIO;
	close(fd);
	return error_set(err, ret, "%s: cannot serve: %s", req->base_url, strerror(-ret));
}

/* The server for that address, started if need be. Under the lock. */
static int get_server(const struct serve_request *req, struct serve_server **out, struct error *err)
{
	__cleanup_free char *where =
		xasprintf("%s %s", req->base_url, req->listen ? req->listen : "");
	struct serve_server *s;
	int ret;

	for (s = servers; s; s = s->next)
		if (!strcmp(s->where, where))
			break;
	*out = s;
	if (s)
		return 0;
	s = xcalloc(1, sizeof(*s));
	s->where = xstrdup(where);
	ret = start_server(s, req, err);
	if (ret) {
		free_server(s);
		return ret;
	}
	s->next = servers;
	servers = s;
	*out = s;
	return 0;
}

/* ---- opening and closing ---- */

static int open_image(struct serve_boot *b, const char *path, struct error *err)
{
	struct stat st;

	b->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (b->fd < 0 || fstat(b->fd, &st))
		return error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
	b->size = st.st_size;
	if (!b->size)
		return error_set(err, -EINVAL, "%s: is empty", path);
	return 0;
}

int serve_set_overlay(struct serve_boot *b, const char *overlay, size_t bytes, uint64_t at,
		      struct error *err)
{
	if (at > b->size || bytes > b->size - at)
		return error_set(err, -EINVAL,
				 "the image has no room for what is to be written over it");
	b->overlay = OPENSSL_malloc(bytes);
	if (!b->overlay)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(b->overlay, overlay, bytes);
	b->overlay_bytes = bytes;
	b->overlay_at = at;
	return 0;
}

static int take_overlay(struct serve_boot *b, const struct serve_request *req, struct error *err)
{
	if (!req->overlay)
		return 0;
	return serve_set_overlay(b, req->overlay, req->overlay_bytes, req->overlay_at, err);
}

static int make_token(struct serve_boot *b, struct error *err)
{
	unsigned char raw[SERVE_TOKEN_BYTES];

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return error_set(err, -EIO, "the system gives no random numbers");
	for (int i = 0; i < SERVE_TOKEN_BYTES; i++)
		snprintf(b->token + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

static int fill_boot(struct serve_boot *b, const struct serve_request *req, struct error *err)
{
	int ret = open_image(b, req->image, err);

	if (ret)
		return ret;
	ret = take_overlay(b, req, err);
	if (ret)
		return ret;
	return make_token(b, err);
}

static int add_boot(struct serve_boot *b, const struct serve_request *req, struct error *err)
{
	struct serve_server *s;
	int ret;

	pthread_mutex_lock(&serve_lock);
	ret = get_server(req, &s, err);
	if (!ret) {
		b->server = s;
		b->next = s->boots;
		s->boots = b;
		b->image_url = xasprintf("%s" SERVE_FOLDER "%s/nestlab.iso", s->base, b->token);
		b->records_url = xasprintf("%s" SERVE_FOLDER "%s/records", s->base, b->token);
		b->script_url = xasprintf("%s" SERVE_FOLDER "%s/nestlab.ipxe", s->base, b->token);
	}
	pthread_mutex_unlock(&serve_lock);
	return ret;
}

int serve_open(const struct serve_request *req, struct serve_boot **boot, struct error *err)
{
	struct serve_boot *b = xcalloc(1, sizeof(*b));
	int ret;

	b->users = 1;
	b->fd = -1;
	ret = fill_boot(b, req, err);
	if (!ret)
		ret = add_boot(b, req, err);
	if (ret) {
		serve_drop_boot(b);
		return ret;
	}
	*boot = b;
	return 0;
}

/* Takes the boot out of its server. The server, if that was its last boot, else NULL. Under the lock. */
static struct serve_server *take_out(struct serve_boot *b)
{
	struct serve_server *s = b->server;
	struct serve_boot **at = &s->boots;
	struct serve_server **place = &servers;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	b->closed = true;
	if (s->boots)
		return NULL;
	while (*place != s)
		place = &(*place)->next;
	*place = s->next;
	return s;
}

void serve_close(struct serve_boot *b)
{
	struct serve_server *idle;

	if (!b)
		return;
	pthread_mutex_lock(&serve_lock);
	idle = take_out(b);
	pthread_mutex_unlock(&serve_lock);
	/* Ends its thread, which takes the lock: not under it. */
	if (idle)
		free_server(idle);
	serve_drop_boot(b);
}

const char *serve_image_url(const struct serve_boot *b)
{
	return b->image_url;
}

const char *serve_records_url(const struct serve_boot *b)
{
	return b->records_url;
}

int serve_take_records(struct serve_boot *b, const struct line_setting *setting, struct error *err)
{
	struct inbox *in;
	int ret = inbox_open(setting, &in, err);

	if (ret)
		return ret;
	pthread_mutex_lock(&serve_lock);
	b->inbox = in;
	pthread_mutex_unlock(&serve_lock);
	return 0;
}

void serve_tell_records(struct serve_boot *b, struct line_counts *counts, double *heard_at)
{
	inbox_tell(b->inbox, counts, heard_at);
}

const char *serve_script_url(const struct serve_boot *b)
{
	return b->script_url;
}

void serve_tell(struct serve_boot *b, struct serve_tally *tally)
{
	pthread_mutex_lock(&serve_lock);
	*tally = b->tally;
	pthread_mutex_unlock(&serve_lock);
}
