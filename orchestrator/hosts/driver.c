// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/driver.h"

#include <errno.h>

static int64_t *number_at(void *out, const struct host_number *row)
{
	return (int64_t *)(void *)((char *)out + row->offset);
}

int host_read_numbers(const struct json_node *file, const struct host_number *rows, size_t n,
		      void *out, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct host_number *row = &rows[i];
		struct json_node node;
		int ret;

		*number_at(out, row) = row->preset;
		ret = json_member(file, row->key, false, &node, err);
		if (ret == -ENOENT)
			continue;
		if (ret)
			return ret;
		ret = json_as_int(&node, row->min, row->max, number_at(out, row), err);
		if (ret)
			return ret;
	}
	return 0;
}

void host_found_lacks(struct host_found *found, const char *what, const char *remedy)
{
	found->ready = false;
	strbuf_addf(&found->missing, "%s: %s\n", what, remedy);
}
