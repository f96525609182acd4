// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/cpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cpus in_use;

static bool add_range(struct cpus *out, unsigned long from, unsigned long to)
{
	if (from > to || to >= CPUS_MAX)
		return false;
	for (; from <= to; from++) {
		out->count += !out->has[from];
		out->has[from] = true;
	}
	return true;
}

bool cpus_parse(const char *list, struct cpus *out)
{
	const char *p = list;

	memset(out, 0, sizeof(*out));
	while (*p && *p != '\n') {
		char *end;
		unsigned long from, to;

		if (*p < '0' || *p > '9')
			return false;
		from = to = strtoul(p, &end, 10);
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (!add_range(out, from, to))
			return false;
		p = end + (*end == ',');
		if (p == end && *end && *end != '\n')
			return false;
	}
	return true;
}

void cpus_format(const struct cpus *cpus, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int from = 0, to; from < CPUS_MAX; from = to + 1) {
		to = from;
		if (!cpus->has[from])
			continue;
		while (to + 1 < CPUS_MAX && cpus->has[to + 1])
			to++;
		if (from == to)
			len += (size_t)snprintf(text + len, size - len, "%s%u", len ? "," : "",
						from);
		else
			len += (size_t)snprintf(text + len, size - len, "%s%u-%u", len ? "," : "",
						from, to);
		if (len >= size)
			return;
	}
}

void cpus_format_mask(const struct cpus *cpus, char *text, size_t size)
{
	size_t len = 0;
	int word = CPUS_MAX / 32 - 1;

	text[0] = '\0';
	for (; word >= 0 && len < size; word--) {
		unsigned int bits = 0;

		for (unsigned int i = 0; i < 32; i++)
			bits |= (unsigned int)cpus->has[word * 32 + (int)i] << i;
		if (!bits && !len && word)
			continue; /* leading zeros */
		len += (size_t)snprintf(text + len, size - len, len ? ",%08x" : "%x", bits);
	}
}

void cpus_split(const struct cpus *online, const struct cpus *isolated, struct cpus *measuring,
		struct cpus *rest)
{
	bool first = true;

	memset(measuring, 0, sizeof(*measuring));
	memset(rest, 0, sizeof(*rest));
	for (unsigned int i = 0; i < CPUS_MAX; i++) {
		bool measures = isolated->count ? isolated->has[i] : !first;

		if (!online->has[i])
			continue;
		first = false;
		add_range(measures ? measuring : rest, i, i);
	}
	if (!measuring->count)
		*measuring = *rest;
	if (!rest->count)
		*rest = *measuring;
}

void cpus_use(const struct cpus *measuring)
{
	in_use = *measuring;
}

int cpus_nth(unsigned int n)
{
	unsigned int left;

	if (!in_use.count)
		return -1;
	left = n % in_use.count;
	for (int i = 0; i < CPUS_MAX; i++)
		if (in_use.has[i] && !left--)
			return i;
	return -1;
}
