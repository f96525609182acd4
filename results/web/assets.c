// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>

#include "results/web/web.h"

/* The files beside this one, NUL-terminated, as the assembler finds them. */
__asm__(".pushsection .rodata\n"
	"web_style_css: .incbin \"results/web/style.css\"\n"
	".byte 0\n"
	"web_live_js: .incbin \"results/web/live.js\"\n"
	".byte 0\n"
	"web_metric_js: .incbin \"results/web/metric.js\"\n"
	".byte 0\n"
	".popsection\n");
extern const char web_style_css[] __attribute__((visibility("hidden")));
extern const char web_live_js[] __attribute__((visibility("hidden")));
extern const char web_metric_js[] __attribute__((visibility("hidden")));

const struct web_asset web_assets[] = {
	{"/style.css", "text/css; charset=utf-8", web_style_css},
	{"/live.js", "text/javascript; charset=utf-8", web_live_js},
	{"/metric.js", "text/javascript; charset=utf-8", web_metric_js},
	{0},
};
