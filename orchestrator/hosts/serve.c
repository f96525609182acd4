// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/serve.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "orchestrator/hosts/inbox.h"
#include "orchestrator/hosts/listen.h"
#include "orchestrator/hosts/range.h"

#define TOKEN_BYTES  16
#define TOKEN_HEX    (2 * TOKEN_BYTES)
#define FOLDER	     "/boot/"
#define IDLE_LIMIT_S 120 /* firmware that reads in small pieces thinks in between */
#define CONNECTIONS  64
#define BLOCK_BYTES  65536

struct serve_boot {
	struct server *server;
	struct serve_boot *next;
	char token[TOKEN_HEX + 1];
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

struct server {
	struct server *next;
	char *where; /* as asked for: the same words find the same server */
	char *base;  /* "http://192.0.2.1:8085": what hosts are told */
	struct MHD_Daemon *daemon;
	struct serve_boot *boots;
};

/* Of all servers and boots. Nothing that waits is done under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct server *servers;

/* ---- a boot's life ---- */

static void free_boot(struct serve_boot *b)
{
	if (b->fd >= 0)
		close(b->fd);
	free(b->image_url);
	free(b->script_url);
	free(b->records_url);
	inbox_close(b->inbox);
	OPENSSL_clear_free(b->overlay, b->overlay_bytes);
	free(b);
}

static void drop_boot(struct serve_boot *b)
{
	bool last;

	pthread_mutex_lock(&lock);
	last = --b->users == 0;
	pthread_mutex_unlock(&lock);
	if (last)
		free_boot(b);
}

/* The boot of that token, to be dropped by the caller, or NULL. How long it takes says nothing of a token. */
static struct serve_boot *find_boot(struct server *s, const char *token)
{
	struct serve_boot *found = NULL;

	pthread_mutex_lock(&lock);
	for (struct serve_boot *b = s->boots; b; b = b->next)
		if (!CRYPTO_memcmp(b->token, token, TOKEN_HEX))
			found = b;
	if (found)
		found->users++;
	pthread_mutex_unlock(&lock);
	return found;
}

/* ---- the image ---- */

/* A piece of the image that is being sent. */
struct sending {
	struct serve_boot *boot;
	uint64_t from;
};

/* Writes the part of the overlay that lies in these @n bytes from @at on. */
static void write_overlay(const struct serve_boot *b, uint64_t at, char *buf, size_t n)
{
	uint64_t from = b->overlay_at > at ? b->overlay_at : at;
	uint64_t end = b->overlay_at + b->overlay_bytes;

	if (end > at + n)
		end = at + n;
	if (from < end)
		memcpy(buf + (from - at), b->overlay + (from - b->overlay_at), end - from);
}

static ssize_t send_piece(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct sending *s = arg;
	struct serve_boot *b = s->boot;
	ssize_t n = pread(b->fd, buf, max, (off_t)(s->from + pos));
	bool closed;

	pthread_mutex_lock(&lock);
	closed = b->closed;
	if (n > 0)
		b->tally.bytes += n;
	pthread_mutex_unlock(&lock);
	if (n <= 0 || closed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	write_overlay(b, s->from + pos, buf, n);
	return n;
}

static void end_sending(void *arg)
{
	struct sending *s = arg;

	drop_boot(s->boot);
	free(s);
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned int status,
				   const char *header, const char *value, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ret;

	if (header)
		MHD_add_response_header(r, header, value);
	ret = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ret;
}

static void count_request(struct MHD_Connection *c, struct serve_boot *b)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *agent = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "User-Agent");
	char who[sizeof(b->tally.who)] = "";

	if (info)
		listen_format_address(info->client_addr, who, sizeof(who));
	pthread_mutex_lock(&lock);
	b->tally.requests++;
	memcpy(b->tally.who, who, sizeof(who));
	snprintf(b->tally.agent, sizeof(b->tally.agent), "%s", agent ? agent : "");
	for (char *p = b->tally.agent; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	pthread_mutex_unlock(&lock);
}

/* Has the same image been read before? If-Range goes by that. */
static bool wants_range(struct MHD_Connection *c, const char *etag)
{
	const char *if_range = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-Range");

	return !if_range || !strcmp(if_range, etag);
}

static struct MHD_Response *new_image_response(struct serve_boot *b, const struct range *range)
{
	struct sending *s = xcalloc(1, sizeof(*s));

	*s = (struct sending){b, range->from};
	pthread_mutex_lock(&lock);
	b->users++;
	pthread_mutex_unlock(&lock);
	return MHD_create_response_from_callback(range->length, BLOCK_BYTES, send_piece, s,
						 end_sending);
}

static enum MHD_Result answer_image(struct MHD_Connection *c, struct serve_boot *b)
{
	const char *asked = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Range");
	unsigned int status = MHD_HTTP_OK;
	struct MHD_Response *r;
	enum MHD_Result ret;
	struct range range;
	char etag[32], part[80];

	/* A boot has one image, and a token is never used twice. */
	snprintf(etag, sizeof(etag), "\"%.8s\"", b->token + TOKEN_HEX - 8);
	if (!range_read(wants_range(c, etag) ? asked : NULL, b->size, &range)) {
		snprintf(part, sizeof(part), "bytes */%llu", (unsigned long long)b->size);
		return answer_text(c, MHD_HTTP_RANGE_NOT_SATISFIABLE, "Content-Range", part, "");
	}
	count_request(c, b);
	r = new_image_response(b, &range);
	MHD_add_response_header(r, "Content-Type", "application/octet-stream");
	MHD_add_response_header(r, "Accept-Ranges", "bytes");
	MHD_add_response_header(r, "ETag", etag);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	if (range.partial) {
		snprintf(part, sizeof(part), "bytes %llu-%llu/%llu", (unsigned long long)range.from,
			 (unsigned long long)(range.from + range.length - 1),
			 (unsigned long long)b->size);
		MHD_add_response_header(r, "Content-Range", part);
		status = MHD_HTTP_PARTIAL_CONTENT;
	}
	ret = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ret;
}

static enum MHD_Result answer_script(struct MHD_Connection *c, struct serve_boot *b)
{
	__cleanup_free char *script = xasprintf("#!ipxe\nsanboot %s\n", b->image_url);

	count_request(c, b);
	return answer_text(c, MHD_HTTP_OK, "Content-Type", "text/plain", script);
}

/* ---- records ---- */

/* A POST that is coming in. */
struct posting {
	struct serve_boot *boot;
	size_t bytes;
	int failed; /* 0, or what taking it came to */
};

static enum MHD_Result answer_posting(struct MHD_Connection *c, struct posting *p)
{
	char want[FRAME_WANT_MAX + 1] = "";

	if (p->failed == -EFBIG)
		return answer_text(c, MHD_HTTP_CONTENT_TOO_LARGE, NULL, NULL, "");
	if (p->failed)
		return answer_text(c, MHD_HTTP_INSUFFICIENT_STORAGE, NULL, NULL, "");
	inbox_answer(p->boot->inbox, want);
	return answer_text(c, MHD_HTTP_OK, "Content-Type", "application/octet-stream", want);
}

/* Called once when the head has come, for each piece of the body, and once more at its end. */
static enum MHD_Result take_posting(struct MHD_Connection *c, struct posting *p, const char *data,
				    size_t *size)
{
	if (!*size)
		return answer_posting(c, p);
	p->bytes += *size;
	if (p->bytes > INBOX_POST_MAX)
		p->failed = -EFBIG;
	if (!p->failed)
		p->failed = inbox_take(p->boot->inbox, data, *size);
	*size = 0;
	return MHD_YES;
}

static void end_posting(void *arg, struct MHD_Connection *c, void **state,
			enum MHD_RequestTerminationCode why)
{
	struct posting *p = *state;

	(void)arg;
	(void)c;
	(void)why;
	if (p)
		drop_boot(p->boot);
	free(p);
	*state = NULL;
}

/* ---- requests ---- */

static const struct route {
	const char *name; /* behind /boot/TOKEN/ */
	enum MHD_Result (*answer)(struct MHD_Connection *c, struct serve_boot *b);
} routes[] = {
	{"nestlab.iso", answer_image},
	{"nestlab.ipxe", answer_script},
	{"records", NULL}, /* is POSTed to */
};

static const struct route *find_route(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (!strcmp(routes[i].name, name))
			return &routes[i];
	return NULL;
}

/* Whose it is, and what of it, or NULL; the boot is to be dropped. */
static struct serve_boot *find_url(struct server *s, const char *url, const struct route **route)
{
	const char *token = url + strlen(FOLDER);

	*route = NULL;
	if (!strncmp(url, FOLDER, strlen(FOLDER)) && strlen(token) > TOKEN_HEX &&
	    token[TOKEN_HEX] == '/')
		*route = find_route(token + TOKEN_HEX + 1);
	return *route ? find_boot(s, token) : NULL;
}

static enum MHD_Result answer_not_found(struct MHD_Connection *c)
{
	return answer_text(c, MHD_HTTP_NOT_FOUND, NULL, NULL, "not found\n");
}

static enum MHD_Result answer_url(struct MHD_Connection *c, struct server *s, const char *url)
{
	const struct route *route;
	struct serve_boot *b = find_url(s, url, &route);
	enum MHD_Result ret;

	if (b && route->answer)
		ret = route->answer(c, b);
	else
		ret = answer_not_found(c);
	if (b)
		drop_boot(b);
	return ret;
}

static enum MHD_Result start_posting(struct MHD_Connection *c, struct server *s, const char *url,
				     void **state)
{
	const struct route *route;
	struct serve_boot *b = find_url(s, url, &route);
	struct posting *p;

	if (b && !route->answer && b->inbox) {
		p = xcalloc(1, sizeof(*p));
		p->boot = b;
		*state = p;
		return MHD_YES;
	}
	if (b)
		drop_boot(b);
	return answer_not_found(c);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **state)
{
	(void)version;
	if (*state)
		return take_posting(c, *state, data, size);
	if (!strcmp(method, "POST"))
		return start_posting(c, arg, url, state);
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "Allow", "GET, HEAD, POST", "");
	if (*size)
		return MHD_NO;
	return answer_url(c, arg, url);
}

/* ---- servers ---- */

static void free_server(struct server *s)
{
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	free(s->where);
	free(s->base);
	free(s);
}

static int start_server(struct server *s, const struct serve_request *req, struct error *err)
{
	int fd, ret = listen_open(req->base_url, req->listen, &fd, &s->base, err);

	if (ret)
		return ret;
	s->daemon =
		MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL,
				 answer, s, MHD_OPTION_LISTEN_SOCKET, fd,
				 MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_LIMIT_S,
				 MHD_OPTION_NOTIFY_COMPLETED, end_posting, NULL, MHD_OPTION_END);
	if (s->daemon)
		return 0;
	ret = errno ? -errno : -EIO;
	close(fd);
	return error_set(err, ret, "%s: cannot serve: %s", req->base_url, strerror(-ret));
}

/* The server for that address, started if need be. Under the lock. */
static int get_server(const struct serve_request *req, struct server **out, struct error *err)
{
	__cleanup_free char *where =
		xasprintf("%s %s", req->base_url, req->listen ? req->listen : "");
	struct server *s;
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
	unsigned char raw[TOKEN_BYTES];

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return error_set(err, -EIO, "the system gives no random numbers");
	for (int i = 0; i < TOKEN_BYTES; i++)
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
	struct server *s;
	int ret;

	pthread_mutex_lock(&lock);
	ret = get_server(req, &s, err);
	if (!ret) {
		b->server = s;
		b->next = s->boots;
		s->boots = b;
		b->image_url = xasprintf("%s" FOLDER "%s/nestlab.iso", s->base, b->token);
		b->records_url = xasprintf("%s" FOLDER "%s/records", s->base, b->token);
		b->script_url = xasprintf("%s" FOLDER "%s/nestlab.ipxe", s->base, b->token);
	}
	pthread_mutex_unlock(&lock);
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
		free_boot(b);
		return ret;
	}
	*boot = b;
	return 0;
}

/* Takes the boot out of its server. The server, if that was its last boot, else NULL. Under the lock. */
static struct server *take_out(struct serve_boot *b)
{
	struct server *s = b->server;
	struct serve_boot **at = &s->boots;
	struct server **place = &servers;

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
	struct server *idle;

	if (!b)
		return;
	pthread_mutex_lock(&lock);
	idle = take_out(b);
	pthread_mutex_unlock(&lock);
	/* Ends its thread, which takes the lock: not under it. */
	if (idle)
		free_server(idle);
	drop_boot(b);
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
	pthread_mutex_lock(&lock);
	b->inbox = in;
	pthread_mutex_unlock(&lock);
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
	pthread_mutex_lock(&lock);
	*tally = b->tally;
	pthread_mutex_unlock(&lock);
}
