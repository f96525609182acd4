/* SPDX-License-Identifier: GPL-2.0-only */
/* formats.h - the rows of report_formats[]: one function a format, NAME_render() in NAME.c. */
#ifndef RESULTS_REPORT_FORMATS_H
#define RESULTS_REPORT_FORMATS_H

#include "results/report/report.h"

#define REPORT_FORMAT(name)                                                        \
	void name##_render(const struct report *r, const struct report_options *o, \
			   struct strbuf *out)
REPORT_FORMAT(plain);
REPORT_FORMAT(html);
REPORT_FORMAT(markdown);
REPORT_FORMAT(csv);
REPORT_FORMAT(json);
REPORT_FORMAT(ktap);
REPORT_FORMAT(junit);
REPORT_FORMAT(kcidb);
REPORT_FORMAT(email);

#endif
