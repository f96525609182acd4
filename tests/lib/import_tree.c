// SPDX-License-Identifier: GPL-2.0-only
/*
 * import_tree.c - imports mails and applies them as a build does, for tests/integration/import-am.t.
 *
 *	import_tree VARIANTS CACHE <jobs
 *
 * A job is a line "KIND NAME SOURCE TREE": an import onto the variant "onto" of the mbox or the patch
 * folder SOURCE ("mbox", "patches"), or a hand-made series folder ("folder"); then its patches are
 * applied to TREE. The answer is a line, "ok" or the error in one line.
 */
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/terminal.h"
#include "kernels/internal.h"

static int import_series(const struct kernel_env *env, const char *kind, const char *name,
			 const char *source, struct error *err)
{
	struct kernel_import what = {.onto = "onto", .name = name, .dir = env->variants.shipped};

	if (!strcmp(kind, "mbox")) {
		what.mbox = source;
	} else {
		what.patches = &source;
		what.npatches = 1;
	}
	return kernel_import(env, &what, err);
}

static int apply_series(const char *folder, const char *tree, struct error *err)
{
	char **paths = NULL;
	size_t count = 0;
	int ret = kernel_series_read(folder, 0, &paths, &count, err);

	if (!ret)
		ret = kernel_patches_apply(tree, paths, count, NULL, err);
	fs_free_names(paths, count);
	return ret;
}

static int do_job(const struct kernel_env *env, char *line, struct error *err)
{
	char *rest, *kind = strtok_r(line, " \n", &rest), *name = strtok_r(NULL, " \n", &rest);
	char *source = strtok_r(NULL, " \n", &rest), *tree = strtok_r(NULL, " \n", &rest);
	__cleanup_free char *folder = NULL;
	int ret = 0;

	if (!tree)
		return error_set(err, -1, "a job has four words");
	if (!strcmp(kind, "folder"))
		return apply_series(source, tree, err);
	ret = import_series(env, kind, name, source, err);
	if (ret)
		return ret;
	folder = xasprintf("%s/patches/%s", env->variants.shipped, name);
	ret = apply_series(folder, tree, err);
	if (ret)
		return error_prefix(err, ret, "IMPORTED");
	return 0;
}

int main(int argc, char **argv)
{
	char line[4096];

	if (argc != 3)
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		const struct kernel_env env = {.variants.shipped = argv[1], .cache_dir = argv[2]};
		struct error err = {0, ""};
		int ret = do_job(&env, line, &err);
		__cleanup_free char *text = terminal_line(err.text);

		printf("%s\n", ret ? text : "ok");
		fflush(stdout);
	}
	return 0;
}
