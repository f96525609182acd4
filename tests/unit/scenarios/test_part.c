// SPDX-License-Identifier: GPL-2.0-only
/* scenarios/part.c: some entries of a file are a plan too. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "scenarios/scenarios.h"

/* Entries with one, two, one and one measurements. */
static const char four[] = "{\"scenarios\": [{\"scenario\": \"multiplex\"}, "
			   "{\"scenario\": \"exits\", \"reason\": [\"cpuid\", \"hlt\"]}, "
			   "{\"scenario\": \"migrate\"}, "
			   "{\"scenario\": \"l1-boot\", \"l1\": \"linux-kvm\"}]}";

static void write_file(const char *name, const char *text)
{
	__cleanup_free char *path = unit_path(name);
	struct error err = {0};

	assert_int_equal(fs_write_file(path, text, strlen(text), &err), 0);
}

/* Loads @name, where test.json has the four entries. */
static int load_part(const char *name, struct scenario_plan *plan, struct error *err)
{
	write_file("test.json", four);
	return scenario_load(&(struct folders){.shipped = unit_dir}, name, plan, err);
}

static void load_well(const char *name, struct scenario_plan *plan)
{
	struct error err = {0};

	if (load_part(name, plan, &err))
		fail_msg("%s", err.text);
}

TEST(some_entries_of_a_file_are_a_plan_too)
{
	static const struct {
		const char *name;
		size_t first, last, count, entry; /* entry: of the plan's last measurement */
	} cases[] = {{"test", 1, 4, 5, 4},     {"test+1", 1, 1, 1, 1},	{"test+2", 2, 2, 2, 2},
		     {"test+2-3", 2, 3, 3, 3}, {"test+3-", 3, 4, 2, 4}, {"test+1-4", 1, 4, 5, 4}};
	__cleanup_free char *path = unit_path("test.json+2-3");
	struct scenario_plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		load_well(cases[i].name, &plan);
		assert_string_equal(plan.name, cases[i].name);
		assert_int_equal(plan.first, cases[i].first);
		assert_int_equal(plan.last, cases[i].last);
		assert_int_equal(plan.nmeasures, cases[i].count);
		assert_int_equal(plan.measures[0].entry, cases[i].first);
		assert_int_equal(plan.measures[plan.nmeasures - 1].entry, cases[i].entry);
		scenario_plan_free(&plan);
	}
	load_well(path, &plan);
	assert_string_equal(plan.name, "test+2-3");
	assert_int_equal(plan.nmeasures, 3);
	scenario_plan_free(&plan);
}

TEST(entries_that_are_not_there_are_named)
{
	static const struct {
		const char *name, *message;
	} cases[] = {{"test+5", "test.json: $.scenarios: there is no entry 5: it has 1 to 4"},
		     {"test+5-", "there is no entry 5: it has 1 to 4"},
		     {"test+3-9", "there is no entry 9: it has 1 to 4"},
		     {"test+99999999999999999999999", "there is no entry"},
		     {"test+0", "test+0: no such scenario"},
		     {"test+3-2", "test+3-2: no such scenario"},
		     {"test+x", "test+x: no such scenario"},
		     {"test+-2", "test+-2: no such scenario"},
		     {"test+", "test+: no such scenario"},
		     {"test+3z", "test+3z: no such scenario"},
		     {"test+3,", "test+3,: not a scenario's name"},
		     {"test+3.4", "test+3.4: "},
		     {"other+2", "other: no such scenario"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scenario_plan plan;
		struct error err = {0};

		assert_true(load_part(cases[i].name, &plan, &err) < 0);
		if (!strstr(err.text, cases[i].message))
			fail_msg("%s: %s", cases[i].name, err.text);
	}
}

TEST(a_file_with_such_a_name_comes_first)
{
	__cleanup_free char *path = unit_path("test+2.json");
	struct scenario_plan plan;

	write_file("test+2.json", "{\"scenarios\": [{\"scenario\": \"multiplex\"}]}");
	load_well("test+2", &plan);
	assert_string_equal(plan.name, "test+2");
	assert_int_equal(plan.nmeasures, 1);
	assert_int_equal(plan.last, 1);
	scenario_plan_free(&plan);
	unlink(path);
}

UNIT_MAIN("part", unit_make_dir, unit_drop_dir)
