// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/schedule_fields.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

void schedule_free_names(struct schedule_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->items[i]);
	n->count = 0;
}

void schedule_free_kernel(struct schedule_kernel *k)
{
	free(k->git);
	free(k->ref);
	free(k->variant);
	free(k->branch);
	*k = (struct schedule_kernel){0};
}

int schedule_read_text(const struct json_node *obj, const char *key, bool required, char **out,
		       struct error *err)
{
	struct json_node n;
	const char *text;
	int ret = json_member(obj, key, required, &n, err);

	if (ret == -ENOENT && !required)
		return 0;
	if (!ret)
		ret = json_as_string(&n, &text, err);
	if (ret)
		return ret;
	if (!*text || strpbrk(text, "\r\n"))
		return json_error(&n, err, "expected a line of text that is not empty");
	free(*out);
	*out = xstrdup(text);
	return 0;
}

int schedule_read_number(const struct json_node *obj, const char *key, int max, int *out,
			 struct error *err)
{
	struct json_node n;
	int64_t value;
	int ret = json_member(obj, key, false, &n, err);

	if (ret == -ENOENT)
		return 0;
	if (!ret)
		ret = json_as_int(&n, key[0] == 'b', max, &value, err); /* no boots are none */
	if (!ret)
		*out = value;
	return ret;
}

int schedule_read_flag(const struct json_node *obj, const char *key, bool *out, struct error *err)
{
	struct json_node n;
	int ret = json_member(obj, key, false, &n, err);

	if (ret == -ENOENT)
		return 0;
	if (!ret)
		ret = json_as_bool(&n, out, err);
	return ret;
}

int schedule_read_names(const struct json_node *obj, const char *key, bool required,
			struct schedule_names *out, struct error *err)
{
	struct json_node n, item;
	const char *text;
	int ret = json_member(obj, key, required, &n, err);

	if (ret == -ENOENT && !required)
		return 0;
	if (!ret)
		ret = json_as_array(&n, err);
	if (ret)
		return ret;
	if (json_length(&n) > SCHEDULE_NAMES_MAX || (required && !json_length(&n)))
		return json_error(&n, err, "expected 1 to %d names", SCHEDULE_NAMES_MAX);
	for (size_t i = 0; !ret && i < json_length(&n); i++) {
		ret = json_element(&n, i, &item);
		if (!ret)
			ret = json_as_string(&item, &text, err);
		if (!ret && (!*text || strpbrk(text, "\r\n<>")))
			ret = json_error(&item, err, "expected a name without < > and line breaks");
		if (!ret)
			out->items[out->count++] = xstrdup(text);
	}
	return ret;
}

char *schedule_plain_name(const char *ref)
{
	char *name = xstrdup(ref);

	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '-';
	return name;
}

static void name_variant(struct schedule_kernel *k)
{
	__cleanup_free char *copy = xstrdup(k->variant);

	k->branch = fs_stem(basename(copy), ".json");
	if (!k->branch)
		k->branch = xstrdup(k->variant);
}

static int name_commits(const struct json_node *n, struct schedule_kernel *k, struct error *err)
{
	int ret = schedule_read_text(n, "name", false, &k->branch, err);

	if (ret)
		return ret;
	if (!k->branch)
		k->branch = schedule_plain_name(k->ref);
	else if (!fs_is_plain_name(k->branch))
		return json_error(n, err, "expected a \"name\" of letters, digits and ._+-, not %s",
				  k->branch);
	return 0;
}

int schedule_read_kernel(const struct json_node *n, struct schedule_kernel *k, struct error *err)
{
	static const char *const keys[] = {"git", "ref", "variant", "name", NULL};
	int ret;

	if (json_object_is_type(n->value, json_type_string)) {
		k->variant = xstrdup(json_object_get_string(n->value));
		name_variant(k);
		return 0;
	}
	ret = json_as_object(n, err);
	if (!ret)
		ret = json_check_keys(n, keys, err);
	k->variant = xstrdup("baseline");
	if (!ret)
		ret = schedule_read_text(n, "git", true, &k->git, err);
	if (!ret)
		ret = schedule_read_text(n, "ref", true, &k->ref, err);
	if (!ret)
		ret = schedule_read_text(n, "variant", false, &k->variant, err);
	if (!ret && (*k->git != '/' || *k->ref == '-'))
		ret = json_error(n, err,
				 "expected an absolute path to a repository of this machine, and a "
				 "ref; to follow another machine's, keep a mirror here");
	if (!ret)
		ret = name_commits(n, k, err);
	return ret;
}
