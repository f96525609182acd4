/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - from instructions to a call tree.
 *
 * Every instruction of an operation is seen, so nobody has to unwind a stack: a CALL pushes, a RET pops
 * what has its address, an interrupt pushes, a VM exit goes on with L0's stack and a VM entry with that
 * of L1 or L2. That needs neither frame pointers nor ORC tables, and the kernel's configuration stays as it
 * is. What came before the first instruction that was seen is learned from the first returns.
 *
 *	walk_init(&w, &images);
 *	walk_step(&w, step) for each;		// nothing is counted yet: w's stacks are learned
 *	walk_keep(&w);
 *	walk_begin(&w); walk_step(...); ...; walk_end(&w, time);	// an operation, once or often
 */
#ifndef ORCHESTRATOR_EXPLAIN_WALK_H
#define ORCHESTRATOR_EXPLAIN_WALK_H

#include "orchestrator/explain/registers.h"
#include "orchestrator/explain/steps.h"
#include "orchestrator/explain/symbols.h"
#include "orchestrator/hosts/driver.h"
#include "results/explain/explain.h"

#define WALK_DEPTH 200 /* frames */

enum walk_world { WALK_L0, WALK_L1, WALK_L2, WALK_WORLDS };

struct walk_function {
	char *name, *file;
	enum explain_level level; /* of its image; interrupts are a matter of the node */
	bool entry;
};

struct walk_node {				/* of the call tree; 0 is the root of all */
	uint32_t function, parent, first, next; /* children: first, then their next; 0: none */
	enum explain_level level;
};

struct walk_frame {
	uint32_t node;
	uint64_t back; /* where its RET goes to; 0: not known */
	bool interrupt;
};

struct walk_stack {
	struct walk_frame frames[WALK_DEPTH];
	size_t n;
};

/* What an operation took: sparse, in the order of the nodes' and events' numbers. */
struct walk_count {
	uint32_t what;
	uint64_t count;
};
struct walk_unit {
	unsigned int parts; /* the sampler's (sampler.h) */
	uint64_t total;	    /* instructions */
	struct walk_count *nodes, *events;
	size_t nnodes, nevents;
};

struct walk {
	struct explain_image kernel, agent, l1;
	struct walk_function *functions;
	size_t nfunctions;
	struct walk_node *nodes;
	uint64_t *costs; /* of the current operation, by node */
	size_t nnodes, nodes_room;
	char **events; /* "L0: VMWRITE", "L0: WRMSR 0x48 SPEC_CTRL", "exit from L1: vmresume" */
	uint64_t *counts;
	size_t nevents;
	struct walk_stack stacks[WALK_WORLDS], kept[WALK_WORLDS];
	bool counting;
	/* the step before */
	bool has_last;
	enum walk_world world;
	enum step_flow flow;
	uint32_t last_node;
	uint64_t last_time, last_rip, last_next;
	const char *last_exit; /* step_exit_of() it */
	struct registers registers;
	enum walk_world exited; /* whose exit has no reason yet; WALK_L0: none */
};

/* Images that walk_free() frees. */
void walk_init(struct walk *w, const struct explain_image *kernel,
	       const struct explain_image *agent, const struct explain_image *l1);
void walk_free(struct walk *w);

void walk_step(struct walk *w, const struct host_step *step);
/* Keeps the stacks: each walk_begin() starts with them. */
void walk_keep(struct walk *w);
void walk_begin(struct walk *w);
/* @time: of the instruction that is no longer part of it. The caller frees the unit's arrays. */
void walk_end(struct walk *w, uint64_t time, struct walk_unit *unit);
/* Forgets where it was: a new boot. */
void walk_restart(struct walk *w);

#endif
