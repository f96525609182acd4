/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmx.h - Intel VMX as L1 uses it: numbers, and the table behind which there are two ways to drive it.
 *
 * Numbers are from the Intel SDM volume 3: VMCS field encodings appendix B, exit reasons appendix C,
 * capability MSRs appendix A, controls sections 25.6 to 25.8 (24.6 to 24.8 before 2022).
 */
#ifndef AGENTS_L1_VMX_H
#define AGENTS_L1_VMX_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/l1/abi.h"

/* Capability MSRs, SDM appendix A. */
#define MSR_FEATURE_CONTROL  0x3a
#define MSR_VMX_BASIC	     0x480
#define MSR_VMX_PIN	     0x481
#define MSR_VMX_PROC	     0x482
#define MSR_VMX_EXIT	     0x483
#define MSR_VMX_ENTRY	     0x484
#define MSR_VMX_CR0_FIXED0   0x486
#define MSR_VMX_CR4_FIXED0   0x488
#define MSR_VMX_PROC2	     0x48b
#define MSR_VMX_EPT_VPID_CAP 0x48c
#define MSR_VMX_TRUE	     0x0c /* added to PIN..ENTRY where basic bit 55 is set: 0x48d.. */
#define VMX_BASIC_TRUE	     (1ull << 55)
#define EPT_CAP_WALK_4	     (1ull << 6)
#define EPT_CAP_WB	     (1ull << 14)
#define EPT_CAP_2M	     (1ull << 16)

#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_APIC_BASE	   0x1b
#define MSR_X2APIC_SPIV	   0x80f
#define MSR_X2APIC_EOI	   0x80b
#define MSR_X2APIC_SELF	   0x83f

/* Controls, SDM 25.6.1, 25.6.2, 25.7.1, 25.8.1. */
#define PIN_EXTERNAL_INTERRUPT (1u << 0)
#define PIN_NMI		       (1u << 3)
#define PIN_POSTED	       (1u << 7)
#define PROC_HLT	       (1u << 7)
#define PROC_TPR_SHADOW	       (1u << 21)
#define PROC_IO		       (1u << 24)
#define PROC_MSR_BITMAP	       (1u << 28)
#define PROC_SECONDARY	       (1u << 31)
#define PROC2_APIC_ACCESS      (1u << 0)
#define PROC2_EPT	       (1u << 1)
#define PROC2_VPID	       (1u << 5)
#define PROC2_APIC_REGISTERS   (1u << 8)
#define PROC2_VID	       (1u << 9)
#define EXIT_HOST_64	       (1u << 9)
#define EXIT_ACK_INTERRUPT     (1u << 15)
#define ENTRY_IA32E	       (1u << 9)

/* VMCS fields, SDM appendix B. */
#define VMCS_VPID		    0x0000
#define VMCS_POSTED_VECTOR	    0x0002
#define VMCS_GUEST_ES_SEL	    0x0800
#define VMCS_GUEST_CS_SEL	    0x0802
#define VMCS_GUEST_SS_SEL	    0x0804
#define VMCS_GUEST_DS_SEL	    0x0806
#define VMCS_GUEST_FS_SEL	    0x0808
#define VMCS_GUEST_GS_SEL	    0x080a
#define VMCS_GUEST_LDTR_SEL	    0x080c
#define VMCS_GUEST_TR_SEL	    0x080e
#define VMCS_HOST_ES_SEL	    0x0c00
#define VMCS_HOST_CS_SEL	    0x0c02
#define VMCS_HOST_SS_SEL	    0x0c04
#define VMCS_HOST_DS_SEL	    0x0c06
#define VMCS_HOST_FS_SEL	    0x0c08
#define VMCS_HOST_GS_SEL	    0x0c0a
#define VMCS_HOST_TR_SEL	    0x0c0c
#define VMCS_IO_BITMAP_A	    0x2000
#define VMCS_IO_BITMAP_B	    0x2002
#define VMCS_MSR_BITMAP		    0x2004
#define VMCS_TSC_OFFSET		    0x2010
#define VMCS_VIRTUAL_APIC	    0x2012
#define VMCS_APIC_ACCESS	    0x2014
#define VMCS_POSTED_DESC	    0x2016
#define VMCS_EPTP		    0x201a
#define VMCS_EOI_EXIT_0		    0x201c
#define VMCS_GUEST_PHYSICAL	    0x2400
#define VMCS_LINK_POINTER	    0x2800
#define VMCS_GUEST_DEBUGCTL	    0x2802
#define VMCS_GUEST_PAT		    0x2804
#define VMCS_GUEST_EFER		    0x2806
#define VMCS_HOST_PAT		    0x2c00
#define VMCS_HOST_EFER		    0x2c02
#define VMCS_PIN		    0x4000
#define VMCS_PROC		    0x4002
#define VMCS_EXCEPTION_BITMAP	    0x4004
#define VMCS_PF_MASK		    0x4006
#define VMCS_PF_MATCH		    0x4008
#define VMCS_CR3_TARGETS	    0x400a
#define VMCS_EXIT_CONTROLS	    0x400c
#define VMCS_EXIT_MSR_STORE	    0x400e
#define VMCS_EXIT_MSR_LOAD	    0x4010
#define VMCS_ENTRY_CONTROLS	    0x4012
#define VMCS_ENTRY_MSR_LOAD	    0x4014
#define VMCS_ENTRY_INTERRUPTION	    0x4016
#define VMCS_ENTRY_ERROR_CODE	    0x4018
#define VMCS_ENTRY_LENGTH	    0x401a
#define VMCS_TPR_THRESHOLD	    0x401c
#define VMCS_PROC2		    0x401e
#define VMCS_INSTRUCTION_ERROR	    0x4400
#define VMCS_EXIT_REASON	    0x4402
#define VMCS_EXIT_INTERRUPTION	    0x4404
#define VMCS_EXIT_ERROR_CODE	    0x4406
#define VMCS_IDT_VECTORING	    0x4408
#define VMCS_IDT_ERROR_CODE	    0x440a
#define VMCS_EXIT_LENGTH	    0x440c
#define VMCS_EXIT_INSTRUCTION	    0x440e
#define VMCS_GUEST_ES_LIMIT	    0x4800
#define VMCS_GUEST_CS_LIMIT	    0x4802
#define VMCS_GUEST_SS_LIMIT	    0x4804
#define VMCS_GUEST_DS_LIMIT	    0x4806
#define VMCS_GUEST_FS_LIMIT	    0x4808
#define VMCS_GUEST_GS_LIMIT	    0x480a
#define VMCS_GUEST_LDTR_LIMIT	    0x480c
#define VMCS_GUEST_TR_LIMIT	    0x480e
#define VMCS_GUEST_GDTR_LIMIT	    0x4810
#define VMCS_GUEST_IDTR_LIMIT	    0x4812
#define VMCS_GUEST_ES_RIGHTS	    0x4814
#define VMCS_GUEST_CS_RIGHTS	    0x4816
#define VMCS_GUEST_SS_RIGHTS	    0x4818
#define VMCS_GUEST_DS_RIGHTS	    0x481a
#define VMCS_GUEST_FS_RIGHTS	    0x481c
#define VMCS_GUEST_GS_RIGHTS	    0x481e
#define VMCS_GUEST_LDTR_RIGHTS	    0x4820
#define VMCS_GUEST_TR_RIGHTS	    0x4822
#define VMCS_GUEST_INTERRUPTIBILITY 0x4824
#define VMCS_GUEST_ACTIVITY	    0x4826
#define VMCS_GUEST_SYSENTER_CS	    0x482a
#define VMCS_HOST_SYSENTER_CS	    0x4c00
#define VMCS_CR0_MASK		    0x6000
#define VMCS_CR4_MASK		    0x6002
#define VMCS_CR0_SHADOW		    0x6004
#define VMCS_CR4_SHADOW		    0x6006
#define VMCS_QUALIFICATION	    0x6400
#define VMCS_GUEST_LINEAR	    0x640a
#define VMCS_GUEST_CR0		    0x6800
#define VMCS_GUEST_CR3		    0x6802
#define VMCS_GUEST_CR4		    0x6804
#define VMCS_GUEST_ES_BASE	    0x6806
#define VMCS_GUEST_CS_BASE	    0x6808
#define VMCS_GUEST_SS_BASE	    0x680a
#define VMCS_GUEST_DS_BASE	    0x680c
#define VMCS_GUEST_FS_BASE	    0x680e
#define VMCS_GUEST_GS_BASE	    0x6810
#define VMCS_GUEST_LDTR_BASE	    0x6812
#define VMCS_GUEST_TR_BASE	    0x6814
#define VMCS_GUEST_GDTR_BASE	    0x6816
#define VMCS_GUEST_IDTR_BASE	    0x6818
#define VMCS_GUEST_DR7		    0x681a
#define VMCS_GUEST_RSP		    0x681c
#define VMCS_GUEST_RIP		    0x681e
#define VMCS_GUEST_RFLAGS	    0x6820
#define VMCS_GUEST_PENDING_DEBUG    0x6822
#define VMCS_GUEST_SYSENTER_ESP	    0x6824
#define VMCS_GUEST_SYSENTER_EIP	    0x6826
#define VMCS_HOST_CR0		    0x6c00
#define VMCS_HOST_CR3		    0x6c02
#define VMCS_HOST_CR4		    0x6c04
#define VMCS_HOST_FS_BASE	    0x6c06
#define VMCS_HOST_GS_BASE	    0x6c08
#define VMCS_HOST_TR_BASE	    0x6c0a
#define VMCS_HOST_GDTR_BASE	    0x6c0c
#define VMCS_HOST_IDTR_BASE	    0x6c0e
#define VMCS_HOST_SYSENTER_ESP	    0x6c10
#define VMCS_HOST_SYSENTER_EIP	    0x6c12
#define VMCS_HOST_RSP		    0x6c14
#define VMCS_HOST_RIP		    0x6c16

/* Basic exit reasons that L2 can cause, SDM appendix C. */
#define REASON_EXCEPTION     0
#define REASON_INTERRUPT     1
#define REASON_CPUID	     10
#define REASON_HLT	     12
#define REASON_INVD	     13
#define REASON_INVLPG	     14
#define REASON_RDPMC	     15
#define REASON_RDTSC	     16
#define REASON_VMCALL	     18
#define REASON_CR_ACCESS     28
#define REASON_DR_ACCESS     29
#define REASON_IO	     30
#define REASON_RDMSR	     31
#define REASON_WRMSR	     32
#define REASON_MWAIT	     36
#define REASON_MONITOR	     39
#define REASON_PAUSE	     40
#define REASON_TPR_THRESHOLD 43
#define REASON_APIC_ACCESS   44
#define REASON_EPT_VIOLATION 48
#define REASON_RDTSCP	     51
#define REASON_WBINVD	     54
#define REASON_XSETBV	     55
#define REASON_ENTRY_FAILED  (1u << 31)

/* APIC registers by offset in the page, SDM table 11-1 (10-1). */
#define APIC_VERSION 0x30
#define APIC_TPR     0x80

struct cpu;
struct l2;

/*
 * How L1 drives its VMCSs. load makes one current; read, write and touch need it to be. Each function
 * ends the job with a report if L0 refuses (see l1.h).
 */
struct vmcs_ops {
	void (*init)(struct cpu *cpu);		       /* after VMXON, once on each vCPU */
	void (*alloc)(struct l2 *l2);		       /* the region's header */
	void (*load)(struct cpu *cpu, struct l2 *l2);  /* make current: vmptrld */
	void (*clear)(struct cpu *cpu, struct l2 *l2); /* vmclear: to be launched again */
	uint64_t (*read)(struct l2 *l2, uint32_t field);
	void (*write)(struct l2 *l2, uint32_t field, uint64_t value);
	void (*touch)(struct l2 *l2, uint32_t field); /* what the field points to has changed */
	void (*exited)(struct l2 *l2); /* after each VM exit, before anything is written */
};

extern const struct vmcs_ops vmcs_ops_vmx, vmcs_ops_evmcs;

/* launch and resume are the same instructions for both: l1_enter() of l1.h. */

uint64_t vmx_read_region_revision(void); /* IA32_VMX_BASIC[30:0] */
void vmx_on(struct cpu *cpu);
void vmx_clear_region(uint64_t gpa); /* VMCLEAR, for both back ends */
/* A VM instruction failed: ends the job. */
void vmx_failed(enum l1_instruction which, uint64_t error) __attribute__((noreturn));

/* Control word for @want given capability MSR @msr (its TRUE form where there is one). Ends the job
 * with L1_LACK_CONTROL if some of @want cannot be set. */
uint32_t vmx_control(uint32_t msr, uint32_t want);
/* Ends the job with what L1 lacks of what the job asks for. */
void vmx_check_features(const struct cpu *cpu);

#endif
