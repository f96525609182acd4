/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * builder.h - the kernels of a run, those that Linux L1s boot, and the selftests that its plans name,
 * built one after the other in a thread of their own, so that the first can be booted while the next is being compiled.
 */
#ifndef ORCHESTRATOR_ENGINE_BUILDER_H
#define ORCHESTRATOR_ENGINE_BUILDER_H

#include "kernels/kernels.h"
#include "orchestrator/engine/selftests.h"
#include "scenarios/scenarios.h"

struct builder;

struct builder_request { /* borrowed to builder_free() */
	struct kernel_env env;
	const char *const *kernels; /* variants, as kernel_build() takes them */
	size_t nkernels;
	const struct scenario_plan *plans;
	size_t nplans;
	const char *l1_kernel; /* of all plans with Linux L1s; NULL: what each of them names */
	/* Called from the thread when builder_state() has changed. */
	void (*on_change)(void *arg);
	void *arg;
};

enum builder_state {
	BUILDER_COMPILES, /* not there, and it may take many minutes */
	BUILDER_CACHED,	  /* not there, but in the cache: it will be in a moment */
	BUILDER_READY,	  /* there, with its selftests and the L1 kernel */
	BUILDER_GIVEN_UP, /* an error or builder_stop(): it will never be there */
};

/* The variant that the Linux L1s of a plan boot; NULL: it has none. */
const char *builder_l1_name(const struct builder_request *req, size_t plan);

int builder_start(struct builder **b, const struct builder_request *req, struct error *err);
enum builder_state builder_state(struct builder *b, size_t kernel);

/* Of a kernel that is ready. As the plan needs it: one whose L1s are run by QEMU needs more of L0's kernel
 * (kernels/config/userland.config), and gets a build of its own. */
const struct kernel_build *builder_kernel(const struct builder *b, size_t kernel, size_t plan);
const struct selftests *builder_selftests(const struct builder *b, size_t kernel, size_t plan);

/* The kernel of the plan's Linux L1s, once any kernel is ready; NULL if the plan has no such L1. */
const struct kernel_build *builder_l1(const struct builder *b, size_t plan);

/* What the host of the plan's destination boots, likewise. */
const struct kernel_build *builder_destination(const struct builder *b, size_t plan);

/* Starts no other kernel. What is being built goes on: only a cancel (common/cancel.h) ends that. */
void builder_stop(struct builder *b);
/* Waits for the thread's end. 0, or the error that ended it: kernel_build()'s, the kernel named. */
int builder_join(struct builder *b, struct error *err);
/* After builder_join(); NULL is allowed. */
void builder_free(struct builder *b);

#endif
