// SPDX-License-Identifier: GPL-2.0-only
/* has.c - what the measurements of a plan need: of the image, the kernel, the host. */
#include "scenarios/scenarios.h"

static bool is_in_linux(const struct plan_measure *m)
{
	return !plan_scenario_is_selftest(m->scenario) && plan_l1_is_linux(m->l1);
}

bool scenario_plan_has_linux(const struct scenario_plan *plan)
{
	for (size_t i = 0; i < plan->nmeasures; i++)
		if (is_in_linux(&plan->measures[i].line))
			return true;
	return false;
}

bool scenario_plan_has_moves(const struct scenario_plan *plan)
{
	for (size_t i = 0; i < plan->nmeasures; i++)
		if (plan_measure_moves(&plan->measures[i].line))
			return true;
	return false;
}

bool scenario_plan_has_peers(const struct scenario_plan *plan)
{
	for (size_t i = 0; i < plan->nmeasures; i++)
		if (plan_measure_has_peers(&plan->measures[i].line))
			return true;
	return false;
}

bool scenario_plan_has_vmm(const struct scenario_plan *plan, enum plan_vmm vmm)
{
	for (size_t i = 0; i < plan->nmeasures; i++)
		if (is_in_linux(&plan->measures[i].line) && plan->measures[i].line.vmm == vmm)
			return true;
	return false;
}

bool scenario_plan_has_scenario(const struct scenario_plan *plan, enum plan_scenario scenario)
{
	for (size_t i = 0; i < plan->nmeasures; i++)
		if (plan->measures[i].line.scenario == scenario)
			return true;
	return false;
}

bool scenario_plan_has_l1(const struct scenario_plan *plan, enum plan_l1 l1)
{
	for (size_t i = 0; i < plan->nmeasures; i++)
		if (!plan_scenario_is_selftest(plan->measures[i].line.scenario) &&
		    plan->measures[i].line.l1 == l1)
			return true;
	return false;
}

bool scenario_plan_has_disk(const struct scenario_plan *plan)
{
	return scenario_plan_has_l1(plan, PLAN_L1_DISK) ||
	       scenario_plan_has_l1(plan, PLAN_L1_HYPERV);
}

bool scenario_plan_is_of_disk(const struct scenario_plan *plan)
{
	for (size_t i = 0; i < plan->nmeasures; i++)
		if (plan_scenario_is_selftest(plan->measures[i].line.scenario) ||
		    !plan_l1_is_disk(plan->measures[i].line.l1))
			return false;
	return true;
}

bool scenario_plan_has_userland(const struct scenario_plan *plan)
{
	return scenario_plan_has_disk(plan) || scenario_plan_has_vmm(plan, PLAN_VMM_QEMU) ||
	       scenario_plan_has_vmm(plan, PLAN_VMM_LIBVIRT);
}
