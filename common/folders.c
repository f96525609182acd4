// SPDX-License-Identifier: GPL-2.0-only
#include "common/folders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

static char *find_in(const char *folder, const char *name, const char *suffix)
{
	char *path;

	if (!folder)
		return NULL;
	path = xasprintf("%s/%s%s", folder, name, suffix);
	if (fs_exists(path))
		return path;
	free(path);
	return NULL;
}

char *folders_find(const struct folders *f, const char *name, const char *suffix)
{
	char *path;

	if (!fs_is_plain_name(name))
		return NULL;
	path = find_in(f->own, name, suffix);
	if (path)
		return path;
	return find_in(f->shipped, name, suffix);
}

static int add_names(const char *folder, const char *suffix, char ***names, size_t *count,
		     struct error *err)
{
	char **more;
	size_t nmore;
	int ret;

	if (!folder)
		return 0;
	ret = fs_list_stems(folder, suffix, &more, &nmore, err);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	*names = xrealloc(*names, *count + nmore + 1, sizeof(**names));
	for (size_t i = 0; i < nmore; i++)
		(*names)[(*count)++] = more[i];
	free(more);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_repetitions(char **names, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		if (kept && !strcmp(names[kept - 1], names[i]))
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	*count = kept;
}

int folders_list(const struct folders *f, const char *suffix, char ***names, size_t *count,
		 struct error *err)
{
	int ret;

	*names = NULL;
	*count = 0;
	ret = add_names(f->own, suffix, names, count, err);
	if (!ret)
		ret = add_names(f->shipped, suffix, names, count, err);
	if (ret) {
		fs_free_names(*names, *count);
		*names = NULL;
		*count = 0;
		return ret;
	}
	if (*count)
		qsort(*names, *count, sizeof(**names), compare_names);
	drop_repetitions(*names, count);
	return 0;
}

char *folders_words(const struct folders *f)
{
	if (f->own && f->shipped)
		return xasprintf("%s and %s", f->own, f->shipped);
	if (f->own || f->shipped)
		return xstrdup(f->own ? f->own : f->shipped);
	return xstrdup("no folder");
}
