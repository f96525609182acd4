// SPDX-License-Identifier: GPL-2.0-only
/*
 * pages.c - the pages that a VMCS points to: MSR bitmap, virtual-APIC page, APIC-access page,
 * posted-interrupt descriptor. L0 has to map them to run L2.
 */
#include "agents/l1/l1.h"

/* In an MSR bitmap (SDM 25.6.9): reads of 0.., reads of 0xc0000000.., writes of 0.. */
enum { READ_HIGH = 1024, WRITE_LOW = 2048 };

#define POSTED_VECTOR 0xf2

static void set_intercept_bit(uint64_t bitmap, uint32_t part, uint32_t msr, bool on)
{
	volatile uint8_t *byte = (uint8_t *)bitmap + part + (msr & 0x1fff) / 8;
	uint8_t mask = 1 << (msr & 7);

	if (on)
		*byte |= mask;
	else
		*byte &= ~mask;
}

static void fill_page(uint64_t page, uint64_t value)
{
	uint64_t n = L1_PAGE / 8;

	asm volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(value) : "memory");
}

/* All MSRs exit but the one under test and the one through which L2 sends interrupts. */
static void setup_bitmap(uint64_t page)
{
	fill_page(page, ~0ull);
	set_intercept_bit(page, WRITE_LOW, MSR_X2APIC_SELF, false);
}

void pages_set_intercept(struct cpu *cpu, struct l2 *l2, bool intercept, bool swap)
{
	if (swap)
		l2->msr_page = L1_BLOCK_MSR + L1_BLOCK_MSR_OTHER - l2->msr_page;
	set_intercept_bit(l1_block(l2->id, l2->msr_page), READ_HIGH, MSR_KERNEL_GS_BASE, intercept);
	l2->intercepted = intercept;
	l2->page->expect_msr = intercept ? L2_ANSWER : L1_GS_VALUE;
	/* Both ways write the VMCS where they can, since their costs go into one metric. */
	if (swap || cpu->loaded == l2)
		cpu->ops->write(l2, VMCS_MSR_BITMAP, l1_block(l2->id, l2->msr_page));
	else
		cpu->ops->touch(l2, VMCS_MSR_BITMAP);
}

/* A page that L0 has replaced is mapped again at its first use, which must not be timed. */
void pages_touch(const struct l2 *l2)
{
	for (uint32_t page = L1_BLOCK_MSR; page <= L1_BLOCK_VAPIC_OTHER; page++) {
		volatile uint64_t *p = (uint64_t *)l1_block(l2->id, page);

		*p = *p;
	}
}

volatile uint32_t *pages_vtpr(const struct l2 *l2)
{
	return (uint32_t *)(l1_block(l2->id, l2->vapic_page) + APIC_TPR);
}

void pages_swap_vapic(struct cpu *cpu, struct l2 *l2)
{
	uint32_t tpr = *pages_vtpr(l2);

	l2->vapic_page = L1_BLOCK_VAPIC + L1_BLOCK_VAPIC_OTHER - l2->vapic_page;
	*pages_vtpr(l2) = tpr;
	cpu->ops->write(l2, VMCS_VIRTUAL_APIC, l1_block(l2->id, l2->vapic_page));
}

static void setup_posted(struct cpu *cpu, struct l2 *l2)
{
	cpu->ops->write(l2, VMCS_POSTED_VECTOR, POSTED_VECTOR);
	cpu->ops->write(l2, VMCS_POSTED_DESC, l1_block(l2->id, L1_BLOCK_PI_DESC));
	for (uint32_t i = 0; i < 4; i++)
		cpu->ops->write(l2, VMCS_EOI_EXIT_0 + 2 * i, 0);
}

void pages_setup(struct cpu *cpu, struct l2 *l2)
{
	setup_bitmap(l1_block(l2->id, L1_BLOCK_MSR));
	setup_bitmap(l1_block(l2->id, L1_BLOCK_MSR_OTHER));
	l2->msr_page = L1_BLOCK_MSR;
	l2->vapic_page = L1_BLOCK_VAPIC;
	/* Neighbours differ, so that a proof finds one's bitmap in the place of another's. */
	pages_set_intercept(cpu, l2, l2->id & 1, false);
	cpu->ops->write(l2, VMCS_MSR_BITMAP, l1_block(l2->id, l2->msr_page));
	if (l1_has(cpu, L1_FEATURE_TPR_SHADOW)) {
		cpu->ops->write(l2, VMCS_VIRTUAL_APIC, l1_block(l2->id, l2->vapic_page));
		cpu->ops->write(l2, VMCS_TPR_THRESHOLD, 0);
	}
	if (l1_has(cpu, L1_FEATURE_APIC_ACCESS)) {
		fill_page(l1_block(l2->id, L1_BLOCK_APIC_ACCESS), L2_POISON);
		cpu->ops->write(l2, VMCS_APIC_ACCESS, l1_block(l2->id, L1_BLOCK_APIC_ACCESS));
	}
	if (l1_has(cpu, L1_FEATURE_POSTED))
		setup_posted(cpu, l2);
}
