/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * excerpt.h - texts from outside (what a selftest printed, what a kernel said when it died) in a bounded
 * number of bytes: readers of the formats for CI have limits, and a console can have megabytes.
 */
#ifndef RESULTS_REPORT_EXCERPT_H
#define RESULTS_REPORT_EXCERPT_H

#include <stddef.h>

/* @text in at most @max bytes (100 or more), not cut within a character; where something is left out, it
 * ends with " ... (N bytes more)". The caller frees. */
char *excerpt_make(const char *text, size_t max);

/* Bytes of the first part of @text that has at most @max bytes and no half character at its end. */
size_t excerpt_length(const char *text, size_t max);

#endif
