// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a scenario file: a plan that keeps its promises, or an error that names the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "scenarios/scenarios.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/nestlab-fuzz.XXXXXX";

static void drop_dir(void)
{
	fs_remove_tree(dir, NULL);
}

/* Each word that the scenario takes is in its range; what may be left out may be 0. */
static void check_words(const struct plan_measure *m)
{
	for (size_t i = 0; i < plan_nwords; i++) {
		const struct plan_word *w = &plan_words[i];
		uint64_t v;

		if (!plan_word_is_used(w, m->scenario) || w->kind != PLAN_WORD_NUMBER)
			continue;
		v = plan_word_get(w, m);
		if ((v < w->min && !w->optional) || v > w->max)
			abort();
	}
}

static void check_plan(const struct scenario_plan *plan)
{
	if (!plan->nmeasures || strlen(plan->hash) != 64)
		abort();
	for (size_t i = 0; i < plan->nmeasures; i++) {
		const struct scenario_measure *m = &plan->measures[i];
		char line[PLAN_LINE_MAX];

		if (m->params[0] != '{' || plan_measure_impossible(&m->line))
			abort();
		if (plan_measure_format(&m->line, line, sizeof(line)))
			abort();
		check_words(&m->line);
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
	if (!scenario_load(&(struct folders){0}, path, &plan, &err)) {
		check_plan(&plan);
		scenario_plan_free(&plan);
	} else if (!strstr(err.text, "x.json")) {
		abort();
	}
	return 0;
}
