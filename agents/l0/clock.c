// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/clock.h"

#include <string.h>

struct host_clock host_clock = {.name = "tsc", .unit = "ns"};

/* Is @word one of the blank-separated words of @text? */
static int has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += len)
		if ((p == text || p[-1] == ' ') && (!p[len] || strchr(" \n", p[len])))
			return 1;
	return 0;
}

void clock_init(const char *cmdline, uint32_t tsc_khz)
{
	host_clock.tsc_khz = tsc_khz;
	if (!has_word(cmdline, "nestlab.clock=emulated"))
		return;
	host_clock.name = "emulated";
	host_clock.unit = "instructions";
}

uint64_t clock_units(uint64_t ticks)
{
	unsigned __int128 scaled = (unsigned __int128)ticks * 1000000;

	if (!strcmp(host_clock.name, "emulated") || !host_clock.tsc_khz)
		return ticks;
	return (uint64_t)((scaled + host_clock.tsc_khz / 2) / host_clock.tsc_khz);
}
