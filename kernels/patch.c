// SPDX-License-Identifier: GPL-2.0-only
#include "kernels/patch.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

#define MAX_PATCH_BYTES (64 << 20)

/* Lines that name a file. git's own (renames, copies) have no a/ or b/ in front of it. */
static const struct header {
	const char *sign;
	bool old, prefixed;
} headers[] = {
	{"--- ", true, true},	      {"+++ ", false, true},	   {"rename from ", true, false},
	{"rename to ", false, false}, {"copy from ", true, false}, {"copy to ", false, false},
};

static const struct header *find_header(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (!strncmp(line, headers[i].sign, strlen(headers[i].sign)))
			return &headers[i];
	return NULL;
}

static int call_with(const struct header *h, const char *line,
		     int (*each)(const struct patch_path *p, void *arg), void *arg)
{
	const char *name = line + strlen(h->sign);
	__cleanup_free char *raw = strndup(name, strcspn(name, "\t\r\n"));
	const char *slash = strchr(raw, '/');
	struct patch_path p = {.raw = raw, .path = raw, .old = h->old};

	if (!strcmp(raw, "/dev/null"))
		return 0;
	if (h->prefixed && slash)
		p.path = slash + 1;
	return each(&p, arg);
}

int patch_each_path(const char *text, int (*each)(const struct patch_path *p, void *arg), void *arg)
{
	while (*text) {
		const struct header *h = find_header(text);

		if (h) {
			int ret = call_with(h, text, each, arg);

			if (ret)
				return ret;
		}
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return 0;
}

int patch_file_each_path(const char *file, int (*each)(const struct patch_path *p, void *arg),
			 void *arg, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(file, MAX_PATCH_BYTES, &text, err);

	if (!ret)
		ret = patch_each_path(text.buf, each, arg);
	strbuf_release(&text);
	return ret;
}
