// SPDX-License-Identifier: GPL-2.0-only
/* kernels/NAME.json and its chain of bases. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/shell.h"
#include "kernels/fragment.h"
#include "kernels/internal.h"

#define MAX_DEPTH 8

struct loader {
	const struct kernel_env *env;
	struct kernel_variant *v;
	char *dir;    /* of the variant's file */
	char *series; /* folder of its own patches */
	int64_t patch_count;
	char *selftests; /* folder of its own patches of the selftests' tree */
	int depth;
};

static int load_file(const struct kernel_env *env, const char *name, const char *near, int depth,
		     struct kernel_variant *out, struct error *err);

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return strndup(path, slash - path);
}

static int take_source(struct loader *l, const struct json_node *n, struct error *err)
{
	return kernel_source_take(n, l->dir, &l->v->source, err);
}

static int take_description(struct loader *l, const struct json_node *n, struct error *err)
{
	return kernel_take_string(n, &l->v->description, err);
}

static int take_compiler(struct loader *l, const struct json_node *n, struct error *err)
{
	const char *expected;
	int ret = kernel_take_string(n, &l->v->compiler, err);

	if (!ret && kernel_compiler_check(l->v->compiler, &expected))
		return json_error(n, err, "expected %s", expected);
	return ret;
}

static int take_patches(struct loader *l, const struct json_node *n, struct error *err)
{
	__cleanup_free char *folder = NULL;
	int ret = kernel_take_string(n, &folder, err);

	if (!ret)
		l->series = kernel_resolve_path(l->dir, folder);
	return ret;
}

static int take_patch_count(struct loader *l, const struct json_node *n, struct error *err)
{
	return json_as_int(n, 1, 10000, &l->patch_count, err);
}

/* null: the base's patches of the selftests do not fit this tree and are dropped. */
static int take_selftests(struct loader *l, const struct json_node *n, struct error *err)
{
	__cleanup_free char *folder = NULL;
	int ret;

	if (!n->value) {
		fs_free_names(l->v->selftests, l->v->nselftests);
		l->v->selftests = NULL;
		l->v->nselftests = 0;
		return 0;
	}
	ret = kernel_take_string(n, &folder, err);
	if (!ret)
		l->selftests = kernel_resolve_path(l->dir, folder);
	return ret;
}

/* A kernel that is not built here has no tree: another variant's serves. */
static int take_selftests_of(struct loader *l, const struct json_node *n, struct error *err)
{
	__cleanup_free char *name = NULL;
	struct kernel_variant tree;
	int ret = kernel_take_string(n, &name, err);

	if (ret)
		return ret;
	if (l->depth >= MAX_DEPTH)
		return json_error(n, err, "leads in a circle");
	ret = load_file(l->env, name, l->dir, l->depth + 1, &tree, err);
	if (ret)
		return error_prefix(err, ret, "%s: selftests_of", n->file);
	if (!kernel_variant_has_sources(&tree))
		ret = json_error(n, err, "%s is no kernel with sources", tree.name);
	free(l->v->selftests_of);
	l->v->selftests_of = xstrdup(tree.path);
	kernel_variant_free(&tree);
	return ret;
}

/* @name as seen from the folders of variants, the user's own first; if it is in neither, where it would be
 * shipped. The caller frees. */
static char *find_shared(const struct kernel_env *env, const char *name)
{
	const struct folders *f = &env->variants;
	char *own = f->own ? xasprintf("%s/%s", f->own, name) : NULL;

	if (own && fs_exists(own))
		return own;
	free(own);
	return xasprintf("%s/%s", f->shipped ? f->shipped : ".", name);
}

/* Beside the variant, else among those that all variants share; the caller frees. */
static char *find_fragment(const struct loader *l, const char *name)
{
	char *beside = kernel_resolve_path(l->dir, name), *shared;

	if (fs_exists(beside) || name[0] == '/')
		return beside;
	shared = find_shared(l->env, name);
	if (!fs_exists(shared)) {
		free(shared);
		return beside; /* for the message */
	}
	free(beside);
	return shared;
}

static int take_config(struct loader *l, const struct json_node *n, struct error *err)
{
	struct kernel_variant *v = l->v;
	int ret = json_as_array(n, err);

	for (size_t i = 0; !ret && i < json_length(n); i++) {
		__cleanup_free char *name = NULL;
		struct json_node item;

		json_element(n, i, &item);
		ret = kernel_take_string(&item, &name, err);
		if (ret)
			return ret;
		v->fragments = xrealloc(v->fragments, v->nfragments + 1, sizeof(char *));
		v->fragments[v->nfragments++] = find_fragment(l, name);
		if (!fs_exists(v->fragments[v->nfragments - 1]))
			ret = json_error(&item, err, "no such file: %s",
					 v->fragments[v->nfragments - 1]);
	}
	return ret;
}

static int take_options(struct loader *l, const struct json_node *n, struct error *err)
{
	struct kernel_variant *v = l->v;
	struct kernel_fragment checked = {0};
	int ret = json_as_array(n, err);

	for (size_t i = 0; !ret && i < json_length(n); i++) {
		char *line = NULL;
		struct json_node item;

		json_element(n, i, &item);
		ret = kernel_take_string(&item, &line, err);
		if (ret)
			break;
		v->options = xrealloc(v->options, v->noptions + 1, sizeof(char *));
		v->options[v->noptions++] = line;
		ret = kernel_fragment_take(&checked, line, n->file, (int)i + 1, err);
	}
	kernel_fragment_free(&checked);
	return ret;
}

static int take_import(struct loader *l, const struct json_node *n, struct error *err)
{
	int ret = json_as_object(n, err);

	if (ret)
		return ret;
	free(l->v->import);
	l->v->import =
		xstrdup(json_object_to_json_string_ext(n->value, JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}

static void copy_list(char ***to, size_t *nto, char *const *from, size_t nfrom)
{
	*to = xcalloc(nfrom + 1, sizeof(char *));
	for (*nto = 0; *nto < nfrom; (*nto)++)
		(*to)[*nto] = xstrdup(from[*nto]);
}

void kernel_variant_inherit(struct kernel_variant *v, const struct kernel_variant *base)
{
	v->base = xstrdup(base->name);
	kernel_source_copy(&v->source, &base->source);
	v->compiler = xstrdup(base->compiler);
	copy_list(&v->patches, &v->npatches, base->patches, base->npatches);
	v->nbase_patches = v->npatches;
	copy_list(&v->fragments, &v->nfragments, base->fragments, base->nfragments);
	copy_list(&v->options, &v->noptions, base->options, base->noptions);
	copy_list(&v->selftests, &v->nselftests, base->selftests, base->nselftests);
	if (base->selftests_of)
		v->selftests_of = xstrdup(base->selftests_of);
}

static int take_base(struct loader *l, const struct json_node *n, struct error *err)
{
	__cleanup_free char *base = NULL;
	int ret = kernel_take_string(n, &base, err);

	if (ret)
		return ret;
	if (l->depth >= MAX_DEPTH)
		return json_error(n, err, "the chain of bases is a circle, or longer than %d",
				  MAX_DEPTH);
	l->v->parent = xcalloc(1, sizeof(*l->v->parent));
	ret = load_file(l->env, base, l->dir, l->depth + 1, l->v->parent, err);
	if (ret) {
		free(l->v->parent);
		l->v->parent = NULL;
		return error_prefix(err, ret, "%s: base", n->file);
	}
	kernel_variant_inherit(l->v, l->v->parent);
	return 0;
}

/* "base" comes first, since the others are added to what it gives. */
static const struct field {
	const char *key;
	int (*take)(struct loader *l, const struct json_node *n, struct error *err);
} fields[] = {
	{"base", take_base},
	{"description", take_description},
	{"source", take_source},
	{"patches", take_patches},
	{"patch_count", take_patch_count},
	{"config", take_config},
	{"options", take_options},
	{"compiler", take_compiler},
	{"selftests", take_selftests},
	{"selftests_of", take_selftests_of},
	{"import", take_import},
};

static int take_fields(struct loader *l, const struct json_node *root, struct error *err)
{
	const char *known[ARRAY_SIZE(fields) + 1] = {NULL};
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		known[i] = fields[i].key;
	ret = json_as_object(root, err);
	if (!ret)
		ret = json_check_keys(root, known, err);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(fields); i++) {
		struct json_node n;

		ret = json_member(root, fields[i].key, false, &n, err);
		if (ret == -ENOENT) {
			ret = 0;
			continue;
		}
		if (ret)
			return ret;
		ret = fields[i].take(l, &n, err);
	}
	return ret;
}

static int read_patches(struct loader *l, const struct json_node *root, struct error *err)
{
	struct kernel_variant *v = l->v;
	size_t own;
	int ret;

	if (!l->series && l->patch_count)
		return json_error(root, err, "\"patch_count\" needs \"patches\", which is missing");
	if (!l->series)
		return 0;
	ret = kernel_series_read(l->series, l->patch_count, &v->patches, &v->npatches, err);
	if (ret)
		return error_prefix(err, ret, "%s: $.patches", root->file);
	own = v->npatches - v->nbase_patches;
	if ((int64_t)own < l->patch_count)
		return json_error(root, err, "\"patch_count\" is %d, but %s/series has %zu",
				  (int)l->patch_count, l->series, own);
	return 0;
}

static bool has_fragment(const struct kernel_variant *v, const char *path)
{
	for (size_t i = 0; i < v->nfragments; i++)
		if (!strcmp(v->fragments[i], path))
			return true;
	return false;
}

/* What the kind of host needs, once in a chain of bases: where it starts. */
static int add_host_fragments(struct loader *l, struct error *err)
{
	const char *const *names = l->env->host_fragments;
	struct kernel_variant *v = l->v;

	for (; names && !v->base && *names; names++) {
		__cleanup_free char *name = xasprintf("config/%s.config", *names);
		char *path = find_shared(l->env, name);

		if (has_fragment(v, path)) { /* where the variant wants it */
			free(path);
			continue;
		}
		v->fragments = xrealloc(v->fragments, v->nfragments + 1, sizeof(char *));
		v->fragments[v->nfragments++] = path;
		if (!fs_exists(path))
			return error_set(
				err, -ENOENT,
				"%s: no such file; the host asks for it (\"kernel_config\")", path);
	}
	return 0;
}

/* It is what it is. */
static int check_running(const struct loader *l, const struct json_node *root, struct error *err)
{
	const struct kernel_variant *v = l->v;

	if (v->base || l->series || l->selftests || v->nfragments || v->compiler)
		return json_error(
			root, err,
			"the running kernel is not built: it takes a \"description\" and \"selftests_of\", and "
			"no base, patches, config, compiler or selftests");
	return 0;
}

static int check_built(const struct loader *l, const struct json_node *root, struct error *err)
{
	const struct kernel_variant *v = l->v;

	if (l->series || l->selftests || v->npatches || v->nfragments || v->noptions || v->compiler)
		return json_error(
			root, err,
			"a kernel that is built already takes no patches, config, options, compiler or "
			"selftests, and no base that has some (\"selftests_of\": \"VARIANT\" names the variant "
			"whose tree its selftests are built from)");
	return 0;
}

static int complete_variant(struct loader *l, const struct json_node *root, struct error *err)
{
	struct kernel_variant *v = l->v;
	int ret;

	if (!v->source.location)
		return json_error(root, err, "needs a \"source\" or a \"base\" that has one");
	if (v->source.kind == KERNEL_SOURCE_RUNNING)
		return check_running(l, root, err);
	if (v->source.kind == KERNEL_SOURCE_BUILT)
		return check_built(l, root, err);
	if (v->selftests_of)
		return json_error(
			root, err,
			"\"selftests_of\" is of a kernel that is not built here: this one's "
			"selftests are built from its own tree (\"selftests\" patches that)");
	if (!v->nfragments)
		return json_error(root, err, "needs \"config\": a list of at least one fragment");
	ret = add_host_fragments(l, err);
	if (ret)
		return ret;
	if (!v->compiler)
		v->compiler = xstrdup("gcc");
	ret = read_patches(l, root, err);
	if (ret || !l->selftests)
		return ret;
	ret = kernel_series_read(l->selftests, 0, &v->selftests, &v->nselftests, err);
	if (ret)
		return error_prefix(err, ret, "%s: $.selftests", root->file);
	return 0;
}

/* The file that @name means, for a variant named in folder @near (NULL: on the command line). */
static char *find_file(const struct kernel_env *env, const char *name, const char *near)
{
	char *path;

	if (fs_has_suffix(name, ".json") && near)
		return kernel_resolve_path(near, name);
	if (fs_has_suffix(name, ".json"))
		return realpath(name, NULL);
	if (near && fs_is_plain_name(name)) {
		path = xasprintf("%s/%s.json", near, name);
		if (fs_exists(path))
			return path;
		free(path);
	}
	return folders_find(&env->variants, name, ".json");
}

static int load_file(const struct kernel_env *env, const char *name, const char *near, int depth,
		     struct kernel_variant *out, struct error *err)
{
	struct loader l = {.env = env, .v = out, .depth = depth};
	struct json_object *doc = NULL;
	struct json_node root;
	int ret;

	memset(out, 0, sizeof(*out));
	out->path = find_file(env, name, near);
	if (!out->path || !fs_exists(out->path)) {
		ret = error_set(err, -ENOENT, "%s: no such kernel variant (see: %s kernel list)",
				name, shell_program());
		goto out;
	}
	out->name = fs_stem(out->path, ".json");
	if (!fs_is_plain_name(out->name)) {
		ret = error_set(
			err, -EINVAL,
			"%s: \"%s\" cannot be the name of a variant (use letters, digits and ._+-)",
			out->path, out->name);
		goto out;
	}
	l.dir = dir_of(out->path);
	ret = json_load(out->path, &doc, &root, err);
	if (ret)
		goto out;
	ret = take_fields(&l, &root, err);
	if (ret)
		goto out;
	ret = complete_variant(&l, &root, err);
out:
	json_object_put(doc);
	free(l.dir);
	free(l.series);
	free(l.selftests);
	if (ret)
		kernel_variant_free(out);
	return ret;
}

int kernel_variant_load_file(const struct kernel_env *env, const char *name,
			     struct kernel_variant *out, struct error *err)
{
	return load_file(env, name, NULL, 0, out, err);
}

bool kernel_variant_has_sources(const struct kernel_variant *v)
{
	return v->source.kind != KERNEL_SOURCE_BUILT && v->source.kind != KERNEL_SOURCE_RUNNING;
}

bool kernel_variant_is_base(const struct kernel_env *env, const struct kernel_variant *v)
{
	struct kernel_variant other;
	bool found = false;
	char **names;
	size_t n;

	if (folders_list(&env->variants, ".json", &names, &n, NULL))
		return false;
	for (size_t i = 0; i < n && !found; i++) {
		if (kernel_variant_load_file(env, names[i], &other, NULL))
			continue;
		/* "NAME+CONFIG_X=y" has NAME's path */
		found = other.parent && !strcmp(other.parent->path, v->path) &&
			!strcmp(other.parent->name, v->name);
		kernel_variant_free(&other);
	}
	fs_free_names(names, n);
	return found;
}

void kernel_variant_free(struct kernel_variant *v)
{
	if (v->parent)
		kernel_variant_free(v->parent);
	free(v->parent);
	kernel_source_clear(&v->source);
	fs_free_names(v->patches, v->npatches);
	fs_free_names(v->fragments, v->nfragments);
	fs_free_names(v->options, v->noptions);
	free(v->selftests_of);
	fs_free_names(v->selftests, v->nselftests);
	free(v->name);
	free(v->path);
	free(v->description);
	free(v->base);
	free(v->compiler);
	free(v->import);
	memset(v, 0, sizeof(*v));
}
