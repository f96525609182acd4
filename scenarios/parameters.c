// SPDX-License-Identifier: GPL-2.0-only
#include "scenarios/parameters.h"

#include <string.h>

#include "common/alloc.h"

const struct scenario_kind scenario_kinds[SCENARIO_COUNT] = {
	[MULTIPLEX] = {"multiplex", "L2 vCPUs take turns on each L1 vCPU: vmptrld, vmresume, exit",
		       8, 1, 200},
	[MIGRATE] = {"migrate", "L2 vCPUs move between L1 vCPUs: vmclear, vmptrld, vmlaunch", 8, 2,
		     100},
	[EXITS] = {"exits", "L2 exits to L1 and back, by reason", 1, 1, 1000},
	[CHURN] = {"churn", "L0 and L1 change pages that nested VMX uses, while L2 checks itself",
		   8, 1, 50},
	[KSELFTEST] = {"kselftest", "the kernel's own nested-VMX selftests", 0, 0, 1},
};

static const char *const l1_words[] = {"micro-vmx", "micro-evmcs", NULL};
static const char *const memory_words[] = {"managed", "unmanaged", NULL};
static const char *const mode_words[] = {"cooperative", "parallel", NULL};
static const char *const reason_words[] = {
	"vmcall",	 "cpuid",	"rdmsr",	 "rdmsr-passthrough", "hlt", "io",
	"ept-violation", "apic-access", "tpr-threshold", "interrupt",	      NULL};
static const char *const operation_words[] = {"dontneed",   "migrate-page", "memslot",
					      "msr-bitmap", "apic-page",    NULL};

#define FIELD(f) offsetof(struct scenario_measure, f)

/* In the order in which the matrix is walked: the last one moves fastest. */
const struct parameter scenario_parameters[] = {
	{"reason", ONLY(EXITS), PARAMETER_WORD, reason_words, 0, 0, FIELD(variant), true, 0,
	 "why L2 exits"},
	{"operation", ONLY(CHURN), PARAMETER_WORD, operation_words, 0, 0, FIELD(variant), true, 0,
	 "what happens to L1's pages"},
	{"test", ONLY(KSELFTEST), PARAMETER_NAME, NULL, 0, 0, FIELD(variant), true, 0,
	 "a selftest's program name"},
	{"l1", MICRO, PARAMETER_WORD, l1_words, 0, 0, FIELD(l1), false, 0,
	 "L1: plain VMCS, or Hyper-V's enlightened one"},
	{"memory", MICRO, PARAMETER_WORD, memory_words, 0, 0, FIELD(memory), false, 0,
	 "L1's memory: L0's kernel maps it, or not"},
	{"l2_vcpus", MICRO, PARAMETER_NUMBER, NULL, 1, 256, FIELD(l2_vcpus), false, 0,
	 "L2 vCPUs in all"},
	{"l1_vcpus", MICRO, PARAMETER_NUMBER, NULL, 1, 8, FIELD(l1_vcpus), false, 0,
	 "L1 vCPUs that they run on"},
	{"ept", MICRO, PARAMETER_FLAG, NULL, 0, 0, FIELD(ept), false, true, "nested EPT"},
	{"apic_pages", MICRO, PARAMETER_FLAG, NULL, 0, 0, FIELD(apic_pages), false, false,
	 "TPR shadow, virtual-APIC and APIC-access page"},
	{"posted_interrupts", MICRO, PARAMETER_FLAG, NULL, 0, 0, FIELD(posted_interrupts), false,
	 false, "posted interrupts, where the host has them"},
	{"mode", MICRO, PARAMETER_CHOICE, mode_words, 0, 0, FIELD(parallel), false, false,
	 "L1 vCPUs in turn on one thread, or each on its own"},
};
const size_t scenario_nparameters = ARRAY_SIZE(scenario_parameters);

static bool uneven(const struct scenario_measure *m)
{
	return m->l2_vcpus % m->l1_vcpus;
}

static bool nowhere_to_go(const struct scenario_measure *m)
{
	return m->l1_vcpus < 2;
}

static bool posted_without_apic(const struct scenario_measure *m)
{
	return m->posted_interrupts && !m->apic_pages;
}

static bool apic_without_pages(const struct scenario_measure *m)
{
	return !m->apic_pages &&
	       (!strcmp(m->variant, "apic-access") || !strcmp(m->variant, "tpr-threshold") ||
		!strcmp(m->variant, "apic-page"));
}

static bool violation_without_ept(const struct scenario_measure *m)
{
	return !m->ept && !strcmp(m->variant, "ept-violation");
}

static const struct {
	unsigned int scenarios;
	bool (*broken)(const struct scenario_measure *m);
	const char *text;
} rules[] = {
	{MICRO, uneven, "l2_vcpus cannot be spread evenly over l1_vcpus"},
	{ONLY(MIGRATE), nowhere_to_go, "migrating needs l1_vcpus of 2 or more"},
	{MICRO, posted_without_apic, "posted_interrupts need apic_pages"},
	{ONLY(EXITS) | ONLY(CHURN), apic_without_pages, "this needs apic_pages"},
	{ONLY(EXITS), violation_without_ept, "an EPT violation needs ept"},
};

const char *scenario_impossible(enum scenario_id id, const struct scenario_measure *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].scenarios & ONLY(id) && rules[i].broken(m))
			return rules[i].text;
	return NULL;
}
