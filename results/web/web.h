/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * web.h - pages that the daemon serves, drawn on the server: complete without a script, on a phone, in the dark, on paper. Text goes
 * through results/report/markup.h. WEB_POLICY allows nothing but their own style sheet and scripts.
 *
 * Scripts only add: live.js keeps a page of something that moves up to date, metric.js makes a plot that can be zoomed
 * (with Debian's libjs-dygraphs, where that is installed).
 */
#ifndef RESULTS_WEB_WEB_H
#define RESULTS_WEB_WEB_H

#include "common/strbuf.h"
#include "results/trend/trend.h"

#define WEB_POLICY                                                                                  \
	"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action " \
	"'self'; base-uri 'none'; frame-ancestors 'none'"

/* What the pages load: "/style.css", "/live.js", "/metric.js". */
struct web_asset {
	const char *path, *type, *text;
};
extern const struct web_asset web_assets[]; /* ended by a NULL path */

struct web_head { /* zeroed but for the title: a page on which nothing moves, for nobody in particular */
	const char *title;
	const char *at;		    /* the page's path in the navigation; NULL: none */
	const char *who;	    /* is logged in; NULL: nobody */
	const char *logout_key;	    /* of its form, with who */
	const char *const *scripts; /* paths, ended by NULL; NULL: none */
	bool moves;		    /* without a script it is loaded again every few seconds */
};

/* Everything up to and after the content. */
void web_begin(struct strbuf *out, const struct web_head *head);
void web_end(struct strbuf *out);

/* ---- tables ---- */

/* A table's head, of cells ended by NULL, and one cell; web_end_table() ends it. */
void web_begin_table(struct strbuf *out, const char *caption, const char *const *heads);
void web_cell(struct strbuf *out, const char *text); /* NULL: an empty one */
/* A cell with a link to @folder + @name, whose text is @text. */
void web_link_cell(struct strbuf *out, const char *folder, const char *name, const char *text);
/* A word of a queue or a verdict ("running", "regressed"), with its colour. */
void web_state_cell(struct strbuf *out, const char *state);
void web_end_table(struct strbuf *out);

/* ---- forms ---- */

/* A form that is posted to @path, with a field "key" (NULL: none); `</form>` ends it. */
void web_begin_form(struct strbuf *out, const char *path, const char *key);
/* One that asks for the page @path again, with its fields in the address. */
void web_begin_filter(struct strbuf *out, const char *path);
struct web_field {
	const char *name, *label;
	const char *value; /* NULL: empty */
	const char *type;  /* of an input: "text", "password", "number"; or "textarea" */
	const char *hint;  /* NULL: none */
};
void web_field(struct strbuf *out, const struct web_field *field);
struct web_choice {
	const char *value, *text;
};
/* One of @choices, which a choice without text ends. */
void web_select(struct strbuf *out, const char *name, const char *label, const char *value,
		const struct web_choice *choices);
void web_button(struct strbuf *out, const char *text);

/* ---- nights ---- */

#define WEB_NIGHTS_MAX 90

/*
 * Rows of all series, those that changed most in their last night first, with a sparkline each: its scale spans at least 1 %, so
 * that noise looks like noise. The newest WEB_NIGHTS_MAX nights are drawn. A row leads to @folder + web_series_name().
 */
void web_trends(struct strbuf *out, const struct trend_list *l, const char *folder);

/* What a series is called in a path: of its scenario, parameters, metric and environment. */
#define WEB_SERIES_NAME 13
void web_series_name(const struct trend_series *s, char name[WEB_SERIES_NAME]);

struct web_night {
	const char *time, *kernel, *job;
};
struct web_mark { /* a change whose first bad night is that one */
	size_t night;
	const char *text, *link;
};
/* The series as a plot with a mark at each change, and as a table in which two nights can be picked and compared. @nights: what
 * the points' nights are; @marks: of those, by night. */
void web_metric(struct strbuf *out, const struct trend_series *s, const struct web_night *nights,
		const struct web_mark *marks, size_t nmarks);

#endif
