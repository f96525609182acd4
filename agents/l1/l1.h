/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1.h - inside the micro-hypervisor: L1 vCPUs, L2 vCPUs, and how a job ends.
 *
 * A job that cannot go on ends at once through l1_end(), wherever it is; the report says why. So
 * functions of L1 return no errors.
 */
#ifndef AGENTS_L1_L1_H
#define AGENTS_L1_L1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l1/abi.h"
#include "agents/l1/l2.h"
#include "agents/l1/marks.h"
#include "agents/l1/vmx.h"

/* Selectors in the GDT of vectors.S. */
#define L1_CS 0x08
#define L1_DS 0x10
#define L1_TR 0x18

struct cpu { /* an L1 vCPU */
	struct l1_job *job;
	struct l2 *loaded; /* whose VMCS is current, or NULL */
	const struct vmcs_ops *ops;
	void (*main)(uint64_t number); /* l1_main(), where l1_end() goes on */
};

/* In the order of the pushes in enter.S. */
struct l2_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
};

struct l2 { /* an L2 vCPU, as L1 knows it; enter.S knows the offsets of frame and l1_rsp */
	struct l2_frame frame; /* VMCS host RSP is its end: VM exits push it */
	uint64_t l1_rsp;
	struct l2_page *page;
	uint64_t regs[L2_REGISTERS]; /* what its registers must be at its next exit */
	uint64_t steps;		     /* how many steps it must have made */

	uint32_t id;
	uint32_t msr_page, vapic_page; /* enum l1_block_page in use */
	bool launched;
	bool intercepted; /* is rdmsr of MSR_KERNEL_GS_BASE intercepted? */
};

/* ---- end.c: below all else ---- */

struct cpu *l1_cpu(void); /* the one that this runs on */
/* The job is over, or this slice of it: back here with the next KVM_RUN. */
static inline void l1_return_to_agent(void)
{
	asm volatile("out %%al, %0" ::"i"(L1_PORT), "a"(0) : "memory");
}
/* Ends the job with a report (abi.h says what its members mean for each status). */
void l1_end(enum l1_status status, uint32_t what, uint32_t l2, uint64_t expected, uint64_t found,
	    uint64_t detail) __attribute__((noreturn));
/* An integrity check: ends the job unless @found is @expected. */
static inline void l1_check(enum l1_check what, const struct l2 *l2, uint64_t expected,
			    uint64_t found, uint64_t detail)
{
	if (found != expected)
		l1_end(L1_STATUS_BROKEN, what, l2->id, expected, found, detail);
}
/* Ends the job as unsupported. */
void l1_lacks(enum l1_lack what) __attribute__((noreturn));
/* Adds a sample for the agent; dropped when L1_NSAMPLES are there. */
void l1_sample(struct cpu *cpu, const struct l2 *l2, uint64_t a, uint64_t b);
static inline bool l1_has(const struct cpu *cpu, enum l1_feature f)
{
	return cpu->job->features & f;
}

static inline uint32_t l1_first(const struct cpu *cpu)
{
	const struct l1_job *job = cpu->job;

	return (job->cpu + job->ncpus - job->shift % job->ncpus) % job->ncpus;
}
/* The L2 vCPUs of this L1 vCPU. */
#define for_each_l2(cpu, i) \
	for (uint32_t i = l1_first(cpu); i < (cpu)->job->nl2; i += (cpu)->job->ncpus)

/* ---- enter.S ---- */

/* VMLAUNCH or VMRESUME with L2's registers; back at L2's next exit, with the registers in l2->frame.
 * 0, or 1 (VMfailInvalid) or 2 (VMfailValid). */
int l1_enter(struct l2 *l2, bool resume);
void l1_exit_entry(void); /* VMCS host RIP */

/* ---- guest.c: one L2 vCPU ---- */

extern struct l2 l2s[L1_MAX_L2];

void guest_build_tables(void);			  /* L2's page tables, once */
void guest_setup(struct cpu *cpu, struct l2 *l2); /* pages, VMCS; loaded, not launched */
/* Runs L2 to its next exit, and does nothing else: callers time it. */
static inline void guest_enter(struct l2 *l2)
{
	int fail = l1_enter(l2, l2->launched);

	if (__builtin_expect(fail, 0))
		vmx_failed(L1_VMENTRY, fail);
}
/* After each guest_enter(): checks that L2 exited for @reason. */
void guest_exited(struct cpu *cpu, struct l2 *l2, uint32_t reason);
/* The same where several reasons are possible: returns which it was. */
uint32_t guest_reason(struct cpu *cpu, struct l2 *l2);
void guest_unexpected(struct cpu *cpu, struct l2 *l2, uint32_t expected, uint32_t found)
	__attribute__((noreturn));
void guest_skip(struct cpu *cpu, struct l2 *l2);      /* RIP past the instruction that exited */
void guest_resume_at(struct cpu *cpu, struct l2 *l2); /* RIP to where L2's R15 says */

/* ---- prove.c: what L1 checks; each ends the job if something is wrong ---- */

/* After the exit of a step: registers and L2's memory have the values that L1 expects. */
void prove_step(struct cpu *cpu, struct l2 *l2);
void prove_l2_found_nothing(struct l2 *l2);	  /* what L2 checks itself */
void prove_pages(struct cpu *cpu, struct l2 *l2); /* MSR bitmap and APIC pages; l2 is loaded */

/* ---- pages.c: the pages that a VMCS points to ---- */

void pages_setup(struct cpu *cpu, struct l2 *l2);
/* Sets whether reading MSR_KERNEL_GS_BASE exits; with @swap by changing to the other bitmap. */
void pages_set_intercept(struct cpu *cpu, struct l2 *l2, bool intercept, bool swap);
/* Uses each page, so that L0 maps those that it lost. */
void pages_touch(const struct l2 *l2);
void pages_swap_vapic(struct cpu *cpu, struct l2 *l2);
volatile uint32_t *pages_vtpr(const struct l2 *l2); /* the virtual-APIC page's TPR */

/* ---- exits.c ---- */

void exits_run(struct cpu *cpu);

/* ---- scenarios.c: the jobs ---- */

void job_setup(struct cpu *cpu);
void job_multiplex(struct cpu *cpu);
void job_migrate(struct cpu *cpu);
void job_release(struct cpu *cpu);
void job_adopt(struct cpu *cpu);
void job_churn(struct cpu *cpu);
void job_prove(struct cpu *cpu);

/* ---- ept.c ---- */

void ept_build(void); /* the EPT, once; ends the job if L0 lacks what it needs */
uint64_t ept_pointer(void);

/* ---- instructions ---- */

/*
 * Reads the clock, and notes in a section of its own where it does so and what for (marks.h). The fences
 * keep what is timed between two readings (SDM volume 2B, RDTSC).
 */
static inline __attribute__((always_inline)) uint64_t l1_tsc(const uint32_t command,
							     const uint32_t bits)
{
	uint32_t lo, hi;

	asm volatile("lfence; .L_mark%=: rdtsc; lfence\n\t"
		     ".pushsection " L1_MARKS_SECTION ",\"\",@progbits\n\t"
		     ".quad .L_mark%=\n\t.long %c2, %c3\n\t.popsection"
		     : "=a"(lo), "=d"(hi)
		     : "i"(command), "i"(bits)
		     : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	asm volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t read_cr0(void)
{
	uint64_t v;

	asm volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_cr3(void)
{
	uint64_t v;

	asm volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_cr4(void)
{
	uint64_t v;

	asm volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid r;

	asm volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(0));
	return r;
}

#endif
