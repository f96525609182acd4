// SPDX-License-Identifier: GPL-2.0-only
/* What the agent reads (a plan) and what the orchestrator reads (records): any bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/wire/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The measurements as a plan of their own; the caller frees. */
static char *write_plan(const struct plan_measure *measures, size_t n)
{
	size_t size = (n + 3) * PLAN_LINE_MAX, used;
	char *text = malloc(size);

	used = (size_t)snprintf(text, size, "nestlab-plan %d\nrun seed=0\n", PROTOCOL_VERSION);
	for (size_t i = 0; i < n; i++) {
		if (plan_measure_format(&measures[i], text + used, PLAN_LINE_MAX))
			abort();
		used += strlen(text + used);
		text[used++] = '\n';
	}
	snprintf(text + used, size - used, "end count=%zu\n", n);
	return text;
}

/* A plan that is accepted can be written, and read again as the same. */
static void fuzz_plan(const char *text)
{
	struct plan_measure *measures, *again;
	char msg[128], *written, *rewritten;
	size_t n, nagain;

	if (plan_parse(text, &measures, &n, msg, sizeof(msg)))
		return;
	for (size_t i = 0; i < n; i++)
		if (plan_measure_impossible(&measures[i]))
			abort();
	written = write_plan(measures, n);
	if (plan_parse(written, &again, &nagain, msg, sizeof(msg)) || nagain != n)
		abort();
	rewritten = write_plan(again, nagain);
	if (strcmp(written, rewritten))
		abort();
	free(written);
	free(rewritten);
	free(measures);
	free(again);
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
