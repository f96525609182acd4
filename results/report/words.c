// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/words.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "results/report/text.h"

/* ---- numbers ---- */

/* @value with @decimals, and commas in its whole part. */
static char *group_digits(double value, int decimals)
{
	char digits[400]; /* DBL_MAX has 309 */
	struct strbuf out = STRBUF_INIT;
	const char *s = digits;

	snprintf(digits, sizeof(digits), "%.*f", decimals, fabs(value));
	if (value < 0 && strspn(digits, "0.") != strlen(digits))
		strbuf_addch(&out, '-');
	for (size_t whole = strcspn(digits, "."); whole; whole--) {
		strbuf_addch(&out, *s++);
		if (whole > 1 && whole % 3 == 1)
			strbuf_addch(&out, ',');
	}
	strbuf_addstr(&out, s);
	return strbuf_detach(&out);
}

char *words_number(double value)
{
	if (!isfinite(value))
		return xstrdup("n/a");
	if (fabs(value) < 999.95) /* what rounds to 1,000 has its comma */
		return xasprintf("%.4g", value);
	return group_digits(value, 0);
}

char *words_tick(double value, double step)
{
	int decimals = 0;

	if (!isfinite(value))
		return xstrdup("n/a");
	while (decimals < 9 && step > 0 && step < 1 - 1e-9) {
		step *= 10;
		decimals++;
	}
	return group_digits(value, decimals);
}

char *words_ratio(double ratio)
{
	if (!isfinite(ratio))
		return xstrdup("n/a");
	return xasprintf("%.3f", ratio);
}

const char *words_plural(size_t n)
{
	if (n == 1)
		return "";
	return "s";
}

static double percent_of(double ratio)
{
	return 100 * (ratio - 1);
}

/* NAN without an interval. */
static double wider_half(double percent, double low, double high)
{
	return fmax(high - percent, percent - low);
}

/* @half: of the interval of @percent. */
static int count_decimals(const struct results_compared *m, const struct results_judgement *j,
			  double percent, double half)
{
	if (j == &m->median && half < 0.1 && fabs(percent) < 10)
		return 2;
	return 1;
}

/* A change that rounds to 0 has no sign. */
static char *percent_text(double percent, int decimals)
{
	if (!isfinite(percent))
		return xstrdup("n/a");
	if (fabs(percent) < 0.5 * pow(10, -decimals))
		return xasprintf("%.*f %%", decimals, 0.0);
	return xasprintf("%+.*f %%", decimals, percent);
}

static char *range_text(double low, double high)
{
	if (!isfinite(low) || !isfinite(high))
		return xstrdup("none");
	if (fabs(low) < 0.005)
		low = 0; /* not -0.00 */
	if (fabs(high) < 0.005)
		high = 0;
	return xasprintf("%+.2f .. %+.2f %%", low, high);
}

struct change {
	double percent, half; /* half: of the interval, NAN without one */
	int decimals;
};

static struct change find_change(const struct results_compared *m,
				 const struct results_judgement *j)
{
	struct change c = {.percent = percent_of(j->ratio)};

	c.half = wider_half(c.percent, percent_of(j->low), percent_of(j->high));
	c.decimals = count_decimals(m, j, c.percent, c.half);
	return c;
}

char *words_change(const struct results_compared *m, const struct results_judgement *j)
{
	struct change c = find_change(m, j);

	return percent_text(c.percent, c.decimals);
}

char *words_change_interval(const struct results_compared *m, const struct results_judgement *j)
{
	struct change c = find_change(m, j);
	double unit = pow(10, -c.decimals);
	__cleanup_free char *change = percent_text(c.percent, c.decimals);

	if (!isfinite(c.percent))
		return xstrdup("n/a");
	if (isnan(c.half))
		return xasprintf("%s ±?", change);
	return xasprintf("%s ±%.*f", change, c.decimals, ceil(c.half / unit) * unit);
}

char *words_interval(const struct results_judgement *j)
{
	return range_text(percent_of(j->low), percent_of(j->high));
}

static bool is_higher_better(const struct results_compared *m)
{
	return !strcmp(m->better, "higher");
}

double words_cost_percent(const struct results_compared *m, double ratio)
{
	if (is_higher_better(m))
		ratio = 1 / ratio;
	return percent_of(ratio);
}

void words_cost_range(const struct results_compared *m, const struct results_judgement *j,
		      double *low, double *high)
{
	double a = words_cost_percent(m, j->low), b = words_cost_percent(m, j->high);

	*low = a;
	*high = b;
	if (is_higher_better(m)) {
		*low = b;
		*high = a;
	}
}

char *words_cost(const struct results_compared *m, const struct results_judgement *j)
{
	double percent = words_cost_percent(m, j->ratio), low, high;
	int decimals;

	words_cost_range(m, j, &low, &high);
	decimals = count_decimals(m, j, percent, wider_half(percent, low, high));
	return percent_text(percent, decimals);
}

char *words_cost_interval(const struct results_compared *m, const struct results_judgement *j)
{
	double low, high;

	words_cost_range(m, j, &low, &high);
	return range_text(low, high);
}

/* ---- parameters and names ---- */

static const char *param_text(struct json_object *value)
{
	const char *text = json_object_get_string(value);

	if (!text)
		return "null";
	return text;
}

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
			ret = each(key, param_text(value), arg);
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
	w->value = xstrdup(value);
	return 1;
}

char *words_param(const char *params, const char *key)
{
	struct wanted w = {.key = key};

	words_each_param(params, match_param, &w);
	return w.value;
}

static bool has_param(const char *params, const char *key, const char *value)
{
	__cleanup_free char *has = words_param(params, key);

	return has && !strcmp(has, value);
}

/* Takes from @common what @params does not have, or has with another value. */
static void intersect_params(struct json_object *common, const char *params)
{
	json_object_object_foreach(common, key, value)
	{
		if (!has_param(params, key, param_text(value)))
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
			intersect_params(common, params);
	}
	if (seen > 1 && common)
		text = json_canonical(common);
	else
		text = xstrdup("{}");
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
	const char *except; /* parameters to leave out, with their values; NULL: none */
	struct strbuf out;
};

/* Is @value by itself a word that says what it is about? A number is not, nor a kernel's name. */
static bool needs_key(const char *key, const char *value)
{
	return *value == '[' || strspn(value, "0123456789.-") == strlen(value) ||
	       !strcmp(key, "destination") || !strcmp(key, "source");
}

static int shorten_param(const char *key, const char *value, void *arg)
{
	struct shortening *s = arg;

	if (s->except && has_param(s->except, key, value))
		return 0;
	if (s->out.len)
		strbuf_addch(&s->out, ' ');
	if (!strcmp(value, "true"))
		strbuf_addstr(&s->out, key);
	else if (!strcmp(value, "false"))
		strbuf_addf(&s->out, "no-%s", key);
	else if (needs_key(key, value))
		strbuf_addf(&s->out, "%s=%s", key, value);
	else
		strbuf_addstr(&s->out, value);
	return 0;
}

char *words_params(const struct report *r, const char *scenario, const char *params)
{
	struct shortening s = {.out = STRBUF_INIT};

	if (r)
		s.except = words_find_common(r, scenario);
	words_each_param(params, shorten_param, &s);
	return strbuf_detach(&s.out);
}

char *words_metric(const struct report *r, const struct results_compared *m)
{
	__cleanup_free char *params = words_params(r, m->scenario, m->params);

	if (!*params)
		return xasprintf("%s %s", m->scenario, m->metric);
	return xasprintf("%s %s (%s)", m->scenario, m->metric, params);
}

const char *words_tail(const struct results_compared *m)
{
	if (is_higher_better(m))
		return "p1";
	return "p99";
}

/* ---- phrases ---- */

const char *words_clock(const char *clock)
{
	if (!strcmp(clock, "emulated"))
		return "clock: emulated, one unit is one instruction";
	return "clock: tsc, scaled to nanoseconds";
}

char *words_verdict(const struct results_compared *m)
{
	enum results_verdict median = m->median.verdict, tail = m->p99.verdict;
	bool tail_decided = tail == VERDICT_REGRESSED || tail == VERDICT_IMPROVED;

	if (tail == median || !tail_decided)
		return xstrdup(results_verdict_name(median));
	return xasprintf("%s, p99 %s", results_verdict_name(median), results_verdict_name(tail));
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

/* "learned from 2 to 10 repeated boots and an assumption worth 20" */
static char *noise_source(int least, int most, int assumed)
{
	struct strbuf out = STRBUF_INIT;

	if (!most)
		return xstrdup("assumed, because this host has no history yet");
	strbuf_addstr(&out, "learned from ");
	if (least < most)
		strbuf_addf(&out, "%d to ", least);
	strbuf_addf(&out, "%d repeated boots", most);
	if (assumed)
		strbuf_addf(&out, " and an assumption worth %d", assumed);
	return strbuf_detach(&out);
}

char *results_noise_words(const struct results_comparison *c)
{
	const struct results_judgement *worst = NULL;
	__cleanup_free char *source = NULL;
	int least = 0, most = 0;

	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_judgement *j = &c->metrics[i].median;

		if (isnan(j->noise))
			continue;
		if (!worst || j->noise_from < least)
			least = j->noise_from;
		if (j->noise_from > most)
			most = j->noise_from;
		if (!worst || j->noise > worst->noise)
			worst = j;
	}
	if (!worst)
		return xstrdup("how much boots of one kernel differ is unknown");
	source = noise_source(least, most, worst->noise_assumed);
	return xasprintf("boots of one kernel differ by %.2g %% or less (standard deviation; %s)",
			 worst->noise, source);
}

enum tone words_tone(enum results_verdict v)
{
	static const enum tone tones[] = {
		[VERDICT_UNCHANGED] = TONE_PLAIN,
		[VERDICT_IMPROVED] = TONE_GOOD,
		[VERDICT_REGRESSED] = TONE_BAD,
		[VERDICT_INCONCLUSIVE] = TONE_UNSURE,
	};

	return tones[v];
}

bool words_has_regressed(const struct results_compared *m)
{
	return m->median.verdict == VERDICT_REGRESSED || m->p99.verdict == VERDICT_REGRESSED;
}

char *words_head(const struct results_head *h)
{
	if (!h->seals)
		return xstrdup("");
	return xasprintf("%" PRId64 ":%s", h->seals, h->head);
}
