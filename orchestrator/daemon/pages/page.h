/* SPDX-License-Identifier: GPL-2.0-only */
/* page.h - what the handlers of pages (api_page*.c) have in common, on top of results/web/web.h. */
#ifndef ORCHESTRATOR_DAEMON_PAGES_PAGE_H
#define ORCHESTRATOR_DAEMON_PAGES_PAGE_H

#include "orchestrator/daemon/api/api.h"
#include "results/web/web.h"

/* Who may change what jobs and changes are (api/route.c has the same). */
#define PAGE_SUBMITTERS (SCOPE_SUBMITTER | SCOPE_OPERATOR | SCOPE_ADMIN)

/* The frame with who is logged in. @head: title, and what else is not the same on all pages. */
void page_begin(const struct exchange *x, struct strbuf *page, const struct web_head *head);
/* Ends @page and answers with it; with a negative @ret drops it and returns that. */
int page_answer(struct exchange *x, struct strbuf *page, int ret);

/* All rows as the rest of a table that was begun, and its end. @link: what stands before the first column's text in its
 * link; NULL: none. Columns called state or verdict are coloured; of one
 * called params the JSON is put into words. */
int page_add_rows(struct strbuf *page, struct daemon_db *db, sqlite3_stmt *s, const char *link,
		  struct error *err);

/* Is a browser logged in that may send forms of routes with these @scopes? */
bool page_may(const struct exchange *x, unsigned int scopes);
/* A form that goes to @path, with its key. */
void page_begin_form(const struct exchange *x, struct strbuf *page, const char *path);
/* A form of nothing but a button. */
void page_add_button(const struct exchange *x, struct strbuf *page, const char *path,
		     const char *text);
/* What asks for a token; after it the browser goes to @path. In api_login.c. */
void login_add_form(struct strbuf *page, const char *path);
/* Nobody is sent to another site ("//name", "/\\name"). */
bool login_is_own_path(const char *path);
/* `<dt>NAME</dt><dd>VALUE</dd>`; nothing for no value. */
void page_add_fact(struct strbuf *page, const char *name, const char *value);

/* A link to the comparison of two kernels, in one session or (NULL) in all. */
void page_add_comparison(struct strbuf *page, const char *base, const char *new,
			 const char *session, const char *text);

/* ---- nights ---- */

struct page_nights { /* the newest of a schedule's branch, the oldest first */
	struct trend_night nights[WEB_NIGHTS_MAX];
	struct web_night told[WEB_NIGHTS_MAX];
	int64_t ids[WEB_NIGHTS_MAX];
	size_t count;
	int64_t first; /* of all of the branch: what paths call it by */
};

/* The branch that has night number @night. Free with page_nights_free(), whatever it returned. */
int page_nights_load(struct daemon_db *db, int64_t night, struct page_nights *out,
		     struct error *err);
void page_nights_free(struct page_nights *n);

/* Their numbers; the caller frees @l. */
int page_nights_trends(const struct exchange *x, const struct page_nights *n, struct trend_list *l,
		       struct error *err);
/* The trends of a night's branch as a table. */
int page_add_trends(struct exchange *x, struct daemon_db *db, int64_t night, struct strbuf *page,
		    struct error *err);

#endif
