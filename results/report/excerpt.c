// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/excerpt.h"

#include <string.h>

#include "common/alloc.h"

#define NOTE_MAX 40 /* bytes of the note */

size_t excerpt_length(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	if (n <= max)
		return n;
	n = max;
	while (n && (text[n] & 0xc0) == 0x80)
		n--;
	if (!n) /* no UTF-8: nothing to keep together */
		return max;
	return n;
}

char *excerpt_make(const char *text, size_t max)
{
	size_t len = strlen(text), kept;

	if (len <= max)
		return xstrdup(text);
	kept = excerpt_length(text, max - NOTE_MAX);
	return xasprintf("%.*s ... (%zu bytes more)", (int)kept, text, len - kept);
}
