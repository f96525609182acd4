// SPDX-License-Identifier: GPL-2.0-only
/* A request of any bytes: refused with the name in front, or taken, and then printed and read back. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/request/arguments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_back(const struct request *r)
{
	__cleanup_free char *text = request_json(r), *again = NULL;
	struct request copy;

	if (request_parse(text, strlen(text), "again", REQUEST_ANY, &copy, NULL))
		abort();
	again = request_json(&copy);
	if (strcmp(text, again))
		abort();
	request_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	__cleanup_free char *text = xcalloc(size + 1, 1);
	struct error err = {0};
	struct request r;

	memcpy(text, data, size);
	for (int kind = 0; kind <= REQUEST_ANY; kind++) {
		if (request_parse(text, size, "fuzz", kind, &r, &err)) {
			if (strncmp(err.text, "fuzz:", 5))
				abort();
			continue;
		}
		read_back(&r);
		free(request_command_line(&r));
		request_free(&r);
	}
	return 0;
}
