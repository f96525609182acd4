// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/measured.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/shell.h"
#include "orchestrator/daemon/watch/wrap.h"
#include "results/report/markup.h"
#include "results/report/words.h"

static void add_line(struct strbuf *out, const char *head, const char *text)
{
	strbuf_addstr(out, head);
	markup_line(out, text);
	strbuf_addch(out, '\n');
}

/* ---- the table ---- */

static const struct results_compared *find_same(const struct report *r,
						const struct results_compared *m)
{
	for (size_t i = 0; r && i < r->comparison.nmetrics; i++) {
		const struct results_compared *other = &r->comparison.metrics[i];

		if (!strcmp(other->scenario, m->scenario) && !strcmp(other->metric, m->metric) &&
		    !strcmp(other->params, m->params))
			return other;
	}
	return NULL;
}

static bool has_changed(const struct results_compared *m)
{
	return m->median.verdict == VERDICT_REGRESSED || m->median.verdict == VERDICT_IMPROVED ||
	       m->p99.verdict == VERDICT_REGRESSED;
}

/* A median that stands still while the tail regressed: the tail is the news. */
static bool is_tail(const struct results_compared *m)
{
	return words_has_regressed(m) && m->median.verdict != VERDICT_REGRESSED;
}

static void add_numbers(const struct results_compared *m, bool tail, struct strbuf *out)
{
	__cleanup_free char *base = words_number(tail ? m->base.p99 : m->base.median);
	__cleanup_free char *new = words_number(tail ? m->new.p99 : m->new.median);

	strbuf_addf(out, "%9s  %9s  ", base, new);
}

static void add_row(const struct report *r, const struct results_compared *m,
		    const struct report *before, struct strbuf *out)
{
	bool tail = is_tail(m);
	const struct results_judgement *j = tail ? &m->p99 : &m->median;
	const struct results_compared *same = find_same(before, m);
	__cleanup_free char *change = words_change(m, j), *interval = words_interval(j);
	__cleanup_free char *params = words_params(r, m->scenario, m->params), *earlier = NULL;

	add_numbers(m, tail, out);
	strbuf_addf(out, "%7s  %-17s  ", change, interval);
	if (before && same)
		earlier = words_change(same, tail ? &same->p99 : &same->median);
	if (before)
		strbuf_addf(out, "%7s  ", earlier ? earlier : "");
	strbuf_addf(out, "%-9s  %s", results_verdict_name(j->verdict), m->metric);
	if (tail)
		strbuf_addf(out, " %s", words_tail(m));
	add_line(out, " ", params);
}

/* What the rows below it have in common. */
static void add_scenario(const struct report *r, const struct results_compared *m,
			 struct strbuf *out)
{
	const char *common = words_find_common(r, m->scenario);
	__cleanup_free char *params = words_params(NULL, NULL, common ? common : "{}");
	__cleanup_free char *text =
		xasprintf("%s, %s%s%s", m->scenario, m->unit, *params ? ": " : "", params);

	strbuf_addch(out, '\n');
	wrap_add(out, "", text, true);
}

struct chosen {
	const struct results_compared *rows[MEASURED_ROWS];
	size_t count, more;
};

/* Regressions first; each in the order of the comparison, the most changed first. */
static void choose_rows(const struct results_comparison *c, struct chosen *out)
{
	for (int regressed = 1; regressed >= 0; regressed--)
		for (size_t i = 0; i < c->nmetrics; i++) {
			const struct results_compared *m = &c->metrics[i];

			if (!results_decides(c, m) || !has_changed(m) ||
			    words_has_regressed(m) != (bool)regressed)
				continue;
			if (out->count == MEASURED_ROWS)
				out->more++;
			else
				out->rows[out->count++] = m;
		}
}

/* A block for each scenario, in the order of their first rows. */
static void add_rows(const struct report *r, const struct report *before, struct chosen *chosen,
		     struct strbuf *out)
{
	for (size_t i = 0; i < chosen->count; i++) {
		const char *scenario = chosen->rows[i] ? chosen->rows[i]->scenario : NULL;

		if (scenario)
			add_scenario(r, chosen->rows[i], out);
		for (size_t k = i; scenario && k < chosen->count; k++) {
			if (!chosen->rows[k] || strcmp(chosen->rows[k]->scenario, scenario))
				continue;
			add_row(r, chosen->rows[k], before, out);
			chosen->rows[k] = NULL;
		}
	}
	if (chosen->more)
		strbuf_addf(out, "\n... and %zu more\n", chosen->more);
}

static void add_table(const struct ended *e, const struct report *r, const struct report *before,
		      struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *counts = words_counts(c, true);
	struct chosen chosen = {0};

	choose_rows(c, &chosen);
	if (chosen.count) {
		strbuf_addf(out, "\n%9s  %9s  %7s  %s", "base", "series", "change",
			    "95 % interval");
		if (before)
			strbuf_addf(out, "%12s%d", "v", e->before_version);
		strbuf_addch(out, '\n');
		add_rows(r, before, &chosen, out);
	}
	add_line(out, "\nMedians that decide: ", counts);
}

/* ---- what broke ---- */

static void add_failures(const struct results_comparison *c, struct strbuf *out)
{
	for (size_t i = 0; i < c->nfailures; i++) {
		const struct results_failure_rate *f = &c->failures[i];
		__cleanup_free char *line = xasprintf("%s: %s (%s)", f->scenario, f->why,
						      results_verdict_name(f->verdict));

		add_line(out, i ? "  " : "\nBoots failed:\n  ", line);
	}
	if (c->new_failed && c->failure)
		add_line(out, "The newest one says: ", c->failure);
	for (size_t i = 0; i < c->ntests; i++) {
		const struct results_changed_test *t = &c->tests[i];
		__cleanup_free char *line = xasprintf("%s %s: %s with the base, %s with the series",
						      t->scenario, t->name, t->base, t->new);

		add_line(out, i ? "  " : "\nTests:\n  ", line);
	}
}

static bool is_good(const struct results_comparison *c)
{
	return (c->verdict == VERDICT_IMPROVED || c->verdict == VERDICT_UNCHANGED) &&
	       !c->new_failed;
}

/* ---- the patches ---- */

static struct json_object *find_patch(struct json_object *list, const char *key, const char *value)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *p = json_object_array_get_idx(list, i);

		if (!strcmp(json_object_get_string(json_object_object_get(p, key)), value))
			return p;
	}
	return NULL;
}

static const char *text_of(struct json_object *patch, const char *key)
{
	return json_object_get_string(json_object_object_get(patch, key));
}

/* How the patch stands to those of the other version: NULL: it is the same. */
static const char *describe_patch(struct json_object *p, struct json_object *old)
{
	struct json_object *same = find_patch(old, "title", text_of(p, "title"));

	if (same && !strcmp(text_of(same, "print"), text_of(p, "print")))
		return NULL;
	if (same)
		return "changed";
	if (find_patch(old, "print", text_of(p, "print")))
		return "renamed";
	return "new";
}

void measured_add_patches(const struct ended *e, struct strbuf *out)
{
	struct json_object *old, *new;
	size_t same = 0;

	if (!e->before_version)
		return;
	old = json_tokener_parse(e->before_patches);
	new = json_tokener_parse(e->patches);
	strbuf_addf(out, "\nSince v%d:\n", e->before_version);
	for (size_t i = 0; i < json_object_array_length(new); i++) {
		struct json_object *p = json_object_array_get_idx(new, i);
		const char *word = describe_patch(p, old);

		same += !word;
		if (!word)
			continue;
		strbuf_addf(out, "  patch %zu is %s: ", i + 1, word);
		add_line(out, "", text_of(p, "title"));
	}
	for (size_t i = 0; i < json_object_array_length(old); i++) {
		struct json_object *p = json_object_array_get_idx(old, i);

		if (!find_patch(new, "title", text_of(p, "title")) &&
		    !find_patch(new, "print", text_of(p, "print")))
			add_line(out, "  gone: ", text_of(p, "title"));
	}
	if (same)
		strbuf_addf(out, "  %zu patch%s the same\n", same, same == 1 ? " is" : "es are");
	json_object_put(old);
	json_object_put(new);
}

/* ---- how to repeat it ---- */

static void add_scenarios(const struct schedule *s, struct strbuf *out)
{
	for (size_t i = 0; i < s->plans.count; i++) {
		strbuf_addch(out, ' ');
		markup_line(out, s->plans.items[i]);
	}
}

/* "kvm-next-0123456789ab": behind the last dash. */
static const char *commit_of(const char *base)
{
	const char *dash = strrchr(base, '-');

	if (dash)
		return dash + 1;
	return base;
}

void measured_add_base(const struct ended *e, struct strbuf *out)
{
	strbuf_addf(out, "%s (%s)", commit_of(e->base), e->base_branch);
}

static void add_import(const struct ended *e, struct strbuf *out)
{
	strbuf_addf(
		out,
		"\nTo reproduce, in a tree of the kernel that has %s:\n\n"
		"  echo '{\"base\": \"%s\", \"source\": {\"kind\": \"git\", \"location\": \"'$PWD'\", "
		"\"ref\": \"%s\"}}' >base.json\n",
		commit_of(e->base), e->base_variant, commit_of(e->base));
	strbuf_addf(out,
		    "  nestlab kernel import --name series --onto $PWD/base.json --version %d \\\n"
		    "      --message-id ",
		    e->version);
	shell_add_word(out, e->message_id);
	strbuf_addch(out, '\n');
}

void measured_add_build(const struct ended *e, struct strbuf *out)
{
	add_import(e, out);
	strbuf_addstr(out, "  nestlab kernel build series\n");
}

void measured_add_commands(const struct ended *e, struct strbuf *out)
{
	add_import(e, out);
	strbuf_addstr(out, "  nestlab run");
	add_scenarios(&e->s, out);
	strbuf_addf(out, " --kernel $PWD/base.json --kernel series --boots %d\n", e->s.boots);
}

/* ---- all ---- */

static void add_head(const struct ended *e, const struct report *r, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text,
		    "nestlab built v%d of this series and its base, booted each %d times, in turn, "
		    "and measured them (",
		    e->version, e->s.boots);
	for (size_t i = 0; i < e->s.plans.count; i++)
		strbuf_addf(&text, "%s%s", i ? ", " : "", e->s.plans.items[i]);
	strbuf_addf(&text, " on host %s).", report_newest(r, REPORT_NEW)->host_name);
	wrap_add(out, "", text.buf, false);
	strbuf_release(&text);
	strbuf_addstr(out, "\nBase:    ");
	measured_add_base(e, out);
	strbuf_addch(out, '\n');
	add_line(out, "Clock:   ", words_clock(c->clock) + strlen("clock: "));
	add_line(out, "Verdict: ", results_verdict_name(c->verdict));
}

void measured_text(const struct ended *e, const struct report *r, const struct report *before,
		   const char *from, struct strbuf *out)
{
	add_head(e, r, out);
	add_failures(&r->comparison, out);
	if (r->comparison.nmetrics)
		add_table(e, r, before, out);
	measured_add_patches(e, out);
	measured_add_commands(e, out);
	if (is_good(&r->comparison))
		strbuf_addf(out, "\nTested-by: nestlab <%s>\n", from);
}
