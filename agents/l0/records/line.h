/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * line.h - the text of one record, built piece by piece without allocation: its body, from "type" on,
 * without braces. What does not fit sets `full` and leaves the line as it was.
 */
#ifndef AGENTS_L0_RECORDS_LINE_H
#define AGENTS_L0_RECORDS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "agents/wire/protocol.h"

/* What the channel adds around a body: {"seq":N, and ,"crc":"xxxxxxxx"} */
#define LINE_ENVELOPE 64

struct line {
	size_t len;
	bool full;
	char buf[PROTOCOL_LINE_MAX - LINE_ENVELOPE]; /* NUL-terminated */
};

void line_start(struct line *l, const char *type); /* "type":"TYPE" */
void line_addf(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes, whatever the bytes: control characters are escaped, and bytes that
 * are not UTF-8 become U+FFFD. */
void line_add_string(struct line *l, const char *s, size_t len);

/* ,"KEY":"VALUE" */
void line_add_member(struct line *l, const char *key, const char *value);

#endif
