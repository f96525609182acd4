// SPDX-License-Identifier: GPL-2.0-only
/* "watch" of a schedule: which archive of mails, and which of them. */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "orchestrator/daemon/nights/schedule_fields.h"

void schedule_free_watch(struct schedule_watch *w)
{
	free(w->inbox);
	free(w->list);
	free(w->subject);
	schedule_free_names(&w->paths);
	schedule_free_names(&w->cc);
	*w = (struct schedule_watch){0};
}

static int read_inbox(const struct json_node *obj, struct schedule_watch *w, struct error *err)
{
	struct json_node n;
	int ret = schedule_read_text(obj, "inbox", true, &w->inbox, err);

	if (ret || *w->inbox == '/' || !strncmp(w->inbox, "http://", 7) ||
	    !strncmp(w->inbox, "https://", 8))
		return ret;
	json_member(obj, "inbox", true, &n, err);
	return json_error(&n, err,
			  "expected a public-inbox: the absolute path of its folder, or its "
			  "address (https://lore.kernel.org/kvm/)");
}

static int read_since(const struct json_node *obj, struct schedule_watch *w, struct error *err)
{
	__cleanup_free char *text = NULL;
	struct json_node n;
	struct tm tm = {0};
	const char *end;
	int ret = schedule_read_text(obj, "since", false, &text, err);

	if (ret || !text)
		return ret;
	end = strptime(text, "%Y-%m-%d", &tm);
	if (end && !*end) {
		w->since = timegm(&tm);
		return 0;
	}
	json_member(obj, "since", true, &n, err);
	return json_error(&n, err, "expected a day as 2026-11-01, not %s", text);
}

static int read_subject(const struct json_node *obj, struct schedule_watch *w, struct error *err)
{
	struct json_node n;
	char why[128];
	regex_t regex;
	int bad, ret = schedule_read_text(obj, "subject", false, &w->subject, err);

	if (ret || !w->subject)
		return ret;
	bad = regcomp(&regex, w->subject, REG_EXTENDED | REG_NOSUB);
	if (!bad) {
		regfree(&regex);
		return 0;
	}
	regerror(bad, &regex, why, sizeof(why));
	json_member(obj, "subject", true, &n, err);
	return json_error(&n, err, "no extended regular expression: %s", why);
}

static int read_answer(const struct json_node *obj, struct schedule_watch *w, struct error *err)
{
	__cleanup_free char *text = xstrdup("draft");
	struct json_node n;
	int ret = schedule_read_text(obj, "answer", false, &text, err);

	w->send = !strcmp(text, "send");
	if (ret || w->send || !strcmp(text, "draft"))
		return ret;
	json_member(obj, "answer", true, &n, err);
	return json_error(&n, err, "expected draft or send, not %s", text);
}

int schedule_read_watch(const struct json_node *obj, struct schedule_watch *w, struct error *err)
{
	static const char *const keys[] = {"inbox", "list",   "subject", "since",
					   "paths", "answer", "cc",	 NULL};
	int ret = json_as_object(obj, err);

	if (!ret)
		ret = json_check_keys(obj, keys, err);
	if (!ret)
		ret = read_inbox(obj, w, err);
	if (!ret)
		ret = schedule_read_text(obj, "list", false, &w->list, err);
	if (!ret)
		ret = read_subject(obj, w, err);
	if (!ret)
		ret = read_since(obj, w, err);
	if (!ret)
		ret = schedule_read_names(obj, "paths", false, &w->paths, err);
	if (!ret)
		ret = read_answer(obj, w, err);
	if (!ret)
		ret = schedule_read_names(obj, "cc", false, &w->cc, err);
	return ret;
}
