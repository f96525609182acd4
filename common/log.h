/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - messages for people, on stderr: "nestlab: warning: text". Never a secret.
 * log_quiet() leaves errors only; log_verbose() adds the debug ones.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_quiet(void);
void log_verbose(void);

#endif
