// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/doc.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/alloc.h"

#define COLUMNS 100

/* Opens or closes a list, unless it is open or closed already. */
static void set_list(struct doc *d, bool wanted)
{
	if (d->in_list != wanted)
		d->face->list(d, wanted);
	d->in_list = wanted;
}

void doc_begin(struct doc *d, const struct doc_face *face, struct strbuf *out, const char *title)
{
	doc_begin_columns(d, face, out, title, 0);
}

void doc_begin_columns(struct doc *d, const struct doc_face *face, struct strbuf *out,
		       const char *title, size_t columns)
{
	if (!columns)
		columns = COLUMNS;
	*d = (struct doc){.face = face, .out = out, .columns = columns};
	d->face->begin(d, title);
}

void doc_end(struct doc *d)
{
	set_list(d, false);
	d->face->end(d);
}

/* What printf makes of the arguments after @fmt; for __cleanup_free variables. */
#define FORMATTED(fmt)                                  \
	({                                              \
		struct strbuf formatted_ = STRBUF_INIT; \
		va_list ap_;                            \
		va_start(ap_, fmt);                     \
		strbuf_vaddf(&formatted_, fmt, ap_);    \
		va_end(ap_);                            \
		strbuf_detach(&formatted_);             \
	})

void doc_heading(struct doc *d, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	set_list(d, false);
	d->face->heading(d, text);
}

void doc_paragraph(struct doc *d, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	set_list(d, false);
	d->face->paragraph(d, text);
}

void doc_verdict(struct doc *d, enum tone tone, const char *word, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	set_list(d, false);
	d->face->verdict(d, tone, word, text);
}

void doc_item(struct doc *d, enum tone tone, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	set_list(d, true);
	d->face->item(d, tone, text);
}

void doc_code(struct doc *d, const char *text)
{
	set_list(d, false);
	d->face->code(d, text);
}

void doc_table(struct doc *d, struct table *t)
{
	set_list(d, false);
	d->face->table(d, t);
	table_free(t);
}

void doc_figure(struct doc *d, const char *caption, const char *svg, struct table *numbers)
{
	set_list(d, false);
	d->face->figure(d, caption, svg, numbers);
	table_free(numbers);
}
