/* SPDX-License-Identifier: GPL-2.0-only */
/* report_formats.h - the rows of report_formats[]: one function a format. Private to report*.c. */
#ifndef RESULTS_REPORT_FORMATS_H
#define RESULTS_REPORT_FORMATS_H

#include <json-c/json.h>

#include "results/report/report.h"

#define REPORT_FORMAT(name)                                                               \
	void report_render_##name(const struct report *r, const struct report_options *o, \
				  struct strbuf *out)
REPORT_FORMAT(text);
REPORT_FORMAT(html);
REPORT_FORMAT(csv);
REPORT_FORMAT(json);
REPORT_FORMAT(ktap);
REPORT_FORMAT(junit);
REPORT_FORMAT(kcidb);
REPORT_FORMAT(email);

/* A member with @text, made valid UTF-8; an empty one is left out. */
void report_json_text(struct json_object *obj, const char *key, const char *text);
/* Stored JSON as an object, or NULL if it is none; the caller's. */
struct json_object *report_json_parsed(const char *text);
void report_json_add(struct strbuf *out, struct json_object *doc); /* indented, with newline */

#endif
