// SPDX-License-Identifier: GPL-2.0-only
/* serve_answer.c - what hosts ask of the server: an image, a script, to take records. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "orchestrator/hosts/listen.h"
#include "orchestrator/hosts/range.h"
#include "orchestrator/hosts/serve_boot.h"

#define BLOCK_BYTES 65536

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

	pthread_mutex_lock(&serve_lock);
	closed = b->closed;
	if (n > 0)
		b->tally.bytes += n;
	pthread_mutex_unlock(&serve_lock);
	if (n <= 0 || closed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	write_overlay(b, s->from + pos, buf, n);
	return n;
}

static void end_sending(void *arg)
{
	struct sending *s = arg;

	serve_drop_boot(s->boot);
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
	pthread_mutex_lock(&serve_lock);
	b->tally.requests++;
	memcpy(b->tally.who, who, sizeof(who));
	snprintf(b->tally.agent, sizeof(b->tally.agent), "%s", agent ? agent : "");
	for (char *p = b->tally.agent; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	pthread_mutex_unlock(&serve_lock);
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
	pthread_mutex_lock(&serve_lock);
	b->users++;
	pthread_mutex_unlock(&serve_lock);
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
	snprintf(etag, sizeof(etag), "\"%.8s\"", b->token + SERVE_TOKEN_HEX - 8);
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

void serve_end_request(void *arg, struct MHD_Connection *c, void **state,
		       enum MHD_RequestTerminationCode why)
{
	struct posting *p = *state;

	(void)arg;
	(void)c;
	(void)why;
	if (p)
		serve_drop_boot(p->boot);
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
static struct serve_boot *find_url(struct serve_server *s, const char *url,
				   const struct route **route)
{
	const char *token = url + strlen(SERVE_FOLDER);

	*route = NULL;
	if (!strncmp(url, SERVE_FOLDER, strlen(SERVE_FOLDER)) && strlen(token) > SERVE_TOKEN_HEX &&
	    token[SERVE_TOKEN_HEX] == '/')
		*route = find_route(token + SERVE_TOKEN_HEX + 1);
	return *route ? serve_find_boot(s, token) : NULL;
}

static enum MHD_Result answer_not_found(struct MHD_Connection *c)
{
	return answer_text(c, MHD_HTTP_NOT_FOUND, NULL, NULL, "not found\n");
}

static enum MHD_Result answer_url(struct MHD_Connection *c, struct serve_server *s, const char *url)
{
	const struct route *route;
	struct serve_boot *b = find_url(s, url, &route);
	enum MHD_Result ret;

	if (b && route->answer)
		ret = route->answer(c, b);
	else
		ret = answer_not_found(c);
	if (b)
		serve_drop_boot(b);
	return ret;
}

static enum MHD_Result start_posting(struct MHD_Connection *c, struct serve_server *s,
				     const char *url, void **state)
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
		serve_drop_boot(b);
	return answer_not_found(c);
}

enum MHD_Result serve_answer(void *arg, struct MHD_Connection *c, const char *url,
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
