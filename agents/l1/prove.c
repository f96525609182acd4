// SPDX-License-Identifier: GPL-2.0-only
/* prove.c - L1 checks registers, memory and pages of L2 against what it computes itself. */
#include "agents/l1/l1.h"

void prove_l2_found_nothing(struct l2 *l2)
{
	const struct l2_fail *f = &l2->page->fail;

	if (f->what)
		l1_end(L1_STATUS_BROKEN, f->what - 1, l2->id, f->expected, f->found, f->detail);
}

void prove_step(struct cpu *cpu, struct l2 *l2)
{
	const struct l2_frame *f = &l2->frame;
	const uint64_t seen[L2_REGISTERS] = {f->rax, f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->r8,
					     f->r9,  f->r10, f->r11, f->r12, f->r13, f->r14};

	prove_l2_found_nothing(l2);
	l1_check(L1_CHECK_STEPS, l2, l2->steps, l2->page->steps, 0);
	for (uint32_t i = 0; i < L2_REGISTERS; i++) {
		l1_check(L1_CHECK_REGISTER, l2, l2->regs[i], seen[i], i);
		l1_check(L1_CHECK_MEMORY, l2, l2->regs[i], l2->page->regs[i], i);
		l2->regs[i] += L2_STRIDE;
	}
	l2->steps++;
	guest_skip(cpu, l2);
}

/* An intercepted RDMSR gets an answer that the MSR itself does not have. */
static void answer_rdmsr(struct cpu *cpu, struct l2 *l2)
{
	l2->frame.rax = (uint32_t)L2_ANSWER;
	l2->frame.rdx = L2_ANSWER >> 32;
	guest_skip(cpu, l2);
}

/* The APIC version register: none of the features in use virtualizes it, so reading it exits. */
static void answer_apic(struct cpu *cpu, struct l2 *l2)
{
	/* offset, and bits 15:12: linear read (SDM table 28-6) */
	l1_check(L1_CHECK_QUALIFICATION, l2, APIC_VERSION,
		 cpu->ops->read(l2, VMCS_QUALIFICATION) & 0xffff, REASON_APIC_ACCESS);
	l2->frame.rax = L2_APIC_ANSWER;
	guest_resume_at(cpu, l2);
}

/* Lets L2 do its proof, and counts the exits on the way. */
static void run_proof(struct cpu *cpu, struct l2 *l2, uint32_t *rdmsrs, uint32_t *accesses)
{
	uint32_t reason;

	for (;;) {
		guest_enter(l2);
		reason = guest_reason(cpu, l2);
		if (reason == REASON_RDMSR && l2->frame.rcx == MSR_KERNEL_GS_BASE && !(*rdmsrs)++)
			answer_rdmsr(cpu, l2);
		else if (reason == REASON_APIC_ACCESS && !(*accesses)++)
			answer_apic(cpu, l2);
		else
			break;
	}
	if (reason != REASON_VMCALL)
		guest_unexpected(cpu, l2, REASON_VMCALL, reason);
	guest_skip(cpu, l2);
}

void prove_pages(struct cpu *cpu, struct l2 *l2)
{
	uint32_t rdmsrs = 0, accesses = 0;
	bool apic = l2->page->apic;

	l2->page->tpr_now = (l2->steps + l2->id) & 15;
	l2->page->tpr_next = ~l2->page->tpr_now & 15;
	if (l2->page->has_cr8)
		*pages_vtpr(l2) = l2->page->tpr_now << 4;
	l2->page->command = L2_CMD_PROVE;
	run_proof(cpu, l2, &rdmsrs, &accesses);
	prove_l2_found_nothing(l2);
	l1_check(L1_CHECK_EXIT_COUNT, l2, l2->intercepted, rdmsrs, REASON_RDMSR);
	l1_check(L1_CHECK_EXIT_COUNT, l2, apic, accesses, REASON_APIC_ACCESS);
	if (l2->page->has_cr8)
		l1_check(L1_CHECK_VTPR, l2, l2->page->tpr_next << 4, *pages_vtpr(l2) & 0xff, 0);
	l2->page->command = L2_CMD_STEP;
}
