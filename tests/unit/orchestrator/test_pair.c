// SPDX-License-Identifier: GPL-2.0-only
/* Two boots of one plan: what is refused before anything is built, and who is told when one of them is over. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/json.h"
#include "orchestrator/engine/pair.h"
#include "orchestrator/hosts/emulated.h"
#include "orchestrator/hosts/here.h"

static void load(const char *destination, struct scenario_plan *plan)
{
	__cleanup_free char *text = xasprintf(
		"{\"scenarios\": [{\"scenario\": \"l1-live-migrate\", \"l1\": \"linux-kvm\", \"vmm\": \"qemu\"%s}]}",
		destination);
	struct json_object *doc = json_tokener_parse(text);
	struct error err = {0};

	assert_int_equal(scenario_parse(doc, "there.json", plan, &err), 0);
	json_object_put(doc);
}

TEST(only_a_host_whose_memory_is_in_reach_is_one_of_a_pair)
{
	struct host_config host = {.name = (char *)"mine", .driver = &host_here};
	struct kernel_env env = {0};
	struct scenario_plan plans[2];
	struct error err = {0};

	load("", &plans[0]);
	load(", \"destination\": \"baseline\"", &plans[1]);
	assert_int_equal(pair_check(&host, &env, plans, 1, &err), 0);
	assert_int_equal(pair_check(&host, &env, plans, 2, &err), -ENODEV);
	assert_non_null(strstr(err.text, "SKIP: there.json"));
	assert_non_null(host_emulated.find_memory);
	for (int i = 0; i < 2; i++)
		scenario_plan_free(&plans[i]);
}

TEST(a_pair_lasts_as_long_as_one_holds_it)
{
	struct scenario_plan plan;
	struct error err = {0};
	struct pair *pair;

	load(", \"destination\": \"baseline\"", &plan);
	assert_int_equal(pair_new(&plan, "old", &pair, &err), 0);
	scenario_plan_free(&plan);
	pair_leave(pair, CARRIER_SOURCE, "old there boot 1");
	pair_drop(pair);
	assert_string_equal(pair_arriving(pair)->name, "there-from-old");
	pair_leave(pair, CARRIER_DESTINATION, "baseline there-from-old boot 1");
	pair_drop(pair);
	pair_drop(NULL);
}

UNIT_MAIN("pair", NULL, NULL)
