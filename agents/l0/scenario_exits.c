// SPDX-License-Identifier: GPL-2.0-only
/* scenario_exits.c - from L2 to L1 and back, by reason; measured in L2 around the instruction. */
#include <string.h>

#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/measure.h"
#include "agents/l0/vm.h"

static const struct exit_reason {
	const char *name;
	enum l1_exit_kind kind;
	uint32_t needs;	     /* enum l1_feature */
	const char *without; /* why there is none without them */
} reasons[] = {
	{"vmcall", L1_EXIT_VMCALL, 0, NULL},
	{"cpuid", L1_EXIT_CPUID, 0, NULL},
	{"rdmsr", L1_EXIT_RDMSR, 0, NULL},
	{"rdmsr-passthrough", L1_EXIT_RDMSR_PASS, 0, NULL},
	{"hlt", L1_EXIT_HLT, 0, NULL},
	{"io", L1_EXIT_IO, 0, NULL},
	{"ept-violation", L1_EXIT_EPT_VIOLATION, L1_FEATURE_EPT, "nested EPT (ept)"},
	{"apic-access", L1_EXIT_APIC_ACCESS, L1_FEATURE_APIC_ACCESS,
	 "an APIC-access page (apic_pages, and l1 micro-vmx: version 1 of the enlightened VMCS "
	 "has none)"},
	{"tpr-threshold", L1_EXIT_TPR_THRESHOLD, L1_FEATURE_TPR_SHADOW,
	 "a TPR shadow (apic_pages)"},
	{"interrupt", L1_EXIT_INTERRUPT, 0, NULL},
};

static const struct exit_reason *find_reason(const char *name)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(reasons[i].name, name))
			return &reasons[i];
	return NULL;
}

static void take_samples(struct histogram *h, const struct vm_cpu *cpu)
{
	for (uint32_t i = 0; i < cpu->job->nsamples; i++)
		histogram_add(h, clock_units(cpu->samples[i].a));
}

/* So many @rounds on each L2 vCPU; @h may be NULL. */
static int run_slice(struct vm *vm, const struct exit_reason *reason, uint32_t rounds,
		     struct histogram *h)
{
	int ret;

	vm_set_rounds(vm, rounds);
	for (uint32_t i = 0; i < vm->ncpus; i++)
		vm->cpus[i].job->exit_kind = reason->kind;
	ret = vm_run(vm, L1_CMD_EXITS);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < vm->ncpus && h; i++)
		take_samples(h, &vm->cpus[i]);
	return 0;
}

/* The same in slices that the sample memory holds. */
static int run_rounds(struct vm *vm, const struct exit_reason *reason, uint32_t rounds,
		      struct histogram *h)
{
	uint32_t most = vm_most_rounds(vm);
	int ret;

	for (; rounds > most; rounds -= most) {
		ret = run_slice(vm, reason, most, h);
		if (ret)
			return ret;
	}
	return run_slice(vm, reason, rounds, h);
}

static int measure_exits(struct vm *vm, const struct exit_reason *reason, struct histogram *h)
{
	struct kvm_stats *stats;
	int ret;

	if ((vm->features & reason->needs) != reason->needs) {
		sink_skip(vm->sink, "exits by %s need %s", reason->name, reason->without);
		return VM_SAID;
	}
	ret = run_rounds(vm, reason, vm->m->warmup, NULL);
	if (ret)
		return ret;
	stats = vm_stats_begin(vm);
	ret = run_rounds(vm, reason, vm->m->rounds, h);
	vm_stats_end(vm, stats, ret);
	if (ret)
		return ret;
	return vm_run(vm, L1_CMD_PROVE);
}

int scenario_exits_run(const struct plan_measure *m, struct sink *s)
{
	const struct exit_reason *reason = find_reason(m->reason);
	static struct histogram h;
	struct vm vm;
	int ret;

	if (!reason) {
		sink_skip(s, "no exits by \"%s\" in this agent", m->reason);
		return 0;
	}
	histogram_init_zeroed(&h);
	ret = vm_open(&vm, m, s);
	if (!ret)
		ret = measure_exits(&vm, reason, &h);
	if (!ret)
		sink_metric(s, "exit", &h);
	vm_close(&vm);
	return vm_result(ret);
}
