// SPDX-License-Identifier: GPL-2.0-only
/* A mail of the outbox, by SMTP. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "orchestrator/daemon/mail/outbox.h"
#include "orchestrator/daemon/mail/secret.h"

#define SEND_S 60

struct reading {
	const char *rest;
};

static size_t read_mail(char *buffer, size_t size, size_t n, void *arg)
{
	struct reading *r = arg;
	size_t left = strlen(r->rest), count = size * n;

	if (count > left)
		count = left;
	memcpy(buffer, r->rest, count);
	r->rest += count;
	return count;
}

static struct curl_slist *list_recipients(const struct outbox_parcel *p)
{
	struct json_object *names = json_tokener_parse(p->recipients);
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < json_object_array_length(names); i++)
		list = curl_slist_append(
			list, json_object_get_string(json_object_array_get_idx(names, i)));
	json_object_put(names);
	return list;
}

static void set_options(CURL *curl, const struct outbox_setting *setting, struct reading *r,
			struct curl_slist *to, char *why)
{
	__cleanup_free char *secret = secret_read(NULL, "smtp");

	curl_easy_setopt(curl, CURLOPT_URL, setting->smtp);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, setting->from ? setting->from : OUTBOX_FROM);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_mail);
	curl_easy_setopt(curl, CURLOPT_READDATA, r);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SEND_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	if (secret) /* copied by curl */
		curl_easy_setopt(curl, CURLOPT_USERPWD, secret);
}

void outbox_send_mail(const struct outbox_setting *setting, struct outbox_parcel *p)
{
	struct curl_slist *to = list_recipients(p);
	struct reading r = {.rest = p->payload};
	char why[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (curl && to) {
		set_options(curl, setting, &r, to, why);
		code = curl_easy_perform(curl);
	}
	p->taken = code == CURLE_OK;
	snprintf(p->why, sizeof(p->why), "%s", *why ? why : curl_easy_strerror(code));
	curl_slist_free_all(to);
	curl_easy_cleanup(curl);
}
