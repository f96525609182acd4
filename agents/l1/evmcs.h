/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evmcs.h - Hyper-V's enlightened VMCS, version 1, as in the "Hypervisor Top-Level Functional
 * Specification" (TLFS), Nested Virtualization / Enlightened VMCS, and its appendix with the layout.
 * Fields have the names of the VMCS fields of vmx.h.
 */
#ifndef AGENTS_L1_EVMCS_H
#define AGENTS_L1_EVMCS_H

#include <stdint.h>

#define HV_MSR_GUEST_OS_ID     0x40000000u
#define HV_MSR_VP_ASSIST_PAGE  0x40000073u /* [0] enable, [63:12] page */
#define HV_CPUID_INTERFACE     0x40000001u /* EAX: "Hv#1" */
#define HV_CPUID_INTERFACE_HV1 0x31237648u
#define HV_CPUID_NESTED	       0x4000000au /* EAX: [7:0] lowest, [15:8] highest eVMCS version */
#define HV_NESTED_MSR_BITMAP   (1u << 19)  /* there: the enlightened MSR bitmap */
#define EVMCS_VERSION	       1u
/* Any identity but 0: open source, OS type 1 of the vendor-specific ones (TLFS, guest OS id). */
#define HV_GUEST_OS_ID_NESTLAB 0x8100000000000000ull

/* Groups of fields whose clean bit says "as L0 last saw them". */
enum evmcs_clean {
	EVMCS_CLEAN_IO_BITMAP = 1 << 0,
	EVMCS_CLEAN_MSR_BITMAP = 1 << 1,
	EVMCS_CLEAN_CONTROL_GRP2 = 1 << 2,
	EVMCS_CLEAN_CONTROL_GRP1 = 1 << 3,
	EVMCS_CLEAN_CONTROL_PROC = 1 << 4,
	EVMCS_CLEAN_CONTROL_EVENT = 1 << 5,
	EVMCS_CLEAN_CONTROL_ENTRY = 1 << 6,
	EVMCS_CLEAN_CONTROL_EXCEPTION = 1 << 7,
	EVMCS_CLEAN_CRDR = 1 << 8,
	EVMCS_CLEAN_CONTROL_XLAT = 1 << 9,
	EVMCS_CLEAN_GUEST_BASIC = 1 << 10,
	EVMCS_CLEAN_GUEST_GRP1 = 1 << 11,
	EVMCS_CLEAN_GUEST_GRP2 = 1 << 12,
	EVMCS_CLEAN_HOST_POINTER = 1 << 13,
	EVMCS_CLEAN_HOST_GRP1 = 1 << 14,
	EVMCS_CLEAN_ENLIGHTENMENTS = 1 << 15,
	EVMCS_CLEAN_ALL = 0xffff,
};

#define EVMCS_ENLIGHTEN_MSR_BITMAP (1u << 1) /* the clean bit of the MSR bitmap may be relied on */

struct evmcs {			 /* offsets in comments, in bytes */
	uint32_t version, abort; /* 0 */
	uint16_t host_es_sel, host_cs_sel, host_ss_sel, host_ds_sel, host_fs_sel, host_gs_sel;
	uint16_t host_tr_sel, reserved1;					   /* 20 */
	uint64_t host_pat, host_efer, host_cr0, host_cr3, host_cr4;		   /* 24 */
	uint64_t host_sysenter_esp, host_sysenter_eip, host_rip;		   /* 64 */
	uint32_t host_sysenter_cs, pin, exit_controls, proc2;			   /* 88 */
	uint64_t io_bitmap_a, io_bitmap_b, msr_bitmap;				   /* 104 */
	uint16_t es_sel, cs_sel, ss_sel, ds_sel, fs_sel, gs_sel, ldtr_sel, tr_sel; /* 128 */
	uint32_t es_limit, cs_limit, ss_limit, ds_limit, fs_limit, gs_limit;	   /* 144 */
	uint32_t ldtr_limit, tr_limit, gdtr_limit, idtr_limit;
	uint32_t es_rights, cs_rights, ss_rights, ds_rights, fs_rights, gs_rights; /* 184 */
	uint32_t ldtr_rights, tr_rights;
	uint64_t es_base, cs_base, ss_base, ds_base, fs_base, gs_base; /* 216 */
	uint64_t ldtr_base, tr_base, gdtr_base, idtr_base;
	uint64_t reserved2[3];								/* 296 */
	uint64_t exit_msr_store_address, exit_msr_load_address, entry_msr_load_address; /* 320 */
	uint64_t cr3_target[4];								/* 344 */
	uint32_t pf_mask, pf_match, cr3_targets;					/* 376 */
	uint32_t exit_msr_store, exit_msr_load, entry_msr_load;
	uint64_t tsc_offset, virtual_apic, link_pointer;				   /* 400 */
	uint64_t debugctl, pat, efer;							   /* 424 */
	uint64_t pdpte[4];								   /* 448 */
	uint64_t pending_debug, sysenter_esp, sysenter_eip;				   /* 480 */
	uint32_t activity, sysenter_cs;							   /* 504 */
	uint64_t cr0_mask, cr4_mask, cr0_shadow, cr4_shadow, cr0, cr3, cr4, dr7;	   /* 512 */
	uint64_t host_fs_base, host_gs_base, host_tr_base, host_gdtr_base, host_idtr_base; /* 576 */
	uint64_t host_rsp, eptp;							   /* 616 */
	uint16_t vpid, reserved3[3];							   /* 632 */
	uint64_t reserved4[5];								   /* 640 */
	uint64_t guest_physical;							   /* 680 */
	uint32_t instruction_error, exit_reason, exit_interruption, exit_error_code;	   /* 688 */
	uint32_t idt_vectoring, idt_error_code, exit_length, exit_instruction;		   /* 704 */
	uint64_t qualification, io_rcx, io_rsi, io_rdi, io_rip;				   /* 720 */
	uint64_t guest_linear, rsp, rflags;						   /* 760 */
	uint32_t interruptibility, proc, exception_bitmap, entry_controls;		   /* 784 */
	uint32_t entry_interruption, entry_error_code, entry_length, tpr_threshold;	   /* 800 */
	uint64_t rip;									   /* 816 */
	uint32_t clean, reserved5, synthetic_controls, enlightenments;			   /* 824 */
	uint32_t vp_id, reserved6;							   /* 840 */
	uint64_t vm_id, partition_assist_page;						   /* 848 */
	uint64_t reserved7[4];								   /* 864 */
	uint64_t bndcfgs, perf_global, reserved8[16];					   /* 896 */
};
_Static_assert(sizeof(struct evmcs) == 1040, "layout of the enlightened VMCS");
_Static_assert(__builtin_offsetof(struct evmcs, link_pointer) == 416, "likewise");
_Static_assert(__builtin_offsetof(struct evmcs, guest_physical) == 680, "likewise");
_Static_assert(__builtin_offsetof(struct evmcs, clean) == 824, "likewise");

struct hv_assist_page { /* TLFS, HV_VP_ASSIST_PAGE */
	uint32_t apic_assist, reserved1;
	uint32_t vtl_entry_reason, reserved2;
	uint64_t vtl_rax, vtl_rcx;
	uint32_t nested_features, nested_hypercalls;
	uint8_t enlighten_vmentry, reserved3[7];
	uint64_t current_nested_vmcs;
};
_Static_assert(__builtin_offsetof(struct hv_assist_page, current_nested_vmcs) == 48, "likewise");

/* Prepares the lookup of fields by their encodings; the back end's init() calls it. */
void evmcs_fill_index(void);

#endif
