// SPDX-License-Identifier: GPL-2.0-only
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/progress.h"

enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

static enum level threshold = LEVEL_INFO;

static void message(enum level level, const char *prefix, const char *fmt, va_list ap)
{
	char line[4096];

	if (level > threshold)
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	progress_print("nestlab: %s%s\n", prefix, line);
}

#define DEFINE_LOG(name, level, prefix)          \
	void log_##name(const char *fmt, ...)    \
	{                                        \
		va_list ap;                      \
                                                 \
		va_start(ap, fmt);               \
		message(level, prefix, fmt, ap); \
		va_end(ap);                      \
	}

DEFINE_LOG(error, LEVEL_ERROR, "error: ")
DEFINE_LOG(warning, LEVEL_WARNING, "warning: ")
DEFINE_LOG(info, LEVEL_INFO, "")
DEFINE_LOG(debug, LEVEL_DEBUG, "debug: ")

void log_quiet(void)
{
	threshold = LEVEL_ERROR;
}

void log_verbose(void)
{
	threshold = LEVEL_DEBUG;
}
