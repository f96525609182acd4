// SPDX-License-Identifier: GPL-2.0-only
#include "common/nearest.h"

#include <stddef.h>
#include <string.h>

#define MAX_LENGTH 40
#define FAR	   99

static int smallest_of_three(int a, int b, int c)
{
	int least = a;

	if (b < least)
		least = b;
	if (c < least)
		least = c;
	return least;
}

/* The mistakes between @a and @b. Three rows of the usual table: a swap looks two rows back. */
static int count_mistakes(const char *a, const char *b)
{
	int rows[3][MAX_LENGTH + 1], *before = rows[0], *last = rows[1], *row = rows[2];
	int n = (int)strlen(b);

	if (n > MAX_LENGTH || strlen(a) > MAX_LENGTH)
		return FAR;
	for (int j = 0; j <= n; j++)
		last[j] = j;
	for (int i = 1; a[i - 1]; i++) {
		int *reuse = before;

		row[0] = i;
		for (int j = 1; j <= n; j++) {
			row[j] = smallest_of_three(last[j] + 1, row[j - 1] + 1,
						   last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = reuse;
	}
	return last[n];
}

const char *nearest_word(const char *word, const char *const *known)
{
	size_t len = strlen(word);
	int best = FAR;
	const char *nearest = NULL;

	for (; *known; known++) {
		int mistakes = count_mistakes(word, *known);

		if (len > 1 && !strncmp(word, *known, len))
			mistakes = 0;
		if (mistakes >= best)
			continue;
		best = mistakes;
		nearest = *known;
	}
	if (best > 3 || 2 * best > (int)len)
		return NULL;
	return nearest;
}
