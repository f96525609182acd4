// SPDX-License-Identifier: GPL-2.0-only
/* Used by the agent and by the orchestrator, so it needs nothing but the C library. */
#include "agents/wire/words.h"

#include <string.h>

#include "agents/wire/protocol.h"
#include "agents/wire/sets.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define MAX_ROUNDS  1000000
#define MAX_LIMIT_S 3600
#define MAX_ID	    65535 /* the measurements of a plan */

/* ---- the lists of words.h, as tables ---- */

#define NAME(id, name, ...)			name,
#define SCENARIO_NAME(id, function, name, ...)	name,
#define DEFAULTS(id, function, name, l2, l1, r) [PLAN_##id] = {l2, l1, r},

const char *const plan_scenario_names[] = {PLAN_SCENARIOS(SCENARIO_NAME) NULL};
const char *const plan_reason_names[] = {PLAN_REASONS(NAME) NULL};
const char *const plan_operation_names[] = {PLAN_OPERATIONS(NAME) NULL};
const char *const plan_work_names[] = {PLAN_WORKS(NAME) NULL};
static const char *const l1_names[] = {PLAN_L1S(NAME) NULL};
const char *const plan_vmm_names[] = {PLAN_VMMS(NAME) NULL};
const char *const plan_fault_names[] = {PLAN_FAULTS(NAME) NULL};
const char *const plan_enlightenment_names[] = {PLAN_ENLIGHTENMENTS(NAME) NULL};
static const char *const memory_names[] = {PLAN_MEMORIES(NAME) NULL};
static const char *const backing_names[] = {PLAN_BACKINGS(NAME) NULL};
static const char *const handover_names[] = {PLAN_HANDOVERS(NAME) NULL};
const char *const plan_mode_names[] = {"cooperative", "parallel", NULL};

static const struct {
	uint32_t l2_vcpus, l1_vcpus, rounds;
} defaults[] = {PLAN_SCENARIOS(DEFAULTS)};

/* ---- parameters ---- */

#define FIELD(f) offsetof(struct plan_measure, f), sizeof(((struct plan_measure *)0)->f)

// clang-format off
const struct plan_word plan_words[] = {
	{"id", NULL, PLAN_WORD_NUMBER, PLAN_WORD_OF_LINE, FIELD(id), ALL, .max = PLAN_MAX_MEASURES - 1},
	{"scenario", "scenario", PLAN_WORD_CHOICE, PLAN_WORD_SCENARIO, FIELD(scenario), ALL,
	 .choices = plan_scenario_names},
	{"l1", "l1", PLAN_WORD_CHOICE, PLAN_WORD_AXIS, FIELD(l1), WITH_L1, .choices = l1_names},
	{"vmm", "vmm", PLAN_WORD_CHOICE, PLAN_WORD_AXIS, FIELD(vmm), WITH_L1, .optional = true,
	 .of_linux = true, .choices = plan_vmm_names},
	{"kvm_visible", "kvm_visible", PLAN_WORD_FLAG, PLAN_WORD_AXIS, FIELD(kvm_visible), WITH_L1,
	 .optional = true, .of_linux = true},
	{"fault", "fault", PLAN_WORD_CHOICE, PLAN_WORD_AXIS, FIELD(fault), FAULTY, .optional = true,
	 .of_linux = true, .silent = true, .choices = plan_fault_names},
	{"enlightenments", "enlightenments", PLAN_WORD_CHOICE, PLAN_WORD_AXIS, FIELD(enlightenments),
	 WITH_L1, .optional = true, .of_linux = true, .silent = true, .choices = plan_enlightenment_names},
	{"memory", "memory", PLAN_WORD_CHOICE, PLAN_WORD_AXIS, FIELD(memory), WITH_L1,
	 .choices = memory_names},
	{"backing", "backing", PLAN_WORD_CHOICE, PLAN_WORD_AXIS, FIELD(backing), WITH_L2,
	 .optional = true, .silent = true, .choices = backing_names},
	{"l2_vcpus", "l2_vcpus", PLAN_WORD_NUMBER, PLAN_WORD_AXIS, FIELD(l2_vcpus), WITH_L2,
	 .min = 1, .max = PLAN_MAX_L2_VCPUS},
	{"l1_vcpus", "l1_vcpus", PLAN_WORD_NUMBER, PLAN_WORD_AXIS, FIELD(l1_vcpus), WITH_L1,
	 .min = 1, .max = PLAN_MAX_L1_VCPUS},
	{"ept", "ept", PLAN_WORD_FLAG, PLAN_WORD_AXIS, FIELD(ept), WITH_L2},
	{"apic_pages", "apic_pages", PLAN_WORD_FLAG, PLAN_WORD_AXIS, FIELD(apic_pages), WITH_L2},
	{"posted_interrupts", "posted_interrupts", PLAN_WORD_FLAG, PLAN_WORD_AXIS,
	 FIELD(posted_interrupts), WITH_L2, .optional = true},
	{"parallel", "mode", PLAN_WORD_FLAG, PLAN_WORD_AXIS, FIELD(parallel), WITH_L2,
	 .optional = true, .choices = plan_mode_names},
	{"threads", "threads", PLAN_WORD_FLAG, PLAN_WORD_AXIS, FIELD(threads), WITH_L2,
	 .optional = true, .of_linux = true},
	{"l2_smp", "l2_smp", PLAN_WORD_NUMBER, PLAN_WORD_AXIS, FIELD(l2_smp), WITH_L2,
	 .of_linux = true, .min = 1, .max = PLAN_MAX_L2_SMP},
	{"l1_megabytes", "l1_megabytes", PLAN_WORD_NUMBER, PLAN_WORD_AXIS, FIELD(l1_megabytes), WITH_L1,
	 .optional = true, .of_disk = true, .silent = true, .min = 64, .max = PLAN_MAX_L1_MEGABYTES},
	{"rounds", "rounds", PLAN_WORD_NUMBER, PLAN_WORD_AMOUNT, FIELD(rounds), WITH_L1,
	 .min = 1, .max = MAX_ROUNDS},
	{"warmup", "warmup", PLAN_WORD_NUMBER, PLAN_WORD_AMOUNT, FIELD(warmup), WITH_L1,
	 .max = MAX_ROUNDS},
	{"reason", "reason", PLAN_WORD_CHOICE, PLAN_WORD_VARIANT, FIELD(reason), ONLY(PLAN_EXITS),
	 .choices = plan_reason_names},
	{"operation", "operation", PLAN_WORD_CHOICE, PLAN_WORD_VARIANT, FIELD(operation),
	 ONLY(PLAN_CHURN), .choices = plan_operation_names},
	{"work", "work", PLAN_WORD_CHOICE, PLAN_WORD_VARIANT, FIELD(work), ONLY(PLAN_L2_WORK),
	 .choices = plan_work_names},
	{"handover", "handover", PLAN_WORD_CHOICE, PLAN_WORD_AXIS, FIELD(handover),
	 ONLY(PLAN_SAVE_RESTORE), .optional = true, .of_linux = true, .silent = true,
	 .choices = handover_names},
	{"tunnelled", "tunnelled", PLAN_WORD_FLAG, PLAN_WORD_AXIS, FIELD(tunnelled),
	 ONLY(PLAN_LIVE_MIGRATE), .optional = true, .of_linux = true, .silent = true},
	{"destination", "destination", PLAN_WORD_NAME, PLAN_WORD_AXIS, FIELD(destination),
	 ONLY(PLAN_LIVE_MIGRATE), .optional = true, .of_linux = true},
	{"source", NULL, PLAN_WORD_NAME, PLAN_WORD_OF_LINE, FIELD(source), ONLY(PLAN_LIVE_MIGRATE),
	 .optional = true, .of_linux = true},
	{"test", "test", PLAN_WORD_NAME, PLAN_WORD_VARIANT, FIELD(test), TESTS},
	{"limit_s", "time_limit_s", PLAN_WORD_NUMBER, PLAN_WORD_AMOUNT, FIELD(limit_s), TESTS,
	 .optional = true, .min = 1, .max = MAX_LIMIT_S},
	{"arguments", "arguments", PLAN_WORD_LIST, PLAN_WORD_AXIS, FIELD(arguments), TESTS,
	 .optional = true},
	{"must_print", "must_print", PLAN_WORD_TEXT, PLAN_WORD_AMOUNT, FIELD(must_print),
	 ONLY(PLAN_KSELFTEST), .optional = true},
	{"must_not_print", "must_not_print", PLAN_WORD_TEXT, PLAN_WORD_AMOUNT,
	 FIELD(must_not_print), ONLY(PLAN_KSELFTEST), .optional = true},
	{"seed", NULL, PLAN_WORD_NUMBER, PLAN_WORD_OF_LINE, FIELD(seed), ALL, .optional = true,
	 .max = UINT64_MAX},
};
// clang-format on
const size_t plan_nwords = COUNT(plan_words);

int plan_choice_find(const char *const *choices, const char *value)
{
	for (int i = 0; choices[i]; i++)
		if (!strcmp(choices[i], value))
			return i;
	return -1;
}

bool plan_scenario_is_selftest(enum plan_scenario s)
{
	return TESTS & ONLY(s);
}

bool plan_scenario_has_l2(enum plan_scenario s)
{
	return WITH_L2 & ONLY(s);
}

bool plan_l1_is_linux(enum plan_l1 l1)
{
	return l1 == PLAN_L1_LINUX_KVM || l1 == PLAN_L1_LINUX_EVMCS;
}

bool plan_l1_is_disk(enum plan_l1 l1)
{
	return l1 == PLAN_L1_DISK || l1 == PLAN_L1_HYPERV;
}

bool plan_word_is_text(const struct plan_word *w)
{
	return w->kind == PLAN_WORD_NAME || w->kind == PLAN_WORD_TEXT || w->kind == PLAN_WORD_LIST;
}

bool plan_word_is_said(const struct plan_word *w, const struct plan_measure *m)
{
	if (w->silent && !plan_word_get(w, m))
		return false;
	if (w->optional && plan_word_is_text(w) && !((const char *)m)[w->offset])
		return false;
	if (w->of_linux && !plan_l1_is_linux(m->l1))
		return false;
	if (w->of_disk && !plan_l1_is_disk(m->l1))
		return false;
	return plan_word_is_used(w, m->scenario);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool plan_name_is_plain(const char *name)
{
	if (!is_alnum(name[0]) || strstr(name, ".."))
		return false;
	for (const char *p = name; *p; p++)
		if (!is_alnum(*p) && !strchr("._+-", *p))
			return false;
	return true;
}

uint64_t plan_word_get(const struct plan_word *w, const struct plan_measure *m)
{
	uint64_t value = 0;

	/* little-endian: short fields land in the low bytes */
	memcpy(&value, (const char *)m + w->offset, w->size);
	return value;
}

void plan_word_set(const struct plan_word *w, struct plan_measure *m, uint64_t value)
{
	memcpy((char *)m + w->offset, &value, w->size);
}

char *plan_word_text(const struct plan_word *w, struct plan_measure *m)
{
	return (char *)m + w->offset;
}

/* ---- a measurement's words ---- */

uint32_t plan_warmup_default(uint32_t rounds)
{
	return rounds / 10;
}

struct plan_measure plan_measure_default(enum plan_scenario s)
{
	return (struct plan_measure){
		.scenario = s,
		.l2_vcpus = defaults[s].l2_vcpus,
		.l1_vcpus = defaults[s].l1_vcpus,
		.ept = plan_scenario_has_l2(s),
		.l2_smp = plan_scenario_has_l2(s),
		.rounds = defaults[s].rounds,
		.warmup = plan_warmup_default(defaults[s].rounds),
	};
}
