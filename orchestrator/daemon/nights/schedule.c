// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/schedule.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/json.h"
#include "common/subprocess.h"
#include "orchestrator/daemon/nights/schedule_fields.h"

#define BOOTS_DEFAULT	 4
#define PRIORITY_DEFAULT 40
#define BOOTS_MAX	 100
#define NEXT		 "Next elapse: "

void schedule_free(struct schedule *s)
{
	for (size_t i = 0; i < s->nkernels; i++)
		schedule_free_kernel(&s->kernels[i]);
	schedule_free_watch(&s->watch);
	schedule_free_names(&s->plans);
	schedule_free_names(&s->tags);
	schedule_free_names(&s->mail);
	free(s->name);
	free(s->at);
	free(s->against);
	free(s->host);
	free(s->pool);
	free(s->webhook);
	free(s->kcidb);
	*s = (struct schedule){0};
}

/* ---- the file ---- */

/* Nights of one branch are one series. */
static int check_branch(const struct json_node *item, const struct schedule *s, struct error *err)
{
	const char *branch = s->kernels[s->nkernels - 1].branch;

	for (size_t i = 0; i + 1 < s->nkernels; i++)
		if (!strcmp(s->kernels[i].branch, branch))
			return json_error(
				item, err,
				"its nights would be called %s, as those of kernels[%zu]: "
				"give one of them a \"name\"",
				branch, i);
	return 0;
}

static int read_kernels(const struct json_node *obj, struct schedule *s, struct error *err)
{
	struct json_node n, item;
	int ret = json_member(obj, "kernels", true, &n, err);

	if (!ret)
		ret = json_as_array(&n, err);
	if (ret)
		return ret;
	if (!json_length(&n) || json_length(&n) > SCHEDULE_KERNELS_MAX)
		return json_error(&n, err, "expected 1 to %d kernels", SCHEDULE_KERNELS_MAX);
	for (size_t i = 0; !ret && i < json_length(&n); i++) {
		ret = json_element(&n, i, &item);
		if (!ret)
			ret = schedule_read_kernel(&item, &s->kernels[s->nkernels++], err);
		if (!ret)
			ret = check_branch(&item, s, err);
	}
	return ret;
}

static int read_missed(const struct json_node *obj, struct schedule *s, struct error *err)
{
	__cleanup_free char *missed = xstrdup("once");
	struct json_node n = *obj;
	int ret = schedule_read_text(obj, "missed", false, &missed, err);

	s->skip_missed = !strcmp(missed, "skip");
	if (ret || s->skip_missed || !strcmp(missed, "once"))
		return ret;
	json_member(obj, "missed", true, &n, err);
	return json_error(&n, err, "expected once or skip, not %s", missed);
}

/* "6h", "90m" */
static int read_deadline(const struct json_node *obj, struct schedule *s, struct error *err)
{
	static const struct {
		char unit;
		int seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	__cleanup_free char *text = NULL;
	struct json_node n = *obj;
	char *end;
	int ret = schedule_read_text(obj, "deadline", false, &text, err);
	long count;

	if (ret || !text)
		return ret;
	count = strtol(text, &end, 10);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (*end == units[i].unit && !end[1] && count > 0 && count < 100000)
			s->deadline_ms = count * INT64_C(1000) * units[i].seconds;
	if (s->deadline_ms)
		return 0;
	json_member(obj, "deadline", true, &n, err);
	return json_error(&n, err, "expected a time as 90m, 6h or 2d, not %s", text);
}

static int read_hosts(const struct json_node *obj, struct schedule *s, struct error *err)
{
	static const char *const keys[] = {"host", "pool", "tags", NULL};
	struct json_node n;
	int ret = json_member(obj, "hosts", false, &n, err);

	if (ret == -ENOENT)
		return 0;
	if (!ret)
		ret = json_as_object(&n, err);
	if (!ret)
		ret = json_check_keys(&n, keys, err);
	if (!ret)
		ret = schedule_read_text(&n, "host", false, &s->host, err);
	if (!ret)
		ret = schedule_read_text(&n, "pool", false, &s->pool, err);
	if (!ret)
		ret = schedule_read_names(&n, "tags", false, &s->tags, err);
	return ret;
}

static bool is_url(const char *text)
{
	return !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8);
}

/* Where news go besides mails. */
static int read_targets(const struct json_node *obj, struct schedule *s, struct error *err)
{
	struct json_node n;
	int ret = schedule_read_text(obj, "webhook", false, &s->webhook, err);

	if (!ret)
		ret = schedule_read_text(obj, "kcidb", false, &s->kcidb, err);
	if (ret)
		return ret;
	if (s->webhook && !is_url(s->webhook)) {
		json_member(obj, "webhook", true, &n, err);
		return json_error(&n, err, "expected an address, http:// or https://");
	}
	if (s->kcidb && !is_url(s->kcidb) && *s->kcidb != '/') {
		json_member(obj, "kcidb", true, &n, err);
		return json_error(&n, err,
				  "expected an address, http:// or https://, or the absolute path "
				  "of a folder");
	}
	return 0;
}

static int read_on_change(const struct json_node *obj, struct schedule *s, struct error *err)
{
	static const char *const keys[] = {"confirm", "bisect", "explain", "mail",
					   "webhook", "kcidb",	NULL};
	struct json_node n;
	int ret = json_member(obj, "on_change", false, &n, err);

	if (ret == -ENOENT)
		return 0;
	if (!ret)
		ret = json_as_object(&n, err);
	if (!ret)
		ret = json_check_keys(&n, keys, err);
	if (!ret)
		ret = schedule_read_flag(&n, "confirm", &s->confirm, err);
	if (!ret)
		ret = schedule_read_flag(&n, "bisect", &s->bisect, err);
	if (!ret)
		ret = schedule_read_flag(&n, "explain", &s->explain, err);
	if (!ret)
		ret = schedule_read_names(&n, "mail", false, &s->mail, err);
	if (!ret)
		ret = read_targets(&n, s, err);
	return ret;
}

/* A list is watched instead of nights. */
static int read_watch(const struct json_node *obj, struct schedule *s, struct error *err)
{
	struct json_node n;
	int ret = json_member(obj, "watch", false, &n, err);

	if (ret == -ENOENT)
		return 0;
	if (!ret)
		ret = schedule_read_watch(&n, &s->watch, err);
	if (!ret && s->against)
		ret = json_error(obj, err,
				 "\"watch\" and \"against\": a series is measured against its "
				 "base; leave \"against\" out");
	for (size_t i = 0; !ret && i < s->nkernels; i++)
		if (!s->kernels[i].git)
			ret = json_error(obj, err,
					 "kernels[%zu]: a series goes onto a branch: expected "
					 "\"git\" and \"ref\"",
					 i);
	return ret;
}

/* One that is measured anyway would be booted twice in a night. */
static int check_against(const struct json_node *obj, const struct schedule *s, struct error *err)
{
	struct json_node n = *obj;

	json_member(obj, "against", true, &n, err);
	for (size_t i = 0; i < s->nkernels; i++)
		if (!s->kernels[i].git && !strcmp(s->kernels[i].variant, s->against))
			return json_error(&n, err, "%s is one of the kernels; leave it out there",
					  s->against);
	return 0;
}

static int read_against(const struct json_node *obj, struct schedule *s, struct error *err)
{
	int ret = schedule_read_text(obj, "against", false, &s->against, err);

	if (ret || !s->against)
		return ret;
	if (strcmp(s->against, "previous"))
		return check_against(obj, s, err);
	free(s->against);
	s->against = NULL;
	return 0;
}

static int read_all(const struct json_node *root, struct schedule *s, struct error *err)
{
	static const char *const keys[] = {
		"at",	    "missed",	"kernels",   "against",	    "plans", "boots", "hosts",
		"priority", "deadline", "on_change", "description", "watch", NULL};
	int ret = json_as_object(root, err);

	if (!ret)
		ret = json_check_keys(root, keys, err);
	if (!ret)
		ret = schedule_read_text(root, "at", true, &s->at, err);
	if (!ret)
		ret = read_missed(root, s, err);
	if (!ret)
		ret = read_kernels(root, s, err);
	if (!ret)
		ret = read_against(root, s, err);
	if (!ret)
		ret = schedule_read_names(root, "plans", true, &s->plans, err);
	if (!ret)
		ret = schedule_read_number(root, "boots", BOOTS_MAX, &s->boots, err);
	if (!ret)
		ret = read_hosts(root, s, err);
	if (!ret)
		ret = schedule_read_number(root, "priority", 100, &s->priority, err);
	if (!ret)
		ret = read_deadline(root, s, err);
	if (!ret)
		ret = read_on_change(root, s, err);
	if (!ret)
		ret = read_watch(root, s, err);
	return ret;
}

int schedule_load(const char *path, struct schedule *out, struct error *err)
{
	__cleanup_free char *copy = xstrdup(path);
	struct json_object *doc = NULL;
	struct json_node root;
	int ret = json_load(path, &doc, &root, err);

	*out = (struct schedule){.boots = BOOTS_DEFAULT,
				 .priority = PRIORITY_DEFAULT,
				 .confirm = true,
				 .bisect = true,
				 .explain = true};
	if (ret)
		return ret;
	out->name = fs_stem(basename(copy), ".json");
	if (out->name && fs_is_plain_name(out->name)) {
		__cleanup_free char *text = json_canonical(doc);

		sha256_bytes(text, strlen(text), out->sha256);
		ret = read_all(&root, out, err);
	} else {
		ret = error_set(err, -EINVAL, "%s: a schedule is a file NAME.json; rename it",
				path);
	}
	json_object_put(doc);
	if (ret)
		schedule_free(out);
	return ret;
}

/* ---- the calendar ---- */

/* "    Next elapse: Fri 2026-11-27 01:00:00 UTC" */
static int parse_answer(const char *name, const char *answer, int64_t *next, struct error *err)
{
	const char *at = strstr(answer, NEXT);
	struct tm tm = {0};

	*next = INT64_MAX;
	if (at && !strncmp(at + strlen(NEXT), "never", 5))
		return 0;
	if (!at || !strptime(at + strlen(NEXT), "%a %Y-%m-%d %H:%M:%S", &tm))
		return error_set(err, -EIO, "%s: systemd-analyze calendar answered: %.200s", name,
				 answer);
	*next = timegm(&tm);
	return 0;
}

int schedule_next(const char *name, const char *at, int64_t base, int64_t *next, struct error *err)
{
	__cleanup_free char *from = xasprintf("--base-time=@%lld", (long long)base);
	const char *const argv[] = {"systemd-analyze", "calendar", from, "--", at, NULL};
	const char *const env[] = {"TZ=UTC", "LC_ALL=C", NULL};
	struct strbuf out = STRBUF_INIT, errors = STRBUF_INIT;
	const struct subprocess sp = {
		.argv = argv, .env = env, .out = &out, .errors = &errors, .timeout_ms = 10000};
	int status, ret = subprocess_run(&sp, &status, err);

	if (!ret && status)
		ret = error_set(err, -EINVAL,
				"%s: $.at: \"%s\" is no calendar expression (%.*s); see `man "
				"systemd.time`, as in \"*-*-* 01:00\"",
				name, at, (int)strcspn(errors.buf, "\n"), errors.buf);
	else if (!ret)
		ret = parse_answer(name, out.buf, next, err);
	else if (ret == -ENOENT)
		error_set(err, -ENOENT,
			  "%s: there is no systemd-analyze here to compute times with; apt-get "
			  "install systemd",
			  name);
	strbuf_release(&out);
	strbuf_release(&errors);
	return ret;
}

int schedule_check(const char *path, struct error *err)
{
	struct schedule s;
	int64_t next;
	int ret = schedule_load(path, &s, err);

	if (ret)
		return ret;
	ret = schedule_next(path, s.at, time(NULL), &next, err);
	for (size_t i = 0; !ret && i < s.nkernels; i++) {
		__cleanup_free char *commit = NULL;
		struct error why;

		if (!s.kernels[i].git)
			continue;
		ret = git_find_commit(s.kernels[i].git, s.kernels[i].ref, &commit, &why);
		if (ret)
			error_set(err, ret, "%s: $.kernels[%zu]: %s", path, i, why.text);
	}
	schedule_free(&s);
	return ret;
}
