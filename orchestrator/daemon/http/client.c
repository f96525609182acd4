// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/client.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/json.h"

#define ANSWER_MAX	((size_t)256 << 20)
#define LARGE_BODY	(1 << 20)
#define TIMEOUT_SECONDS 60
#define FINISH_SECONDS	5
#define CONNECT_SECONDS 10

struct client {
	CURL *curl;
	char *url;    /* as given */
	char *base;   /* before the path */
	char *socket; /* NULL: over the network */
	char *bearer; /* the whole header; NULL: none */
	bool finishing;
};

/* ---- which daemon ---- */

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

bool client_has_daemon(void)
{
	return from_environment("NESTLAB_URL") || fs_exists(CLIENT_SOCKET);
}

static int read_token(struct client *c, struct error *err)
{
	const char *path = from_environment("NESTLAB_TOKEN_FILE");
	const char *token = from_environment("NESTLAB_TOKEN");
	struct strbuf text = STRBUF_INIT;
	int ret = 0;

	if (path)
		ret = fs_read_file(path, 4096, &text, err);
	else if (token)
		strbuf_addstr(&text, token);
	if (!ret && text.len) {
		text.buf[strcspn(text.buf, "\r\n")] = '\0';
		c->bearer = xasprintf("Authorization: Bearer %s", text.buf);
	}
	explicit_bzero(text.buf, text.len);
	strbuf_release(&text);
	return ret;
}

static int parse_url(struct client *c, struct error *err)
{
	if (!strncmp(c->url, "unix:", 5)) {
		c->socket = xstrdup(c->url + 5);
		c->base = xstrdup("http://nestlabd");
		return 0;
	}
	if (strncmp(c->url, "https://", 8) && strncmp(c->url, "http://127.0.0.1:", 17) &&
	    strncmp(c->url, "http://[::1]:", 13))
		return error_set(
			err, -EINVAL,
			"%s: expected https://HOST:PORT, unix:/PATH, or http:// at 127.0.0.1",
			c->url);
	c->base = xstrdup(c->url);
	if (fs_has_suffix(c->base, "/"))
		c->base[strlen(c->base) - 1] = '\0';
	return read_token(c, err);
}

static int choose_url(struct client *c, const char *url, struct error *err)
{
	if (!url)
		url = from_environment("NESTLAB_URL");
	if (url) {
		c->url = xstrdup(url);
		return parse_url(c, err);
	}
	if (!fs_exists(CLIENT_SOCKET))
		return error_set(
			err, -ENOENT,
			"there is no nestlabd at %s; start one, or name one in $NESTLAB_URL",
			CLIENT_SOCKET);
	c->url = xstrdup("unix:" CLIENT_SOCKET);
	return parse_url(c, err);
}

int client_open(const char *url, struct client **out, struct error *err)
{
	struct client *c = xcalloc(1, sizeof(*c));
	int ret = choose_url(c, url, err);

	*out = c;
	if (!ret)
		c->curl = curl_easy_init();
	if (!ret && !c->curl)
		ret = error_set(err, -ENOMEM, "libcurl cannot be set up");
	if (!ret)
		return 0;
	client_close(c);
	*out = NULL;
	return ret;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	if (c->bearer)
		explicit_bzero(c->bearer, strlen(c->bearer));
	free(c->url);
	free(c->base);
	free(c->socket);
	free(c->bearer);
	free(c);
}

void client_finish(struct client *c)
{
	c->finishing = true;
}

const char *client_url(const struct client *c)
{
	return c->url;
}

/* ---- one question ---- */

struct asking {
	const struct client_question *q;
	struct client_answer *answer;
};

static size_t take_data(char *data, size_t size, size_t n, void *arg)
{
	struct asking *a = arg;

	n *= size;
	if (a->q->on_data)
		return a->q->on_data(data, n, a->q->arg) ? 0 : n;
	if (a->answer->body.len + n > ANSWER_MAX)
		return 0;
	strbuf_add(&a->answer->body, data, n);
	return n;
}

/* Called about once a second: a cancel ends the transfer. */
static int check_cancel(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)arg;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return cancel_requested();
}

static struct curl_slist *list_headers(const struct client *c, const struct client_question *q)
{
	struct curl_slist *list = NULL;

	/* A large body that is refused (413, 507) is not sent at all: the answer would be lost with the
	 * connection, which the server closes. A small one does not wait to be asked for. */
	if (q->len < LARGE_BODY)
		list = curl_slist_append(list, "Expect:");
	if (c->bearer)
		list = curl_slist_append(list, c->bearer);
	for (const char *const *h = q->headers; h && *h; h++)
		list = curl_slist_append(list, *h);
	return list;
}

static void set_connection(const struct client *c)
{
	const char *ca = from_environment("NESTLAB_CA");

	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(c->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	if (c->socket)
		curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	if (ca)
		curl_easy_setopt(c->curl, CURLOPT_CAINFO, ca);
}

static void set_question(const struct client *c, const struct client_question *q,
			 struct asking *asking)
{
	int timeout = q->timeout_s;

	if (c->finishing)
		timeout = FINISH_SECONDS;
	else if (!timeout)
		timeout = TIMEOUT_SECONDS;
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, q->method);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)timeout);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_data);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, asking);
	curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, check_cancel);
	curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, (long)c->finishing);
	if (!q->body)
		return;
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->len);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, q->body);
}

int client_ask(struct client *c, const struct client_question *q, struct client_answer *out,
	       struct error *err)
{
	__cleanup_free char *url = xasprintf("%s%s", c->base, q->path);
	struct asking asking = {q, out};
	struct curl_slist *headers = list_headers(c, q);
	long status = 0;
	CURLcode code;

	*out = (struct client_answer){.body = STRBUF_INIT};
	curl_easy_reset(c->curl); /* connections stay */
	set_connection(c);
	set_question(c, q, &asking);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	out->status = status;
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && q->on_data))
		return 0;
	client_answer_free(out);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return cancel_error(err);
	return error_set(err, -EAGAIN, "%s: %s", c->url, curl_easy_strerror(code));
}

void client_answer_free(struct client_answer *a)
{
	strbuf_release(&a->body);
}

/* ---- JSON ---- */

static const struct {
	int status, code;
} status_codes[] = {
	{401, -EACCES}, {403, -EPERM}, {404, -ENOENT}, {409, -EEXIST},
	{410, -ESTALE}, {413, -EFBIG}, {503, -EBUSY},  {507, -ENOSPC},
};

static int code_of_status(int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(status_codes); i++)
		if (status_codes[i].status == status)
			return status_codes[i].code;
	if (status / 100 == 4)
		return -EINVAL;
	return -EREMOTEIO;
}

/* "https://lab: 409: job X is done: it cannot be held" */
static int explain_refusal(const struct client *c, const struct client_answer *a, struct error *err)
{
	struct json_object *problem = NULL;
	const char *detail = NULL;
	int code = code_of_status(a->status);

	if (!json_parse(a->body.buf, a->body.len, "answer", &problem, NULL))
		detail = json_object_get_string(json_object_object_get(problem, "detail"));
	error_set(err, code, "%s: %s (HTTP status %d)", c->url, detail ? detail : "refused",
		  a->status);
	json_object_put(problem);
	return code;
}

int client_ask_well(struct client *c, const struct client_question *q, struct client_answer *out,
		    struct error *err)
{
	int ret = client_ask(c, q, out, err);

	if (ret || out->status / 100 == 2)
		return ret;
	ret = explain_refusal(c, out, err);
	client_answer_free(out);
	return ret;
}

int client_json_question(struct client *c, const struct client_question *q,
			 struct json_object **out, struct error *err)
{
	struct client_answer a;
	int ret = client_ask_well(c, q, &a, err);

	if (out)
		*out = NULL;
	if (ret)
		return ret;
	if (out && a.body.len)
		ret = json_parse(a.body.buf, a.body.len, c->url, out, err);
	client_answer_free(&a);
	return ret;
}

int client_json(struct client *c, const char *method, const char *path, struct json_object *in,
		struct json_object **out, struct error *err)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	struct client_question q = {.method = method, .path = path, .headers = headers};
	int ret;

	if (in) {
		q.body = json_object_to_json_string_ext(in, JSON_C_TO_STRING_PLAIN);
		q.len = strlen(q.body);
	}
	ret = client_json_question(c, &q, out, err);
	json_object_put(in);
	return ret;
}

char *client_escape(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			strbuf_addch(&out, *text);
		else
			strbuf_addf(&out, "%%%02X", (unsigned char)*text);
	}
	return strbuf_detach(&out);
}
