/* SPDX-License-Identifier: GPL-2.0-only */
/* sink_fixture.h - what an agent's sink was told, through a pipe: pipe(pipes), a sink on pipes[1], read_sink(). */
#ifndef TESTS_UNIT_AGENTS_SINK_FIXTURE_H
#define TESTS_UNIT_AGENTS_SINK_FIXTURE_H

#include <unistd.h>

#include "tests/unit/unit.h"

static char told[65536];
static int pipes[2];

/* Closes both ends; the text is told, to the next call. */
static const char *read_sink(void)
{
	ssize_t n;

	close(pipes[1]);
	n = read(pipes[0], told, sizeof(told) - 1);
	close(pipes[0]);
	assert_true(n >= 0);
	told[n] = '\0';
	return told;
}

#endif
