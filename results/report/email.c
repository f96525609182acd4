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
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/words.h"

/* ---- who and where ---- */

/* "nestlab.0123456789abcdef@host": the same report has the same one. */
static char *message_id(const struct report *r)
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

static char *reporter_of(const struct report_options *o, const char *id)
{
	if (o && o->reporter)
		return xstrdup(o->reporter);
	return xasprintf("nestlab <nestlab@%s>", strchr(id, '@') + 1);
}

static char *url_of(const struct report_options *o, const char *id)
{
	if (o && o->url)
		return xstrdup(o->url);
	return xasprintf("https://lore.kernel.org/r/%s", id);
}

/* A header or a tag is one line, whatever is in the names. */
static void add_line(struct strbuf *out, const char *head, const char *text)
{
	strbuf_addstr(out, head);
	markup_line(out, text);
	strbuf_addch(out, '\n');
}

#define WORD_MAX 63 /* of the 75 that an encoded word may have, without "=?utf-8?Q?" and "?=" */

/* RFC 2047: words of "=C3=A9", none of which ends within a character. */
static void add_encoded(struct strbuf *out, const char *text)
{
	size_t used = 0;

	strbuf_addstr(out, "=?utf-8?Q?");
	while (*text) {
		size_t n = markup_utf8_length(text);

		if (used + 3 * n > WORD_MAX) {
			strbuf_addstr(out, "?=\n =?utf-8?Q?");
			used = 0;
		}
		used += 3 * n;
		for (; n; n--)
			strbuf_addf(out, "=%02X", (unsigned char)*text++);
	}
	strbuf_addstr(out, "?=");
}

static bool is_ascii(const char *text)
{
	while (*text && (unsigned char)*text < 0x80)
		text++;
	return !*text;
}

/* A header for people; an address at its end, <a@b>, stays as it is. */
static void add_header(struct strbuf *out, const char *head, const char *text)
{
	struct strbuf clean = STRBUF_INIT;
	char *address;

	markup_line(&clean, text);
	address = strrchr(clean.buf, '<');
	strbuf_addstr(out, head);
	if (is_ascii(clean.buf)) {
		strbuf_addstr(out, clean.buf);
	} else if (address && address > clean.buf && address[-1] == ' ' && is_ascii(address)) {
		address[-1] = '\0';
		add_encoded(out, clean.buf);
		strbuf_addf(out, " %s", address);
	} else {
		add_encoded(out, clean.buf);
	}
	strbuf_addch(out, '\n');
	strbuf_release(&clean);
}

/* Of the newest boot: the same report is the same mail. */
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

static const char *tail_name(const struct results_compared *m)
{
	return strcmp(m->better, "higher") ? "p99" : "p1";
}

/* Regressions go first, then what changed most; parts, which decide nothing, are never the news. */
static int weight(const struct results_comparison *c, const struct results_compared *m)
{
	if (!results_decides(c, m))
		return -1;
	return 4 * (m->median.verdict == VERDICT_REGRESSED) +
	       2 * (m->p99.verdict == VERDICT_REGRESSED) + (m->median.verdict == VERDICT_IMPROVED);
}

static const struct results_compared *first_metric(const struct results_comparison *c)
{
	const struct results_compared *first = NULL;

	for (size_t i = 0; i < c->nmetrics; i++)
		if (!first || weight(c, &c->metrics[i]) > weight(c, first))
			first = &c->metrics[i];
	return first;
}

struct news {
	char *what;				/* "multiplex.switch" */
	char *outcome;				/* "3.1% regression" */
	const struct results_judgement *judged; /* NULL: no number is the news */
	bool failure;				/* something broke */
};

/* Failures go before numbers. */
static bool news_of_failure(const struct results_comparison *c, struct news *n)
{
	if (c->new_failed) {
		*n = (struct news){xstrdup("run"), xstrdup("failure"), NULL, true};
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

static void find_news(const struct results_comparison *c, const struct results_compared *m,
		      struct news *n)
{
	static const char *const words[] = {[VERDICT_UNCHANGED] = "change (within noise)",
					    [VERDICT_IMPROVED] = "improvement",
					    [VERDICT_REGRESSED] = "regression",
					    [VERDICT_INCONCLUSIVE] = "change (not decided)"};
	const struct results_judgement *j;
	bool tail;

	if (news_of_failure(c, n))
		return;
	if (!m) {
		*n = (struct news){xstrdup("results"), xstrdup("lack"), NULL};
		return;
	}
	tail = m->median.verdict != VERDICT_REGRESSED && m->p99.verdict == VERDICT_REGRESSED;
	j = tail ? &m->p99 : &m->median;
	*n = (struct news){
		.what = xasprintf("%s.%s%s%s", m->scenario, m->metric, tail ? "." : "",
				  tail ? tail_name(m) : ""),
		.outcome = xasprintf("%.1f%% %s", fabs(words_change(j->ratio)), words[j->verdict]),
		.judged = j};
}

static void add_head(const struct report *r, const struct report_options *o, const char *id,
		     const struct news *n, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *reporter = reporter_of(o, id);
	__cleanup_free char *subject =
		xasprintf("[%s] %.12s: %s %s", c->new, c->new_key, n->what, n->outcome);
	__cleanup_free char *sentence = n->failure ? xasprintf("%s %s", n->what, n->outcome)
						   : xasprintf("%s of %s", n->outcome, n->what);

	add_header(out, "From: ", reporter);
	add_header(out, "Subject: ", subject);
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

static int param_line(const char *key, const char *value, void *arg)
{
	struct strbuf *out = arg;

	strbuf_addch(out, '\t');
	markup_line(out, key);
	add_line(out, ": ", value ? value : "null");
	return 0;
}

static int identity_word(const char *key, const char *value, void *arg)
{
	struct strbuf *out = arg;

	strbuf_addstr(out, ", ");
	markup_line(out, key);
	strbuf_addch(out, ' ');
	markup_line(out, value ? value : "null");
	return 0;
}

static void add_case(const struct report *r, const struct results_compared *m, struct strbuf *out)
{
	const struct results_boot *run = report_newest(r, REPORT_NEW);

	strbuf_addch(out, '\n');
	if (m)
		add_line(out, "testcase: ", m->scenario);
	strbuf_addstr(out, "test machine: ");
	markup_line(out, run->host_name);
	words_each_param(run->host_identity, identity_word, out);
	strbuf_addch(out, '\n');
	add_line(out, "", words_clock(r->comparison.clock));
	if (!m)
		return;
	strbuf_addstr(out, "parameters:\n\n");
	words_each_param(m->params, param_line, out);
}

static void add_failure(const struct results_comparison *c, struct strbuf *out)
{
	if (c->new_failed)
		strbuf_addf(out,
			    "\nFailed boots: %d of the new kernel, %d of the base. The newest "
			    "says:\n",
			    c->new_failed, c->base_failed);
	if (c->new_failed && c->failure)
		add_line(out, "    ", c->failure);
	for (size_t i = 0; i < c->ntests; i++) {
		const struct results_changed_test *t = &c->tests[i];

		strbuf_addf(out, "\n%s %s: %s with the base, %s with the new kernel\n", t->scenario,
			    *t->name ? t->name : t->params, t->base, t->new);
		if (t->text && *t->text)
			add_line(out, "    ", t->text);
	}
}

/* How sure that is, and what else there is. */
static void add_why(const struct results_comparison *c, const struct results_compared *m,
		    const struct news *n, struct strbuf *out)
{
	__cleanup_free char *counts = words_counts(c, true);
	__cleanup_free char *interval = n->judged ? words_interval(n->judged) : NULL;

	if (n->judged) {
		strbuf_addf(out, "\ninterval: %s over %d boots of the base, %d of the new kernel\n",
			    interval, m->base.boots, m->new.boots);
		add_line(out, "why: ", n->judged->why ? n->judged->why : "");
	}
	if (c->nmetrics)
		add_line(out, "\nIn all, of the medians that decide: ", counts);
}

static void add_tags(const struct report *r, const struct report_options *o, const char *id,
		     struct strbuf *out)
{
	__cleanup_free char *reporter = reporter_of(o, id);
	__cleanup_free char *url = url_of(o, id);

	if (r->comparison.verdict != VERDICT_REGRESSED)
		return;
	strbuf_addstr(out, "\nIf a separate commit fixes this (not a new version of the same one), "
			   "please add\n");
	add_line(out, "| Reported-by: ", reporter);
	add_line(out, "| Closes: ", url);
}

/* ---- the table ---- */

/* A value with the deviation over boots where that is known: "24816 ± 0.1%". */
static void add_value(struct strbuf *out, double value, double stddev)
{
	__cleanup_free char *number =
		fabs(value) < 1000 ? xasprintf("%.2f", value) : xasprintf("%.0f", value);

	if (isfinite(stddev))
		strbuf_addf(out, "%11s ±%4.1f%%", number, stddev);
	else
		strbuf_addf(out, "%11s       ", number);
}

static void add_row(struct strbuf *out, const char *name, double base, double base_dev,
		    double ratio, double new, double new_dev)
{
	add_value(out, base, base_dev);
	strbuf_addf(out, "  %+9.1f%%  ", words_change(ratio));
	add_value(out, new, new_dev);
	add_line(out, "  ", name);
}

static void add_metric(const struct report *r, size_t i, struct strbuf *out)
{
	const struct results_compared *m = &r->comparison.metrics[i];
	const struct report_spread *s = &r->spreads[i * REPORT_SIDES];
	__cleanup_free char *median = xasprintf("%s.%s", m->scenario, m->metric);
	__cleanup_free char *p99 = xasprintf("%s.%s.%s", m->scenario, m->metric, tail_name(m));

	add_row(out, median, m->base.median, words_stddev(&s[REPORT_BASE]), m->median.ratio,
		m->new.median, words_stddev(&s[REPORT_NEW]));
	add_row(out, p99, m->base.p99, NAN, m->p99.ratio, m->new.p99, NAN);
}

static bool is_regression(const struct results_compared *m)
{
	return m->median.verdict == VERDICT_REGRESSED || m->p99.verdict == VERDICT_REGRESSED;
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
	strbuf_addf(out, "\n%18.18s%14s%18.18s\n", r->comparison.base, "", r->comparison.new);
	strbuf_addstr(out, "------------------  ----------  ------------------\n"
			   "           %stddev     %change             %stddev\n"
			   "               \\          |                   \\\n");
}

enum group { GROUP_REGRESSED, GROUP_CHANGED, GROUP_PARTS, GROUPS, GROUP_NONE };

static enum group group_of(const struct results_comparison *c, const struct results_compared *m)
{
	if (!has_changed(m))
		return GROUP_NONE;
	if (!results_decides(c, m))
		return GROUP_PARTS;
	return is_regression(m) ? GROUP_REGRESSED : GROUP_CHANGED;
}

/* Metrics of the same parameters stand under one heading; most changed first, as they come. */
static size_t add_group(const struct report *r, enum group group, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	const char *params = NULL;
	size_t told = 0;

	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_compared *m = &c->metrics[i];

		if (group_of(c, m) != group)
			continue;
		if (!params || strcmp(params, m->params)) {
			__cleanup_free char *words = words_params(r, m->scenario, m->params);

			add_line(out, "\n", words);
		}
		params = m->params;
		add_metric(r, i, out);
		told++;
	}
	return told;
}

/* What regressed stands first: it is what the mail is about. */
static void add_table(const struct report *r, struct strbuf *out)
{
	static const char *const headings[GROUPS] = {
		[GROUP_REGRESSED] = "",
		[GROUP_CHANGED] = "\nWhat changed otherwise:\n",
		[GROUP_PARTS] =
			"\nParts of these that changed (they explain, and decide nothing):\n",
	};
	size_t told = 0;

	add_names(r, out);
	for (int g = 0; g < GROUPS; g++) {
		struct strbuf rows = STRBUF_INIT;
		size_t n = add_group(r, g, &rows);

		if (n && told)
			strbuf_addstr(out, headings[g]);
		strbuf_addstr(out, rows.buf);
		strbuf_release(&rows);
		told += n;
	}
	if (told < r->comparison.nmetrics)
		strbuf_addf(out, "\nUnchanged: %zu metrics.\n", r->comparison.nmetrics - told);
}

void report_render_email(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	const struct results_compared *first = first_metric(&r->comparison);
	__cleanup_free char *id = message_id(r);
	struct strbuf commands = STRBUF_INIT;
	struct news n;

	find_news(&r->comparison, first, &n);
	add_head(r, o, id, &n, out);
	add_kernel(out, "commit: ", report_newest(r, REPORT_NEW));
	add_kernel(out, "base:   ", report_newest(r, REPORT_BASE));
	add_case(r, n.failure ? NULL : first, out);
	add_failure(&r->comparison, out);
	add_why(&r->comparison, first, &n, out);
	add_tags(r, o, id, out);
	words_commands(r, NULL, &commands);
	strbuf_addstr(out, "\nTo reproduce:\n\n");
	for (char *line = strtok(commands.buf, "\n"); line; line = strtok(NULL, "\n"))
		add_line(out, "\t", line);
	strbuf_addstr(out, "\nDetails, medians over boots:\n\n");
	add_table(r, out);
	strbuf_addstr(out, "\n-- \nnestlab\n");
	strbuf_release(&commands);
	free(n.what);
	free(n.outcome);
}
