// SPDX-License-Identifier: GPL-2.0-only
/* Requests that change something: POST, PATCH with ETags, DELETE, and the tasks that they become. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "orchestrator/hosts/redfish/bmc.h"
#include "orchestrator/hosts/redfish/message.h"

/* ---- tasks (DSP0266, section 12.2) ---- */

static const struct {
	const char *state;
	bool failed;
} ends[] = {
	{"Completed", false}, {"Exception", true},   {"Killed", true},
	{"Cancelled", true},  {"Interrupted", true},
};

/* 0: done; -EAGAIN: goes on. */
static int judge_task(const char *path, struct json_object *task, struct error *err)
{
	const char *state = message_text(task, "TaskState", NULL);
	const char *health = message_text(task, "TaskStatus", NULL);
	struct strbuf said = STRBUF_INIT;
	int ret = -EAGAIN;

	if (!state) /* some monitors answer with the result itself */
		return 0;
	message_add(message_at(task, "Messages", NULL), &said);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (strcmp(ends[i].state, state))
			continue;
		ret = 0;
		if (ends[i].failed || (health && !strcmp(health, "Critical")))
			ret = bmc_fail(err, BMC_REFUSED, "task %s ended as %s: %s", path, state,
				       said.buf);
	}
	strbuf_release(&said);
	return ret;
}

static int await_task(struct bmc *b, const char *path, struct error *err)
{
	double until = clock_seconds() + b->cfg->task_limit_s;

	while (clock_seconds() < until) {
		struct bmc_reply r;
		int ret = bmc_get(b, path, &r, err);

		if (!ret)
			ret = judge_task(path, r.json, err);
		bmc_reply_release(&r);
		/* Some forget a task once it is over: what it did is read back anyway. */
		if (ret == -ENOENT)
			return 0;
		if (ret != -EAGAIN)
			return ret;
		ret = bmc_pause(b, b->cfg->poll_ms, err);
		if (ret)
			return ret;
	}
	return bmc_fail(err, BMC_REFUSED, "task %s was not over within %lld s", path,
			(long long)b->cfg->task_limit_s);
}

/* ---- requests ---- */

static int change(struct bmc *b, const struct bmc_request *req, long *status, struct error *err)
{
	struct bmc_reply r;
	const char *task;
	int ret = bmc_converse(b, req, &r, err);

	if (status)
		*status = r.status;
	task = r.location ? r.location : message_text(r.json, "@odata.id", NULL);
	/* Without a place to look: whoever changes something reads it back. */
	if (!ret && r.status == 202 && task)
		ret = await_task(b, task, err);
	bmc_reply_release(&r);
	return ret;
}

int bmc_post(struct bmc *b, const char *path, struct json_object *body, long *status,
	     struct error *err)
{
	const struct bmc_request req = {.method = "POST", .path = path, .body = body};

	return change(b, &req, status, err);
}

int bmc_delete(struct bmc *b, const char *path, struct error *err)
{
	const struct bmc_request req = {.method = "DELETE", .path = path};

	return change(b, &req, NULL, err);
}

/* ---- ETags ---- */

/* W/"x" and "x" are written as this one; the caller frees. */
static char *strong_form(const char *etag)
{
	return xstrdup(strncmp(etag, "W/", 2) ? etag : etag + 2);
}

static char *unquoted_form(const char *etag)
{
	__cleanup_free char *strong = strong_form(etag);
	size_t n = strlen(strong);

	if (n < 2 || strong[0] != '"' || strong[n - 1] != '"')
		return xstrdup(strong);
	return xasprintf("%.*s", (int)n - 2, strong + 1);
}

static char *as_it_is(const char *etag)
{
	return xstrdup(etag);
}

static char *no_etag(const char *etag)
{
	(void)etag;
	return NULL;
}

static char *any_etag(const char *etag)
{
	(void)etag;
	return xstrdup("*");
}

/* What If-Match has to say: each refused the form before it (412) or wants one at all (428). */
static const struct {
	char *(*form)(const char *etag);
	const char *why; /* who wants it */
} etag_forms[] = {
	{as_it_is, "the standard (DSP0266, section 6.5); AMI and Lenovo demand it (gofish 171)"},
	{strong_form, "no weak tags: HPE iLO 5 shows W/\"...\", and refuses it (ansible 3268)"},
	{unquoted_form, "tags compared without their quotes (ansible 6434)"},
	{no_etag, "any tag is refused (ansible 11270)"},
	{any_etag, "a tag is demanded, and none ever fits (gofish 511)"},
};

static char *find_etag(const struct bmc_reply *r)
{
	const char *etag = r->etag;

	if (!etag || !*etag)
		etag = message_text(r->json, "@odata.etag", NULL);
	return etag && *etag ? xstrdup(etag) : NULL;
}

static int patch_with(struct bmc *b, const char *path, struct json_object *body, const char *etag,
		      long *status, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(etag_forms); i++) {
		__cleanup_free char *form =
			etag || etag_forms[i].form == any_etag ? etag_forms[i].form(etag) : NULL;
		const struct bmc_request req = {"PATCH", path, body, form};

		ret = change(b, &req, status, err);
		if (ret != -ESTALE)
			break;
	}
	return ret;
}

int bmc_patch(struct bmc *b, const char *path, struct json_object *body, long *status,
	      struct error *err)
{
	__cleanup_free char *etag = NULL;
	struct bmc_reply r;
	int ret = bmc_get(b, path, &r, err);

	*status = 0;
	if (!ret)
		etag = find_etag(&r);
	bmc_reply_release(&r);
	if (ret)
		return ret;
	return patch_with(b, path, body, etag, status, err);
}
