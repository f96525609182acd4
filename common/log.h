/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - messages for people, on stderr, above the live lines of progress.h: "nestlab: warning:
 * text". Thread-safe. Secrets must not be logged.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "error: " in front */
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "warning: " */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
