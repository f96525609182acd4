/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * alloc.h - allocation that ends the program (exit status 128) instead of returning NULL, and
 * formatted strings. The caller frees what these return with free().
 */
#ifndef COMMON_ALLOC_H
#define COMMON_ALLOC_H

#include <stddef.h>

void *xcalloc(size_t n, size_t size);		/* zeroed; n * size is checked for overflow */
void *xrealloc(void *p, size_t n, size_t size); /* to n * size bytes, checked likewise */
char *xstrdup(const char *s);			/* NULL gives NULL */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For `char *p __cleanup_free = ...`: freed at the end of the scope. */
void cleanup_free(void *p);
#define __cleanup_free __attribute__((cleanup(cleanup_free)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
