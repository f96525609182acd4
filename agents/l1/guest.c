// SPDX-License-Identifier: GPL-2.0-only
/* guest.c - one L2 vCPU: its VMCS, and its exits. */
#include "agents/l1/l1.h"

_Static_assert(offsetof(struct l2, l1_rsp) == 120, "enter.S");
_Static_assert(offsetof(struct l2_frame, rdi) == 72 && offsetof(struct l2_frame, rax) == 112,
	       "enter.S");

#define PAGE_RW	   3ull
#define PAGE_LARGE 0x80ull

extern const char l1_gdt[]; /* vectors.S */
extern const char l1_idt[];

struct l2 l2s[L1_MAX_L2];

void guest_build_tables(void)
{
	uint64_t *table = (uint64_t *)L1_L2_TABLES;

	table[0] = (L1_L2_TABLES + L1_PAGE) | PAGE_RW;
	table[512] = (L1_L2_TABLES + 2 * L1_PAGE) | PAGE_RW;
	for (uint64_t i = 0; i < 512; i++)
		table[1024 + i] = i << 21 | PAGE_LARGE | PAGE_RW;
}

struct setting {
	uint32_t field;
	uint64_t value;
};

static void write_all(struct cpu *cpu, struct l2 *l2, const struct setting *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cpu->ops->write(l2, s[i].field, s[i].value);
}
#define WRITE_ALL(cpu, l2, settings) \
	write_all(cpu, l2, settings, sizeof(settings) / sizeof((settings)[0]))

static void setup_host(struct cpu *cpu, struct l2 *l2)
{
	const struct setting host[] = {
		{VMCS_HOST_CR0, read_cr0()},
		{VMCS_HOST_CR3, read_cr3()},
		{VMCS_HOST_CR4, read_cr4()},
		{VMCS_HOST_CS_SEL, L1_CS},
		{VMCS_HOST_DS_SEL, L1_DS},
		{VMCS_HOST_ES_SEL, L1_DS},
		{VMCS_HOST_SS_SEL, L1_DS},
		{VMCS_HOST_FS_SEL, 0},
		{VMCS_HOST_GS_SEL, 0},
		{VMCS_HOST_TR_SEL, L1_TR},
		{VMCS_HOST_FS_BASE, 0},
		{VMCS_HOST_GS_BASE, 0},
		{VMCS_HOST_TR_BASE, 0},
		{VMCS_HOST_GDTR_BASE, (uint64_t)l1_gdt},
		{VMCS_HOST_IDTR_BASE, (uint64_t)l1_idt},
		{VMCS_HOST_SYSENTER_CS, 0},
		{VMCS_HOST_SYSENTER_ESP, 0},
		{VMCS_HOST_SYSENTER_EIP, 0},
		/* In struct l2, not on an L1 vCPU's stack: a VMCS that migrates needs no VMWRITE. */
		{VMCS_HOST_RSP, (uint64_t)(&l2->frame + 1)},
		{VMCS_HOST_RIP, (uint64_t)l1_exit_entry},
	};

	WRITE_ALL(cpu, l2, host);
}

/* Segments of 64-bit ring 0 (SDM 27.3.1.2): selector, limit, access rights; bases are 0. */
static void setup_segments(struct cpu *cpu, struct l2 *l2)
{
	enum { UNUSABLE = 0x10000, DATA = 0xc093, CODE = 0xa09b, TSS = 0x8b };
	static const struct {
		uint32_t selector, limit, rights;
	} segments[] = {/* in the order of the encodings: ES CS SS DS FS GS LDTR TR */
			{L1_DS, ~0u, DATA}, {L1_CS, ~0u, CODE}, {L1_DS, ~0u, DATA},
			{L1_DS, ~0u, DATA}, {0, ~0u, UNUSABLE}, {0, ~0u, UNUSABLE},
			{0, ~0u, UNUSABLE}, {L1_TR, 0x67, TSS}};

	for (uint32_t i = 0; i < 8; i++) {
		cpu->ops->write(l2, VMCS_GUEST_ES_SEL + 2 * i, segments[i].selector);
		cpu->ops->write(l2, VMCS_GUEST_ES_LIMIT + 2 * i, segments[i].limit);
		cpu->ops->write(l2, VMCS_GUEST_ES_RIGHTS + 2 * i, segments[i].rights);
		cpu->ops->write(l2, VMCS_GUEST_ES_BASE + 2 * i, 0);
	}
}

static void setup_guest(struct cpu *cpu, struct l2 *l2)
{
	const struct setting guest[] = {
		{VMCS_GUEST_CR0, read_cr0()},
		{VMCS_GUEST_CR3, L1_L2_TABLES},
		{VMCS_GUEST_CR4, read_cr4()},
		{VMCS_CR0_MASK, 0},
		{VMCS_CR4_MASK, 0},
		{VMCS_CR0_SHADOW, read_cr0()},
		{VMCS_CR4_SHADOW, read_cr4()},
		{VMCS_GUEST_GDTR_BASE, (uint64_t)l1_gdt},
		{VMCS_GUEST_GDTR_LIMIT, 5 * 8 - 1},
		{VMCS_GUEST_IDTR_BASE, 0},
		{VMCS_GUEST_IDTR_LIMIT, 0},
		{VMCS_GUEST_DR7, 0x400},
		{VMCS_GUEST_RFLAGS, 2},
		/* as after a call: RSP + 8 is a multiple of 16 */
		{VMCS_GUEST_RSP, L2_STACK_TOP(l2->page) - 8},
		{VMCS_GUEST_RIP, (uint64_t)l2_main},
		{VMCS_GUEST_DEBUGCTL, 0},
		{VMCS_GUEST_PENDING_DEBUG, 0},
		{VMCS_GUEST_INTERRUPTIBILITY, 0},
		{VMCS_GUEST_ACTIVITY, 0},
		{VMCS_GUEST_SYSENTER_CS, 0},
		{VMCS_GUEST_SYSENTER_ESP, 0},
		{VMCS_GUEST_SYSENTER_EIP, 0},
		{VMCS_LINK_POINTER, ~0ull},
	};

	WRITE_ALL(cpu, l2, guest);
	setup_segments(cpu, l2);
}

static uint32_t secondary_controls(const struct cpu *cpu)
{
	uint32_t want = PROC2_VPID;

	if (l1_has(cpu, L1_FEATURE_EPT))
		want |= PROC2_EPT;
	if (l1_has(cpu, L1_FEATURE_APIC_ACCESS))
		want |= PROC2_APIC_ACCESS;
	if (l1_has(cpu, L1_FEATURE_POSTED))
		want |= PROC2_APIC_REGISTERS | PROC2_VID;
	return want;
}

static void setup_controls(struct cpu *cpu, struct l2 *l2)
{
	uint32_t pin = PIN_EXTERNAL_INTERRUPT | PIN_NMI;
	uint32_t proc = PROC_HLT | PROC_IO | PROC_MSR_BITMAP | PROC_SECONDARY;

	if (l1_has(cpu, L1_FEATURE_POSTED))
		pin |= PIN_POSTED;
	if (l1_has(cpu, L1_FEATURE_TPR_SHADOW))
		proc |= PROC_TPR_SHADOW;

	const struct setting controls[] = {
		{VMCS_PIN, vmx_control(MSR_VMX_PIN, pin)},
		{VMCS_PROC, vmx_control(MSR_VMX_PROC, proc)},
		{VMCS_PROC2, vmx_control(MSR_VMX_PROC2, secondary_controls(cpu))},
		{VMCS_EXIT_CONTROLS, vmx_control(MSR_VMX_EXIT, EXIT_HOST_64 | EXIT_ACK_INTERRUPT)},
		{VMCS_ENTRY_CONTROLS, vmx_control(MSR_VMX_ENTRY, ENTRY_IA32E)},
		{VMCS_EXCEPTION_BITMAP, ~0u}, /* L2 handles none: each exits */
		{VMCS_PF_MASK, 0},
		{VMCS_PF_MATCH, 0},
		{VMCS_CR3_TARGETS, 0},
		{VMCS_EXIT_MSR_STORE, 0},
		{VMCS_EXIT_MSR_LOAD, 0},
		{VMCS_ENTRY_MSR_LOAD, 0},
		{VMCS_ENTRY_INTERRUPTION, 0},
		{VMCS_TSC_OFFSET, 0},
		{VMCS_VPID, l2->id + 1},
	};

	WRITE_ALL(cpu, l2, controls);
	if (l1_has(cpu, L1_FEATURE_EPT))
		cpu->ops->write(l2, VMCS_EPTP, ept_pointer());
}

static void setup_page(struct cpu *cpu, struct l2 *l2)
{
	l2->page = (struct l2_page *)l1_block(l2->id, L1_BLOCK_L2);
	l2->page->id = l2->id;
	l2->page->has_cr8 = l1_has(cpu, L1_FEATURE_TPR_SHADOW);
	if (l1_has(cpu, L1_FEATURE_APIC_ACCESS))
		l2->page->apic = l1_block(l2->id, L1_BLOCK_APIC_ACCESS);
	for (uint32_t i = 0; i < L2_REGISTERS; i++) {
		l2->regs[i] = (cpu->job->seed + l2->id * L2_REGISTERS + i + 1) * L2_STRIDE;
		l2->page->regs[i] = l2->regs[i];
	}
	l2->frame.rdi = (uint64_t)l2->page;
}

void guest_setup(struct cpu *cpu, struct l2 *l2)
{
	setup_page(cpu, l2);
	cpu->ops->alloc(l2);
	cpu->ops->load(cpu, l2);
	setup_controls(cpu, l2);
	setup_host(cpu, l2);
	setup_guest(cpu, l2);
	pages_setup(cpu, l2);
}

uint32_t guest_reason(struct cpu *cpu, struct l2 *l2)
{
	uint64_t reason = cpu->ops->read(l2, VMCS_EXIT_REASON);

	cpu->ops->exited(l2);
	cpu->job->entries++;
	if (__builtin_expect(reason & REASON_ENTRY_FAILED, 0))
		l1_end(L1_STATUS_DIED, L1_DEATH_ENTRY, l2->id, 0, reason,
		       cpu->ops->read(l2, VMCS_QUALIFICATION));
	l2->launched = true;
	return reason;
}

void guest_unexpected(struct cpu *cpu, struct l2 *l2, uint32_t expected, uint32_t found)
{
	uint64_t rip = cpu->ops->read(l2, VMCS_GUEST_RIP);

	if (found == REASON_EXCEPTION)
		l1_end(L1_STATUS_DIED, L1_DEATH_L2_EXCEPTION, l2->id, rip,
		       cpu->ops->read(l2, VMCS_EXIT_INTERRUPTION),
		       cpu->ops->read(l2, VMCS_QUALIFICATION));
	l1_end(L1_STATUS_BROKEN, L1_CHECK_EXIT_REASON, l2->id, expected, found, rip);
}

void guest_exited(struct cpu *cpu, struct l2 *l2, uint32_t reason)
{
	uint32_t found = guest_reason(cpu, l2);

	if (__builtin_expect(found != reason, 0))
		guest_unexpected(cpu, l2, reason, found);
}

void guest_skip(struct cpu *cpu, struct l2 *l2)
{
	uint64_t rip = cpu->ops->read(l2, VMCS_GUEST_RIP);

	cpu->ops->write(l2, VMCS_GUEST_RIP, rip + cpu->ops->read(l2, VMCS_EXIT_LENGTH));
}

void guest_resume_at(struct cpu *cpu, struct l2 *l2)
{
	cpu->ops->write(l2, VMCS_GUEST_RIP, l2->frame.r15);
}
