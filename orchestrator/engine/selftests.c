// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/selftests.h"

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

/* The tests that the plan names, each once; the caller frees the array. */
static const char **list_names(const struct scenario_plan *plan, size_t *count)
{
	const char **names = xcalloc(plan->nmeasures + 1, sizeof(*names));

	*count = 0;
	for (size_t i = 0; i < plan->nmeasures; i++) {
		const struct plan_measure *m = &plan->measures[i].line;

		if (m->scenario == PLAN_KSELFTEST && !is_listed(names, *count, m->test))
			names[(*count)++] = m->test;
	}
	return names;
}

int selftests_prepare(const struct kernel_env *env, const char *variant,
		      const struct kernel_build *kernel, const struct scenario_plan *plan,
		      struct selftests *out, struct error *err)
{
	size_t count;
	__cleanup_free const char **names = list_names(plan, &count);
	const struct kernel_selftests_request req = {.variant = variant,
						     .kernel = kernel,
						     .names = names,
						     .count = count,
						     .programs = plan->programs};
	int ret;

	memset(out, 0, sizeof(*out));
	if (!count)
		return 0;
	ret = kernel_selftests_build(env, &req, &out->built, err);
	if (ret)
		return ret;
	out->files = xcalloc(count, sizeof(*out->files));
	for (out->nfiles = 0; out->nfiles < count; out->nfiles++)
		out->files[out->nfiles] = (struct image_file){
			.path = xasprintf("/selftests/%s", names[out->nfiles]),
			.source = out->built.paths[out->nfiles],
			.mode = 0755,
		};
	return 0;
}

void selftests_free(struct selftests *s)
{
	for (size_t i = 0; i < s->nfiles; i++)
		free((void *)(uintptr_t)s->files[i].path);
	free(s->files);
	kernel_selftests_free(&s->built);
	memset(s, 0, sizeof(*s));
}
