// SPDX-License-Identifier: GPL-2.0-only
/* agents/l0/vmm/vmap.c: a measurement begins where the kernel has just freed what waited, and a little later. */
#include "tests/unit/unit.h"

#include "agents/l0/vmm/vmap.h"

struct kernel {
	unsigned int made, waiting; /* at the begin of a test: what earlier measurements left */
	unsigned int room;	    /* mappings that can be made */
};

/* As mm/vmalloc.c does, but at once: more than a cycle are freed together, in a time that shows. */
static uint64_t touch(void *arg)
{
	struct kernel *k = arg;

	if (k->made == k->room)
		return UINT64_MAX;
	k->made++;
	if (++k->waiting <= VMAP_CYCLE)
		return k->made % 40 ? 2000 : 60000; /* now and then a timer's tick */
	k->waiting = 0;
	return 1500000;
}

TEST(all_begin_at_the_same_place)
{
	static const unsigned int before[] = {0, 1, 2000, VMAP_CYCLE - 1, VMAP_CYCLE};

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		struct kernel k = {.waiting = before[i], .room = UINT32_MAX};
		unsigned int made = vmap_settle_by(touch, &k);

		assert_int_equal(made, k.made);
		assert_int_equal(k.waiting, VMAP_SETTLED);
		assert_true(k.made <= VMAP_CYCLE + 1 + VMAP_SETTLED);
	}
}

/* Another kernel, or more CPUs: it ends. */
static uint64_t touch_quietly(void *arg)
{
	++*(unsigned int *)arg;
	return 2000;
}

TEST(it_ends_where_nothing_is_freed)
{
	unsigned int made = 0;

	assert_int_equal(vmap_settle_by(touch_quietly, &made), VMAP_LIMIT);
	assert_int_equal(made, VMAP_LIMIT);
}

TEST(it_ends_where_nothing_can_be_mapped)
{
	struct kernel k = {.room = 0};

	assert_int_equal(vmap_settle_by(touch, &k), 0);
}

UNIT_MAIN("vmap", NULL, NULL)
