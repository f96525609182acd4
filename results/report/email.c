// SPDX-License-Identifier: GPL-2.0-only
/* A mail as the kernel's test robots write them: what changed by how much, where, and how to see it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "results/report/commands.h"
#include "results/report/excerpt.h"
#include "results/report/explained.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/words.h"

/* ---- who and where ---- */

/* "nestlab.0123456789abcdef@host". It depends on the content alone: sending a report twice gives one mail. */
static char *make_message_id(const struct report *r)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *text =
		xasprintf("%s\n%s\n%s\n%d", c->base_key, c->new_key,
			  report_newest(r, REPORT_NEW)->session, (int)r->nboots);
	char hex[SHA256_HEX], host[65] = "localhost";

	sha256_bytes(text, strlen(text), hex);
	if (gethostname(host, sizeof(host) - 1) || !fs_is_plain_name(host))
		strncpy(host, "localhost", sizeof(host) - 1);
	return xasprintf("nestlab.%.20s@%s", hex, host);
}

static char *make_reporter(const struct report_options *o, const char *id)
{
	if (o && o->reporter)
		return xstrdup(o->reporter);
	return xasprintf("nestlab <nestlab@%s>", strchr(id, '@') + 1);
}

static char *make_url(const struct report_options *o, const char *id)
{
	if (o && o->url)
		return xstrdup(o->url);
	return xasprintf("https://lore.kernel.org/r/%s", id);
}

/* A header or a tag is one line, whatever is in the names. */
/* RFC 5322 allows lines of 998 bytes. */
#define LINE_MAX_BYTES 900

static void add_line(struct strbuf *out, const char *head, const char *text)
{
	struct strbuf line = STRBUF_INIT;
	__cleanup_free char *cut = NULL;

	markup_line(&line, text);
	cut = excerpt_make(line.buf, LINE_MAX_BYTES);
	strbuf_release(&line);
	strbuf_addf(out, "%s%s\n", head, cut);
}

/* The date of the newest boot, not today: the same report gives the same mail. */
static void add_date(struct strbuf *out, const struct results_boot *newest)
{
	char date[64];
	struct tm tm = {0};

	if (!strptime(newest->started, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	timegm(&tm); /* finds the day of the week */
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	strbuf_addf(out, "Date: %s\n", date);
}

/* ---- what to say first ---- */

/* Regressions go first, then what changed most; parts, which decide nothing, are never the news. */
static int rank_news(const struct results_comparison *c, const struct results_compared *m)
{
	if (!results_decides(c, m))
		return -1;
	return 4 * (m->median.verdict == VERDICT_REGRESSED) +
	       2 * (m->p99.verdict == VERDICT_REGRESSED) + (m->median.verdict == VERDICT_IMPROVED);
}

static const struct results_compared *find_first_metric(const struct results_comparison *c)
{
	const struct results_compared *first = NULL;

	for (size_t i = 0; i < c->nmetrics; i++)
		if (!first || rank_news(c, &c->metrics[i]) > rank_news(c, first))
			first = &c->metrics[i];
	return first;
}

struct news {
	char *what;				/* "multiplex.switch" */
	char *outcome;				/* "3.1 % regression" */
	const struct results_judgement *judged; /* NULL: the news is not a number */
	bool failure;				/* something broke */
};

/* A failure comes before the numbers, unless the base fails as often. */
static bool find_failure(const struct results_comparison *c, struct news *n)
{
	for (size_t i = 0; i < c->nfailures; i++) {
		const struct results_failure_rate *r = &c->failures[i];

		if (r->verdict != VERDICT_REGRESSED && r->verdict != VERDICT_INCONCLUSIVE)
			continue;
		*n = (struct news){xasprintf("%s.boots", r->scenario), xstrdup("failure"), NULL,
				   true};
		return true;
	}
	for (size_t i = 0; i < c->ntests; i++) {
		const struct results_changed_test *t = &c->tests[i];

		if (strcmp(t->new, "fail"))
			continue;
		*n = (struct news){xasprintf("%s.%s", t->scenario, t->name), xstrdup("failure"),
				   NULL, true};
		return true;
	}
	return false;
}

/* "3.1 % regression": the word tells the direction, so the number has no sign. */
static char *describe_change(const struct results_compared *m, const struct results_judgement *j)
{
	static const char *const words[] = {
		[VERDICT_UNCHANGED] = "change (within noise)",
		[VERDICT_IMPROVED] = "improvement",
		[VERDICT_REGRESSED] = "regression",
		[VERDICT_INCONCLUSIVE] = "change (not decided)",
	};
	__cleanup_free char *change = words_change(m, j);

	return xasprintf("%s %s", change + strspn(change, "+-"), words[j->verdict]);
}

static void find_news(const struct results_comparison *c, const struct results_compared *m,
		      struct news *n)
{
	*n = (struct news){0};
	if (find_failure(c, n))
		return;
	if (!m) {
		n->what = xstrdup("results");
		n->outcome = xstrdup("lack");
		return;
	}
	if (m->median.verdict != VERDICT_REGRESSED && m->p99.verdict == VERDICT_REGRESSED) {
		n->what = xasprintf("%s.%s.%s", m->scenario, m->metric, words_tail(m));
		n->judged = &m->p99;
	} else {
		n->what = xasprintf("%s.%s", m->scenario, m->metric);
		n->judged = &m->median;
	}
	n->outcome = describe_change(m, n->judged);
}

static void add_head(const struct report *r, const struct report_options *o, const char *id,
		     const struct news *n, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *reporter = make_reporter(o, id);
	__cleanup_free char *subject = NULL;
	__cleanup_free char *sentence = NULL;

	if (n->failure)
		sentence = xasprintf("%s %s", n->what, n->outcome);
	else
		sentence = xasprintf("%s of %s", n->outcome, n->what);
	if (n->judged) /* "multiplex.switch 3.1 % regression": the name first, as the robots do */
		subject = xasprintf("[%s] %.12s: %s %s", c->new, c->new_key, n->what, n->outcome);
	else
		subject = xasprintf("[%s] %.12s: %s", c->new, c->new_key, sentence);
	markup_header(out, "From: ", reporter);
	markup_header(out, "Subject: ", subject);
	add_date(out, report_newest(r, REPORT_NEW));
	strbuf_addf(out,
		    "Message-ID: <%s>\n"
		    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
		    "Content-Transfer-Encoding: 8bit\n\nHello,\n\nnestlab noticed a ",
		    id);
	markup_line(out, sentence);
	strbuf_addstr(out, " on:\n\n");
}

/* There is no commit id for a tree of tarball, patches and config: its content key stands for it. */
static void add_kernel(struct strbuf *out, const char *role, const struct results_boot *run)
{
	strbuf_addstr(out, role);
	markup_line(out, run->kernel_name);
	strbuf_addf(out,
		    ", content key %s\n    release %s, build-id %s\n"
		    "    source %.16s, patches %.16s, config %.16s\n",
		    run->kernel_key, run->kernel_release, run->kernel_build_id, run->source_hash,
		    run->patches_hash, run->config_hash);
}

static int add_param_line(const char *key, const char *value, void *arg)
{
	struct strbuf *out = arg;

	strbuf_addch(out, '\t');
	markup_line(out, key);
	add_line(out, ": ", value);
	return 0;
}

static int add_identity_word(const char *key, const char *value, void *arg)
{
	struct strbuf *out = arg;

	strbuf_addstr(out, ", ");
	markup_line(out, key);
	strbuf_addch(out, ' ');
	markup_line(out, value);
	return 0;
}

/* @m: the metric of the news; NULL: it is of no metric. */
static void add_case(const struct report *r, const struct results_compared *m, struct strbuf *out)
{
	const struct results_boot *run = report_newest(r, REPORT_NEW);

	strbuf_addch(out, '\n');
	if (m)
		add_line(out, "testcase: ", m->scenario);
	strbuf_addstr(out, "test machine: ");
	markup_line(out, run->host_name);
	words_each_param(run->host_identity, add_identity_word, out);
	strbuf_addch(out, '\n');
	add_line(out, "", words_clock(r->comparison.clock));
	if (!m)
		return;
	strbuf_addstr(out, "parameters:\n\n");
	words_each_param(m->params, add_param_line, out);
}

static void add_changed_test(const struct results_changed_test *t, struct strbuf *out)
{
	const char *name = t->name;

	if (!*name)
		name = t->params;
	strbuf_addf(out, "\n%s %s: %s with the base, %s with the new kernel\n", t->scenario, name,
		    t->base, t->new);
	if (t->text && *t->text)
		add_line(out, "    ", t->text);
}

static void add_failures(const struct results_comparison *c, struct strbuf *out)
{
	if (c->nfailures)
		strbuf_addstr(out, "\nFailed boots, by scenario:\n");
	for (size_t i = 0; i < c->nfailures; i++) {
		const struct results_failure_rate *r = &c->failures[i];
		__cleanup_free char *line = xasprintf("%s: %s (%s)", r->scenario, r->why,
						      results_verdict_name(r->verdict));

		add_line(out, "    ", line);
	}
	if (c->new_failed && c->failure)
		add_line(out, "The newest says: ", c->failure);
	for (size_t i = 0; i < c->ntests; i++)
		add_changed_test(&c->tests[i], out);
}

/* How sure the news is, and how many other metrics changed. */
static void add_why(const struct results_comparison *c, const struct results_compared *m,
		    const struct news *n, struct strbuf *out)
{
	__cleanup_free char *counts = words_counts(c, true);
	__cleanup_free char *interval = NULL;

	if (n->judged) {
		interval = words_interval(n->judged);
		strbuf_addf(out, "\ninterval: %s over %d boots of the base, %d of the new kernel\n",
			    interval, m->base.boots, m->new.boots);
		if (n->judged->why)
			add_line(out, "why: ", n->judged->why);
	}
	if (c->nmetrics)
		add_line(out, "\nIn all, of the medians that decide: ", counts);
}

static void add_grown(const struct report *r, const struct results_compared *m,
		      const struct report_options *o, struct strbuf *out)
{
	struct strbuf line = STRBUF_INIT;

	explained_add_grown(r, m, o, &line);
	if (line.len)
		add_line(out, "\n", line.buf);
	strbuf_release(&line);
}

static void add_tags(const struct report *r, const struct report_options *o, const char *id,
		     struct strbuf *out)
{
	__cleanup_free char *reporter = make_reporter(o, id);
	__cleanup_free char *url = make_url(o, id);

	if (r->comparison.verdict != VERDICT_REGRESSED)
		return;
	strbuf_addstr(
		out,
		"\nIf a separate commit fixes this (not a new version of the same one), please add\n");
	add_line(out, "| Reported-by: ", reporter);
	add_line(out, "| Closes: ", url);
}

/* ---- the table ---- */

/* Standard deviation of the boots' medians in percent of their mean; NAN with fewer than two. */
static double find_deviation(const struct report_spread *s)
{
	double mean = 0, squares = 0;

	if (s->boots < 2)
		return NAN;
	for (size_t i = 0; i < s->boots; i++)
		mean += s->medians[i] / s->boots;
	for (size_t i = 0; i < s->boots; i++)
		squares += (s->medians[i] - mean) * (s->medians[i] - mean);
	return 100 * sqrt(squares / (s->boots - 1)) / mean; /* NAN, or infinite, for a mean of 0 */
}

/* "24,816 ± 0.1 %"; without a deviation as many blanks. */
static void add_value(struct strbuf *out, double value, double deviation)
{
	__cleanup_free char *number = words_number(value);

	if (isfinite(deviation))
		strbuf_addf(out, "%11s ±%4.1f %%", number, deviation);
	else
		strbuf_addf(out, "%11s        ", number);
}

static void add_median(const struct report *r, size_t i, struct strbuf *out)
{
	const struct results_compared *m = &r->comparison.metrics[i];
	const struct report_spread *s = &r->spreads[i * REPORT_SIDES];
	__cleanup_free char *change = words_change(m, &m->median);

	add_value(out, m->base.median, find_deviation(&s[REPORT_BASE]));
	strbuf_addf(out, "  %10s  ", change);
	add_value(out, m->new.median, find_deviation(&s[REPORT_NEW]));
	strbuf_addf(out, "  %s.", m->scenario);
	add_line(out, "", m->metric);
}

static void add_tail(const struct results_compared *m, struct strbuf *out)
{
	__cleanup_free char *change = words_change(m, &m->p99);
	__cleanup_free char *name = xasprintf("%s.%s", m->metric, words_tail(m));

	add_value(out, m->base.p99, NAN);
	strbuf_addf(out, "  %10s  ", change);
	add_value(out, m->new.p99, NAN);
	strbuf_addf(out, "  %s.", m->scenario);
	add_line(out, "", name);
}

static bool has_changed(const struct results_compared *m)
{
	return m->median.verdict != VERDICT_UNCHANGED || m->p99.verdict == VERDICT_IMPROVED ||
	       m->p99.verdict == VERDICT_REGRESSED;
}

static void add_names(const struct report *r, struct strbuf *out)
{
	for (size_t i = 0; i < r->ncommons; i++) {
		__cleanup_free char *common = words_params(NULL, NULL, r->commons[i].params);

		strbuf_addf(out, "all %s with: ", r->commons[i].scenario);
		add_line(out, "", common);
	}
	strbuf_addf(out, "\n%19.19s%14s%19.19s\n", r->comparison.base, "", r->comparison.new);
	strbuf_addstr(out, "-------------------  ----------  -------------------\n"
			   "           %stddev      %change             %stddev\n"
			   "               \\           |                   \\\n");
}

/* Parts of the table, in this order. */
enum group { GROUP_REGRESSED, GROUP_CHANGED, GROUP_PARTS, GROUPS, GROUP_NONE };

static enum group find_group(const struct results_comparison *c, const struct results_compared *m)
{
	if (!has_changed(m))
		return GROUP_NONE;
	if (!results_decides(c, m))
		return GROUP_PARTS;
	if (words_has_regressed(m))
		return GROUP_REGRESSED;
	return GROUP_CHANGED;
}

/* Adds the metrics of a group, in the order of the comparison (most changed first); neighbours with the
 * same parameters share a heading. Returns how many there were. */
static size_t add_group(const struct report *r, enum group group, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	const char *params = NULL;
	size_t shown = 0;

	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_compared *m = &c->metrics[i];

		if (find_group(c, m) != group)
			continue;
		if (!params || strcmp(params, m->params)) {
			__cleanup_free char *words = words_params(r, m->scenario, m->params);

			add_line(out, "\n", words);
		}
		params = m->params;
		add_median(r, i, out);
		add_tail(m, out);
		shown++;
	}
	return shown;
}

/* Regressions come first, since the mail is about them. */
static void add_table(const struct report *r, struct strbuf *out)
{
	static const char *const headings[GROUPS] = {
		[GROUP_REGRESSED] = "",
		[GROUP_CHANGED] = "\nWhat changed otherwise:\n",
		[GROUP_PARTS] =
			"\nParts of these that changed (they explain, and decide nothing):\n",
	};
	size_t shown = 0;

	add_names(r, out);
	for (int g = 0; g < GROUPS; g++) {
		struct strbuf rows = STRBUF_INIT;
		size_t n = add_group(r, g, &rows);

		if (n && shown)
			strbuf_addstr(out, headings[g]);
		strbuf_addstr(out, rows.buf);
		strbuf_release(&rows);
		shown += n;
	}
	if (shown < r->comparison.nmetrics)
		strbuf_addf(out, "\nUnchanged: %zu metrics.\n", r->comparison.nmetrics - shown);
}

void email_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	const struct results_compared *first = find_first_metric(&r->comparison);
	__cleanup_free char *id = make_message_id(r), *head = words_head(&r->head);
	struct strbuf commands = STRBUF_INIT;
	struct news n;

	find_news(&r->comparison, first, &n);
	add_head(r, o, id, &n, out);
	add_kernel(out, "commit: ", report_newest(r, REPORT_NEW));
	add_kernel(out, "base:   ", report_newest(r, REPORT_BASE));
	if (n.failure)
		add_case(r, NULL, out);
	else
		add_case(r, first, out);
	add_failures(&r->comparison, out);
	add_why(&r->comparison, first, &n, out);
	if (n.judged && n.judged->verdict == VERDICT_REGRESSED)
		add_grown(r, first, o, out);
	add_tags(r, o, id, out);
	commands_add(r, NULL, &commands);
	strbuf_addstr(out, "\nTo reproduce:\n\n");
	for (char *line = strtok(commands.buf, "\n"); line; line = strtok(NULL, "\n"))
		add_line(out, "\t", line);
	strbuf_addstr(out, "\nDetails, medians over boots:\n\n");
	add_table(r, out);
	if (*head)
		add_line(out, "\nDatabase head: ", head);
	strbuf_addstr(out, "\n-- \nnestlab\n");
	strbuf_release(&commands);
	free(n.what);
	free(n.outcome);
}
