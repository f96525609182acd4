// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/range.h"

#include <ctype.h>
#include <string.h>

/* Digits only; UINT64_MAX where there are none or too many. */
static uint64_t read_number(const char **p)
{
	uint64_t n = 0;
	int digits = 0;

	for (; isdigit((unsigned char)**p) && digits < 18; (*p)++, digits++)
		n = n * 10 + (uint64_t)(**p - '0');
	return digits ? n : UINT64_MAX;
}

bool range_read(const char *text, uint64_t size, struct range *r)
{
	uint64_t first, last;

	*r = (struct range){.length = size};
	if (!text || strncmp(text, "bytes=", 6))
		return true;
	text += 6;
	first = read_number(&text);
	if (*text++ != '-')
		return true;
	last = read_number(&text);
	if (*text || (first == UINT64_MAX && last == UINT64_MAX))
		return true;
	if (first == UINT64_MAX) {
		first = last < size ? size - last : 0;
		last = size - 1;
	}
	if (first >= size || last < first)
		return false;
	if (last >= size)
		last = size - 1;
	*r = (struct range){first, last - first + 1, true};
	return true;
}
