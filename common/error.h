/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * error.h - one line of trouble, with its context, passed down the call chain.
 *
 * A function that can fail returns 0 or a negative errno and takes a `struct error *` last. It
 * describes the failure once, where it happens; each caller may put its own context in front:
 *
 *	return error_set(err, -ENOENT, "%s: no such variant (see: nestlab kernel list)", name);
 *	...
 *	if (ret)
 *		return error_prefix(err, ret, "kernel %s", name);
 *
 * gives "kernel foo: foo: no such variant ...". The text says what, where and what to do. It never
 * holds a secret. `err` may be NULL where the caller wants only the code.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stddef.h>

#define ERROR_TEXT_MAX 2048

struct error {
	int code;		   /* negative errno, 0 while nothing went wrong */
	char text[ERROR_TEXT_MAX]; /* NUL-terminated, cut at the end when too long */
};

/* Replaces the text; returns @code so that `return error_set(...)` propagates. */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text; returns @code. */
int error_prefix(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends " (hint)" style text, e.g. a log's path; returns @code. */
int error_append(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
