// SPDX-License-Identifier: GPL-2.0-only
/* A form of any bytes: read, or refused with nothing left. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "orchestrator/daemon/http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	size_t n;

	for (; *text; text += n)
		if (!(n = utf8_length(text, UTF8_TO_NUL)))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;
	struct form f;

	if (form_parse((const char *)data, size, &f, &err)) {
		if (f.text || f.count)
			abort();
		return 0;
	}
	for (size_t i = 0; i < f.count; i++) {
		check_text(f.fields[i].name);
		check_text(f.fields[i].value);
	}
	form_free(&f);
	return 0;
}
