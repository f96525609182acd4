// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/words.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "results/report/svg.h"

double words_change(double ratio)
{
	return 100 * (ratio - 1);
}

double words_worse(const struct results_compared *m, double ratio)
{
	return words_change(strcmp(m->better, "higher") ? ratio : 1 / ratio);
}

void words_worse_interval(const struct results_compared *m, const struct results_judgement *j,
			  double *low, double *high)
{
	bool higher = !strcmp(m->better, "higher");

	*low = words_worse(m, higher ? j->high : j->low);
	*high = words_worse(m, higher ? j->low : j->high);
}

/* What rounds to zero is zero, not minus zero. */
static double rounded(double percent)
{
	return fabs(percent) < 0.005 ? 0 : percent;
}

char *words_percent(double percent)
{
	return isfinite(percent) ? xasprintf("%+.2f%%", rounded(percent)) : xstrdup("n/a");
}

char *words_range(double low, double high)
{
	if (!isfinite(low) || !isfinite(high))
		return xstrdup("none");
	return xasprintf("%+.2f .. %+.2f%%", rounded(low), rounded(high));
}

char *words_number(double value)
{
	double size = fabs(value), step = 1;
	struct strbuf sb = STRBUF_INIT;

	while (size > 0 && size < 1000 && step > 1e-6) {
		size *= 10;
		step /= 10;
	}
	svg_number(&sb, value, step);
	return strbuf_detach(&sb);
}

char *words_interval(const struct results_judgement *j)
{
	return words_range(words_change(j->low), words_change(j->high));
}

/* ---- parameters ---- */

int words_each_param(const char *params, int (*each)(const char *key, const char *value, void *arg),
		     void *arg)
{
	struct json_object *doc;
	int ret = 0;

	if (json_parse(params, strlen(params), "params", &doc, NULL))
		return -EINVAL;
	if (json_object_is_type(doc, json_type_object)) {
		json_object_object_foreach(doc, key, value)
		{
			ret = each(key, json_object_get_string(value), arg);
			if (ret)
				break;
		}
	}
	json_object_put(doc);
	return ret;
}

struct wanted {
	const char *key;
	char *value;
};

static int match_param(const char *key, const char *value, void *arg)
{
	struct wanted *w = arg;

	if (strcmp(key, w->key))
		return 0;
	w->value = xstrdup(value ? value : "null");
	return 1;
}

char *words_param(const char *params, const char *key)
{
	struct wanted w = {.key = key};

	words_each_param(params, match_param, &w);
	return w.value;
}

/* Takes from @common what @params does not have, or has with another value. */
static void intersect(struct json_object *common, const char *params)
{
	json_object_object_foreach(common, key, value)
	{
		__cleanup_free char *other = words_param(params, key);
		const char *text = json_object_get_string(value);

		if (!other || strcmp(other, text ? text : "null"))
			json_object_object_del(common, key);
	}
}

char *words_common_params(const struct results_comparison *c, const char *scenario)
{
	struct json_object *common = NULL;
	size_t seen = 0;
	char *text;

	for (size_t i = 0; i < c->nmetrics; i++) {
		const char *params = c->metrics[i].params;

		if (strcmp(c->metrics[i].scenario, scenario))
			continue;
		if (!seen++)
			json_parse(params, strlen(params), "params", &common, NULL);
		else if (json_object_is_type(common, json_type_object))
			intersect(common, params);
	}
	text = seen > 1 && common ? json_canonical(common) : xstrdup("{}");
	json_object_put(common);
	return text;
}

const char *words_find_common(const struct report *r, const char *scenario)
{
	for (size_t i = 0; i < r->ncommons; i++)
		if (!strcmp(r->commons[i].scenario, scenario))
			return r->commons[i].params;
	return NULL;
}

struct shortening {
	const char *except; /* parameters to leave out, with their values */
	struct strbuf out;
};

static bool is_except(const struct shortening *s, const char *key, const char *value)
{
	__cleanup_free char *other = s->except ? words_param(s->except, key) : NULL;

	return other && !strcmp(other, value);
}

static int shorten(const char *key, const char *value, void *arg)
{
	struct shortening *s = arg;
	const char *blank = s->out.len ? " " : "";

	value = value ? value : "null";
	if (is_except(s, key, value))
		return 0;
	if (!strcmp(value, "true"))
		strbuf_addf(&s->out, "%s%s", blank, key);
	else if (!strcmp(value, "false"))
		strbuf_addf(&s->out, "%sno-%s", blank, key);
	else if (strspn(value, "0123456789.-") == strlen(value))
		strbuf_addf(&s->out, "%s%s=%s", blank, key, value);
	else
		strbuf_addf(&s->out, "%s%s", blank, value);
	return 0;
}

char *words_params(const struct report *r, const char *scenario, const char *params)
{
	struct shortening s = {.except = r ? words_find_common(r, scenario) : NULL,
			       .out = STRBUF_INIT};

	words_each_param(params, shorten, &s);
	return strbuf_detach(&s.out);
}

char *words_metric(const struct report *r, const struct results_compared *m)
{
	__cleanup_free char *params = words_params(r, m->scenario, m->params);

	return xasprintf("%s %s%s%s%s", m->scenario, m->metric, *params ? " (" : "", params,
			 *params ? ")" : "");
}

/* ---- the rest ---- */

const char *words_clock(const char *clock)
{
	if (!strcmp(clock, "emulated"))
		return "clock: emulated, one unit is one instruction";
	return "clock: tsc, scaled to nanoseconds";
}

enum doc_tone words_tone(enum results_verdict v)
{
	static const enum doc_tone tones[] = {
		[VERDICT_UNCHANGED] = DOC_PLAIN,
		[VERDICT_IMPROVED] = DOC_GOOD,
		[VERDICT_REGRESSED] = DOC_BAD,
		[VERDICT_INCONCLUSIVE] = DOC_UNSURE,
	};

	return tones[v];
}

char *words_counts(const struct results_comparison *c, bool deciding)
{
	size_t count[VERDICT_INCONCLUSIVE + 1] = {0}, all = 0;

	for (size_t i = 0; i < c->nmetrics; i++) {
		if (results_decides(c, &c->metrics[i]) != deciding)
			continue;
		count[c->metrics[i].median.verdict]++;
		all++;
	}
	if (!all && !deciding)
		return xstrdup("");
	return xasprintf("%zu improved, %zu regressed, %zu unchanged, %zu inconclusive",
			 count[VERDICT_IMPROVED], count[VERDICT_REGRESSED],
			 count[VERDICT_UNCHANGED], count[VERDICT_INCONCLUSIVE]);
}

/* A word for a shell to take as it is. */
static void add_quoted(struct strbuf *out, const char *word)
{
	if (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "._-/+:=@%,") == strlen(word)) {
		strbuf_addstr(out, word);
		return;
	}
	strbuf_addch(out, '\'');
	for (; *word; word++)
		if (*word == '\'')
			strbuf_addstr(out, "'\\''");
		else
			strbuf_addch(out, *word);
	strbuf_addch(out, '\'');
}

static const char *side_name(const struct report *r, enum report_side side)
{
	return report_newest(r, side)->kernel_name;
}

/* The --seed that gave it, which counts the boots from 1. */
static uint64_t first_seed(const struct results_boot *run)
{
	return run->seed - (uint64_t)run->boot + 1;
}

/* One `nestlab run` makes both. */
static bool same_command(const struct results_boot *a, const struct results_boot *b)
{
	return !strcmp(a->scenario_name, b->scenario_name) && first_seed(a) == first_seed(b);
}

static bool said_before(const struct report *r, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (same_command(&r->boots[i].run, &r->boots[at].run))
			return true;
	return false;
}

/* The boots that cover every stored one of the same command. */
static int boots_like(const struct report *r, const struct results_boot *run)
{
	int boots = run->boot;

	for (size_t i = 0; i < r->nboots; i++)
		if (same_command(&r->boots[i].run, run) && r->boots[i].run.boot > boots)
			boots = r->boots[i].run.boot;
	return boots;
}

void words_commands(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	const char *base = side_name(r, REPORT_BASE), *new = side_name(r, REPORT_NEW);

	for (size_t i = 0; i < r->nboots; i++) {
		const struct results_boot *run = &r->boots[i].run;

		if (said_before(r, i))
			continue;
		strbuf_addstr(out, "nestlab run ");
		add_quoted(out, run->scenario_name);
		strbuf_addstr(out, " --kernel ");
		add_quoted(out, base);
		if (strcmp(base, new)) {
			strbuf_addstr(out, " --kernel ");
			add_quoted(out, new);
		}
		strbuf_addf(out, " --boots %d --seed %" PRIu64 " --host ", boots_like(r, run),
			    first_seed(run));
		add_quoted(out, run->host_name);
		strbuf_addch(out, '\n');
	}
	strbuf_addstr(out, "nestlab compare ");
	add_quoted(out, base);
	strbuf_addch(out, ' ');
	add_quoted(out, new);
	strbuf_addstr(out, " --all");
	if (o && o->db) {
		strbuf_addstr(out, " --db ");
		add_quoted(out, o->db);
	}
	strbuf_addch(out, '\n');
}

double words_stddev(const struct report_spread *s)
{
	double mean = 0, squares = 0;

	if (s->boots < 2)
		return NAN;
	for (size_t i = 0; i < s->boots; i++)
		mean += s->medians[i] / s->boots;
	for (size_t i = 0; i < s->boots; i++)
		squares += (s->medians[i] - mean) * (s->medians[i] - mean);
	return mean ? 100 * sqrt(squares / (s->boots - 1)) / mean : NAN;
}
