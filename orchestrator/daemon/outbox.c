// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/outbox.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"

#define RETRY_MAX_S 3600 /* after 1, 2, 4, ... seconds */
#define SEND_S	    60
#define CREDENTIALS 1024
#define FROM	    "nestlab@localhost"

int outbox_add(struct daemon_db *db, const char *dedupe, int64_t change, const char *recipients,
	       const char *payload, struct error *err)
{
	int ret = database_change(db, err,
				  "INSERT INTO outbox (dedupe, change, recipients, payload) VALUES "
				  "(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
				  "titt", dedupe, change, recipients, payload);

	if (ret < 0)
		return ret;
	return 0;
}

struct mail {
	int64_t id;
	int tries;
	char *recipients, *payload;
	size_t sent; /* bytes */
	bool taken;
	char why[CURL_ERROR_SIZE];
};

static void mail_release(struct mail *m)
{
	free(m->recipients);
	free(m->payload);
}

/* ---- SMTP ---- */

static size_t read_mail(char *buffer, size_t size, size_t n, void *arg)
{
	struct mail *m = arg;
	size_t left = strlen(m->payload + m->sent), count = size * n;

	if (count > left)
		count = left;
	memcpy(buffer, m->payload + m->sent, count);
	m->sent += count;
	return count;
}

static struct curl_slist *list_recipients(const struct mail *m)
{
	struct json_object *names = json_tokener_parse(m->recipients);
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < json_object_array_length(names); i++)
		list = curl_slist_append(
			list, json_object_get_string(json_object_array_get_idx(names, i)));
	json_object_put(names);
	return list;
}

/* What systemd hands over (LoadCredential=smtp:...). */
static void set_credentials(CURL *curl)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	__cleanup_free char *path = NULL;
	struct strbuf text = STRBUF_INIT;

	if (!folder)
		return;
	path = xasprintf("%s/smtp", folder);
	if (fs_exists(path) && !fs_read_file(path, CREDENTIALS, &text, NULL)) {
		text.buf[strcspn(text.buf, "\r\n")] = '\0';
		curl_easy_setopt(curl, CURLOPT_USERPWD, text.buf);
	}
	strbuf_release(&text);
}

static void send_mail(const struct outbox_setting *setting, struct mail *m)
{
	struct curl_slist *to = list_recipients(m);
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (curl && to) {
		curl_easy_setopt(curl, CURLOPT_URL, setting->smtp);
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
		curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
		curl_easy_setopt(curl, CURLOPT_MAIL_FROM, setting->from ? setting->from : FROM);
		curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_mail);
		curl_easy_setopt(curl, CURLOPT_READDATA, m);
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SEND_S);
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, m->why);
		set_credentials(curl);
		code = curl_easy_perform(curl);
	}
	m->taken = code == CURLE_OK;
	if (!m->taken && !*m->why)
		snprintf(m->why, sizeof(m->why), "%s", curl_easy_strerror(code));
	curl_slist_free_all(to);
	curl_easy_cleanup(curl);
}

/* ---- the queue ---- */

static int mark_mail(struct daemon_db *db, void *arg, struct error *err)
{
	const struct mail *m = arg;
	int64_t wait = m->tries < 12 ? INT64_C(1) << m->tries : RETRY_MAX_S;
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	if (m->taken)
		ret = database_change(
			db, err,
			"UPDATE outbox SET sent = ?2, tries = tries + 1, error = NULL "
			"WHERE id = ?1",
			"it", m->id, now);
	else
		ret = database_change(
			db, err,
			"UPDATE outbox SET tries = tries + 1, error = ?2, next_try = ?3 "
			"WHERE id = ?1",
			"iti", m->id, m->why, time(NULL) + wait);
	if (ret < 0)
		return ret;
	return 0;
}

static int take_mail(struct daemon_db *queue, struct mail *m, struct error *err)
{
	sqlite3_stmt *s = database_query(queue,
					 "SELECT id, tries, recipients, payload FROM outbox WHERE "
					 "sent IS NULL AND (next_try <= ?1 OR next_try > ?1 + ?2) "
					 "ORDER BY next_try LIMIT 1",
					 "ii", (int64_t)time(NULL),
					 (int64_t)(2 * RETRY_MAX_S)); /* a clock set back */
	int ret = database_row(queue, s, err);

	if (ret != 1)
		return ret;
	m->id = sqlite3_column_int64(s, 0);
	m->tries = sqlite3_column_int(s, 1);
	m->recipients = xstrdup(database_column(s, 2));
	m->payload = xstrdup(database_column(s, 3));
	sqlite3_reset(s);
	return 1;
}

int outbox_send(const struct outbox_setting *setting, struct daemon_db *queue,
		struct writer *writer, int64_t *due, struct error *err)
{
	int64_t next;
	int ret;

	if (!setting->smtp)
		return 0;
	for (;;) {
		struct mail m = {0};

		ret = take_mail(queue, &m, err);
		if (ret != 1)
			break;
		send_mail(setting, &m);
		if (!m.taken)
			log_warning("mail %lld is not sent yet: %s", (long long)m.id, m.why);
		ret = writer_do(writer, mark_mail, &m, err);
		mail_release(&m);
		if (ret)
			return ret;
	}
	if (!ret)
		ret = database_number(queue, INT64_MAX, &next, err,
				      "SELECT min(next_try) FROM outbox WHERE sent IS NULL", "");
	if (!ret && next < *due)
		*due = next;
	return ret;
}
