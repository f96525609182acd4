// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"

#define BODY_MAX (4 << 20)
#define PIN	 "sha256:"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- what comes ---- */

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_reply *r = arg;

	if (r->body.len + size * n > BODY_MAX)
		return 0;
	strbuf_add(&r->body, data, size * n);
	return size * n;
}

/* The value, without blanks around it, if the line is of that header; the caller frees. */
static char *header_value(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);
	const char *end = line + len;

	if (len <= n || strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	line += n + 1;
	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	while (end > line && strchr(" \t\r\n", end[-1]))
		end--;
	return xasprintf("%.*s", (int)(end - line), line);
}

static size_t take_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_reply *r = arg;
	const struct {
		const char *name;
		char **to;
	} headers[] = {{"Location", &r->location},
		       {"ETag", &r->etag},
		       {"X-Auth-Token", &r->token},
		       {"Allow", &r->allow}};
	char *value;

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		value = header_value(line, size * n, headers[i].name);
		if (value) {
			free(*headers[i].to);
			*headers[i].to = value;
		}
	}
	value = header_value(line, size * n, "Retry-After");
	if (value)
		r->retry_after_s = strtol(value, NULL, 10);
	free(value);
	return size * n;
}

static int look_up(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http_setting *s = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return s->gives_up && s->gives_up(s->arg);
}

void http_reply_release(struct http_reply *r)
{
	strbuf_release(&r->body);
	free(r->location);
	free(r->etag);
	if (r->token)
		explicit_bzero(r->token, strlen(r->token));
	free(r->token);
	free(r->allow);
	*r = (struct http_reply){.body = STRBUF_INIT};
}

/* ---- what is sent ---- */

bool http_is_pin(const char *text)
{
	size_t len = strlen(PIN);

	return !strncmp(text, PIN, len) && strspn(text + len, "0123456789abcdef") == 64 &&
	       !text[len + 64];
}

/* libcurl wants the pin in base64. */
static char *curls_pin(const char *pin)
{
	unsigned char raw[SHA256_DIGEST_LENGTH];
	unsigned char text[64];

	for (size_t i = 0; i < sizeof(raw); i++) {
		char digits[3] = {pin[strlen(PIN) + 2 * i], pin[strlen(PIN) + 2 * i + 1], '\0'};

		raw[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	EVP_EncodeBlock(text, raw, sizeof(raw));
	return xasprintf("sha256//%s", text);
}

/* With a pin the key is what is checked, before a byte of the request goes out: names and signatures of BMCs'
 * certificates are wrong nearly everywhere. */
static void set_trust(CURL *c, const struct http_setting *s)
{
	__cleanup_free char *pin = NULL;

	if (s->ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca);
	if (!s->pin)
		return;
	pin = curls_pin(s->pin);
	curl_easy_setopt(c, CURLOPT_PINNEDPUBLICKEY, pin);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
}

static void set_options(CURL *c, const struct http_setting *s, char *reason)
{
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_limit_ms);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)s->request_limit_ms);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_up);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
	set_trust(c, s);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	char *line = value ? xasprintf("%s: %s", name, value) : NULL;

	if (line)
		list = curl_slist_append(list, line);
	if (line)
		explicit_bzero(line, strlen(line));
	free(line);
	return list;
}

static struct curl_slist *make_headers(const struct http_request *req)
{
	struct curl_slist *list = NULL;

	list = add_header(list, "Connection", "close");
	list = add_header(list, "Accept", "application/json");
	list = add_header(list, "Accept-Encoding", "identity");
	list = add_header(list, "OData-Version", "4.0");
	list = curl_slist_append(list, "Expect:");
	if (req->body)
		list = add_header(list, "Content-Type", "application/json");
	list = add_header(list, "If-Match", req->if_match);
	return add_header(list, "X-Auth-Token", req->token);
}

static void set_request(CURL *c, const struct http_request *req, struct http_reply *reply)
{
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
	if (req->body)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body);
	if (req->user) {
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(c, CURLOPT_USERNAME, req->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, req->password);
	}
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, reply);
}

/* ---- what went wrong ---- */

static int find_limit(CURL *c, CURLcode code)
{
	long error = 0;

	if (code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT)
		return -ENOMEM;
	curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &error);
	if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS)
		return -(int)error;
	return 0;
}

static int class_of(CURLcode code)
{
	switch (code) {
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		return -EPROTO;
	case CURLE_SSL_CACERT_BADFILE: /* our file: nothing of the BMC's was seen */
		return -EINVAL;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return -ECONNREFUSED;
	default:
		return -EREMOTEIO;
	}
}

static int judge(CURL *c, CURLcode code, const struct http_setting *s, const char *reason,
		 struct error *err)
{
	int limit = find_limit(c, code);

	if (code == CURLE_OK)
		return 0;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return error_set(err, -ECANCELED, "cancelled");
	if (!reason[0])
		reason = curl_easy_strerror(code);
	if (limit)
		return error_set(err, limit, "%s: %s: %s", s->base, reason, strerror(-limit));
	return error_set(err, class_of(code), "%s: %s", s->base, reason);
}

int http_send(const struct http_setting *s, const struct http_request *req,
	      struct http_reply *reply, struct error *err)
{
	__cleanup_free char *url = xasprintf("%s%s", s->base, req->path);
	struct curl_slist *headers = make_headers(req);
	char reason[CURL_ERROR_SIZE] = "";
	CURLcode code;
	CURL *c;
	int ret;

	*reply = (struct http_reply){.body = STRBUF_INIT};
	pthread_once(&curl_once, start_curl);
	c = curl_easy_init();
	if (!c) {
		curl_slist_free_all(headers);
		return error_set(err, -ENOMEM, "%s: libcurl cannot start", s->base);
	}
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	set_options(c, s, reason);
	set_request(c, req, reply);
	code = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply->status);
	ret = judge(c, code, s, reason, err);
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	return ret;
}

/* ---- the certificate ---- */

static int pin_of_key(X509 *cert, char pin[HTTP_PIN_TEXT])
{
	unsigned char *der = NULL, digest[SHA256_DIGEST_LENGTH];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der), at;

	if (len <= 0)
		return -EPROTO;
	SHA256(der, len, digest);
	OPENSSL_free(der);
	at = snprintf(pin, HTTP_PIN_TEXT, PIN);
	for (size_t i = 0; i < sizeof(digest); i++)
		at += snprintf(pin + at, HTTP_PIN_TEXT - at, "%02x", digest[i]);
	return 0;
}

static int read_certificate(const char *text, char pin[HTTP_PIN_TEXT], char **subject)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	char name[256] = "";
	int ret = -EPROTO;

	if (cert)
		ret = pin_of_key(cert, pin);
	if (!ret) {
		X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name));
		*subject = xstrdup(name);
	}
	X509_free(cert);
	BIO_free(bio);
	return ret;
}

/* The first certificate of the chain is the BMC's own. */
static const char *first_certificate(CURL *c)
{
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(c, CURLINFO_CERTINFO, &info) || !info || !info->num_of_certs)
		return NULL;
	for (struct curl_slist *line = info->certinfo[0]; line; line = line->next)
		if (!strncmp(line->data, "Cert:", 5))
			return line->data + 5;
	return NULL;
}

int http_ask_certificate(const struct http_setting *s, char pin[HTTP_PIN_TEXT], char **subject,
			 struct error *err)
{
	char reason[CURL_ERROR_SIZE] = "";
	const char *text = NULL;
	CURL *c;
	int ret;

	pthread_once(&curl_once, start_curl);
	c = curl_easy_init();
	if (!c)
		return error_set(err, -ENOMEM, "%s: libcurl cannot start", s->base);
	curl_easy_setopt(c, CURLOPT_URL, s->base);
	set_options(c, s, reason);
	curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	ret = judge(c, curl_easy_perform(c), s, reason, err);
	if (!ret)
		text = first_certificate(c);
	if (!ret && (!text || read_certificate(text, pin, subject)))
		ret = error_set(err, -EPROTO, "%s: shows no certificate", s->base);
	curl_easy_cleanup(c);
	return ret;
}
