// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agents/wire/protocol.h"
#include "common/alloc.h"
#include "common/strbuf.h"

/* Which word of the plan line a scenario's `variant` is. */
static const struct {
	const char *name;
	enum plan_scenario scenario;
	size_t offset, size;
} scenario_words[] = {
	{"multiplex", PLAN_MULTIPLEX, 0, 0},
	{"migrate", PLAN_MIGRATE, 0, 0},
	{"exits", PLAN_EXITS, offsetof(struct plan_measure, reason),
	 sizeof(((struct plan_measure *)0)->reason)},
	{"churn", PLAN_CHURN, offsetof(struct plan_measure, operation),
	 sizeof(((struct plan_measure *)0)->operation)},
	{"kselftest", PLAN_KSELFTEST, offsetof(struct plan_measure, test),
	 sizeof(((struct plan_measure *)0)->test)},
};

static void set_scenario(struct plan_measure *out, const struct scenario_measure *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenario_words); i++) {
		if (strcmp(m->scenario, scenario_words[i].name))
			continue;
		out->scenario = scenario_words[i].scenario;
		if (scenario_words[i].size && m->variant)
			snprintf((char *)out + scenario_words[i].offset, scenario_words[i].size,
				 "%s", m->variant);
	}
}

static void add_measure(struct strbuf *text, const struct scenario_measure *m, uint32_t id,
			uint64_t seed)
{
	struct plan_measure out = {
		.id = id,
		.l1 = m->l1 && !strcmp(m->l1, "micro-evmcs") ? PLAN_L1_EVMCS : PLAN_L1_VMX,
		.memory = m->memory && !strcmp(m->memory, "unmanaged") ? PLAN_UNMANAGED
								       : PLAN_MANAGED,
		.l2_vcpus = m->l2_vcpus,
		.l1_vcpus = m->l1_vcpus,
		.ept = m->ept,
		.apic_pages = m->apic_pages,
		.posted_interrupts = m->posted_interrupts,
		.parallel = m->parallel,
		.rounds = m->rounds,
		.warmup = m->warmup,
		.limit_s = m->limit_s,
		.count = m->count,
		.seed = seed,
	};
	char line[512];

	set_scenario(&out, m);
	plan_measure_format(&out, line, sizeof(line)); /* the words above always fit */
	strbuf_addf(text, "%s\n", line);
}

char *plan_text(const struct scenario_plan *plan, uint64_t seed)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "nestlab-plan %d\nrun seed=%" PRIu64 "\n", PROTOCOL_VERSION, seed);
	for (size_t i = 0; i < plan->nmeasures; i++)
		add_measure(&text, &plan->measures[i], i, seed);
	strbuf_addf(&text, "end count=%zu\n", plan->nmeasures);
	return strbuf_detach(&text);
}
