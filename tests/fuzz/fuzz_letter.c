// SPDX-License-Identifier: GPL-2.0-only
/* A mail of an archive, on anything: the first look at it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/daemon/watch/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *raw = calloc(size + 1, 1);
	struct letter l;

	if (!raw)
		return 0;
	memcpy(raw, data, size);
	letter_read(raw, size, "name", &l);
	if (!l.id || !l.subject || l.nrefs > LETTER_IDS_MAX || strpbrk(l.subject, "\r\n\t\033"))
		abort();
	for (size_t i = 0; i < l.nrefs; i++)
		if (strlen(l.refs[i]) > LETTER_ID_MAX)
			abort();
	letter_is_to(raw, "kvm@vger.kernel.org");
	letter_free(&l);
	free(raw);
	return 0;
}
