// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/wrap.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/markup.h"

/* How much of the text fits into a line. */
static size_t fit_line(const char *text, size_t room)
{
	size_t len = strcspn(text, "\n"), at = room;

	if (len <= room)
		return len;
	while (at && text[at] != ' ')
		at--;
	if (at)
		return at;
	return strcspn(text, " \n"); /* a long word stays whole */
}

void wrap_add(struct strbuf *out, const char *indent, const char *text, bool hang)
{
	bool more = false;

	while (*text) {
		size_t len = fit_line(text, WRAP_WIDTH - strlen(indent) - 2);
		__cleanup_free char *line = strndup(text, len);

		strbuf_addf(out, "%s%s", indent, more && hang ? "  " : "");
		markup_line(out, line);
		strbuf_addch(out, '\n');
		more = text[len] == ' ';
		text += len + (text[len] != '\0');
	}
}
