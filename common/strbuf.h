/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * strbuf.h - a growing string, always NUL-terminated.
 *
 * Initialise with STRBUF_INIT, end with strbuf_release(). Running out of memory ends the program
 * (see common/alloc.h), so callers need not check.
 */
#ifndef COMMON_STRBUF_H
#define COMMON_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	char *buf;  /* never NULL after the first strbuf_* call; "" when empty */
	size_t len; /* without the NUL */
	size_t alloc;
};

extern char strbuf_empty[];
// clang-format off
#define STRBUF_INIT {.buf = strbuf_empty}
// clang-format on

void strbuf_release(struct strbuf *sb); /* frees and re-initialises */
void strbuf_reset(struct strbuf *sb);	/* length 0, memory kept */
void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_addstr(struct strbuf *sb, const char *s);
void strbuf_addch(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
char *strbuf_detach(struct strbuf *sb); /* the caller frees; @sb is empty again */

#endif
