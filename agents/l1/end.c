// SPDX-License-Identifier: GPL-2.0-only
/*
 * end.c - how a job ends, from however deep. All else of L1 may call this, and this calls nothing of
 * L1: the way back to the top is a pointer that l1_main() left in its struct cpu.
 */
#include "agents/l1/l1.h"

static struct cpu cpus[L1_MAX_CPUS];

void l1_exception(uint64_t vector, uint64_t error, uint64_t rip) __attribute__((noreturn));

/* Stacks tell L1 vCPUs apart. */
static uint64_t cpu_number(void)
{
	uint64_t rsp;

	asm volatile("mov %%rsp, %0" : "=r"(rsp));
	return (rsp - 1 - L1_STACKS) / L1_STACK_SIZE;
}

struct cpu *l1_cpu(void)
{
	return &cpus[cpu_number()];
}

/* The stack is empty again afterwards, and the next KVM_RUN goes on with the next job. */
void l1_end(enum l1_status status, uint32_t what, uint32_t l2, uint64_t expected, uint64_t found,
	    uint64_t detail)
{
	uint64_t number = cpu_number();
	struct cpu *cpu = &cpus[number];

	cpu->job->report = (struct l1_report){what, l2, expected, found, detail};
	cpu->job->status = status;
	l1_return_to_agent();
	asm volatile("mov %0, %%rsp\n\tcall *%1" ::"r"(L1_STACKS + (number + 1) * L1_STACK_SIZE),
		     "r"(cpu->main), "D"(number)
		     : "memory");
	__builtin_unreachable();
}

void l1_lacks(enum l1_lack what)
{
	l1_end(L1_STATUS_UNSUPPORTED, what, ~0u, 0, 0, 0);
}

void l1_exception(uint64_t vector, uint64_t error, uint64_t rip)
{
	l1_end(L1_STATUS_DIED, L1_DEATH_EXCEPTION, ~0u, rip, vector, error);
}

void l1_sample(struct cpu *cpu, const struct l2 *l2, uint64_t a, uint64_t b)
{
	struct l1_sample *s = (struct l1_sample *)l1_samples(cpu->job->cpu);

	if (cpu->job->nsamples < L1_NSAMPLES)
		s[cpu->job->nsamples++] = (struct l1_sample){l2->id, a, b};
}
