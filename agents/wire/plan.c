// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plan's lines: one table says which words there are, what they may be, and which scenario uses
 * them. Used by the agent and by the orchestrator, so it needs nothing but the C library.
 */
#include "agents/wire/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_LINE_MAX	  1024
#define PLAN_MEASURES_MAX 65536
#define COUNT(a)	  (sizeof(a) / sizeof((a)[0]))

/* Which scenarios use a word, as bits of enum plan_scenario. */
#define USED_BY(s)  (1u << (s))
#define BY_ALL	    (~0u)
#define BY_MACHINES (BY_ALL & ~USED_BY(PLAN_KSELFTEST)) /* scenarios with an L1 */

enum word_kind { WORD_U32, WORD_U64, WORD_BOOL, WORD_CHOICE, WORD_TEXT };

struct word {
	const char *name;
	enum word_kind kind;
	size_t offset, size; /* of the field of struct plan_measure */
	unsigned int users;
	bool optional;		    /* 0 if it is not there */
	uint64_t min, max;	    /* numbers */
	const char *const *choices; /* NULL-terminated; WORD_TEXT: the only ones allowed, or NULL */
};

static const char *const scenario_names[] = {"multiplex", "migrate",   "exits",
					     "churn",	  "kselftest", NULL};
static const char *const l1_names[] = {"micro-vmx", "micro-evmcs", NULL};
static const char *const memory_names[] = {"managed", "unmanaged", NULL};
static const char *const reasons[] = {
	"vmcall",	 "cpuid",	"rdmsr",	 "rdmsr-passthrough", "hlt", "io",
	"ept-violation", "apic-access", "tpr-threshold", "interrupt",	      NULL};
static const char *const operations[] = {"dontneed",   "migrate-page", "memslot",
					 "msr-bitmap", "apic-page",    NULL};

#define FIELD(f) offsetof(struct plan_measure, f), sizeof(((struct plan_measure *)0)->f)

static const struct word words[] = {
	{"id", WORD_U32, FIELD(id), BY_ALL, .max = PLAN_MEASURES_MAX - 1},
	{"scenario", WORD_CHOICE, FIELD(scenario), BY_ALL, .choices = scenario_names},
	{"l1", WORD_CHOICE, FIELD(l1), BY_MACHINES, .choices = l1_names},
	{"memory", WORD_CHOICE, FIELD(memory), BY_MACHINES, .choices = memory_names},
	{"l2_vcpus", WORD_U32, FIELD(l2_vcpus), BY_MACHINES, .min = 1, .max = PROTOCOL_MAX_L2},
	{"l1_vcpus", WORD_U32, FIELD(l1_vcpus), BY_MACHINES, .min = 1, .max = PROTOCOL_MAX_L1},
	{"ept", WORD_BOOL, FIELD(ept), BY_MACHINES},
	{"apic_pages", WORD_BOOL, FIELD(apic_pages), BY_MACHINES},
	{"posted_interrupts", WORD_BOOL, FIELD(posted_interrupts), BY_MACHINES, true},
	{"parallel", WORD_BOOL, FIELD(parallel), BY_MACHINES, true},
	{"rounds", WORD_U32, FIELD(rounds), BY_MACHINES, .min = 1, .max = 100000000},
	{"warmup", WORD_U32, FIELD(warmup), BY_MACHINES, .max = 100000000},
	{"reason", WORD_TEXT, FIELD(reason), USED_BY(PLAN_EXITS), .choices = reasons},
	{"operation", WORD_TEXT, FIELD(operation), USED_BY(PLAN_CHURN), .choices = operations},
	{"test", WORD_TEXT, FIELD(test), USED_BY(PLAN_KSELFTEST)},
	{"limit_s", WORD_U32, FIELD(limit_s), USED_BY(PLAN_KSELFTEST), true,
	 .max = PROTOCOL_MAX_LIMIT_S},
	{"count", WORD_U32, FIELD(count), USED_BY(PLAN_KSELFTEST), true, .max = 1000000},
	{"seed", WORD_U64, FIELD(seed), BY_ALL, true, .max = UINT64_MAX},
};

/* Where messages go, and the line they are about. */
struct reader {
	char *msg;
	size_t msglen;
	int line; /* 0: no prefix */
};

static int refuse(const struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(const struct reader *r, const char *fmt, ...)
{
	size_t n = 0;
	va_list ap;

	if (r->line)
		n = (size_t)snprintf(r->msg, r->msglen, "line %d: ", r->line);
	va_start(ap, fmt);
	if (n < r->msglen)
		vsnprintf(r->msg + n, r->msglen - n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

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

static int find_choice(const char *const *choices, const char *value)
{
	for (int i = 0; choices[i]; i++)
		if (!strcmp(choices[i], value))
			return i;
	return -1;
}

/* A file name that stays in its folder. */
static bool is_plain_name(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._+-";

	return *s && *s != '.' && *s != '-' && strspn(s, allowed) == strlen(s);
}

static void put_number(void *field, size_t size, uint64_t v)
{
	uint32_t v32 = (uint32_t)v;

	if (size == sizeof(v))
		memcpy(field, &v, size);
	else
		memcpy(field, &v32, size);
}

static uint64_t get_number(const void *field, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, field, size); /* little-endian: short fields land in the low bytes */
	return v;
}

static int set_number(const struct reader *r, const struct word *w, const char *value, void *field)
{
	uint64_t v;

	if (!parse_number(value, &v) || v < w->min || v > w->max)
		return refuse(r, "%s=%s is not a number within %" PRIu64 "..%" PRIu64, w->name,
			      value, w->min, w->max);
	put_number(field, w->size, v);
	return 0;
}

static int set_text(const struct reader *r, const struct word *w, const char *value, char *field)
{
	size_t len = strlen(value);

	if (w->choices ? find_choice(w->choices, value) < 0 : !is_plain_name(value))
		return refuse(r, "%s=%s is not known", w->name, value);
	if (len >= w->size)
		return refuse(r, "%s=%s is longer than %zu bytes", w->name, value, w->size - 1);
	memcpy(field, value, len + 1);
	return 0;
}

static int set_word(const struct reader *r, const struct word *w, const char *value,
		    struct plan_measure *out)
{
	void *field = (char *)out + w->offset;
	int choice;

	switch (w->kind) {
	case WORD_U32:
	case WORD_U64:
		return set_number(r, w, value, field);
	case WORD_BOOL:
		if (strcmp(value, "0") && strcmp(value, "1"))
			return refuse(r, "%s=%s is neither 0 nor 1", w->name, value);
		*(bool *)field = *value == '1';
		return 0;
	case WORD_CHOICE:
		choice = find_choice(w->choices, value);
		if (choice < 0)
			return refuse(r, "%s=%s is not known", w->name, value);
		put_number(field, w->size, (uint64_t)choice);
		return 0;
	case WORD_TEXT:
		return set_text(r, w, value, field);
	}
	return -EINVAL;
}

static int find_word(const char *name)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (!strcmp(words[i].name, name))
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
	*p = blank ? blank + 1 : NULL;
	if (blank)
		*blank = '\0';
	equals = strchr(word, '=');
	if (equals)
		*equals = '\0';
	*key = word;
	*value = equals ? equals + 1 : NULL;
	return true;
}

/* Every word is used by the scenario, and every word that it needs is there. */
static int check_words(const struct reader *r, const struct plan_measure *m, unsigned int seen)
{
	for (size_t i = 0; i < COUNT(words); i++) {
		bool used = words[i].users & USED_BY(m->scenario), there = seen & 1u << i;

		if (there && !used)
			return refuse(r, "scenario %s has no word %s", scenario_names[m->scenario],
				      words[i].name);
		if (used && !there && !words[i].optional)
			return refuse(r, "%s= is missing", words[i].name);
	}
	if (m->l2_vcpus < m->l1_vcpus)
		return refuse(r, "l2_vcpus=%" PRIu32 " do not fill l1_vcpus=%" PRIu32, m->l2_vcpus,
			      m->l1_vcpus);
	return 0;
}

/* @text is what follows "measure ", and is cut to pieces. */
static int parse_measure(const struct reader *r, char *text, struct plan_measure *out)
{
	unsigned int seen = 0;
	char *key, *value;

	*out = (struct plan_measure){0};
	while (next_word(&text, &key, &value)) {
		int i = find_word(key), ret;

		if (i < 0 || !value)
			return refuse(r, "\"%s\" is not a word=value of a measure line", key);
		if (seen & 1u << i)
			return refuse(r, "%s= is there twice", key);
		seen |= 1u << i;
		ret = set_word(r, &words[i], value, out);
		if (ret)
			return ret;
	}
	if (!(seen & 1u << find_word("scenario")))
		return refuse(r, "scenario= is missing");
	return check_words(r, out, seen);
}

int plan_measure_parse(const char *line, struct plan_measure *out, char *msg, size_t msglen)
{
	struct reader r = {.msg = msg, .msglen = msglen};
	char copy[PLAN_LINE_MAX];
	size_t len = strlen(line);

	if (strncmp(line, "measure ", 8))
		return refuse(&r, "a measurement starts with \"measure \"");
	if (len >= sizeof(copy))
		return refuse(&r, "a line of %zu bytes is too long", len);
	memcpy(copy, line, len + 1);
	return parse_measure(&r, copy + 8, out);
}

/* Writes " name=value" to @buf; the length it takes, as snprintf(). */
static int format_word(const struct word *w, const struct plan_measure *m, char *buf, size_t len)
{
	const char *field = (const char *)m + w->offset;

	switch (w->kind) {
	case WORD_CHOICE:
		return snprintf(buf, len, " %s=%s", w->name,
				w->choices[get_number(field, w->size)]);
	case WORD_TEXT:
		return snprintf(buf, len, " %s=%s", w->name, field);
	default:
		return snprintf(buf, len, " %s=%" PRIu64, w->name, get_number(field, w->size));
	}
}

int plan_measure_format(const struct plan_measure *m, char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len, "measure");

	for (size_t i = 0; i < COUNT(words) && used < len; i++)
		if (words[i].users & USED_BY(m->scenario))
			used += (size_t)format_word(&words[i], m, buf + used, len - used);
	return used < len ? 0 : -ENOSPC;
}

/* What the lines before and after the measurements say. */
struct plan_state {
	struct plan_measure *measures;
	size_t count, alloc;
	uint64_t seed; /* of the run line: for measurements that name none */
	bool parallel, ended;
};

static int parse_head(struct reader *r, struct plan_state *p, char *line)
{
	char want[32];

	(void)p;
	snprintf(want, sizeof(want), "nestlab-plan %d", PROTOCOL_VERSION);
	return strcmp(line, want) ? refuse(r, "expected \"%s\", found \"%.60s\"", want, line) : 0;
}

static int parse_run(struct reader *r, struct plan_state *p, char *line)
{
	char *text = line + 4, *key, *value;

	if (strncmp(line, "run ", 4))
		return refuse(r, "expected the line \"run ...\", found \"%.60s\"", line);
	while (next_word(&text, &key, &value)) {
		if (value && !strcmp(key, "seed") && parse_number(value, &p->seed))
			continue;
		if (value && !strcmp(key, "mode") && !strcmp(value, "parallel")) {
			p->parallel = true;
			continue;
		}
		if (!value || strcmp(key, "mode") || strcmp(value, "cooperative"))
			return refuse(r, "%s=%s is not a word of the run line", key,
				      value ? value : "");
	}
	return 0;
}

static int parse_end(struct reader *r, struct plan_state *p, const char *count)
{
	uint64_t stated;

	if (!parse_number(count, &stated) || stated != p->count)
		return refuse(r, "the plan says it has %s measurements, it has %zu", count,
			      p->count);
	p->ended = true;
	return 0;
}

static int grow(struct reader *r, struct plan_state *p)
{
	struct plan_measure *more;
	size_t alloc = p->alloc ? 2 * p->alloc : 16;

	if (p->count < p->alloc)
		return 0;
	if (p->count == PLAN_MEASURES_MAX)
		return refuse(r, "more than %d measurements", PLAN_MEASURES_MAX);
	more = realloc(p->measures, alloc * sizeof(*more));
	if (!more)
		return refuse(r, "no memory for %zu measurements", alloc);
	p->measures = more;
	p->alloc = alloc;
	return 0;
}

static int parse_body(struct reader *r, struct plan_state *p, char *line)
{
	struct plan_measure *m;
	bool has_seed, has_parallel;
	int ret;

	if (p->ended)
		return refuse(r, "there is something after the end line");
	if (!strncmp(line, "end count=", 10))
		return parse_end(r, p, line + 10);
	if (strncmp(line, "measure ", 8))
		return refuse(r, "expected \"measure ...\" or \"end ...\", found \"%.60s\"", line);
	ret = grow(r, p);
	if (ret)
		return ret;
	has_seed = strstr(line, " seed=");
	has_parallel = strstr(line, " parallel=");
	m = &p->measures[p->count];
	ret = parse_measure(r, line + 8, m);
	if (ret)
		return ret;
	if (m->id != p->count)
		return refuse(r, "id=%" PRIu32 " where %zu is next", m->id, p->count);
	m->seed = has_seed ? m->seed : p->seed;
	m->parallel = has_parallel ? m->parallel : p->parallel && m->scenario != PLAN_KSELFTEST;
	p->count++;
	return 0;
}

/* Copies the line at *text, without its newline, and moves past it. */
static int next_line(const struct reader *r, const char **text, char line[PLAN_LINE_MAX])
{
	size_t len = strcspn(*text, "\n");

	if (len >= PLAN_LINE_MAX)
		return refuse(r, "a line of %zu bytes is too long", len);
	memcpy(line, *text, len);
	line[len] = '\0';
	*text += len + ((*text)[len] == '\n');
	return 0;
}

static int parse_lines(struct reader *r, struct plan_state *p, const char *text)
{
	char line[PLAN_LINE_MAX];

	for (r->line = 1; *text || r->line < 3; r->line++) {
		int ret = next_line(r, &text, line);

		if (!ret && r->line == 1)
			ret = parse_head(r, p, line);
		else if (!ret && r->line == 2)
			ret = parse_run(r, p, line);
		else if (!ret)
			ret = parse_body(r, p, line);
		if (ret)
			return ret;
	}
	return p->ended ? 0 : refuse(r, "the plan ends without \"end count=%zu\"", p->count);
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
