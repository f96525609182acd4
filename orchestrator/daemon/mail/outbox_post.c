// SPDX-License-Identifier: GPL-2.0-only
/* What leaves by HTTP: webhooks, signed; KCIDB's JSON, which may go into a folder as well. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "orchestrator/daemon/mail/outbox.h"
#include "orchestrator/daemon/mail/secret.h"

#define POST_S 60

static size_t drop_answer(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)arg;
	return size * count;
}

static void set_options(CURL *c, const struct outbox_parcel *p, struct curl_slist *headers,
			char *why)
{
	curl_easy_setopt(c, CURLOPT_URL, p->target);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->payload);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(p->payload));
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop_answer);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)POST_S);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "nestlab");
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
}

/* Takes @headers. A 2xx is an answer that it was taken; a redirection is not followed: it would not be signed for. */
static void post(struct outbox_parcel *p, struct curl_slist *headers)
{
	char why[CURL_ERROR_SIZE] = "";
	CURL *c = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	headers = curl_slist_append(headers, "Content-Type: application/json");
	if (c && headers) {
		set_options(c, p, headers, why);
		code = curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	}
	p->taken = code == CURLE_OK && status / 100 == 2;
	if (code == CURLE_OK)
		snprintf(p->why, sizeof(p->why), "HTTP status %ld", status);
	else
		snprintf(p->why, sizeof(p->why), "%s", *why ? why : curl_easy_strerror(code));
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
}

/* ---- webhooks ---- */

/* HMAC-SHA-256 of the body, as many receivers of webhooks check it. */
static char *sign(const char *secret, const char *body)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct strbuf out = STRBUF_INIT;
	unsigned int len = 0;

	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body,
		  strlen(body), digest, &len))
		return NULL;
	strbuf_addstr(&out, "X-Nestlab-Signature-256: sha256=");
	for (unsigned int i = 0; i < len; i++)
		strbuf_addf(&out, "%02x", digest[i]);
	return strbuf_detach(&out);
}

void outbox_send_webhook(const struct outbox_setting *setting, struct outbox_parcel *p)
{
	__cleanup_free char *secret = secret_read(setting->webhook_secret, "webhook");
	__cleanup_free char *delivery = xasprintf("X-Nestlab-Delivery: %s", p->dedupe);
	__cleanup_free char *signature = NULL;
	struct curl_slist *headers;

	if (secret)
		signature = sign(secret, p->payload);
	if (!signature) {
		snprintf(p->why, sizeof(p->why),
			 "there is no secret to sign it with: nestlabd --webhook-secret FILE, or "
			 "systemd's credential webhook");
		return;
	}
	headers = curl_slist_append(NULL, delivery);
	post(p, curl_slist_append(headers, signature));
}

/* ---- KCIDB ---- */

/* The same again has the same name. */
static void put_file(struct outbox_parcel *p)
{
	__cleanup_free char *name = xstrdup(p->dedupe), *path = NULL;
	struct error err = {0};

	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '-';
	path = xasprintf("%s/nestlab-%s.json", p->target, name);
	p->taken = !fs_write_file(path, p->payload, strlen(p->payload), &err);
	snprintf(p->why, sizeof(p->why), "%.200s", err.text);
}

void outbox_send_kcidb(const struct outbox_setting *setting, struct outbox_parcel *p)
{
	__cleanup_free char *token = NULL, *header = NULL;

	if (*p->target == '/') {
		put_file(p);
		return;
	}
	token = secret_read(setting->kcidb_token, "kcidb");
	if (token)
		header = xasprintf("Authorization: Bearer %s", token);
	post(p, header ? curl_slist_append(NULL, header) : NULL);
}
