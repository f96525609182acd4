// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/explain/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define KERNEL_HALF (1ull << 63) /* addresses of L0's kernel; L1 and L2 run below */
#define UNKNOWN	    "[unknown]"

static const char *const world_names[WALK_WORLDS] = {"L0", "L1", "L2"};

/* ---- functions and nodes ---- */

static uint32_t add_function(struct walk *w, const char *name, const char *file,
			     enum explain_level level, bool entry)
{
	for (size_t i = 0; i < w->nfunctions; i++) {
		const struct walk_function *f = &w->functions[i];

		if (f->level == level && !strcmp(f->name, name) && !strcmp(f->file, file))
			return (uint32_t)i;
	}
	w->functions = xrealloc(w->functions, w->nfunctions + 1, sizeof(*w->functions));
	w->functions[w->nfunctions] =
		(struct walk_function){xstrdup(name), xstrdup(file), level, entry};
	return (uint32_t)w->nfunctions++;
}

/* L2 is a part of L1's image. */
static enum explain_level level_in_l1(const struct explain_symbol *s)
{
	if (!strncmp(s->name, "l2_", 3) || strstr(s->file, "l2.c"))
		return EXPLAIN_L2;
	return EXPLAIN_L1;
}

static struct explain_image *image_of(struct walk *w, const struct host_step *step,
				      enum explain_level *level)
{
	if (step->rip & KERNEL_HALF) {
		*level = EXPLAIN_L0;
		return &w->kernel;
	}
	if ((step->cs & 3) == 3) {
		*level = EXPLAIN_USER;
		return &w->agent;
	}
	*level = EXPLAIN_L1;
	return &w->l1;
}

static uint32_t function_at(struct walk *w, const struct host_step *step)
{
	enum explain_level level;
	struct explain_image *image = image_of(w, step, &level);
	struct explain_symbol *s = explain_image_find(image, step->rip);

	if (!s)
		return add_function(w, UNKNOWN, "", level, false);
	if (!s->function) {
		if (image == &w->l1)
			level = level_in_l1(s);
		s->function = 1 + add_function(w, s->name, s->file, level, s->entry);
	}
	return s->function - 1;
}

static uint32_t new_node(struct walk *w, uint32_t parent, uint32_t function)
{
	const struct walk_function *f = &w->functions[function];
	enum explain_level level = f->level;

	if (w->nnodes == w->nodes_room) {
		w->nodes_room = 2 * w->nodes_room + 1024;
		w->nodes = xrealloc(w->nodes, w->nodes_room, sizeof(*w->nodes));
		w->costs = xrealloc(w->costs, w->nodes_room, sizeof(*w->costs));
	}
	/* A page fault is the operation's own; a device or a timer is not. */
	if (w->nnodes && level == EXPLAIN_L0 &&
	    ((f->entry && strncmp(f->name, "asm_exc_", 8)) ||
	     w->nodes[parent].level == EXPLAIN_INTERRUPTS))
		level = EXPLAIN_INTERRUPTS;
	w->costs[w->nnodes] = 0;
	w->nodes[w->nnodes] =
		(struct walk_node){.function = function, .parent = parent, .level = level};
	if (w->nnodes) {
		w->nodes[w->nnodes].next = w->nodes[parent].first;
		w->nodes[parent].first = (uint32_t)w->nnodes;
	}
	return (uint32_t)w->nnodes++;
}

static uint32_t child_of(struct walk *w, uint32_t parent, uint32_t function)
{
	for (uint32_t n = w->nodes[parent].first; n; n = w->nodes[n].next)
		if (w->nodes[n].function == function)
			return n;
	return new_node(w, parent, function);
}

/* ---- stacks ---- */

static struct walk_frame *top_of(struct walk_stack *s)
{
	return s->n ? &s->frames[s->n - 1] : NULL;
}

static void push(struct walk *w, struct walk_stack *s, uint32_t function, uint64_t back,
		 bool interrupt)
{
	uint32_t parent = s->n ? top_of(s)->node : 0;

	if (s->n == WALK_DEPTH) /* recursion without an end, or a stack that was misread */
		s->n--;
	s->frames[s->n++] = (struct walk_frame){child_of(w, parent, function), back, interrupt};
}

/* Who is executed now is not who was: a tail call, a part of a function that was moved away (.cold), or the
 * caller of the first frame that was seen. */
static void replace_top(struct walk *w, struct walk_stack *s, uint32_t function)
{
	struct walk_frame *top = top_of(s);
	uint32_t parent;

	if (!top) {
		push(w, s, function, 0, false);
		return;
	}
	if (w->nodes[top->node].function == function)
		return;
	parent = s->n > 1 ? s->frames[s->n - 2].node : 0;
	top->node = child_of(w, parent, function);
}

static size_t find_return(const struct walk_stack *s, uint64_t rip)
{
	for (size_t i = s->n; i > 0; i--)
		if (s->frames[i - 1].back == rip)
			return i;
	return 0;
}

static size_t find_interrupt(const struct walk_stack *s)
{
	for (size_t i = s->n; i > 0; i--)
		if (s->frames[i - 1].interrupt)
			return i;
	return 0;
}

/* A return to where no CALL was seen goes to the unknown caller of the first frame. Else the stack was
 * switched (another thread), and begins anew. */
static void pop(struct walk_stack *s, uint64_t rip, bool from_interrupt)
{
	size_t at = find_return(s, rip);

	if (!at && from_interrupt)
		at = find_interrupt(s);
	s->n = at ? at - 1 : 0;
}

/* ---- events ---- */

static void count_event(struct walk *w, const char *prefix, const char *what)
{
	char name[80];
	size_t i;

	if (!w->counting)
		return;
	snprintf(name, sizeof(name), "%s: %s", prefix, what);
	for (i = 0; i < w->nevents; i++)
		if (!strcmp(w->events[i], name))
			break;
	if (i == w->nevents) {
		w->events = xrealloc(w->events, i + 1, sizeof(*w->events));
		w->counts = xrealloc(w->counts, i + 1, sizeof(*w->counts));
		w->events[i] = xstrdup(name);
		w->counts[i] = 0;
		w->nevents++;
	}
	w->counts[i]++;
}

static const char *exit_prefix(enum walk_world guest)
{
	return guest == WALK_L1 ? "exit from L1" : "exit from L2";
}

static void resolve_exit(struct walk *w, const char *reason)
{
	if (w->exited == WALK_L0)
		return;
	count_event(w, exit_prefix(w->exited), reason);
	w->exited = WALK_L0;
}

/* What L0 does next tells why a guest exited at an instruction that need not exit. */
static void watch_for_reason(struct walk *w, uint32_t function)
{
	const struct walk_function *f = &w->functions[function];

	if (w->exited == WALK_L0)
		return;
	if (f->entry)
		resolve_exit(w, "interrupt");
	else if (!strncmp(f->name, "handle_", 7))
		resolve_exit(w, f->name + 7);
}

static void change_world(struct walk *w, enum walk_world to)
{
	if (to == WALK_L0) {
		w->exited = w->world;
		if (w->last_exit)
			resolve_exit(w, w->last_exit);
		return;
	}
	resolve_exit(w, "other");
	count_event(w, "entry to", world_names[to]);
}

/* ---- a step ---- */

static enum walk_world world_of(const struct walk *w, const struct host_step *step,
				uint32_t function)
{
	if (step->rip & KERNEL_HALF || (step->cs & 3) == 3)
		return WALK_L0;
	return w->functions[function].level == EXPLAIN_L2 ? WALK_L2 : WALK_L1;
}

/* Came here neither by a jump nor as what follows: something interrupted. */
static bool is_interrupted(const struct walk *w, const struct host_step *step, uint32_t function)
{
	if (w->flow == STEP_NEXT)
		return step->rip != w->last_next && step->rip != w->last_rip;
	return w->flow == STEP_JUMP && w->functions[function].entry;
}

static void follow(struct walk *w, const struct host_step *step, uint32_t function)
{
	struct walk_stack *s = &w->stacks[w->world];

	if (w->flow == STEP_CALL) {
		push(w, s, function, w->last_next, w->functions[function].entry);
		watch_for_reason(w, function);
		return;
	}
	if (w->flow == STEP_RETURN || w->flow == STEP_IRETURN) {
		pop(s, step->rip, w->flow == STEP_IRETURN);
	} else if (is_interrupted(w, step, function)) {
		push(w, s, function, w->last_next, true);
		watch_for_reason(w, function);
		return;
	}
	replace_top(w, s, function);
	if (w->flow == STEP_JUMP)
		watch_for_reason(w, function);
}

static void remember(struct walk *w, const struct host_step *step)
{
	struct walk_frame *top = top_of(&w->stacks[w->world]);

	w->has_last = true;
	w->flow = step_flow_of(step->text);
	w->last_time = step->time;
	w->last_rip = step->rip;
	w->last_next = step->rip + step->length;
	w->last_exit = step_exit_of(step->text);
	w->last_node = top->node;
}

static void count_instruction(struct walk *w, const struct host_step *step)
{
	const char *event = step_event_of(step->text);
	char name[64];

	if (event && (!strcmp(event, "WRMSR") || !strcmp(event, "RDMSR"))) {
		registers_name_msr(&w->registers, event, name, sizeof(name));
		event = name;
	}
	if (event)
		count_event(w, world_names[w->world], event);
	registers_follow(&w->registers, step->text);
}

/* Registers are another world's now. */
static void enter_world(struct walk *w, enum walk_world world)
{
	w->world = world;
	w->registers = (struct registers){0};
}

void walk_step(struct walk *w, const struct host_step *step)
{
	uint32_t function = function_at(w, step);
	enum walk_world world = world_of(w, step, function);

	if (w->has_last && w->counting)
		w->costs[w->last_node] += step->time - w->last_time;
	if (w->has_last && world != w->world) {
		change_world(w, world);
		enter_world(w, world);
		replace_top(w, &w->stacks[world], function);
	} else if (w->has_last) {
		follow(w, step, function);
	} else {
		enter_world(w, world);
		replace_top(w, &w->stacks[world], function);
	}
	remember(w, step);
	count_instruction(w, step);
}

/* ---- operations ---- */

void walk_init(struct walk *w, const struct explain_image *kernel,
	       const struct explain_image *agent, const struct explain_image *l1)
{
	*w = (struct walk){.kernel = *kernel, .agent = *agent, .l1 = *l1};
	new_node(w, 0, add_function(w, "", "", EXPLAIN_L0, false));
}

void walk_free(struct walk *w)
{
	for (size_t i = 0; i < w->nfunctions; i++) {
		free(w->functions[i].name);
		free(w->functions[i].file);
	}
	for (size_t i = 0; i < w->nevents; i++)
		free(w->events[i]);
	free(w->functions);
	free(w->nodes);
	free(w->costs);
	free(w->events);
	free(w->counts);
	explain_image_free(&w->kernel);
	explain_image_free(&w->agent);
	explain_image_free(&w->l1);
}

void walk_restart(struct walk *w)
{
	for (int i = 0; i < WALK_WORLDS; i++)
		w->stacks[i].n = w->kept[i].n = 0;
	w->has_last = w->counting = false;
	w->exited = WALK_L0;
}

void walk_keep(struct walk *w)
{
	memcpy(w->kept, w->stacks, sizeof(w->kept));
}

void walk_begin(struct walk *w)
{
	memcpy(w->stacks, w->kept, sizeof(w->stacks));
	memset(w->costs, 0, w->nnodes * sizeof(*w->costs));
	if (w->nevents)
		memset(w->counts, 0, w->nevents * sizeof(*w->counts));
	w->has_last = false;
	w->exited = WALK_L0;
	w->counting = true;
}

/* Those that are not 0; the caller frees. */
static struct walk_count *collect(const uint64_t *values, size_t n, size_t *count)
{
	struct walk_count *list = xcalloc(n + 1, sizeof(*list));

	*count = 0;
	for (size_t i = 0; i < n; i++)
		if (values[i])
			list[(*count)++] = (struct walk_count){(uint32_t)i, values[i]};
	return list;
}

void walk_end(struct walk *w, uint64_t time, struct walk_unit *unit)
{
	if (w->has_last)
		w->costs[w->last_node] += time - w->last_time;
	w->counting = w->has_last = false;
	unit->total = 0;
	for (size_t i = 0; i < w->nnodes; i++)
		unit->total += w->costs[i];
	unit->nodes = collect(w->costs, w->nnodes, &unit->nnodes);
	unit->events = collect(w->counts, w->nevents, &unit->nevents);
}
