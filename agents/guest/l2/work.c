// SPDX-License-Identifier: GPL-2.0-only
/* work.c - what an L2 does all day. run_exits() (agents/l1/l2_main.c) times each. */
#include "agents/guest/l2/work.h"

#include "agents/guest/l2vm.h"
#include "agents/l1/l1.h"

#define MSR_STAR	 0xc0000081u
#define MSR_LSTAR	 0xc0000082u
#define MSR_SYSCALL_MASK 0xc0000084u
#define MSR_TSC_DEADLINE 0x6e0u
#define X2APIC_SPURIOUS	 0x80fu
#define X2APIC_ICR	 0x830u
#define X2APIC_LVT_TIMER 0x832u
#define APIC_ENABLED	 0x1ffu
#define LVT_TSC_DEADLINE (2u << 17)

#define PREPARED_SYSCALL 1u
#define PREPARED_APIC	 2u

/* Once for each vCPU: to look at the registers themselves would exit. */
static bool is_first(struct l2_page *page, uint64_t what)
{
	bool first = !(page->prepared & what);

	page->prepared |= what;
	return first;
}

/* ---- memory ---- */

/* Page count - 1 of its window, which is fresh: it must read as zero. */
void l2_work_MEMORY(struct l2_page *page)
{
	volatile uint64_t *word = (uint64_t *)(page->window + (page->count - 1) * L1_PAGE);

	l2_check_value(page, L1_CHECK_MEMORY, 0, *word, (uint32_t)page->count);
	*word = l2vm_window_word(page->id, page->count - 1);
}

/* ---- system calls ---- */

/* SYSCALL leaves the way back in RCX. The kernel that it calls is a jump back, at the same privilege level: no SYSRET,
 * which goes to level 3. */
extern const char l2_system_call[];
asm("l2_system_call: inc %rax\n\tjmp *%rcx");

void l2_work_SYSCALL(struct l2_page *page)
{
	uint64_t a = page->count;

	if (is_first(page, PREPARED_SYSCALL)) {
		wrmsr(MSR_STAR, 8ull << 32); /* code 8, stack 16 */
		wrmsr(MSR_SYSCALL_MASK, 0);
		wrmsr(MSR_LSTAR, (uintptr_t)l2_system_call);
	}
	asm volatile("syscall" : "+a"(a)::"rcx", "r11", "memory");
	l2_check_value(page, L1_CHECK_REGISTER, page->count + 1, a, 0);
}

/* ---- doorbells ---- */

void l2_work_DOORBELL(struct l2_page *page)
{
	*(volatile uint16_t *)L2VM_BELL = (uint16_t)page->id;
}

/* ---- what sleeps ---- */

/* Interrupts are off but here, and STI lets none in before HLT: none is missed. */
static void sleep_until_more_than(const struct l2_page *page, uint64_t interrupts)
{
	while (*(volatile uint64_t *)&page->interrupts <= interrupts)
		asm volatile("sti; hlt; cli" ::: "memory");
}

void l2_enable_apic(struct l2_page *page)
{
	if (!is_first(page, PREPARED_APIC))
		return;
	wrmsr(X2APIC_SPURIOUS, APIC_ENABLED);
	wrmsr(X2APIC_LVT_TIMER, LVT_TSC_DEADLINE | L2VM_VECTOR);
}

/* The sample has the time asleep in it, L2VM_SLEEP, which L1 takes off. */
void l2_work_TIMER(struct l2_page *page)
{
	uint64_t before = page->interrupts;

	wrmsr(MSR_TSC_DEADLINE, __builtin_ia32_rdtsc() + L2VM_SLEEP);
	sleep_until_more_than(page, before);
	l2_check_value(page, L1_CHECK_INTERRUPTS, before + 1, page->interrupts, 0);
}

/* The even one of a pair sends and waits for the answer; the odd one waits, and answers. */
void l2_work_IPI(struct l2_page *page)
{
	uint64_t before = page->number & 1 ? page->answered : page->interrupts;
	uint64_t partner = page->number ^ 1;

	if (!(page->number & 1))
		wrmsr(X2APIC_ICR, partner << 32 | L2VM_VECTOR);
	sleep_until_more_than(page, before);
	l2_check_value(page, L1_CHECK_INTERRUPTS, before + 1, page->interrupts, 0);
	page->answered = before + 1;
	if (page->number & 1)
		wrmsr(X2APIC_ICR, partner << 32 | L2VM_VECTOR);
}
