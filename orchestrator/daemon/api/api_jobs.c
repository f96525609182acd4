// SPDX-License-Identifier: GPL-2.0-only
/* Jobs: submit, list, show, change. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/api/api.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/request/request.h"

#define PAGE	 100
#define PAGE_MAX 1000
#define KEY_MAX	 200
#define SELECT_JOB                                                                                          \
	"SELECT j.id, j.uid, j.kind, j.owner, j.priority, j.state, j.verdict, j.class, j.error, j.status, " \
	"j.parent, (SELECT uid FROM job a WHERE a.id = j.after) AS after, j.schedule, j.pool, j.tags, "     \
	"j.host, j.submitted, j.started, j.ended, j.version, j.request, (SELECT count(*) FROM boot WHERE "  \
	"job = j.id) AS boots, (SELECT count(*) FROM boot WHERE job = j.id AND state = 'stored') AS "       \
	"stored FROM job j "

/* ---- submit ---- */

static int take_text(const struct json_node *body, const char *key, const char **out,
		     struct error *err)
{
	struct json_node n;

	if (json_member(body, key, false, &n, err))
		return 0;
	return json_as_string(&n, out, err);
}

static int take_number(const struct json_node *body, const char *key, int64_t min, int64_t max,
		       int64_t *out, struct error *err)
{
	struct json_node n;

	if (json_member(body, key, false, &n, err))
		return 0;
	return json_as_int(&n, min, max, out, err);
}

static int take_flag(const struct json_node *body, const char *key, bool *out, struct error *err)
{
	struct json_node n;

	if (json_member(body, key, false, &n, err))
		return 0;
	return json_as_bool(&n, out, err);
}

/* Names, as canonical JSON text, which the caller frees. */
static int take_names(const struct json_node *body, const char *key, char **out, struct error *err)
{
	struct json_node n, element;
	const char *name;
	int ret;

	if (json_member(body, key, false, &n, err))
		return 0;
	ret = json_as_array(&n, err);
	for (size_t i = 0; !ret && i < json_length(&n); i++) {
		json_element(&n, i, &element);
		ret = json_as_string(&element, &name, err);
	}
	if (!ret && json_length(&n))
		*out = json_canonical(n.value);
	return ret;
}

struct submission {
	struct job_order order;
	char *request, *tags, *idempotency; /* owned */
};

static void submission_release(struct submission *s)
{
	free(s->request);
	free(s->tags);
	free(s->idempotency);
}

/* Only where the queue itself says so is a job a night; nobody gets a floor by asking for it. */
static int take_envelope(const struct json_node *body, struct submission *s, struct error *err)
{
	static const char *const keys[] = {"request", "priority",	  "hold", "after", "pool",
					   "tags",    "deadline_seconds", NULL};
	int64_t priority = JOB_PRIORITY_DEFAULT, deadline = 0;
	int ret = json_check_keys(body, keys, err);

	if (!ret)
		ret = take_number(body, "priority", 0, 100, &priority, err);
	if (!ret)
		ret = take_number(body, "deadline_seconds", 1, 31536000, &deadline, err);
	if (!ret)
		ret = take_flag(body, "hold", &s->order.hold, err);
	if (!ret)
		ret = take_text(body, "after", &s->order.after, err);
	if (!ret)
		ret = take_text(body, "pool", &s->order.pool, err);
	if (!ret)
		ret = take_names(body, "tags", &s->tags, err);
	s->order.priority = priority;
	s->order.deadline_ms = deadline * 1000;
	s->order.tags = s->tags;
	return ret;
}

/* The body is the request itself, or an object around it: "request" is a kind there, an object here. */
static int take_submission(struct json_object *json, struct submission *s, struct error *err)
{
	struct json_node body = {.value = json, .file = "body", .path = "$"};
	struct json_object *request = json_object_object_get(json, "request");
	int ret = 0;

	s->order.priority = JOB_PRIORITY_DEFAULT;
	if (json_object_is_type(request, json_type_object)) {
		ret = take_envelope(&body, s, err);
		json = request;
	}
	s->request = xstrdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	s->order.request = s->request;
	return ret;
}

static int take_key(const struct exchange *x, struct submission *s, struct error *err)
{
	const char *key = exchange_header(x, "Idempotency-Key");

	if (!key)
		return 0;
	if (strlen(key) > KEY_MAX)
		return error_set(err, -EINVAL, "Idempotency-Key: longer than %d bytes", KEY_MAX);
	s->idempotency = xasprintf("%s/%s", x->who.owner, key);
	s->order.idempotency = s->idempotency;
	return 0;
}

/* Paths are this machine's: who is not on it has no business with them. */
static int check_paths(const struct exchange *x, const char *request, struct error *err)
{
	__cleanup_free char *path = NULL;
	struct request r;
	int ret;

	if (x->who.local || x->who.scope == SCOPE_ADMIN)
		return 0;
	ret = request_parse(request, strlen(request), "request", REQUEST_ANY, &r, err);
	if (ret)
		return ret;
	path = request_find_path(&r);
	request_free(&r);
	if (!path)
		return 0;
	return error_set(
		err, -EPERM,
		"%s: a path of the daemon's machine can only be named on it; name kernels, "
		"scenarios and policies that it knows",
		path);
}

static int submit(struct exchange *x, struct daemon_db *db, struct json_object *json,
		  struct submission *s, struct error *err)
{
	char uid[DAEMON_TIME_MAX];
	struct json_object *answer;
	bool again;
	int ret = take_submission(json, s, err);

	s->order.owner = x->who.owner;
	if (!ret)
		ret = take_key(x, s, err);
	if (!ret)
		ret = check_paths(x, s->request, err);
	if (!ret)
		ret = job_submit(db, &s->order, uid, &again, err);
	if (ret)
		return ret;
	answer = json_object_new_object();
	json_add_string(answer, "uid", uid);
	snprintf(x->location, sizeof(x->location), "/v1/jobs/%s", uid);
	return exchange_answer(x, again ? 200 : 201, answer);
}

int api_submit(struct exchange *x, struct daemon_db *db, struct json_object *json,
	       struct error *err)
{
	struct submission s = {0};
	int ret = submit(x, db, json, &s, err);

	submission_release(&s);
	return ret;
}

API_HANDLER(api_jobs_submit)
{
	struct json_object *json;
	int ret = exchange_parse(x, &json, err);

	if (ret)
		return ret;
	ret = api_submit(x, db, json, err);
	json_object_put(json);
	return ret;
}

/* ---- list and show ---- */

static int answer_page(struct exchange *x, struct json_object *jobs, int64_t limit)
{
	struct json_object *answer = json_object_new_object(), *last;
	size_t n = json_object_array_length(jobs);

	json_object_object_add(answer, "jobs", jobs);
	if (n == (size_t)limit) {
		last = json_object_array_get_idx(jobs, n - 1);
		json_object_object_add(answer, "next",
				       json_object_get(json_object_object_get(last, "id")));
	}
	return exchange_answer(x, 200, answer);
}

API_HANDLER(api_jobs_list)
{
	int64_t limit, cursor;
	struct json_object *jobs;
	sqlite3_stmt *s;
	int ret = exchange_query_int(x, "limit", PAGE, 1, PAGE_MAX, &limit, err);

	if (!ret)
		ret = exchange_query_int(x, "cursor", INT64_MAX, 1, INT64_MAX, &cursor, err);
	if (ret)
		return ret;
	s = database_query(db,
			   SELECT_JOB "WHERE j.id < ?1 AND (?2 IS NULL OR j.state = ?2) AND (?3 IS "
				      "NULL OR j.owner = ?3) AND (?4 IS NULL OR j.kind = ?4) ORDER "
				      "BY j.id DESC LIMIT ?5",
			   "ittti", cursor, exchange_query(x, "state"), exchange_query(x, "owner"),
			   exchange_query(x, "kind"), limit);
	ret = exchange_rows(db, s, &jobs, err);
	if (ret)
		return ret;
	return answer_page(x, jobs, limit);
}

static int add_boots(struct daemon_db *db, struct json_object *job, struct error *err)
{
	int64_t id = json_object_get_int64(json_object_object_get(job, "id"));
	struct json_object *boots;
	sqlite3_stmt *s =
		database_query(db,
			       "SELECT uid, ordinal, state, epoch, tries, host, progress, class, "
			       "error FROM boot WHERE job = ?1 ORDER BY ordinal",
			       "i", id);
	int ret = exchange_rows(db, s, &boots, err);

	if (!ret)
		json_object_object_add(job, "all_boots", boots);
	return ret;
}

static bool is_unchanged(struct exchange *x)
{
	const char *known = exchange_header(x, "If-None-Match");

	return known && !strcmp(known, x->etag);
}

API_HANDLER(api_job_show)
{
	sqlite3_stmt *s = database_query(db, SELECT_JOB "WHERE j.uid = ?1", "t", x->params[0]);
	struct json_object *job;
	int ret = database_row(db, s, err);

	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ENOENT, "%s: no such job", x->params[0]);
	job = exchange_row(s);
	sqlite3_reset(s);
	ret = add_boots(db, job, err);
	if (ret) {
		json_object_put(job);
		return ret;
	}
	snprintf(x->etag, sizeof(x->etag), "\"%lld-%zu\"",
		 (long long)json_object_get_int64(json_object_object_get(job, "version")),
		 (size_t)json_object_get_int64(json_object_object_get(job, "stored")));
	if (is_unchanged(x)) {
		json_object_put(job);
		return exchange_answer(x, 304, NULL);
	}
	return exchange_answer(x, 200, job);
}

/* ---- change ---- */

/* A submitter changes jobs of its own. */
static int check_owner(struct exchange *x, struct daemon_db *db, struct error *err)
{
	int64_t own;
	int ret;

	if (x->who.scope != SCOPE_SUBMITTER)
		return 0;
	ret = database_number(db, -1, &own, err, "SELECT owner = ?2 FROM job WHERE uid = ?1", "tt",
			      x->params[0], x->who.owner);
	if (ret || own == 1)
		return ret;
	if (own < 0)
		return error_set(err, -ENOENT, "%s: no such job", x->params[0]);
	return error_set(err, -EPERM, "%s is not your job: an operator may do that", x->params[0]);
}

static int change_job(struct exchange *x, struct daemon_db *db, const struct json_node *body,
		      struct error *err)
{
	static const char *const keys[] = {"hold", "priority", NULL};
	const char *uid = x->params[0];
	bool hold = false, has_hold = json_object_object_get(body->value, "hold");
	int64_t priority = -1;
	int ret = json_check_keys(body, keys, err);

	if (!ret)
		ret = take_flag(body, "hold", &hold, err);
	if (!ret)
		ret = take_number(body, "priority", 0, 100, &priority, err);
	if (!ret && priority >= 0)
		ret = job_set_priority(db, uid, priority, err);
	if (!ret && has_hold)
		ret = (hold ? job_hold : job_release)(db, uid, x->who.owner, err);
	return ret;
}

API_HANDLER(api_job_change)
{
	struct json_node body = {.file = "body", .path = "$"};
	int ret = check_owner(x, db, err);

	if (!ret)
		ret = exchange_parse(x, &body.value, err);
	if (ret)
		return ret;
	ret = change_job(x, db, &body, err);
	json_object_put(body.value);
	if (ret)
		return ret;
	return api_job_show(x, db, err);
}

API_HANDLER(api_job_cancel)
{
	int ret = check_owner(x, db, err);

	if (!ret)
		ret = job_cancel(db, x->params[0], x->who.owner, err);
	if (ret)
		return ret;
	return api_job_show(x, db, err);
}

API_HANDLER(api_job_retry)
{
	int ret = check_owner(x, db, err);

	if (!ret)
		ret = job_retry(db, x->params[0], x->who.owner, err);
	if (ret)
		return ret;
	return api_job_show(x, db, err);
}
