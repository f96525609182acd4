// SPDX-License-Identifier: GPL-2.0-only
/* A BMC's event log, of any bytes: as many entries as lines at most, and none with control characters. */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/hosts/ipmi/events.h"
#include "orchestrator/hosts/sel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sel sel = SEL_INIT(1);
	struct strbuf text = STRBUF_INIT;
	size_t lines = 1;
	char *rest, *line;

	strbuf_add(&text, (const char *)data, size);
	sel_parse_iso(text.buf);
	for (rest = text.buf; (line = strsep(&rest, "\n")); lines++)
		ipmi_events_add(&sel, line);
	if (sel.entries > lines)
		abort();
	for (size_t i = 0; i < sel.text.len; i++)
		if (sel.text.buf[i] != '\n' && iscntrl((unsigned char)sel.text.buf[i]))
			abort();
	strbuf_release(&text);
	sel_release(&sel);
	return 0;
}
