// SPDX-License-Identifier: GPL-2.0-only
/* What the agent reads (a plan) and what the orchestrator reads (records): any bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agents/wire/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A plan that is accepted must survive being written and read again. */
static void check_round_trip(const struct plan_measure *m)
{
	struct plan_measure again;
	char line[1024], msg[128];

	if (plan_measure_format(m, line, sizeof(line)) ||
	    plan_measure_parse(line, &again, msg, sizeof(msg)) || memcmp(m, &again, sizeof(again)))
		abort();
}

static void fuzz_plan(const char *text)
{
	struct plan_measure *measures;
	char msg[64];
	size_t n;

	if (plan_parse(text, &measures, &n, msg, sizeof(msg)))
		return;
	for (size_t i = 0; i < n; i++)
		check_round_trip(&measures[i]);
	free(measures);
}

/* Whatever is sealed passes the check if it has a record's shape, and does not overrun. */
static void fuzz_record(const char *text, size_t size)
{
	char msg[64], *line = malloc(size + 32);
	int n;

	record_check(text, size, msg, sizeof(msg));
	memcpy(line, text, size);
	n = record_seal(line, size, size + 32);
	if (n > 0)
		record_check(line, (size_t)n, msg, sizeof(msg));
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	fuzz_plan(text);
	fuzz_record(text, size);
	free(text);
	return 0;
}
