/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * selftests.h - the kernel's own selftests and the user's flat binaries that a plan names, on their way into its image.
 */
#ifndef ORCHESTRATOR_ENGINE_SELFTESTS_H
#define ORCHESTRATOR_ENGINE_SELFTESTS_H

#include "images/images.h"
#include "kernels/kernels.h"
#include "scenarios/scenarios.h"

/* The files of one kernel and one plan; none if the plan names no selftest. */
struct selftests {
	struct image_file *files; /* /selftests/NAME, where the agent looks */
	size_t nfiles;
	struct kernel_selftests built;
};

/* Builds the selftests that @plan names from the tree of @variant, whose build is @kernel, and finds its flat binaries.
 * Errors: kernel_selftests_build()'s, and that one of these is gone. Free with selftests_free(). */
int selftests_prepare(const struct kernel_env *env, const char *variant,
		      const struct kernel_build *kernel, const struct scenario_plan *plan,
		      struct selftests *out, struct error *err);
void selftests_free(struct selftests *s);

#endif
