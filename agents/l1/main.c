// SPDX-License-Identifier: GPL-2.0-only
/* main.c - an L1 vCPU's life: jobs, one after the other. */
#include "agents/l1/l1.h"

struct idt_gate { /* SDM volume 3, 6.14.1 */
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};
extern struct idt_gate l1_idt[32]; /* vectors.S, as the stubs that it points to */

extern const char l1_vectors[];
void l1_main(uint64_t number) __attribute__((noreturn));

static void fill_idt(void)
{
	for (int i = 0; i < 32; i++) {
		uint64_t to = (uint64_t)l1_vectors + i * 16;

		/* present, 64-bit interrupt gate */
		l1_idt[i] = (struct idt_gate){to, L1_CS, 0, 0x8e, to >> 16, to >> 32, 0};
	}
}

static void job_start(struct cpu *cpu)
{
	cpu->ops = l1_has(cpu, L1_FEATURE_EVMCS) ? &vmcs_ops_evmcs : &vmcs_ops_vmx;
	/* Not L2_ANSWER: L2 can tell the MSR's own value from what L1 answers. */
	wrmsr(MSR_KERNEL_GS_BASE, L1_GS_VALUE);
	vmx_on(cpu);
	cpu->ops->init(cpu);
	vmx_check_features(cpu);
	if (cpu->job->cpu)
		return;
	guest_build_tables();
	if (l1_has(cpu, L1_FEATURE_EPT))
		ept_build();
}

static void (*const jobs[L1_CMD_MAX])(struct cpu *) = {
	[L1_CMD_START] = job_start,	    [L1_CMD_SETUP] = job_setup,
	[L1_CMD_MULTIPLEX] = job_multiplex, [L1_CMD_MIGRATE] = job_migrate,
	[L1_CMD_RELEASE] = job_release,	    [L1_CMD_ADOPT] = job_adopt,
	[L1_CMD_EXITS] = exits_run,	    [L1_CMD_CHURN] = job_churn,
	[L1_CMD_PROVE] = job_prove,
};

static bool is_job_valid(const struct l1_job *job)
{
	return job->command < L1_CMD_MAX && jobs[job->command] && job->nl2 <= L1_MAX_L2 &&
	       job->ncpus && job->ncpus <= L1_MAX_CPUS && job->cpu < job->ncpus;
}

static void run_job(struct cpu *cpu)
{
	struct l1_job *job = cpu->job;
	uint64_t begin;

	job->nsamples = 0;
	job->entries = 0;
	if (!is_job_valid(job))
		l1_end(L1_STATUS_DIED, L1_DEATH_JOB, ~0u, 0, job->command, 0);
	begin = l1_tsc(L1_CMD_NONE, L1_MARK_JOB);
	jobs[job->command](cpu);
	job->ticks = l1_tsc(L1_CMD_NONE, 0) - begin;
	job->status = L1_STATUS_OK;
}

void l1_main(uint64_t number)
{
	struct cpu *cpu = l1_cpu();

	if (!cpu->job) {
		cpu->main = l1_main;
		cpu->job = (struct l1_job *)(L1_JOBS + number * L1_PAGE);
		fill_idt();
	}
	for (;;) {
		run_job(cpu);
		l1_return_to_agent();
	}
}
