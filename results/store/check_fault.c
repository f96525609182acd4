// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>

#include "results/store/check.h"

void check_add_fault(struct checker *c, const char *fmt, ...)
{
	va_list ap;

	if (++c->faults > CHECK_LINES_MAX)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(c->report, fmt, ap);
	va_end(ap);
	strbuf_addch(c->report, '\n');
}
