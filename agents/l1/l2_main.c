// SPDX-License-Identifier: GPL-2.0-only
/* l2_main.c - the part of the L2 guest that is the same in each L1: it takes commands, steps, times. */
#include <stddef.h>

#include "agents/l1/l1.h"

_Static_assert(offsetof(struct l2_page, steps) == 104, "l2_step.S");
_Static_assert(offsetof(struct l2_page, command) == 112, "l2_step.S");
_Static_assert(L2_CMD_STEP == 0, "l2_step.S");

static void run_proof(struct l2_page *page)
{
	l2_prove(page);
	l2_end_command();
}

static void run_steps(struct l2_page *page)
{
	uint64_t found, bad = l2_step(page, &found);

	if (!bad)
		return;
	l2_check_value(page, L1_CHECK_L2_REGISTER, page->regs[bad - 1], found, bad - 1);
	l2_end_command();
}

static void run_exits(struct l2_page *page)
{
	void (*exit)(struct l2_page *) = l2_exits[page->exit_kind];
	struct l1_sample *s = page->samples;

	for (; page->count; page->count--, s++) {
		uint64_t t0 = l1_tsc(L1_CMD_EXITS, L1_MARK_BEGIN_A);

		exit(page);
		*s = (struct l1_sample){page->id, l1_tsc(L1_CMD_EXITS, L1_MARK_END_A) - t0, 0};
	}
	l2_end_command();
}

static void (*const commands[])(struct l2_page *) = {
	[L2_CMD_STEP] = run_steps,
	[L2_CMD_PROVE] = run_proof,
	[L2_CMD_EXITS] = run_exits,
};

void l2_main(struct l2_page *page)
{
	for (;;)
		commands[((volatile struct l2_page *)page)->command](page);
}
