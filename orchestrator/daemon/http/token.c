// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "orchestrator/daemon/storage/event.h"

static const struct {
	enum scope scope;
	const char *name;
} scopes[] = {
	{SCOPE_VIEWER, "viewer"},     {SCOPE_SUBMITTER, "submitter"}, {SCOPE_AGENT, "agent"},
	{SCOPE_OPERATOR, "operator"}, {SCOPE_ADMIN, "admin"},
};

enum scope token_scope(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		if (!strcmp(scopes[i].name, name))
			return scopes[i].scope;
	return 0;
}

const char *token_scope_name(enum scope scope)
{
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		if (scopes[i].scope == scope)
			return scopes[i].name;
	return "nobody";
}

static int check_order(const struct token_order *o, struct error *err)
{
	if (!o->scope || !token_scope(o->scope))
		return error_set(err, -EINVAL,
				 "scope: expected viewer, submitter, agent, operator or admin");
	if (!o->owner || !fs_is_plain_name(o->owner) || strlen(o->owner) >= SCOPE_NAME_MAX)
		return error_set(err, -EINVAL, "owner: expected a name");
	if (!strcmp(o->scope, "agent") != (o->host != NULL))
		return error_set(err, -EINVAL,
				 "host: an agent's token is bound to one, no other is");
	if (o->host && (!fs_is_plain_name(o->host) || strlen(o->host) >= SCOPE_NAME_MAX))
		return error_set(err, -EINVAL, "host: expected a name");
	return 0;
}

int token_random(char text[TOKEN_MAX], struct error *err)
{
	unsigned char bits[32];
	size_t n = snprintf(text, TOKEN_MAX, TOKEN_PREFIX);

	if (getrandom(bits, sizeof(bits), 0) != sizeof(bits))
		return error_set(err, -EIO, "no random numbers");
	for (size_t i = 0; i < sizeof(bits); i++)
		n += snprintf(text + n, TOKEN_MAX - n, "%02x", bits[i]);
	explicit_bzero(bits, sizeof(bits));
	return 0;
}

int token_add(struct daemon_db *db, const struct token_order *o, char token[TOKEN_MAX],
	      struct error *err)
{
	char sha256[SHA256_HEX], now[DAEMON_TIME_MAX];
	__cleanup_free char *days = xasprintf("+%lld days", (long long)o->days);
	int ret = check_order(o, err);

	if (!ret)
		ret = token_random(token, err);
	if (ret)
		return ret;
	sha256_bytes(token, strlen(token), sha256);
	database_time(now);
	ret = database_change(
		db, err,
		"INSERT INTO token (sha256, owner, scope, host, created, expires) VALUES "
		"(?1, ?2, ?3, ?4, ?5, iif(?6 = '+0 days', NULL, "
		"strftime('%Y-%m-%dT%H:%M:%SZ', ?5, ?6)))",
		"tttttt", sha256, o->owner, o->scope, o->host, now, days);
	if (ret < 0)
		return ret;
	return event_add(db, "token.added", NULL, NULL, NULL, err);
}

int token_find(struct daemon_db *db, const char *token, struct identity *out, struct error *err)
{
	char sha256[SHA256_HEX], now[DAEMON_TIME_MAX];
	sqlite3_stmt *s;
	int ret;

	sha256_bytes(token, strlen(token), sha256);
	database_time(now);
	s = database_query(
		db,
		"SELECT owner, scope, host FROM token WHERE sha256 = ?1 AND (expires IS NULL "
		"OR expires > ?2)",
		"tt", sha256, now);
	ret = database_row(db, s, err);
	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -EACCES, "the token is none of ours, or has expired");
	*out = (struct identity){.scope = token_scope(database_column(s, 1))};
	snprintf(out->owner, sizeof(out->owner), "%s", database_column(s, 0));
	if (database_column(s, 2))
		snprintf(out->host, sizeof(out->host), "%s", database_column(s, 2));
	sqlite3_reset(s);
	return 0;
}

int token_remove(struct daemon_db *db, const char *sha256, struct error *err)
{
	int ret = database_change(db, err, "DELETE FROM token WHERE sha256 = ?1", "t", sha256);

	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ENOENT, "%s: no such token", sha256);
	return event_add(db, "token.removed", NULL, NULL, NULL, err);
}
