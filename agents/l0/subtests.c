// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/subtests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32.h"

#define HALF	(SUBTESTS_OUTPUT / 2)
#define BUCKETS (sizeof(((struct subtests *)0)->buckets) / sizeof(int32_t))

static const char *const result_words[] = {
	[SUBTEST_SKIP] = "skip", [SUBTEST_PASS] = "pass", [SUBTEST_FAIL] = "fail"};

static const struct {
	const char *word;
	enum subtest_result result;
} marks[] = {
	{"PASS: ", SUBTEST_PASS},  {"FAIL: ", SUBTEST_FAIL},  {"SKIP: ", SUBTEST_SKIP},
	{"XFAIL: ", SUBTEST_PASS}, {"XPASS: ", SUBTEST_FAIL}, {"ABORT: ", SUBTEST_FAIL},
};

int subtests_init(struct subtests *t)
{
	*t = (struct subtests){
		.found = calloc(SUBTESTS_MAX, sizeof(*t->found)),
		.head = malloc(HALF),
		.tail = malloc(HALF),
	};
	memset(t->buckets, 0xff, sizeof(t->buckets));
	if (t->found && t->head && t->tail)
		return 0;
	subtests_free(t);
	return -ENOMEM;
}

void subtests_free(struct subtests *t)
{
	free(t->found);
	free(t->head);
	free(t->tail);
}

static struct subtest *find_subtest(struct subtests *t, const char *name)
{
	int32_t *bucket = &t->buckets[crc32_update(0, name, strlen(name)) % BUCKETS];

	for (int32_t i = *bucket; i >= 0; i = t->found[i].next)
		if (!strcmp(t->found[i].name, name))
			return &t->found[i];
	if (t->nfound == SUBTESTS_MAX)
		return NULL;
	t->found[t->nfound].next = *bucket;
	*bucket = (int32_t)t->nfound;
	snprintf(t->found[t->nfound].name, SUBTESTS_NAME, "%s", name);
	return &t->found[t->nfound++];
}

static void count_result(struct subtests *t, const char *name, enum subtest_result result)
{
	char full[SUBTESTS_NAME];
	struct subtest *s;

	snprintf(full, sizeof(full), "%s%s%s", t->suite, *t->suite ? ": " : "", name);
	s = find_subtest(t, full);
	if (!s)
		s = &t->found[SUBTESTS_MAX - 1]; /* the last one stands for all that follow it */
	s->times++;
	if (result > s->worst)
		s->worst = result;
	t->lines[result]++;
}

static void take_line(struct subtests *t)
{
	static const char suite[] = "Test suite: ";

	t->line[t->len] = '\0';
	t->len = 0;
	if (!strncmp(t->line, suite, sizeof(suite) - 1)) {
		snprintf(t->suite, sizeof(t->suite), "%s", t->line + sizeof(suite) - 1);
		return;
	}
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		size_t len = strlen(marks[i].word);

		if (!strncmp(t->line, marks[i].word, len)) {
			count_result(t, t->line + len, marks[i].result);
			return;
		}
	}
}

static void keep_byte(struct subtests *t, char c)
{
	if (t->seen < HALF)
		t->head[t->seen] = c;
	else
		t->tail[(t->seen - HALF) % HALF] = c;
	t->seen++;
}

/* A NUL would end the name that it stands in. */
void subtests_take(struct subtests *t, const char *data, size_t len)
{
	for (; len; data++, len--) {
		if (*data == '\r' || !*data)
			continue;
		keep_byte(t, *data);
		if (*data == '\n')
			take_line(t);
		else if (t->len < sizeof(t->line) - 1)
			t->line[t->len++] = *data;
	}
}

void subtests_finish(struct subtests *t)
{
	if (t->len)
		take_line(t);
}

/* A failure is told with its text, which must say something. */
static void describe_subtest(const struct subtest *one, char *text, size_t size)
{
	bool failed = one->worst == SUBTEST_FAIL;

	*text = '\0';
	if (one->times > 1)
		snprintf(text, size, "%u times%s", one->times,
			 failed ? ", of which it failed at least once" : "");
	else if (failed)
		snprintf(text, size, "it printed FAIL");
}

void subtests_report(const struct subtests *t, struct sink *s, const char *program)
{
	for (size_t i = 0; i < t->nfound; i++) {
		const struct subtest *one = &t->found[i];
		char name[SUBTESTS_NAME + 72], text[64];

		snprintf(name, sizeof(name), "%s: %s", program, one->name);
		describe_subtest(one, text, sizeof(text));
		sink_test(s, name, result_words[one->worst], text, strlen(text));
	}
}

char *subtests_output(const struct subtests *t, const char *more)
{
	size_t head = t->seen < HALF ? t->seen : HALF, rest = t->seen - head;
	size_t kept = rest < HALF ? rest : HALF, len = head, size = head + kept + strlen(more) + 64;
	char *text = malloc(size);

	if (!text)
		return NULL;
	memcpy(text, t->head, head);
	if (rest > kept)
		len += (size_t)snprintf(text + len, size - len, "\n[%zu bytes are left out]\n",
					rest - kept);
	for (size_t i = 0; i < kept; i++)
		text[len++] = t->tail[(rest - kept + i) % HALF];
	if (len && text[len - 1] != '\n' && *more)
		text[len++] = '\n';
	snprintf(text + len, size - len, "%s", more);
	return text;
}
