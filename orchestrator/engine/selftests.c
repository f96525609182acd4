// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/selftests.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

static bool is_listed(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* The tests of @scenario that the plan names, each once; the caller frees the array. */
static const char **list_names(const struct scenario_plan *plan, enum plan_scenario scenario,
			       size_t *count)
{
	const char **names = xcalloc(plan->nmeasures + 1, sizeof(*names));

	*count = 0;
	for (size_t i = 0; i < plan->nmeasures; i++) {
		const struct plan_measure *m = &plan->measures[i].line;

		if (m->scenario == scenario && !is_listed(names, *count, m->test))
			names[(*count)++] = m->test;
	}
	return names;
}

/* @source is taken over. */
static void add_file(struct selftests *out, const char *name, char *source, bool executable)
{
	out->files = xrealloc(out->files, out->nfiles + 1, sizeof(*out->files));
	out->files[out->nfiles++] = (struct image_file){
		.path = xasprintf("/selftests/%s", name),
		.source = source,
		.mode = executable ? 0755 : 0644,
	};
}

static int build_selftests(const struct kernel_env *env, const char *variant,
			   const struct kernel_build *kernel, const struct scenario_plan *plan,
			   struct selftests *out, struct error *err)
{
	size_t count;
	__cleanup_free const char **names = list_names(plan, PLAN_KSELFTEST, &count);
	const struct kernel_selftests_request req = {.variant = variant,
						     .kernel = kernel,
						     .names = names,
						     .count = count,
						     .programs = plan->programs};
	int ret;

	if (!count)
		return 0;
	ret = kernel_selftests_build(env, &req, &out->built, err);
	for (size_t i = 0; !ret && i < count; i++)
		add_file(out, names[i], xstrdup(out->built.paths[i]), true);
	return ret;
}

/* Flat binaries are there already: they are the user's. The path is absolute, as links may lead to it. */
static int add_flats(const struct scenario_plan *plan, struct selftests *out, struct error *err)
{
	size_t count;
	__cleanup_free const char **names = list_names(plan, PLAN_KVM_UNIT_TEST, &count);

	for (size_t i = 0; i < count; i++) {
		__cleanup_free char *path = xasprintf("%s/%s", plan->flats, names[i]);
		char *real = realpath(path, NULL);

		if (!real)
			return error_set(err, -errno, "%s: %s", path, strerror(errno));
		add_file(out, names[i], real, false);
	}
	return 0;
}

int selftests_prepare(const struct kernel_env *env, const char *variant,
		      const struct kernel_build *kernel, const struct scenario_plan *plan,
		      struct selftests *out, struct error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = build_selftests(env, variant, kernel, plan, out, err);
	if (ret)
		return ret;
	return add_flats(plan, out, err);
}

void selftests_free(struct selftests *s)
{
	for (size_t i = 0; i < s->nfiles; i++) {
		free((void *)(uintptr_t)s->files[i].path);
		free((void *)(uintptr_t)s->files[i].source);
	}
	free(s->files);
	kernel_selftests_free(&s->built);
	memset(s, 0, sizeof(*s));
}
