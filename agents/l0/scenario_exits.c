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

static const struct exit_reason *find(const char *name)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(reasons[i].name, name))
			return &reasons[i];
	return NULL;
}

/* @rounds on each L2 vCPU, in slices that the sample memory holds; @h may be NULL. */
static int rounds(struct vm *vm, const struct exit_reason *reason, uint32_t left,
		  struct histogram *h)
{
	uint32_t per_cpu = (vm->m->l2_vcpus + vm->m->l1_vcpus - 1) / vm->m->l1_vcpus;
	uint32_t most = L1_NSAMPLES / per_cpu;
	int ret = 0;

	while (left && !ret) {
		uint32_t n = left < most ? left : most;

		vm_set_rounds(vm, n);
		for (uint32_t i = 0; i < vm->ncpus; i++)
			vm->cpus[i].job->exit_kind = reason->kind;
		ret = vm_run(vm, L1_CMD_EXITS);
		for (uint32_t i = 0; i < vm->ncpus && !ret && h; i++)
			for (uint32_t k = 0; k < vm->cpus[i].job->nsamples; k++)
				histogram_add(h, clock_units(vm->cpus[i].samples[k].a));
		left -= n;
	}
	return ret;
}

static int run(struct vm *vm, const struct exit_reason *reason, struct histogram *h)
{
	struct kvm_stats *stats;
	int ret;

	if ((vm->features & reason->needs) != reason->needs) {
		sink_skip(vm->sink, "exits by %s need %s", reason->name, reason->without);
		return VM_SAID;
	}
	ret = rounds(vm, reason, vm->m->warmup, NULL);
	if (ret)
		return ret;
	stats = vm_stats_begin(vm);
	ret = rounds(vm, reason, vm->m->rounds, h);
	kvm_stats_end(stats, ret ? NULL : vm->sink);
	return ret ? ret : vm_run(vm, L1_CMD_PROVE);
}

int scenario_exits_run(const struct plan_measure *m, struct sink *s)
{
	const struct exit_reason *reason = find(m->reason);
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
		ret = run(&vm, reason, &h);
	if (!ret)
		sink_metric(s, "exit", &h);
	vm_close(&vm);
	return vm_result(ret);
}
