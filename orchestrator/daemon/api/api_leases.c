// SPDX-License-Identifier: GPL-2.0-only
/* What agents ask and bring. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/sha256.h"
#include "orchestrator/daemon/api/api.h"
#include "orchestrator/daemon/pool/host.h"
#include "orchestrator/daemon/queue/lease.h"
#include "orchestrator/daemon/http/metrics.h"
#include "orchestrator/daemon/intake/result.h"

#define WAIT_MAX  120 /* seconds */
#define ERROR_MAX 1000

/* ---- who it is ---- */

/* An agent's token is bound to one host. */
static int check_host(const struct exchange *x, const char *host, struct error *err)
{
	if (!x->who.host[0] || !strcmp(x->who.host, host))
		return 0;
	return error_set(err, -EPERM, "this token is host %s's, not %s's", x->who.host, host);
}

/* Does the boot's attempt belong to the host of the token? */
static int check_attempt(const struct exchange *x, struct daemon_db *db, const char *boot,
			 int64_t epoch, struct error *err)
{
	sqlite3_stmt *s;
	int ret;

	if (!x->who.host[0])
		return 0;
	s = database_query(
		db,
		"SELECT a.host FROM attempt a JOIN boot b ON b.id = a.boot WHERE b.uid = ?1 "
		"AND a.epoch = ?2",
		"ti", boot, epoch);
	ret = database_row(db, s, err);
	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ENOENT, "%s: it had no attempt %lld", boot,
				 (long long)epoch);
	ret = check_host(x, database_column(s, 0), err);
	sqlite3_reset(s);
	return ret;
}

/* ---- leases ---- */

static int take_name(struct json_object *body, const char *key, bool required, const char **out,
		     struct error *err)
{
	const struct json_node node = {.value = body, .file = "body", .path = "$"};
	struct json_node n;
	int ret = json_member(&node, key, required, &n, err);

	*out = NULL;
	if (ret == -ENOENT)
		return 0;
	if (!ret)
		ret = json_as_string(&n, out, err);
	if (!ret && !fs_is_plain_name(*out))
		ret = json_error(&n, err, "a name of letters, digits and ._+- is expected");
	return ret;
}

/* An array of names; a new, empty one where it is left out. */
static int take_list(struct json_object *body, const char *key, struct json_object **out,
		     struct error *err)
{
	struct json_object *list = json_object_object_get(body, key);

	if (!list) {
		list = json_object_new_array();
		json_object_object_add(body, key, list);
	}
	*out = list;
	if (!json_object_is_type(list, json_type_array))
		return error_set(err, -EINVAL, "body: $.%s: expected an array", key);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *name = json_object_array_get_idx(list, i);

		if (!json_object_is_type(name, json_type_string) ||
		    !fs_is_plain_name(json_object_get_string(name)))
			return error_set(err, -EINVAL, "body: $.%s[%zu]: expected a name", key, i);
	}
	return 0;
}

static int take_ask(const struct exchange *x, struct json_object *body, struct lease_ask *ask,
		    struct error *err)
{
	int ret = take_name(body, "agent", true, &ask->agent, err);

	if (!ret)
		ret = take_name(body, "host", true, &ask->host, err);
	if (!ret)
		ret = take_name(body, "pool", false, &ask->pool, err);
	if (!ret)
		ret = take_list(body, "tags", &ask->tags, err);
	if (!ret)
		ret = take_list(body, "serves", &ask->serves, err);
	if (!ret)
		ret = check_host(x, ask->host, err);
	ask->shared =
		x->who.local && json_object_get_boolean(json_object_object_get(body, "shared"));
	return ret;
}

static int note_host(struct daemon_db *db, const struct lease_ask *ask, struct error *err)
{
	__cleanup_free char *tags = json_canonical(ask->tags);
	__cleanup_free char *serves = json_canonical(ask->serves);
	const struct host_news news = {ask->host, ask->pool, tags, serves};

	return host_seen(db, &news, err);
}

static int answer_grant(struct exchange *x, const struct lease_grant *g)
{
	struct json_object *answer = json_object_new_object();

	json_add_string(answer, "boot", g->boot);
	json_add_string(answer, "job", g->job);
	json_object_object_add(answer, "epoch", json_object_new_int64(g->epoch));
	json_object_object_add(answer, "request", json_tokener_parse(g->request));
	json_object_object_add(answer, "heartbeat_ms",
			       json_object_new_int64(lease_policy.heartbeat_ms));
	if (g->tags)
		json_object_object_add(answer, "tags", json_tokener_parse(g->tags));
	if (g->shared)
		json_add_string(answer, "results", x->service->results);
	return exchange_answer(x, 200, answer);
}

static int claim(struct exchange *x, struct daemon_db *db, struct json_object *body,
		 struct error *err)
{
	struct lease_ask ask = {0};
	struct lease_grant g = {0};
	int64_t wait;
	int ret = take_ask(x, body, &ask, err);

	if (!ret)
		ret = exchange_query_int(x, "wait", 0, 0, WAIT_MAX, &wait, err);
	if (!ret)
		ret = note_host(db, &ask, err);
	if (!ret && service_is_full(x->service))
		ret = 0; /* nothing new is begun on a full disk */
	else if (!ret)
		ret = lease_claim(db, &ask, &g, err);
	if (ret < 0)
		return ret;
	if (ret == 1) {
		ret = answer_grant(x, &g);
		lease_grant_free(&g);
		return ret;
	}
	exchange_answer(x, 204, NULL);
	x->wait_ms = wait * 1000;
	return wait ? EXCHANGE_PARK : 0;
}

API_HANDLER(api_lease_claim)
{
	struct json_object *body;
	int ret = exchange_parse(x, &body, err);

	if (ret)
		return ret;
	ret = claim(x, db, body, err);
	json_object_put(body);
	return ret;
}

static int parse_epoch(const char *text, int64_t *out, struct error *err)
{
	char *end;

	*out = strtoll(text, &end, 10);
	if (*end || *out < 1)
		return error_set(err, -EINVAL, "%s: not an epoch", text);
	return 0;
}

API_HANDLER(api_lease_renew)
{
	const char *progress = NULL;
	struct json_object *body;
	int64_t epoch;
	int ret = parse_epoch(x->params[1], &epoch, err);

	if (!ret)
		ret = check_attempt(x, db, x->params[0], epoch, err);
	if (!ret)
		ret = exchange_parse(x, &body, err);
	if (ret)
		return ret;
	if (json_object_object_length(body))
		progress = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN);
	ret = lease_renew(db, x->params[0], epoch, progress, err);
	json_object_put(body);
	if (ret == -ESTALE)
		return -EEXIST; /* 409: it is to stop */
	if (ret)
		return ret;
	return exchange_answer(x, 204, NULL);
}

API_HANDLER(api_lease_give_back)
{
	int64_t epoch;
	int ret = parse_epoch(x->params[1], &epoch, err);

	if (!ret)
		ret = check_attempt(x, db, x->params[0], epoch, err);
	if (!ret)
		ret = lease_give_back(db, x->params[0], epoch, "its agent was ended", err);
	if (ret)
		return ret;
	return exchange_answer(x, 204, NULL);
}

/* ---- results ---- */

static const int fate_status[] = {
	[RESULT_NEW] = 201, [RESULT_AGAIN] = 200, [RESULT_DUPLICATE] = 410};
static const char *const fate_words[] = {
	[RESULT_NEW] = "stored", [RESULT_AGAIN] = "again", [RESULT_DUPLICATE] = "duplicate"};

/* "Content-Digest: sha-256=:BASE64:" would need a decoder; what we ask for is hex. */
static int check_digest(const struct exchange *x, char sha256[SHA256_HEX], struct error *err)
{
	const char *said = exchange_header(x, "X-Content-SHA256");

	sha256_bytes(x->body.buf, x->body.len, sha256);
	if (!said)
		return error_set(err, -EINVAL, "X-Content-SHA256: the body's SHA-256 is missing");
	if (strcmp(said, sha256))
		return error_set(err, -EINVAL,
				 "the body's SHA-256 is %s, not %s: it was damaged on "
				 "its way; send it again",
				 sha256, said);
	return 0;
}

static int put_records(struct exchange *x, struct daemon_db *db, const char *sha256, int64_t epoch,
		       int64_t status, struct error *err)
{
	struct result_news news = {
		.boot = x->params[0],
		.epoch = epoch,
		.sha256 = sha256,
		.body = x->body.buf,
		.len = x->body.len,
		.status = status,
		.error = exchange_query(x, "error"),
	};
	enum result_fate fate;
	struct json_object *answer;
	int ret;

	if (x->who.host[0])
		news.host = x->who.host;
	ret = result_put(db, &news, &fate, err);
	if (ret)
		return ret;
	if (fate == RESULT_NEW)
		counters_add_boot(x->service->counters, x->body.len);
	answer = json_object_new_object();
	json_add_string(answer, "result", fate_words[fate]);
	return exchange_answer(x, fate_status[fate], answer);
}

API_HANDLER(api_boot_records)
{
	const char *complaint = exchange_query(x, "error");
	char sha256[SHA256_HEX];
	int64_t epoch, status;
	int ret = exchange_query_int(x, "epoch", 0, 1, INT64_MAX, &epoch, err);

	if (!ret)
		ret = exchange_query_int(x, "status", 0, 0, 255, &status, err);
	if (!ret && complaint && strlen(complaint) > ERROR_MAX)
		ret = error_set(err, -EINVAL, "?error=: longer than %d bytes", ERROR_MAX);
	if (!ret)
		ret = check_digest(x, sha256, err);
	if (ret)
		return ret;
	return put_records(x, db, sha256, epoch, status, err);
}

static const char *const failure_classes[] = {"infrastructure", "job", "cancelled", NULL};

static int check_class(const char *class, struct error *err)
{
	for (size_t i = 0; class && failure_classes[i]; i++)
		if (!strcmp(class, failure_classes[i]))
			return 0;
	return error_set(err, -EINVAL, "body: $.class: expected infrastructure, job or cancelled");
}

static int fail(struct exchange *x, struct daemon_db *db, struct json_object *body, int64_t epoch,
		struct error *err)
{
	const char *class = json_object_get_string(json_object_object_get(body, "class"));
	const char *why = json_object_get_string(json_object_object_get(body, "error"));
	const char *outcome = "failed";
	int ret = check_class(class, err);

	if (ret)
		return ret;
	if (json_object_get_boolean(json_object_object_get(body, "lost")))
		outcome = "lost";
	ret = lease_fail(db, x->params[0], epoch, outcome, class, why ? why : "it did not say why",
			 err);
	if (ret)
		return ret;
	return exchange_answer(x, 204, NULL);
}

API_HANDLER(api_boot_failure)
{
	struct json_object *body;
	int64_t epoch;
	int ret = exchange_query_int(x, "epoch", 0, 1, INT64_MAX, &epoch, err);

	if (!ret)
		ret = check_attempt(x, db, x->params[0], epoch, err);
	if (!ret)
		ret = exchange_parse(x, &body, err);
	if (ret)
		return ret;
	ret = fail(x, db, body, epoch, err);
	json_object_put(body);
	return ret;
}
