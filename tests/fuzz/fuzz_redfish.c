// SPDX-License-Identifier: GPL-2.0-only
/* What a BMC says, of any bytes: taken for an object or not, described on one line without control characters. */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/hosts/redfish/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf body = STRBUF_INIT, said = STRBUF_INIT;
	struct json_object *json;

	strbuf_add(&body, data, size);
	message_describe(400, &body, &said);
	for (size_t i = 0; i < said.len; i++)
		if (iscntrl((unsigned char)said.buf[i]))
			abort();
	json = message_parse(&body);
	message_text(json, "error", "code", NULL);
	message_at(json, "Links", "ManagedBy", NULL);
	json_object_put(json);
	strbuf_release(&body);
	strbuf_release(&said);
	return 0;
}
