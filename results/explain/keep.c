// SPDX-License-Identifier: GPL-2.0-only
#include "results/explain/keep.h"

#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"

#define FILE_MAX (64 << 20) /* bytes */

static char *path_of(const char *dir, const char *base_key, const char *new_key,
		     const char *scenario, const char *metric, const char *params)
{
	__cleanup_free char *what =
		xasprintf("%s\n%s\n%s\n%s\n%s", base_key, new_key, scenario, metric, params);
	char hex[SHA256_HEX];

	sha256_bytes(what, strlen(what), hex);
	return xasprintf("%s/%.32s.json", dir, hex);
}

int explain_keep(const char *dir, const struct explanation *e, struct error *err)
{
	__cleanup_free char *path = NULL;
	struct json_object *o;
	const char *text;
	int ret;

	if (e->nsides != 2)
		return 0;
	path = path_of(dir, e->sides[0].key, e->sides[1].key, e->scenario, e->metric, e->params);
	ret = fs_mkdir_p(dir, err);
	if (ret)
		return ret;
	o = explain_to_json(e);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	ret = fs_write_file(path, text, strlen(text), err);
	json_object_put(o);
	return ret;
}

int explain_kept(const char *dir, const char *base_key, const char *new_key, const char *scenario,
		 const char *metric, const char *params, struct explanation *e, struct error *err)
{
	__cleanup_free char *path = path_of(dir, base_key, new_key, scenario, metric, params);
	struct strbuf text = STRBUF_INIT;
	int ret;

	*e = (struct explanation){0};
	if (!fs_exists(path))
		return -ENOENT;
	ret = fs_read_file(path, FILE_MAX, &text, err);
	if (!ret)
		ret = explain_from_json(text.buf, text.len, path, e, err);
	strbuf_release(&text);
	return ret;
}
