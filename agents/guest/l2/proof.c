// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/l2/proof.h"

#include "agents/guest/l2vm.h"
#include "agents/l1/l1.h"

#define MSR_FS_BASE 0xc0000100u

struct table { /* operand of LGDT, LIDT, SGDT, SIDT */
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static uint64_t fs_of(uint64_t pattern)
{
	return pattern >> 17; /* canonical */
}

/* As long as the tables are, or a little longer. */
static uint16_t gdt_limit_of(uint64_t pattern)
{
	return (uint16_t)(3 * 8 - 1 + (pattern >> 58));
}

static uint16_t idt_limit_of(uint64_t pattern)
{
	return (uint16_t)(256 * 16 - 1 + (pattern >> 58));
}

static void check_state(struct l2_page *page, uint64_t pattern)
{
	struct table gdt, idt;
	uint64_t cr2;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	l2_check_value(page, L1_CHECK_STATE, fs_of(pattern), rdmsr(MSR_FS_BASE), L2_STATE_FS);
	l2_check_value(page, L1_CHECK_STATE, gdt_limit_of(pattern), gdt.limit, L2_STATE_GDT_LIMIT);
	l2_check_value(page, L1_CHECK_STATE, idt_limit_of(pattern), idt.limit, L2_STATE_IDT_LIMIT);
	l2_check_value(page, L1_CHECK_STATE, pattern, cr2, L2_STATE_CR2);
}

static void leave_state(uint64_t pattern)
{
	const struct table gdt = {gdt_limit_of(pattern), L2VM_GDT};
	const struct table idt = {idt_limit_of(pattern), L2VM_IDT};

	wrmsr(MSR_FS_BASE, fs_of(pattern));
	asm volatile("lgdt %0" ::"m"(gdt));
	asm volatile("lidt %0" ::"m"(idt));
	asm volatile("mov %0, %%cr2" ::"r"(pattern));
}

/* None of this takes an exit to L1, but for the page that L1 took away. */
void l2_proof_STATE(struct l2_page *page)
{
	volatile uint64_t *fresh = (uint64_t *)L2VM_FRESH;

	if (page->proofs)
		check_state(page, l2vm_pattern(page->id, page->proofs));
	page->proofs++;
	leave_state(l2vm_pattern(page->id, page->proofs));
	l2_check_value(page, L1_CHECK_FRESH, 0, *fresh, 0);
	*fresh = l2vm_pattern(page->id, page->proofs);
	page->tsc = __builtin_ia32_rdtsc();
}

/* Until L1 has taken the CPU back and says so. With interrupts on, although none comes: Bochs 2.7 holds those of L0 back
 * else. */
void l2_proof_SPIN(struct l2_page *page)
{
	uint64_t begin = __builtin_ia32_rdtsc();

	asm volatile("sti");
	while (!*(volatile uint64_t *)&page->go && __builtin_ia32_rdtsc() - begin < L2VM_SPIN)
		asm volatile("pause");
	asm volatile("cli");
	l2_check_value(page, L1_CHECK_TIMER, 1, page->go, 0);
}
