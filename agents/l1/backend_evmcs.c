// SPDX-License-Identifier: GPL-2.0-only
/*
 * backend_evmcs.c - VMCSs as Hyper-V drives them when it is L1: a structure in memory (TLFS, Nested
 * Virtualization), its address in the VP assist page, and clean bits for what L0 need not read again.
 */
#include "agents/l1/evmcs.h"
#include "agents/l1/l1.h"

struct evmcs_field {
	uint16_t encoding, offset, size;
	uint16_t clean; /* enum evmcs_clean; 0: L0 always reads it */
};

#define FIELD(encoding, name, clean)                                                              \
	{                                                                                         \
		VMCS_##encoding, offsetof(struct evmcs, name), sizeof(((struct evmcs *)0)->name), \
			clean                                                                     \
	}
#define GRP1(encoding, name)	FIELD(GUEST_##encoding, name, EVMCS_CLEAN_GUEST_GRP1)
#define GRP2(encoding, name)	FIELD(GUEST_##encoding, name, EVMCS_CLEAN_GUEST_GRP2)
#define CRDR(encoding, name)	FIELD(encoding, name, EVMCS_CLEAN_CRDR)
#define HOST(encoding, name)	FIELD(HOST_##encoding, host_##name, EVMCS_CLEAN_HOST_GRP1)
#define POINTER(encoding, name) FIELD(HOST_##encoding, host_##name, EVMCS_CLEAN_HOST_POINTER)
#define SEGMENT(encoding, name)                                                 \
	GRP2(encoding##_SEL, name##_sel), GRP2(encoding##_LIMIT, name##_limit), \
		GRP2(encoding##_RIGHTS, name##_rights), GRP2(encoding##_BASE, name##_base)

static const struct evmcs_field fields[] = {
	HOST(ES_SEL, es_sel),
	HOST(CS_SEL, cs_sel),
	HOST(SS_SEL, ss_sel),
	HOST(DS_SEL, ds_sel),
	HOST(FS_SEL, fs_sel),
	HOST(GS_SEL, gs_sel),
	HOST(TR_SEL, tr_sel),
	HOST(PAT, pat),
	HOST(EFER, efer),
	HOST(CR0, cr0),
	HOST(CR3, cr3),
	HOST(CR4, cr4),
	HOST(SYSENTER_ESP, sysenter_esp),
	HOST(SYSENTER_EIP, sysenter_eip),
	HOST(SYSENTER_CS, sysenter_cs),
	HOST(RIP, rip),
	POINTER(FS_BASE, fs_base),
	POINTER(GS_BASE, gs_base),
	POINTER(TR_BASE, tr_base),
	POINTER(GDTR_BASE, gdtr_base),
	POINTER(IDTR_BASE, idtr_base),
	POINTER(RSP, rsp),
	SEGMENT(ES, es),
	SEGMENT(CS, cs),
	SEGMENT(SS, ss),
	SEGMENT(DS, ds),
	SEGMENT(FS, fs),
	SEGMENT(GS, gs),
	SEGMENT(LDTR, ldtr),
	SEGMENT(TR, tr),
	GRP2(GDTR_LIMIT, gdtr_limit),
	GRP2(GDTR_BASE, gdtr_base),
	GRP2(IDTR_LIMIT, idtr_limit),
	GRP2(IDTR_BASE, idtr_base),
	FIELD(LINK_POINTER, link_pointer, EVMCS_CLEAN_GUEST_GRP1),
	GRP1(DEBUGCTL, debugctl),
	GRP1(PAT, pat),
	GRP1(EFER, efer),
	GRP1(PENDING_DEBUG, pending_debug),
	GRP1(SYSENTER_CS, sysenter_cs),
	GRP1(SYSENTER_ESP, sysenter_esp),
	GRP1(SYSENTER_EIP, sysenter_eip),
	GRP1(ACTIVITY, activity),
	CRDR(CR0_MASK, cr0_mask),
	CRDR(CR4_MASK, cr4_mask),
	CRDR(CR0_SHADOW, cr0_shadow),
	CRDR(CR4_SHADOW, cr4_shadow),
	CRDR(GUEST_CR0, cr0),
	CRDR(GUEST_CR3, cr3),
	CRDR(GUEST_CR4, cr4),
	CRDR(GUEST_DR7, dr7),
	FIELD(IO_BITMAP_A, io_bitmap_a, EVMCS_CLEAN_IO_BITMAP),
	FIELD(IO_BITMAP_B, io_bitmap_b, EVMCS_CLEAN_IO_BITMAP),
	FIELD(MSR_BITMAP, msr_bitmap, EVMCS_CLEAN_MSR_BITMAP),
	FIELD(TSC_OFFSET, tsc_offset, EVMCS_CLEAN_CONTROL_GRP2),
	FIELD(VIRTUAL_APIC, virtual_apic, EVMCS_CLEAN_CONTROL_GRP2),
	FIELD(PIN, pin, EVMCS_CLEAN_CONTROL_GRP1),
	FIELD(EXIT_CONTROLS, exit_controls, EVMCS_CLEAN_CONTROL_GRP1),
	FIELD(PROC2, proc2, EVMCS_CLEAN_CONTROL_GRP1),
	FIELD(PROC, proc, EVMCS_CLEAN_CONTROL_PROC),
	FIELD(ENTRY_INTERRUPTION, entry_interruption, EVMCS_CLEAN_CONTROL_EVENT),
	FIELD(ENTRY_ERROR_CODE, entry_error_code, EVMCS_CLEAN_CONTROL_EVENT),
	FIELD(ENTRY_LENGTH, entry_length, EVMCS_CLEAN_CONTROL_EVENT),
	FIELD(ENTRY_CONTROLS, entry_controls, EVMCS_CLEAN_CONTROL_ENTRY),
	FIELD(EXCEPTION_BITMAP, exception_bitmap, EVMCS_CLEAN_CONTROL_EXCEPTION),
	FIELD(EPTP, eptp, EVMCS_CLEAN_CONTROL_XLAT),
	FIELD(VPID, vpid, EVMCS_CLEAN_CONTROL_XLAT),
	FIELD(GUEST_RSP, rsp, EVMCS_CLEAN_GUEST_BASIC),
	FIELD(GUEST_RFLAGS, rflags, EVMCS_CLEAN_GUEST_BASIC),
	FIELD(GUEST_INTERRUPTIBILITY, interruptibility, EVMCS_CLEAN_GUEST_BASIC),
	FIELD(GUEST_RIP, rip, 0),
	FIELD(TPR_THRESHOLD, tpr_threshold, 0),
	/* L0 does not copy these to its own VMCS; what they say is fixed in version 1. */
	FIELD(PF_MASK, pf_mask, 0),
	FIELD(PF_MATCH, pf_match, 0),
	FIELD(CR3_TARGETS, cr3_targets, 0),
	FIELD(EXIT_MSR_STORE, exit_msr_store, 0),
	FIELD(EXIT_MSR_LOAD, exit_msr_load, 0),
	FIELD(ENTRY_MSR_LOAD, entry_msr_load, 0),
	/* read-only */
	FIELD(INSTRUCTION_ERROR, instruction_error, 0),
	FIELD(EXIT_REASON, exit_reason, 0),
	FIELD(EXIT_INTERRUPTION, exit_interruption, 0),
	FIELD(EXIT_ERROR_CODE, exit_error_code, 0),
	FIELD(IDT_VECTORING, idt_vectoring, 0),
	FIELD(IDT_ERROR_CODE, idt_error_code, 0),
	FIELD(EXIT_LENGTH, exit_length, 0),
	FIELD(EXIT_INSTRUCTION, exit_instruction, 0),
	FIELD(QUALIFICATION, qualification, 0),
	FIELD(GUEST_LINEAR, guest_linear, 0),
	FIELD(GUEST_PHYSICAL, guest_physical, 0),
};

/* By width and type (encoding bits 14:13 and 11:10) and index (9:1): 1 + number in fields[]. */
#define INDEX_MAX 32
static uint8_t by_encoding[16][INDEX_MAX];

static uint8_t *index_slot(uint32_t encoding)
{
	uint32_t kind = (encoding >> 11 & 12) | (encoding >> 10 & 3);

	return &by_encoding[kind][encoding >> 1 & (INDEX_MAX - 1)];
}

void evmcs_fill_index(void)
{
	for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		*index_slot(fields[i].encoding) = i + 1;
}

static const struct evmcs_field *find_field(uint32_t encoding)
{
	uint8_t n = *index_slot(encoding);

	if (!n || fields[n - 1].encoding != encoding)
		vmx_failed(L1_VMREAD, encoding);
	return &fields[n - 1];
}

static struct evmcs *evmcs_of(const struct l2 *l2)
{
	return (struct evmcs *)l1_block(l2->id, L1_BLOCK_VMCS);
}

static struct hv_assist_page *assist_of(const struct cpu *cpu)
{
	return (struct hv_assist_page *)(L1_ASSIST + cpu->job->cpu * L1_PAGE);
}

static void evmcs_init(struct cpu *cpu)
{
	uint32_t nested;

	if (cpuid(HV_CPUID_INTERFACE).a != HV_CPUID_INTERFACE_HV1)
		l1_lacks(L1_LACK_EVMCS);
	nested = cpuid(HV_CPUID_NESTED).a;
	if ((nested & 0xff) > EVMCS_VERSION || (nested >> 8 & 0xff) < EVMCS_VERSION)
		l1_lacks(L1_LACK_EVMCS);
	evmcs_fill_index();
	wrmsr(HV_MSR_GUEST_OS_ID, HV_GUEST_OS_ID_NESTLAB);
	assist_of(cpu)->current_nested_vmcs = ~0ull;
	assist_of(cpu)->enlighten_vmentry = 1;
	wrmsr(HV_MSR_VP_ASSIST_PAGE, (uint64_t)assist_of(cpu) | 1);
}

static void evmcs_alloc(struct l2 *l2)
{
	evmcs_of(l2)->version = EVMCS_VERSION;
	if (cpuid(HV_CPUID_NESTED).a & HV_NESTED_MSR_BITMAP)
		evmcs_of(l2)->enlightenments = EVMCS_ENLIGHTEN_MSR_BITMAP;
}

static void evmcs_load(struct cpu *cpu, struct l2 *l2)
{
	assist_of(cpu)->current_nested_vmcs = (uint64_t)evmcs_of(l2);
	cpu->loaded = l2;
}

/* TLFS: VMCLEAR makes an enlightened VMCS inactive, too. */
static void evmcs_clear(struct cpu *cpu, struct l2 *l2)
{
	vmx_clear_region((uint64_t)evmcs_of(l2));
	evmcs_of(l2)->clean = 0;
	l2->launched = false;
	if (cpu->loaded == l2)
		cpu->loaded = NULL;
}

static uint64_t evmcs_read(struct l2 *l2, uint32_t encoding)
{
	const struct evmcs_field *f = find_field(encoding);
	const void *at = (const char *)evmcs_of(l2) + f->offset;

	if (f->size == 8)
		return *(const uint64_t *)at;
	if (f->size == 4)
		return *(const uint32_t *)at;
	return *(const uint16_t *)at;
}

static void evmcs_write(struct l2 *l2, uint32_t encoding, uint64_t value)
{
	const struct evmcs_field *f = find_field(encoding);
	void *at = (char *)evmcs_of(l2) + f->offset;

	if (f->size == 8)
		*(uint64_t *)at = value;
	else if (f->size == 4)
		*(uint32_t *)at = value;
	else
		*(uint16_t *)at = value;
	evmcs_of(l2)->clean &= ~f->clean;
}

static void evmcs_touch(struct l2 *l2, uint32_t encoding)
{
	evmcs_of(l2)->clean &= ~find_field(encoding)->clean;
}

static void evmcs_exited(struct l2 *l2)
{
	evmcs_of(l2)->clean = EVMCS_CLEAN_ALL;
}

const struct vmcs_ops vmcs_ops_evmcs = {
	.init = evmcs_init,
	.alloc = evmcs_alloc,
	.load = evmcs_load,
	.clear = evmcs_clear,
	.read = evmcs_read,
	.write = evmcs_write,
	.touch = evmcs_touch,
	.exited = evmcs_exited,
};
