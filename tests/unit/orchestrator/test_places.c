// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "orchestrator/places.h"

TEST(own_folders_are_where_xdg_says)
{
	struct places p;

	setenv("HOME", "/home/me", 1);
	unsetenv("XDG_CONFIG_HOME");
	places_find(&p, NULL);
	assert_string_equal(p.variants.own, "/home/me/.config/nestlab/kernels");
	assert_string_equal(p.policies.own, "/home/me/.config/nestlab/policies");
	places_free(&p);
	setenv("XDG_CONFIG_HOME", "/etc/mine", 1);
	places_find(&p, NULL);
	assert_string_equal(p.hosts.own, "/etc/mine/nestlab/hosts");
	places_free(&p);
	setenv("XDG_CONFIG_HOME", "relative/does/not/count", 1);
	places_find(&p, NULL);
	assert_string_equal(p.scenarios.own, "/home/me/.config/nestlab/scenarios");
	places_free(&p);
}

UNIT_MAIN("places", NULL, NULL)
