// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/session.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/http/token.h"

#define STRINGIFY(x) #x
#define AS_STRING(x) STRINGIFY(x)
#define LIFE	     "+" AS_STRING(SESSION_HOURS) " hours"

static int check_token(struct daemon_db *db, const char *token, struct error *err)
{
	struct identity who;
	int ret = token_find(db, token, &who, err);

	if (!ret && who.scope == SCOPE_AGENT)
		return error_set(err, -EPERM, "an agent's token is for its agent alone");
	return ret;
}

/* Those that nobody ended go with the next that begins. */
static int drop_expired(struct daemon_db *db, const char *now, struct error *err)
{
	int ret = database_change(db, err, "DELETE FROM session WHERE expires <= ?1", "t", now);

	if (ret < 0)
		return ret;
	return 0;
}

int session_begin(struct daemon_db *db, const char *token, char session[SESSION_MAX],
		  struct error *err)
{
	char own[SHA256_HEX], its[SHA256_HEX], now[DAEMON_TIME_MAX];
	int ret = check_token(db, token, err);

	if (!ret)
		ret = token_random(session, err);
	if (ret)
		return ret;
	database_time(now);
	ret = drop_expired(db, now, err);
	if (ret)
		return ret;
	sha256_bytes(session, strlen(session), own);
	sha256_bytes(token, strlen(token), its);
	ret = database_change(
		db, err,
		"INSERT INTO session (sha256, token, created, expires) VALUES (?1, ?2, ?3, "
		"strftime('%Y-%m-%dT%H:%M:%SZ', ?3, '" LIFE "'))",
		"ttt", own, its, now);
	if (ret < 0)
		return ret;
	return event_add(db, "session.begun", NULL, NULL, NULL, err);
}

int session_find(struct daemon_db *db, const char *session, struct identity *out, struct error *err)
{
	char own[SHA256_HEX], now[DAEMON_TIME_MAX];
	sqlite3_stmt *s;
	int ret;

	sha256_bytes(session, strlen(session), own);
	database_time(now);
	s = database_query(
		db,
		"SELECT t.owner, t.scope FROM session s JOIN token t ON t.sha256 = s.token WHERE "
		"s.sha256 = ?1 AND s.expires > ?2 AND (t.expires IS NULL OR t.expires > ?2)",
		"tt", own, now);
	ret = database_row(db, s, err);
	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -EACCES, "the browser is not logged in any more");
	*out = (struct identity){.scope = token_scope(database_column(s, 1))};
	snprintf(out->owner, sizeof(out->owner), "%s", database_column(s, 0));
	sqlite3_reset(s);
	return 0;
}

int session_end(struct daemon_db *db, const char *session, struct error *err)
{
	char own[SHA256_HEX];
	int ret;

	sha256_bytes(session, strlen(session), own);
	ret = database_change(db, err, "DELETE FROM session WHERE sha256 = ?1", "t", own);
	if (ret < 0)
		return ret;
	return event_add(db, "session.ended", NULL, NULL, NULL, err);
}

/* ---- forms ---- */

void session_form_key(const char *session, const char *path, char key[SHA256_HEX])
{
	unsigned char mac[EVP_MAX_MD_SIZE];

	HMAC(EVP_sha256(), session, (int)strlen(session), (const unsigned char *)path, strlen(path),
	     mac, NULL);
	for (size_t i = 0; i < SHA256_HEX / 2; i++)
		snprintf(key + 2 * i, 3, "%02x", mac[i]);
}

bool session_is_form_key(const char *session, const char *path, const char *key)
{
	char right[SHA256_HEX];

	session_form_key(session, path, right);
	return strlen(key) == SHA256_HEX - 1 && !CRYPTO_memcmp(key, right, SHA256_HEX - 1);
}
