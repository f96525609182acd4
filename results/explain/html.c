// SPDX-License-Identifier: GPL-2.0-only
/* An explanation as a page of its own. */
#include "common/alloc.h"
#include "results/explain/page.h"

void explain_html(const struct explanation *e, struct strbuf *out)
{
	__cleanup_free char *title = NULL;
	struct doc d;

	if (e->nsides == 2)
		title = xasprintf("Where %s %s's instructions went: %s against %s",
				  explain_article(e), e->operation, e->sides[1].kernel,
				  e->sides[0].kernel);
	else
		title = xasprintf("Where %s %s's instructions go: %s", explain_article(e),
				  e->operation, e->sides[0].kernel);
	doc_begin(&d, &html_face, out, title);
	explain_add_verdict(&d, e);
	explain_add_to(&d, e);
	doc_end(&d);
}
