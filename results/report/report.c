// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/formats.h"

const struct report_format report_formats[] = {
	{"text", "for a terminal or a file", plain_render},
	{"html", "a self-contained page with plots", html_render},
	{"markdown", "for an issue or a merge request", markdown_render},
	{"csv", "a line per metric, RFC 4180", csv_render},
	{"json", "all of it, for programs", json_render},
	{"ktap", "KTAP version 1, which prove reads too", ktap_render},
	{"junit", "JUnit XML", junit_render},
	{"kcidb", "KCIDB schema 5.3", kcidb_render},
	{"email", "as the kernel's robots write", email_render},
	{NULL, NULL, NULL},
};
