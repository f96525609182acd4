// SPDX-License-Identifier: GPL-2.0-only
/* proof.c - hv_prove() in a Linux L1. */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "agents/guest/hv.h"

#define MSR_TSC 0x10u

/* A timer of L1's comes so long after it was set: steps over all that L1 does until L2 runs, with its interrupts on and
 * off. */
#define TIMERS	64
#define STEP_US 5

/* ---- registers, a fresh page, the TSC ---- */

/* It goes on where an L1 is saved and restored: if L1's own goes back there, this one does. */
static int check_tsc(struct l2vm *l2, uint64_t before, uint64_t after)
{
	uint64_t tsc = l2->page->tsc, last = l2->tsc;

	l2->tsc = after;
	if ((int64_t)(before - last) < 0)
		return l2vm_check_word(l2, L1_CHECK_TSC, last, before, 1);
	if (tsc < before)
		return l2vm_check_word(l2, L1_CHECK_TSC, before, tsc, 0);
	if (tsc > after)
		return l2vm_check_word(l2, L1_CHECK_TSC, after, tsc, 0);
	return 0;
}

static int prove_state(struct l2vm *l2)
{
	uint64_t *fresh = (uint64_t *)(l2->memory + (L2VM_FRESH - L2VM_BASE));
	uint64_t before, after;
	int ret = hv_renew(l2, fresh, L1_PAGE);

	if (!ret)
		ret = hv_read_msr(l2, MSR_TSC, &before);
	if (!ret)
		ret = l2vm_exits(l2, L2VM_PROOF_STATE, 1);
	if (!ret)
		ret = hv_read_msr(l2, MSR_TSC, &after);
	if (!ret)
		ret = check_tsc(l2, before, after);
	if (ret)
		return ret;
	return l2vm_check_word(l2, L1_CHECK_FRESH, l2vm_pattern(l2->id, l2->page->proofs), *fresh,
			       1);
}

/* ---- timers ---- */

static const struct l2vm *running;

static void on_timer(int signal)
{
	(void)signal;
	hv_leave(running);
}

/* L2 takes no exit: L1 gets the CPU back because its timer's interrupt does, whenever that comes, or not at all. */
static int prove_timer(struct l2vm *l2, int us)
{
	const struct itimerval timer = {.it_value.tv_usec = us};

	l2->page->go = 0;
	if (setitimer(ITIMER_REAL, &timer, NULL))
		return -errno;
	return l2vm_exits(l2, L2VM_PROOF_SPIN, 1);
}

static int prove_timers(struct l2vm *l2)
{
	struct sigaction action = {.sa_handler = on_timer};

	running = l2;
	if (sigaction(SIGALRM, &action, NULL))
		return -errno;
	for (int i = 1; i <= TIMERS; i++) {
		int ret = prove_timer(l2, i * STEP_US);

		if (ret)
			return ret;
	}
	return 0;
}

int hv_prove(struct l2vm *l2)
{
	int ret = prove_state(l2);

	if (ret || running)
		return ret;
	return prove_timers(l2);
}
