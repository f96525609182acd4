// SPDX-License-Identifier: GPL-2.0-only
#include "common/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/exit.h"

static void *check_memory(void *p)
{
	if (p)
		return p;
	fputs("nestlab: out of memory\n", stderr);
	exit(EXIT_FATAL);
}

/* calloc() and realloc() of 0 bytes may give NULL, which is not an error. */
static size_t at_least_one(size_t n)
{
	if (!n)
		return 1;
	return n;
}

void *xcalloc(size_t n, size_t size)
{
	return check_memory(calloc(at_least_one(n), at_least_one(size)));
}

void *xrealloc(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return check_memory(NULL);
	return check_memory(realloc(p, at_least_one(bytes)));
}

char *xstrdup(const char *s)
{
	if (!s)
		return NULL;
	return check_memory(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return check_memory(NULL);
	return s;
}

void cleanup_free(void *p)
{
	free(*(void **)p);
}
