// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plan's lines, read and written by the table of words.c. Used by the agent and by the
 * orchestrator, so it needs nothing but the C library.
 */
#include "agents/wire/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where messages go, and the line that they are about. */
struct reader {
	char *msg;
	size_t msglen;
	int line;
};

static int refuse_line(const struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse_line(const struct reader *r, const char *fmt, ...)
{
	size_t n = (size_t)snprintf(r->msg, r->msglen, "line %d: ", r->line);
	va_list ap;

	va_start(ap, fmt);
	if (n < r->msglen)
		vsnprintf(r->msg + n, r->msglen - n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- one word ---- */

static bool parse_number(const char *s, uint64_t *out)
{
	*out = 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(*out, 10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(*s - '0'), out))
			return false;
	}
	return true;
}

static bool is_in_range(const struct plan_word *w, uint64_t v)
{
	if (!v && w->optional)
		return true; /* not given */
	return v >= w->min && v <= w->max;
}

static int read_number(const struct reader *r, const struct plan_word *w, const char *value,
		       struct plan_measure *out)
{
	uint64_t v;

	if (!parse_number(value, &v) || !is_in_range(w, v))
		return refuse_line(r, "%s=%s is not a number within %" PRIu64 "..%" PRIu64, w->name,
				   value, w->min, w->max);
	plan_word_set(w, out, v);
	return 0;
}

static int read_flag(const struct reader *r, const struct plan_word *w, const char *value,
		     struct plan_measure *out)
{
	if (strcmp(value, "0") && strcmp(value, "1"))
		return refuse_line(r, "%s=%s is neither 0 nor 1", w->name, value);
	plan_word_set(w, out, *value == '1');
	return 0;
}

static int read_choice(const struct reader *r, const struct plan_word *w, const char *value,
		       struct plan_measure *out)
{
	int choice = plan_choice_find(w->choices, value);

	if (choice < 0)
		return refuse_line(r, "%s=%s is not known", w->name, value);
	plan_word_set(w, out, (uint64_t)choice);
	return 0;
}

static int read_name(const struct reader *r, const struct plan_word *w, const char *value,
		     struct plan_measure *out)
{
	size_t len = strlen(value);

	if (!plan_name_is_plain(value))
		return refuse_line(r, "%s=%s is not a plain file name", w->name, value);
	if (len >= w->size)
		return refuse_line(r, "%s=%s is longer than %d bytes", w->name, value, w->size - 1);
	memcpy(plan_word_text(w, out), value, len + 1);
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The byte at *p, which moves past it; -1: there is none that a text may have. */
static int decode_byte(const char **p)
{
	int high, low;

	if (**p != '%')
		return (unsigned char)*(*p)++;
	high = hex_digit((*p)[1]);
	low = high < 0 ? -1 : hex_digit((*p)[2]);
	if (low < 0 || !(high | low))
		return -1;
	*p += 3;
	return 16 * high + low;
}

/* A list ends in a newline, and a text has none. */
static bool has_right_newlines(const struct plan_word *w, const char *text, size_t len)
{
	if (w->kind == PLAN_WORD_LIST)
		return text[len - 1] == '\n';
	return !strchr(text, '\n');
}

static int read_text(const struct reader *r, const struct plan_word *w, const char *value,
		     struct plan_measure *out)
{
	char *text = plan_word_text(w, out);
	size_t len = 0;

	for (const char *p = value; *p;) {
		int byte = decode_byte(&p);

		if (byte < 0)
			return refuse_line(r, "%s=%.60s: %% is not followed by a byte", w->name,
					   value);
		if (len + 1 == w->size)
			return refuse_line(r, "%s=%.60s... is longer than %d bytes", w->name, value,
					   w->size - 1);
		text[len++] = (char)byte;
	}
	text[len] = '\0';
	if (!len || !has_right_newlines(w, text, len))
		return refuse_line(r, "%s=%.60s is not %s", w->name, value,
				   w->kind == PLAN_WORD_LIST ? "lines of text" : "a line's text");
	return 0;
}

static int read_word(const struct reader *r, const struct plan_word *w, const char *value,
		     struct plan_measure *out)
{
	switch (w->kind) {
	case PLAN_WORD_NUMBER:
		return read_number(r, w, value, out);
	case PLAN_WORD_FLAG:
		return read_flag(r, w, value, out);
	case PLAN_WORD_CHOICE:
		return read_choice(r, w, value, out);
	case PLAN_WORD_NAME:
		return read_name(r, w, value, out);
	case PLAN_WORD_TEXT:
	case PLAN_WORD_LIST:
		return read_text(r, w, value, out);
	}
	return -EINVAL;
}

static bool is_plain_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("._+-/:,@", c);
}

static int format_text(const struct plan_word *w, const char *text, char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len, " %s=", w->name);

	for (; *text && used < len; text++) {
		if (is_plain_byte(*text))
			used += (size_t)snprintf(buf + used, len - used, "%c", *text);
		else
			used += (size_t)snprintf(buf + used, len - used, "%%%02X",
						 (unsigned char)*text);
	}
	return (int)used;
}

/* Writes " name=value" to @buf; the length it takes, as snprintf(). */
static int format_word(const struct plan_word *w, const struct plan_measure *m, char *buf,
		       size_t len)
{
	switch (w->kind) {
	case PLAN_WORD_CHOICE:
		return snprintf(buf, len, " %s=%s", w->name, w->choices[plan_word_get(w, m)]);
	case PLAN_WORD_NAME:
		return snprintf(buf, len, " %s=%s", w->name, (const char *)m + w->offset);
	case PLAN_WORD_TEXT:
	case PLAN_WORD_LIST:
		return format_text(w, (const char *)m + w->offset, buf, len);
	default:
		return snprintf(buf, len, " %s=%" PRIu64, w->name, plan_word_get(w, m));
	}
}

int plan_measure_format(const struct plan_measure *m, char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len, "measure");

	for (size_t i = 0; i < plan_nwords && used < len; i++)
		if (plan_word_is_said(&plan_words[i], m))
			used += (size_t)format_word(&plan_words[i], m, buf + used, len - used);
	return used < len ? 0 : -ENOSPC;
}

/* ---- a line of words ---- */

/* The place of the word @name in the table, or -1. */
static int find_word(const char *name)
{
	for (size_t i = 0; i < plan_nwords; i++)
		if (!strcmp(plan_words[i].name, name))
			return (int)i;
	return -1;
}

/* Cuts the next "key=value" off *p. False at the end of the line; *value is NULL without a "=". */
static bool next_word(char **p, char **key, char **value)
{
	char *word = *p, *blank, *equals;

	if (!word)
		return false;
	blank = strchr(word, ' ');
	*p = NULL;
	if (blank) {
		*blank = '\0';
		*p = blank + 1;
	}
	equals = strchr(word, '=');
	*key = word;
	*value = NULL;
	if (equals) {
		*equals = '\0';
		*value = equals + 1;
	}
	return true;
}

/* Every word is used by the scenario, and every word that it needs is there. @seen has a bit for each
 * word of the table. */
static int check_words(const struct reader *r, const struct plan_measure *m, uint64_t seen)
{
	for (size_t i = 0; i < plan_nwords; i++) {
		const struct plan_word *w = &plan_words[i];
		bool is_used = plan_word_is_said(w, m), is_there = seen & UINT64_C(1) << i;

		if (is_there && !is_used && !(w->silent && plan_word_is_used(w, m->scenario)))
			return refuse_line(r, "scenario %s has no word %s%s",
					   plan_scenario_names[m->scenario], w->name,
					   w->of_linux ? " (of a Linux L1 alone)" : "");
		if (is_used && !is_there && !w->optional)
			return refuse_line(r, "%s= is missing", w->name);
	}
	return 0;
}

/* @text is what follows "measure ", and is cut to pieces. @out has the run line's defaults. */
static int parse_measure(const struct reader *r, char *text, struct plan_measure *out)
{
	uint64_t seen = 0;
	const char *impossible;
	char *key, *value;
	int ret;

	while (next_word(&text, &key, &value)) {
		int i = find_word(key);

		if (i < 0 || !value)
			return refuse_line(r, "\"%s\" is not a word=value of a measure line", key);
		if (seen & UINT64_C(1) << i)
			return refuse_line(r, "%s= is there twice", key);
		seen |= UINT64_C(1) << i;
		ret = read_word(r, &plan_words[i], value, out);
		if (ret)
			return ret;
	}
	if (!(seen & UINT64_C(1) << find_word("scenario")))
		return refuse_line(r, "scenario= is missing");
	ret = check_words(r, out, seen);
	if (ret)
		return ret;
	if (!plan_scenario_has_l2(out->scenario))
		out->parallel = false; /* it is of the run line, and of no use here */
	impossible = plan_measure_impossible(out);
	if (impossible)
		return refuse_line(r, "this cannot be measured: %s", impossible);
	return 0;
}

int plan_measure_parse(const char *line, struct plan_measure *out, char *msg, size_t msglen)
{
	const struct reader r = {.msg = msg, .msglen = msglen, .line = 1};
	char text[PLAN_LINE_MAX];

	*out = (struct plan_measure){0};
	if (strncmp(line, "measure ", 8) || strlen(line) >= sizeof(text))
		return refuse_line(&r, "no measure line: \"%.60s\"", line);
	memcpy(text, line + 8, strlen(line + 8) + 1);
	return parse_measure(&r, text, out);
}

/* ---- the lines of a plan ---- */

struct plan_state {
	struct plan_measure *measures;
	size_t count, alloc;
	uint64_t seed; /* of the run line, as parallel: for measurements that do not say */
	bool parallel, ended;
};

static int parse_head(struct reader *r, char *line)
{
	char want[32];

	snprintf(want, sizeof(want), "nestlab-plan %d", PROTOCOL_VERSION);
	if (strcmp(line, want))
		return refuse_line(r, "expected \"%s\", found \"%.60s\"", want, line);
	return 0;
}

static int parse_mode(struct reader *r, struct plan_state *p, const char *value)
{
	int mode = plan_choice_find(plan_mode_names, value);

	if (mode < 0)
		return refuse_line(r, "mode=%s is not known", value);
	p->parallel = mode;
	return 0;
}

static int parse_run_word(struct reader *r, struct plan_state *p, const char *key,
			  const char *value)
{
	if (!value)
		return refuse_line(r, "\"%s\" is not a word=value of the run line", key);
	if (!strcmp(key, "mode"))
		return parse_mode(r, p, value);
	if (strcmp(key, "seed"))
		return refuse_line(r, "%s= is not a word of the run line", key);
	if (!parse_number(value, &p->seed))
		return refuse_line(r, "seed=%s is not a number", value);
	return 0;
}

static int parse_run(struct reader *r, struct plan_state *p, char *line)
{
	char *text = line + 4, *key, *value;

	if (strncmp(line, "run ", 4))
		return refuse_line(r, "expected the line \"run ...\", found \"%.60s\"", line);
	while (next_word(&text, &key, &value)) {
		int ret = parse_run_word(r, p, key, value);

		if (ret)
			return ret;
	}
	return 0;
}

static int parse_end_line(struct reader *r, struct plan_state *p, const char *count)
{
	uint64_t stated;

	if (!parse_number(count, &stated) || stated != p->count)
		return refuse_line(r, "the plan says that it has %s measurements, but it has %zu",
				   count, p->count);
	p->ended = true;
	return 0;
}

static int make_room(struct reader *r, struct plan_state *p)
{
	struct plan_measure *more;
	size_t alloc = p->alloc ? 2 * p->alloc : 16;

	if (p->count < p->alloc)
		return 0;
	if (p->count == PLAN_MAX_MEASURES)
		return refuse_line(r, "more than %d measurements", PLAN_MAX_MEASURES);
	more = realloc(p->measures, alloc * sizeof(*more));
	if (!more)
		return refuse_line(r, "no memory for %zu measurements", alloc);
	p->measures = more;
	p->alloc = alloc;
	return 0;
}

static int parse_body(struct reader *r, struct plan_state *p, char *line)
{
	struct plan_measure *m;
	int ret;

	if (p->ended)
		return refuse_line(r, "unexpected text after the end line");
	if (!strncmp(line, "end count=", 10))
		return parse_end_line(r, p, line + 10);
	if (strncmp(line, "measure ", 8))
		return refuse_line(r, "expected \"measure ...\" or \"end ...\", found \"%.60s\"",
				   line);
	ret = make_room(r, p);
	if (ret)
		return ret;
	m = &p->measures[p->count];
	*m = (struct plan_measure){.seed = p->seed, .parallel = p->parallel};
	ret = parse_measure(r, line + 8, m);
	if (ret)
		return ret;
	if (p->count && m->id != m[-1].id + 1)
		return refuse_line(r, "id=%" PRIu32 " is out of order: the next id is %" PRIu32,
				   m->id, m[-1].id + 1);
	p->count++;
	return 0;
}

static int parse_line(struct reader *r, struct plan_state *p, char *line)
{
	switch (r->line) {
	case 1:
		return parse_head(r, line);
	case 2:
		return parse_run(r, p, line);
	default:
		return parse_body(r, p, line);
	}
}

/* Copies the line at *text, without its newline, and moves past it. */
static int next_line(const struct reader *r, const char **text, char line[PLAN_LINE_MAX])
{
	size_t len = strcspn(*text, "\n");

	if (len >= PLAN_LINE_MAX)
		return refuse_line(r, "a line of %zu bytes is too long", len);
	memcpy(line, *text, len);
	line[len] = '\0';
	*text += len + ((*text)[len] == '\n');
	return 0;
}

static int parse_lines(struct reader *r, struct plan_state *p, const char *text)
{
	char line[PLAN_LINE_MAX];
	int ret;

	for (r->line = 1; *text || r->line < 3; r->line++) {
		ret = next_line(r, &text, line);
		if (ret)
			return ret;
		ret = parse_line(r, p, line);
		if (ret)
			return ret;
	}
	if (!p->ended)
		return refuse_line(r, "the plan ends without \"end count=%zu\"", p->count);
	return 0;
}

int plan_parse(const char *text, struct plan_measure **measures, size_t *count, char *msg,
	       size_t msglen)
{
	struct reader r = {.msg = msg, .msglen = msglen};
	struct plan_state p = {0};
	int ret = parse_lines(&r, &p, text);

	if (ret) {
		free(p.measures);
		return ret;
	}
	*measures = p.measures;
	*count = p.count;
	return 0;
}

/* ---- one L1 for several ---- */

bool plan_measure_boots_l1(const struct plan_measure *m)
{
	return !plan_scenario_is_selftest(m->scenario) &&
	       (plan_l1_is_linux(m->l1) || plan_l1_is_disk(m->l1));
}

/* An L1 that is of use to others afterwards. */
static bool lends_l1(const struct plan_measure *m)
{
	return plan_measure_boots_l1(m) && plan_scenario_has_l2(m->scenario) && !m->fault &&
	       !plan_measure_crosses(m);
}

/* A device that other L1s do not have: whose, or PLAN_MULTIPLEX for none. */
static enum plan_scenario device_of(const struct plan_measure *m)
{
	if (m->scenario == PLAN_L1_BALLOON || m->scenario == PLAN_L1_UNPLUG)
		return m->scenario;
	return PLAN_MULTIPLEX;
}

bool plan_measure_shares_l1(const struct plan_measure *a, const struct plan_measure *b)
{
	return lends_l1(a) && lends_l1(b) && device_of(a) == device_of(b) && a->l1 == b->l1 &&
	       a->vmm == b->vmm && a->kvm_visible == b->kvm_visible &&
	       a->enlightenments == b->enlightenments && a->memory == b->memory &&
	       plan_measure_has_peers(a) == plan_measure_has_peers(b) && a->backing == b->backing &&
	       a->l1_vcpus == b->l1_vcpus && a->l1_megabytes == b->l1_megabytes;
}
