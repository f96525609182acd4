// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/fetch.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"

long fetch_patience_s = 15;

struct receiver {
	struct strbuf *out;
	size_t left;
	bool full;
};

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
	struct receiver *r = arg;

	if (size * count > r->left) {
		r->full = true;
		return 0;
	}
	r->left -= size * count;
	strbuf_add(r->out, data, size * count);
	return size * count;
}

/* It is called each second at least, so the end of the program need not wait for a server. */
static int on_progress(void *arg, curl_off_t down, curl_off_t got, curl_off_t up, curl_off_t sent)
{
	(void)arg;
	(void)down;
	(void)got;
	(void)up;
	(void)sent;
	return cancel_requested();
}

static void set_options(CURL *c, const char *url, struct receiver *r, char *why)
{
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)FETCH_SECONDS);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, fetch_patience_s);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, fetch_patience_s);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)FETCH_SLOWEST);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "nestlab");
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
}

static int judge_answer(const char *url, CURLcode code, long status, const struct receiver *r,
			const char *why, struct error *err)
{
	if (r->full)
		return error_set(err, -EFBIG, "%s: larger than what is read", url);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return cancel_error(err);
	if (code == CURLE_OUT_OF_MEMORY)
		return error_set(err, -ENOMEM, "%s: no memory", url);
	if (code != CURLE_OK)
		return error_set(err, -EREMOTEIO, "%s: %s", url,
				 *why ? why : curl_easy_strerror(code));
	if (status == 404 || status == 410)
		return error_set(err, -ENOENT, "%s: not there (HTTP status %ld)", url, status);
	if (status != 200)
		return error_set(err, -EREMOTEIO, "%s: HTTP status %ld", url, status);
	return 0;
}

int fetch_text(const char *url, size_t max, struct strbuf *out, struct error *err)
{
	struct receiver r = {.out = out, .left = max};
	char why[CURL_ERROR_SIZE] = "";
	CURL *c = curl_easy_init();
	long status = 0;
	CURLcode code;

	if (!c)
		return error_set(err, -ENOMEM, "%s: no memory", url);
	set_options(c, url, &r, why);
	code = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(c);
	return judge_answer(url, code, status, &r, why, err);
}

char *fetch_address(const char *base, const char *name, const char *end)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addstr(&out, base);
	for (; *name; name++) {
		if (isalnum((unsigned char)*name) || strchr("-._~@", *name))
			strbuf_addch(&out, *name);
		else
			strbuf_addf(&out, "%%%02X", (unsigned char)*name);
	}
	strbuf_addstr(&out, end);
	return strbuf_detach(&out);
}
