// SPDX-License-Identifier: GPL-2.0-only
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/progress.h"

static void print_message(const char *prefix, const char *fmt, va_list ap)
{
	char line[4096];

	vsnprintf(line, sizeof(line), fmt, ap);
	progress_print("nestlab: %s%s\n", prefix, line);
}

// clang-format off
#define DEFINE_LOG(name, prefix)			\
	void log_##name(const char *fmt, ...)		\
	{						\
		va_list ap;				\
							\
		va_start(ap, fmt);			\
		print_message(prefix, fmt, ap);		\
		va_end(ap);				\
	}
// clang-format on

DEFINE_LOG(error, "error: ")
DEFINE_LOG(warning, "warning: ")
DEFINE_LOG(info, "")
