// SPDX-License-Identifier: GPL-2.0-only
/* A variant's "source": which keys each kind of source has, and what they may say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "kernels/internal.h"

char *kernel_resolve_path(const char *dir, const char *path)
{
	if (path[0] == '/')
		return xstrdup(path);
	return xasprintf("%s/%s", dir, path);
}

int kernel_take_string(const struct json_node *n, char **out, struct error *err)
{
	const char *s;
	int ret = json_as_string(n, &s, err);

	if (ret)
		return ret;
	if (!*s)
		return json_error(n, err, "must not be empty");
	free(*out);
	*out = xstrdup(s);
	return 0;
}

static bool is_url(const char *location)
{
	return strstr(location, "://") != NULL;
}

static const struct source_kind {
	const char *name;
	enum kernel_source_kind kind;
	const char *keys[5]; /* NULL-terminated; "kind" first */
	int needed;	     /* of keys */
} source_kinds[] = {
	{"deb", KERNEL_SOURCE_DEB, {"kind", "package"}, 2},
	{"tarball", KERNEL_SOURCE_TARBALL, {"kind", "location", "sha256"}, 3},
	{"git", KERNEL_SOURCE_GIT, {"kind", "location", "ref"}, 3},
	{"built", KERNEL_SOURCE_BUILT, {"kind", "location", "system_map", "config"}, 2},
	{"running", KERNEL_SOURCE_RUNNING, {"kind"}, 1},
};

/* Where the value of a key goes. */
static char **member_of(struct kernel_source *s, const char *key)
{
	if (!strcmp(key, "sha256"))
		return &s->sha256;
	if (!strcmp(key, "ref"))
		return &s->ref;
	if (!strcmp(key, "system_map"))
		return &s->system_map;
	if (!strcmp(key, "config"))
		return &s->config;
	return &s->location; /* "location", "package" */
}

static const struct source_kind *find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(source_kinds); i++)
		if (!strcmp(source_kinds[i].name, name))
			return &source_kinds[i];
	return NULL;
}

void kernel_source_clear(struct kernel_source *s)
{
	free(s->location);
	free(s->sha256);
	free(s->ref);
	free(s->system_map);
	free(s->config);
	memset(s, 0, sizeof(*s));
}

void kernel_source_copy(struct kernel_source *s, const struct kernel_source *from)
{
	s->kind = from->kind;
	s->location = xstrdup(from->location);
	s->sha256 = xstrdup(from->sha256);
	s->ref = xstrdup(from->ref);
	s->system_map = xstrdup(from->system_map);
	s->config = xstrdup(from->config);
}

static int check_source(const struct json_node *n, const struct kernel_source *s, struct error *err)
{
	static const char digits[] = "0123456789abcdef";

	if (s->kind == KERNEL_SOURCE_DEB && !fs_is_plain_name(s->location))
		return json_error(n, err, "\"%s\" is not a package name", s->location);
	if (s->sha256 && (strlen(s->sha256) != 64 || strspn(s->sha256, digits) != 64))
		return json_error(n, err, "sha256 must be 64 lower-case hex digits");
	if (s->ref && s->ref[0] == '-')
		return json_error(
			n, err, "\"%s\" is not a git ref (a branch, a tag or a commit id)", s->ref);
	if (s->location[0] == '-')
		return json_error(n, err, "\"%s\" is not a location", s->location);
	return 0;
}

/* The values of the kind's keys, except "kind". */
static int take_source_keys(const struct source_kind *k, const struct json_node *n,
			    struct kernel_source *s, struct error *err)
{
	for (int i = 1; k->keys[i]; i++) {
		struct json_node m;
		int ret = json_member(n, k->keys[i], i < k->needed, &m, err);

		if (ret == -ENOENT && i >= k->needed)
			continue;
		if (ret)
			return ret;
		ret = kernel_take_string(&m, member_of(s, k->keys[i]), err);
		if (ret)
			return ret;
	}
	return 0;
}

/* NULL stays NULL. */
static void make_beside(const char *dir, char **path)
{
	__cleanup_free char *given = *path;

	if (given)
		*path = kernel_resolve_path(dir, given);
}

int kernel_source_take(const struct json_node *n, const char *dir, struct kernel_source *s,
		       struct error *err)
{
	__cleanup_free char *kind = NULL;
	const struct source_kind *k;
	struct json_node m;
	int ret;

	ret = json_as_object(n, err);
	if (ret)
		return ret;
	ret = json_member(n, "kind", true, &m, err);
	if (ret)
		return ret;
	ret = kernel_take_string(&m, &kind, err);
	if (ret)
		return ret;
	k = find_kind(kind);
	if (!k)
		return json_error(
			&m, err,
			"expected \"deb\", \"tarball\", \"git\", \"built\" or \"running\", found \"%s\"",
			kind);
	ret = json_check_keys(n, k->keys, err);
	if (ret)
		return ret;
	kernel_source_clear(s);
	s->kind = k->kind;
	ret = take_source_keys(k, n, s, err);
	if (ret)
		return ret;
	if (s->kind == KERNEL_SOURCE_RUNNING) {
		s->location = xstrdup("this machine");
		return 0;
	}
	ret = check_source(n, s, err);
	if (ret || s->kind == KERNEL_SOURCE_DEB || is_url(s->location))
		return ret;
	make_beside(dir, &s->location);
	make_beside(dir, &s->system_map);
	make_beside(dir, &s->config);
	return 0;
}
