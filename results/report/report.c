// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "results/report/formats.h"

const struct report_format report_formats[] = {
	{"text", "for a terminal or a file", report_render_text},
	{"html", "a self-contained page with plots", report_render_html},
	{"csv", "a line per metric, RFC 4180", report_render_csv},
	{"json", "all of it, for programs", report_render_json},
	{"ktap", "KTAP version 1, which prove reads too", report_render_ktap},
	{"junit", "JUnit XML", report_render_junit},
	{"kcidb", "KCIDB schema 5.3", report_render_kcidb},
	{"email", "as the kernel's robots write", report_render_email},
	{NULL, NULL, NULL},
};

const struct report_format *report_find_format(const char *name)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}
