// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/formats.h"
#include "results/report/several.h"

const struct report_format report_formats[] = {
	{"text", "for a terminal or a file", plain_render, plain_several},
	{"html", "a self-contained page with plots", html_render, html_several},
	{"markdown", "for an issue or a merge request", markdown_render, markdown_several},
	{"csv", "a line per metric, RFC 4180", csv_render, NULL},
	{"json", "all of it, for programs", json_render, json_several},
	{"ktap", "KTAP version 1, which prove reads too", ktap_render, NULL},
	{"junit", "JUnit XML", junit_render, NULL},
	{"kcidb", "KCIDB schema 5.3", kcidb_render, NULL},
	{"email", "as the kernel's robots write", email_render, NULL},
	{NULL, NULL, NULL, NULL},
};
