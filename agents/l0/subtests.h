/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * subtests.h - what a flat binary of kvm-unit-tests prints, as results.
 *
 * A line "PASS: name", "FAIL: name", "SKIP: name" is a subtest (lib/report.c there). XFAIL, a failure that was expected,
 * is a pass here; XPASS and ABORT are failures. "Test suite: NAME", as vmx.flat says, goes before the names that
 * follow. Everything else is only output.
 *
 * A name that comes again is the same subtest: it has failed if it failed once, and is skipped only if it never ran.
 * The text is the guest's, i.e. may be anything: no line or name is longer than SUBTESTS_NAME, no more than
 * SUBTESTS_MAX names are told apart; those beyond count as one.
 */
#ifndef AGENTS_L0_SUBTESTS_H
#define AGENTS_L0_SUBTESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l0/records/sink.h"

#define SUBTESTS_MAX	4096
#define SUBTESTS_NAME	192
#define SUBTESTS_OUTPUT (1u << 20) /* bytes of the output that are kept, half of them of its end */

enum subtest_result { SUBTEST_SKIP, SUBTEST_PASS, SUBTEST_FAIL, SUBTEST_RESULTS };

struct subtest {
	char name[SUBTESTS_NAME];
	enum subtest_result worst;
	uint32_t times;
	int32_t next; /* of the same bucket; -1: none */
};

struct subtests {
	char line[SUBTESTS_NAME + 64]; /* the rest of a longer line is dropped */
	size_t len;
	char suite[64];
	struct subtest *found;
	size_t nfound;
	int32_t buckets[1024];
	uint32_t lines[SUBTEST_RESULTS];
	char *head, *tail; /* of the output */
	size_t seen;
};

/* 0 or -ENOMEM. */
int subtests_init(struct subtests *t);
void subtests_free(struct subtests *t);

/* What was printed, piece by piece. */
void subtests_take(struct subtests *t, const char *data, size_t len);

/* The last line may have no end. */
void subtests_finish(struct subtests *t);

/* A `test` record for each, named "PROGRAM: NAME", in the order in which they came. */
void subtests_report(const struct subtests *t, struct sink *s, const char *program);

/* The output, with @more as its last line; free() it. NULL: no memory. */
char *subtests_output(const struct subtests *t, const char *more);

#endif
