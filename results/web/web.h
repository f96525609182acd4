/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * web.h - pages that the daemon serves, drawn on the server: complete without a script, on a phone, in the dark, on paper. Text goes
 * through results/report/markup.h. WEB_POLICY allows nothing but their own style sheet.
 */
#ifndef RESULTS_WEB_WEB_H
#define RESULTS_WEB_WEB_H

#include "common/strbuf.h"
#include "results/trend/trend.h"

#define WEB_POLICY                                                                                    \
	"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors " \
	"'none'"

extern const char web_style[]; /* /style.css */

/* Everything up to and after the content. */
void web_begin(struct strbuf *out, const char *title);
void web_end(struct strbuf *out);

/* A table's head, of cells ended by NULL, and one cell; web_end_table() ends it. */
void web_begin_table(struct strbuf *out, const char *caption, const char *const *heads);
void web_cell(struct strbuf *out, const char *text); /* NULL: an empty one */
/* A cell with a link to @folder + @name, whose text is @text. */
void web_link_cell(struct strbuf *out, const char *folder, const char *name, const char *text);
void web_end_table(struct strbuf *out);

/*
 * Rows of all series, those that changed most in their last night first, with a sparkline each: its scale spans at least 1 %, so
 * that noise looks like noise. The newest WEB_NIGHTS_MAX nights are drawn.
 */
#define WEB_NIGHTS_MAX 90
void web_trends(struct strbuf *out, const struct trend_list *l);

#endif
