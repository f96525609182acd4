// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a scenario file: a plan that keeps its promises, or an error that names the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "scenarios/scenarios.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/nestlab-fuzz.XXXXXX";

static void drop_dir(void)
{
	fs_remove_tree(dir, NULL);
}

static void check_plan(const struct scenario_plan *plan)
{
	if (!plan->nmeasures || strlen(plan->hash) != 64)
		abort();
	for (size_t i = 0; i < plan->nmeasures; i++) {
		const struct scenario_measure *m = &plan->measures[i];

		if (!m->scenario || m->params[0] != '{' || !m->rounds)
			abort();
		if (m->l1 && (!m->l1_vcpus || m->l2_vcpus < m->l1_vcpus || m->l2_vcpus > 256))
			abort();
		if (!m->l1 && !m->variant)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	struct scenario_plan plan;
	struct error err = {0};

	if (!path) {
		if (!mkdtemp(dir))
			abort();
		atexit(drop_dir);
		path = xasprintf("%s/x.json", dir);
	}
	if (fs_write_file(path, data, size, &err))
		abort();
	if (!scenario_load(NULL, path, &plan, &err)) {
		check_plan(&plan);
		scenario_plan_free(&plan);
	} else if (!strstr(err.text, "x.json")) {
		abort();
	}
	return 0;
}
