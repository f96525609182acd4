// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/l2set.h"

#include "agents/guest/hv.h"

int l2set_open(struct l2set *set, const struct plan_measure *m, unsigned int extras, struct sink *s)
{
	struct l2vm_recipe recipe = {.smp = m->l2_smp, .extras = extras, .seed = m->seed};
	int ret;

	if (!recipe.smp)
		recipe.smp = 1; /* of Linux L1s alone */

	set->count = 0;
	ret = hv_open_host(&recipe.host, s);
	if (ret)
		return ret;
	for (; set->count < m->l2_vcpus; set->count++) {
		struct l2vm *l2 = &set->l2[set->count];

		ret = l2vm_open(l2, &recipe, set->count, set->count % recipe.smp ? l2 - 1 : NULL,
				s);
		if (ret)
			return ret;
	}
	return l2set_prove(set);
}

static int prove_one(struct l2vm *l2)
{
	int ret = hv_prove(l2); /* first, while L0's last L2 is another one */

	if (ret)
		return ret;
	return l2vm_prove(l2);
}

/* Each twice, with two others in between: L0 still has all that it keeps of it, and must not take that for the truth. */
int l2set_prove(struct l2set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		int ret = prove_one(&set->l2[i]);

		if (!ret)
			ret = prove_one(&set->l2[i ? i - 1 : 0]);
		if (ret)
			return ret;
	}
	return 0;
}
