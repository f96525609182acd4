// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/agent/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/exit.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/sha256.h"
#include "common/utf8.h"
#include "orchestrator/daemon/storage/unpack.h"

#define CHUNK	       (256 << 10)
#define HTTP_TOO_LARGE 413
#define PAGE_MAX       (8 << 20)
#define TAIL	       8192
#define ERROR_MAX      900 /* bytes of the last line; a URL has it */

/* ---- the log ---- */

/* The part of the file from @offset on, at most CHUNK bytes of it. */
static int read_part(const char *path, int64_t offset, struct strbuf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *chunk;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	chunk = xcalloc(CHUNK, 1);
	n = pread(fd, chunk, CHUNK, offset);
	close(fd);
	if (n > 0)
		strbuf_add(out, chunk, n);
	free(chunk);
	return n < 0 ? -EIO : 0;
}

static int send_part(struct client *c, const struct spooled *s, int64_t offset,
		     const struct strbuf *part, struct error *err)
{
	__cleanup_free char *path = xasprintf("/v1/boots/%s/log?epoch=%lld&offset=%lld", s->boot,
					      (long long)s->epoch, (long long)offset);
	const struct client_question q = {
		.method = "PUT", .path = path, .body = part->buf, .len = part->len};
	struct client_answer a;
	int ret = client_ask(c, &q, &a, err);

	if (ret)
		return ret;
	if (a.status / 100 != 2)
		ret = error_set(err, -EREMOTEIO, "the log was not taken (HTTP status %d)",
				a.status);
	client_answer_free(&a);
	return ret;
}

int delivery_log(struct client *c, const struct spooled *s, int64_t *sent, struct error *err)
{
	__cleanup_free char *path = spooled_path(s, "log");
	struct strbuf part = STRBUF_INIT;
	int ret;

	do {
		strbuf_reset(&part);
		ret = read_part(path, *sent, &part);
		if (!ret && part.len)
			ret = send_part(c, s, *sent, &part, err);
		if (!ret)
			*sent += part.len;
	} while (!ret && part.len == CHUNK);
	strbuf_release(&part);
	return ret;
}

/* ---- a page ---- */

/* What a sign-off wrote; nothing if there is none. */
int delivery_page(struct client *c, const struct spooled *s, struct error *err)
{
	__cleanup_free char *file = spooled_path(s, SPOOL_PAGES "/signoff.html");
	__cleanup_free char *path =
		xasprintf("/v1/boots/%s/page?epoch=%lld", s->boot, (long long)s->epoch);
	struct client_question q = {.method = "PUT", .path = path};
	struct strbuf page = STRBUF_INIT;
	struct client_answer a;
	int ret = 0;

	if (!fs_exists(file))
		return 0;
	ret = fs_read_file(file, PAGE_MAX, &page, err);
	q.body = page.buf;
	q.len = page.len;
	if (!ret)
		ret = client_ask(c, &q, &a, err);
	strbuf_release(&page);
	if (ret)
		return ret;
	if (a.status / 100 != 2)
		ret = error_set(err, -EREMOTEIO, "the page was not taken (HTTP status %d)",
				a.status);
	client_answer_free(&a);
	return ret;
}

/* ---- complaints ---- */

/* The last line that says what went wrong, else the last one; the caller frees. */
static char *find_complaint(const struct spooled *s)
{
	__cleanup_free char *path = spooled_path(s, "log");
	struct strbuf part = STRBUF_INIT;
	struct stat st = {0};
	char *line, *rest, *found = NULL, *last = NULL;

	if (!stat(path, &st))
		read_part(path, st.st_size > TAIL ? st.st_size - TAIL : 0, &part);
	rest = part.buf;
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			last = line;
		if (strstr(line, "error: "))
			found = line;
	}
	if (!found)
		found = last;
	found = xasprintf("%.*s", ERROR_MAX, found ? found : "it printed nothing");
	strbuf_release(&part);
	for (line = found; *line; line++) /* a cut may have left half a character */
		if ((unsigned char)*line < ' ' || (unsigned char)*line > '~')
			*line = '?';
	return found;
}

/* ---- heartbeats ---- */

int delivery_heartbeat(struct client *c, const struct spooled *s, struct error *err)
{
	__cleanup_free char *path = xasprintf("/v1/leases/%s/%lld", s->boot, (long long)s->epoch);
	__cleanup_free char *line = find_complaint(s);
	struct json_object *progress = json_object_new_object();

	json_add_string(progress, "line", line);
	return client_json(c, "PUT", path, progress, NULL, err);
}

int delivery_give_back(struct client *c, const struct spooled *s, struct error *err)
{
	__cleanup_free char *path = xasprintf("/v1/leases/%s/%lld", s->boot, (long long)s->epoch);

	return client_json(c, "DELETE", path, NULL, NULL, err);
}

/* ---- the end ---- */

static int post_failure(struct client *c, const struct spooled *s, const char *class, bool lost,
			const char *why, struct error *err)
{
	__cleanup_free char *path =
		xasprintf("/v1/boots/%s/failure?epoch=%lld", s->boot, (long long)s->epoch);
	struct json_object *body = json_object_new_object();

	json_add_string(body, "class", class);
	json_add_string(body, "error", why);
	json_object_object_add(body, "lost", json_object_new_boolean(lost));
	return client_json(c, "POST", path, body, NULL, err);
}

static int ask_records(struct client *c, const struct spooled *s, const struct strbuf *body,
		       const char *why, struct client_answer *a, struct error *err)
{
	char sha256[SHA256_HEX];
	__cleanup_free char *escaped = client_escape(why), *digest = NULL, *path = NULL;
	const char *headers[2] = {NULL};
	struct client_question q = {
		.method = "PUT", .body = body->buf, .len = body->len, .headers = headers};

	sha256_bytes(body->buf, body->len, sha256);
	digest = xasprintf("X-Content-SHA256: %s", sha256);
	headers[0] = digest;
	path = xasprintf("/v1/boots/%s/records?epoch=%lld&status=%d&error=%s", s->boot,
			 (long long)s->epoch, s->status, escaped);
	q.path = path;
	return client_ask(c, &q, a, err);
}

/* A daemon that is in trouble or has no room is asked again; one that says no is not. */
static int is_settled(int status, struct error *err)
{
	if (status / 100 == 2 || status == 410)
		return 0;
	if (status / 100 == 5)
		return error_set(err, -EAGAIN, "not now (HTTP status %d)", status);
	return error_set(err, -EREMOTEIO, "refused (HTTP status %d)", status);
}

/* Refused for its state (409), or unknown: it is not wanted any more. */
static int settle_failure(int ret)
{
	if (ret == -ESTALE || ret == -EEXIST || ret == -ENOENT)
		return 0;
	if (ret == -EBUSY || ret == -EREMOTEIO || ret == -ENOSPC)
		return -EAGAIN;
	return ret;
}

/* What an explanation comes to is a file of its own, not a result. */
static bool is_explanation(const struct spooled *s)
{
	return !strcmp(s->command, "explain");
}

static int put_records(struct client *c, const struct spooled *s, const char *why,
		       struct error *err)
{
	__cleanup_free char *path =
		spooled_path(s, is_explanation(s) ? "explanation.json" : "results.db");
	struct strbuf body = STRBUF_INIT;
	struct client_answer a;
	int ret = 0;

	if (!s->results && fs_exists(path))
		ret = pack_file(path, &body, err);
	if (!ret)
		ret = ask_records(c, s, &body, why, &a, err);
	strbuf_release(&body);
	if (ret)
		return ret;
	if (a.status == HTTP_TOO_LARGE) { /* and will be each time */
		client_answer_free(&a);
		return settle_failure(post_failure(
			c, s, "job", false, "its result is larger than the daemon takes", err));
	}
	ret = is_settled(a.status, err);
	if (ret == -EREMOTEIO)
		error_append(err, ret, ": %.500s", a.body.buf);
	client_answer_free(&a);
	return ret;
}

/* Did it come to an answer? The programs' statuses: common/exit.h. Whatever stores results makes its database
 * first. */
static bool has_result(const struct spooled *s)
{
	__cleanup_free char *path = spooled_path(s, "results.db");

	if (is_explanation(s))
		return s->status == 0;
	if (!s->results && !fs_exists(path))
		return false;
	return s->status == 0 || s->status == EXIT_NO || s->status == EXIT_CANNOT_TELL;
}

int delivery_result(struct client *c, const struct spooled *s, struct error *err)
{
	__cleanup_free char *why = find_complaint(s);

	if (s->status < 0)
		return settle_failure(post_failure(c, s, "infrastructure", true,
						   "its agent ended while it ran", err));
	if (has_result(s))
		return put_records(c, s, why, err);
	if (s->status == EXIT_USAGE || is_explanation(s)) /* it is not worth a second try */
		return settle_failure(post_failure(c, s, "job", false, why, err));
	return settle_failure(post_failure(c, s, "infrastructure", false, why, err));
}
