// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/answer.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/shell.h"
#include "orchestrator/bisect/ddmin.h"

static char *describe_differences(const struct bisect_run *r, const char *id)
{
	const char *const *names;
	size_t n = bisect_lab_names(r->lab, &names);
	struct strbuf text = STRBUF_INIT;
	bool *set = xcalloc(n, sizeof(*set));

	bisect_set_parse(id, set, n, NULL);
	for (size_t i = 0; i < n; i++)
		if (set[i])
			strbuf_addf(&text, text.len ? ", %s" : "%s", names[i]);
	if (!text.len)
		strbuf_addstr(&text, "no difference");
	free(set);
	return strbuf_detach(&text);
}

char *bisect_describe_candidate(const struct bisect_run *r, const char *id)
{
	__cleanup_free char *subject = NULL;

	if (!r->space)
		return describe_differences(r, id);
	subject = r->space->ops->describe(r->space, id);
	if (!*subject)
		return xasprintf("%.12s", id);
	return xasprintf("%.12s %s", id, subject);
}

static const char *const end_names[] = {
	[BISECT_CONFIRMED] = "confirmed",
	[BISECT_UNCONFIRMED] = "not confirmed",
	[BISECT_NARROWED] = "narrowed",
	[BISECT_REFUSED] = "refused",
};

/* ---- for the database ---- */

static struct json_object *rate_json(const struct bisect_rate *rate)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "boots", json_object_new_int64(rate->boots));
	json_object_object_add(o, "failed", json_object_new_int64(rate->failed));
	return o;
}

static void add_difference(const struct bisect_run *r, struct json_object *o)
{
	const struct bisect_ratio *between = &r->s.between;

	if (!r->hunt) {
		json_object_object_add(o, "ends_ratio", json_object_new_double(between->ratio));
		return;
	}
	json_object_object_add(o, "good_end", rate_json(&between->base_rate));
	json_object_object_add(o, "bad_end", rate_json(&between->new_rate));
	if (r->hunt->signature)
		json_object_object_add(o, "signature", json_object_new_string(r->hunt->signature));
}

char *bisect_answer_json(const struct bisect_run *r, enum bisect_end end)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	char *text;

	for (size_t i = 0; i < r->found.nsuspects; i++)
		json_object_array_add(list, json_object_new_string(r->found.suspects[i]));
	json_object_object_add(o, "end", json_object_new_string(end_names[end]));
	json_object_object_add(o, "suspects", list);
	add_difference(r, o);
	json_object_object_add(o, "steps", json_object_new_int64(r->s.nsteps));
	if (*r->again.text)
		json_object_object_add(o, "again", json_object_new_string(r->again.text));
	if (r->explanation)
		json_object_object_add(o, "explanation", json_object_new_string(r->explanation));
	if (r->reason)
		json_object_object_add(o, "reason", json_object_new_string(r->reason));
	text = json_canonical(o);
	json_object_put(o);
	return text;
}

char *bisect_answer_culprit(const char *json)
{
	struct json_object *o = NULL, *list = NULL;
	char *culprit = NULL;

	if (*json)
		o = json_tokener_parse(json);
	if (o && json_object_object_get_ex(o, "suspects", &list) &&
	    json_object_array_length(list) == 1)
		culprit = xstrdup(json_object_get_string(json_object_array_get_idx(list, 0)));
	json_object_put(o);
	return culprit;
}

/* ---- for people ---- */

static void count_steps(const struct bisect_run *r, size_t *skipped, size_t *unbooted)
{
	*skipped = *unbooted = 0;
	for (size_t i = 0; i < r->s.nsteps; i++) {
		if (!strcmp(r->s.steps[i].verdict, "skip"))
			++*skipped;
		else if (!r->s.steps[i].boots)
			++*unbooted;
	}
}

static void add_suspects(const struct bisect_run *r, enum bisect_end end, struct strbuf *out)
{
	static const char *const what[] = {
		[BISECT_GIT] = "first bad commit",
		[BISECT_SERIES] = "patch that makes the difference",
		[BISECT_CONFIG] = "options that make the difference",
	};
	__cleanup_free char *failure = NULL;

	if (end == BISECT_NARROWED)
		strbuf_addf(
			out,
			"narrowed down to %zu candidates; all of them but the last could not be judged:\n",
			r->found.nsuspects);
	else
		strbuf_addf(out, "%s (%s):\n", what[r->request.bisect.kind], end_names[end]);
	for (size_t i = 0; i < r->found.nsuspects; i++) {
		__cleanup_free char *text = bisect_describe_candidate(r, r->found.suspects[i]);

		strbuf_addf(out, "  %s\n", text);
	}
	if (*r->again.text)
		strbuf_addf(out, "  %s\n", r->again.text);
	if (r->explanation)
		strbuf_addf(out, "  where: %s\n", r->explanation);
	if (r->hunt) {
		failure = bisect_hunt_text(r->hunt);
		strbuf_addf(out, "  looked for: %s\n", failure);
	}
}

void bisect_answer_text(const struct bisect_run *r, enum bisect_end end, struct strbuf *out)
{
	size_t skipped, unbooted;

	if (end == BISECT_REFUSED) {
		strbuf_addf(out, "cannot bisect: %s\n", r->reason);
	} else {
		__cleanup_free char *ends = bisect_ratio_text(&r->s.between);

		add_suspects(r, end, out);
		strbuf_addf(out, "  %s %s\n", r->hunt ? "the bad end" : "the ends differ by", ends);
	}
	count_steps(r, &skipped, &unbooted);
	strbuf_addf(
		out,
		"%zu candidates judged, with the ends (%zu without a boot, as their kernel was a judged one; %zu skipped), %d new boots in %.0f s\n"
		"the log for git bisect replay: %s bisect --log --session %s\n",
		r->s.nsteps, unbooted, skipped, r->s.boots_made, clock_seconds() - r->started,
		shell_program(), r->s.session);
}
