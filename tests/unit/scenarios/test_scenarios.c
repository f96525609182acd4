// SPDX-License-Identifier: GPL-2.0-only
/* scenarios/: files become plans; what is wrong in them is named with file and path. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/strbuf.h"
#include "orchestrator/engine/plan.h"
#include "scenarios/scenarios.h"

/* Loads @text as DIR/test.json. */
#define KSELFTEST(test) "\"scenarios\": [{\"scenario\": \"kselftest\", \"test\": \"" test "\"}]"
#define FLAT(test)	"\"scenarios\": [{\"scenario\": \"kvm-unit-test\", \"test\": \"" test "\"}]"

static int load(const char *text, struct scenario_plan *plan, struct error *err)
{
	__cleanup_free char *path = unit_path("test.json");

	assert_int_equal(fs_write_file(path, text, strlen(text), err), 0);
	return scenario_load(&(struct folders){.shipped = unit_dir}, "test", plan, err);
}

static void load_well(const char *text, struct scenario_plan *plan)
{
	struct error err = {0};

	if (load(text, plan, &err))
		fail_msg("%s", err.text);
}

#define ONE(members) "{\"scenarios\": [{" members "}]}"

TEST(a_matrix_is_the_product_of_its_lists)
{
	struct scenario_plan plan;

	load_well(ONE("\"scenario\": \"multiplex\", \"l1\": [\"micro-vmx\", \"micro-evmcs\"],"
		      "\"memory\": [\"managed\", \"unmanaged\"], \"l2_vcpus\": [2, 8, 64],"
		      "\"apic_pages\": [false, true], \"rounds\": 70"),
		  &plan);
	assert_int_equal(plan.nmeasures, 24);
	assert_string_equal(plan.name, "test");
	/* the last parameter moves fastest */
	assert_int_equal(plan.measures[0].line.l1, PLAN_L1_VMX);
	assert_false(plan.measures[0].line.apic_pages);
	assert_true(plan.measures[1].line.apic_pages);
	assert_int_equal(plan.measures[1].line.l2_vcpus, 2);
	assert_int_equal(plan.measures[2].line.l2_vcpus, 8);
	assert_int_equal(plan.measures[6].line.memory, PLAN_UNMANAGED);
	assert_int_equal(plan.measures[23].line.l1, PLAN_L1_EVMCS);
	assert_int_equal(plan.measures[23].line.l2_vcpus, 64);
	assert_int_equal(plan.measures[23].line.rounds, 70);
	assert_int_equal(plan.measures[23].line.warmup, 7);
	scenario_plan_free(&plan);
}

/* A guest that boots serves what follows each other; micro-hypervisors are left as they come, and so are the measurements
 * after which no L1 is of use. */
TEST(what_one_l1_serves_comes_together)
{
	static const struct {
		int reason, memory, l1;
	} order[] = {
		{PLAN_REASON_CPUID, PLAN_MANAGED, PLAN_L1_VMX},
		{PLAN_REASON_CPUID, PLAN_UNMANAGED, PLAN_L1_VMX},
		{PLAN_REASON_CPUID, PLAN_MANAGED, PLAN_L1_LINUX_KVM},
		{PLAN_REASON_IO, PLAN_MANAGED, PLAN_L1_LINUX_KVM},
		{PLAN_REASON_CPUID, PLAN_UNMANAGED, PLAN_L1_LINUX_KVM},
		{PLAN_REASON_IO, PLAN_UNMANAGED, PLAN_L1_LINUX_KVM},
		{PLAN_REASON_IO, PLAN_MANAGED, PLAN_L1_VMX},
		{PLAN_REASON_IO, PLAN_UNMANAGED, PLAN_L1_VMX},
	};
	struct scenario_plan plan;

	load_well(ONE("\"scenario\": \"exits\", \"l1\": [\"micro-vmx\", \"linux-kvm\"],"
		      "\"memory\": [\"managed\", \"unmanaged\"], \"reason\": [\"cpuid\", \"io\"]"),
		  &plan);
	assert_int_equal(plan.nmeasures, ARRAY_SIZE(order));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		assert_int_equal(plan.measures[i].line.reason, order[i].reason);
		assert_int_equal(plan.measures[i].line.memory, order[i].memory);
		assert_int_equal(plan.measures[i].line.l1, order[i].l1);
	}
	scenario_plan_free(&plan);
	load_well(ONE("\"scenario\": \"multiplex\", \"l1\": \"linux-kvm\", \"l2_vcpus\": [1, 2],"
		      "\"fault\": [\"panic\", \"silent\"]"),
		  &plan);
	assert_int_equal(plan.measures[1].line.fault, PLAN_FAULT_PANIC);
	assert_int_equal(plan.measures[2].line.fault, PLAN_FAULT_SILENT);
	scenario_plan_free(&plan);
}

TEST(params_identify_a_measurement)
{
	struct scenario_plan plan;

	load_well(
		"{\"mode\": \"parallel\", \"scenarios\": [{\"scenario\": \"exits\", "
		"\"reason\": \"cpuid\", \"rounds\": 5, \"warmup\": 0}, "
		"{\"scenario\": \"kselftest\", \"test\": \"vmx_msrs_test\", \"time_limit_s\": 5}]}",
		&plan);
	assert_string_equal(
		plan.measures[0].params,
		"{\"apic_pages\":false,\"ept\":true,\"l1\":\"micro-vmx\",\"l1_vcpus\":1,"
		"\"l2_vcpus\":1,\"memory\":\"managed\",\"mode\":\"parallel\","
		"\"posted_interrupts\":false,\"reason\":\"cpuid\"}");
	assert_true(plan.measures[0].line.parallel);
	assert_int_equal(plan.measures[0].line.reason, PLAN_REASON_CPUID);
	assert_int_equal(plan.measures[0].line.warmup, 0);
	assert_string_equal(plan.measures[1].params, "{\"test\":\"vmx_msrs_test\"}");
	assert_int_equal(plan.measures[0].line.limit_s, 0);
	assert_int_equal(plan.measures[1].line.limit_s, 5);
	assert_string_equal(plan.measures[1].line.test, "vmx_msrs_test");
	assert_int_equal(plan.measures[1].line.rounds, 0);
	assert_string_equal(scenario_measure_name(&plan.measures[1]), "kselftest");
	scenario_plan_free(&plan);
}

TEST(what_cannot_be_combined_is_left_out)
{
	struct scenario_plan plan;

	/* two L2 vCPUs cannot be spread over four L1 vCPUs; the rest can */
	load_well(ONE("\"scenario\": \"multiplex\", \"l2_vcpus\": [2, 4], \"l1_vcpus\": [1, 2, 4]"),
		  &plan);
	assert_int_equal(plan.nmeasures, 5);
	scenario_plan_free(&plan);
}

TEST(effects_and_description_are_kept)
{
	struct scenario_plan plan;

	load_well(
		"{\"description\": \"why\", \"metrics\": {\"switch\": {\"smallest_effect\": 1.5}},"
		"\"scenarios\": [{\"scenario\": \"multiplex\"}]}",
		&plan);
	assert_string_equal(plan.description, "why");
	assert_int_equal(plan.neffects, 1);
	assert_string_equal(plan.effects[0].metric, "switch");
	assert_true(plan.effects[0].percent == 1.5);
	scenario_plan_free(&plan);
}

TEST(a_selftest_with_other_arguments_is_another_measurement)
{
	struct scenario_plan plan;

	load_well("{\"scenarios\": [{\"scenario\": \"kselftest\", \"test\": \"a\", \"arguments\": "
		  "[[], [\"-n\", \"8 9\"]], \"must_print\": \"ok 1\"}, {\"scenario\": "
		  "\"kselftest\", \"test\": \"a\", \"arguments\": [\"8\"]}]}",
		  &plan);
	assert_int_equal(plan.nmeasures, 3);
	assert_string_equal(plan.measures[0].params, "{\"test\":\"a\"}");
	assert_string_equal(plan.measures[1].params,
			    "{\"arguments\":[\"-n\",\"8 9\"],\"test\":\"a\"}");
	assert_string_equal(plan.measures[1].line.arguments, "-n\n8 9\n");
	assert_string_equal(plan.measures[1].line.must_print, "ok 1");
	assert_string_equal(plan.measures[2].params, "{\"arguments\":[\"8\"],\"test\":\"a\"}");
	scenario_plan_free(&plan);
}

TEST(the_hash_is_of_the_meaning)
{
	struct scenario_plan a, b, c;

	load_well("{\"description\": \"\", \"scenarios\": [{\"scenario\": \"multiplex\", "
		  "\"l2_vcpus\": 4}]}",
		  &a);
	load_well("{\"scenarios\":[{\"l2_vcpus\":4,\"scenario\":\"multiplex\"}],"
		  "\"description\":\"\"}\n",
		  &b);
	load_well("{\"description\": \"\", \"scenarios\": [{\"scenario\": \"multiplex\", "
		  "\"l2_vcpus\": 8}]}",
		  &c);
	assert_string_equal(a.hash, b.hash);
	assert_string_not_equal(a.hash, c.hash);
	scenario_plan_free(&a);
	scenario_plan_free(&b);
	scenario_plan_free(&c);
}

#define A64 "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffgggggggghhhhhhhh"

static const struct {
	const char *text, *path, *says;
} wrong[] = {
	{"", "test.json:1:1", "ends too early"},
	{"[]", "$", "object"},
	{"{\"scenarios\": []}", "$.scenarios", "empty"},
	{"{}", "$", "\"scenarios\" is missing"},
	{"{\"scenario\": []}", "$", "did you mean \"scenarios\""},
	{ONE(""), "$.scenarios[0]", "\"scenario\" is missing"},
	{ONE("\"scenario\": \"multiplx\""), "$.scenarios[0].scenario", "multiplex, migrate"},
	{ONE("\"scenario\": \"multiplex\", \"l2_vcpu\": 8"), "$.scenarios[0]", "l2_vcpus"},
	{ONE("\"scenario\": \"multiplex\", \"reason\": \"hlt\""), "$.scenarios[0]", "reason"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"a\", \"rounds\": 1"), "$.scenarios[0]",
	 "rounds"},
	{ONE("\"scenario\": \"multiplex\", \"time_limit_s\": 1"), "$.scenarios[0]", "time_limit_s"},
	{ONE("\"scenario\": \"multiplex\", \"arguments\": [\"1\"]"), "$.scenarios[0]", "arguments"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"a\", \"arguments\": \"1\""),
	 "$.scenarios[0].arguments", "expected an array"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"a\", \"arguments\": [\"1\\n2\"]"),
	 "$.scenarios[0].arguments[0]", "without newlines"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"a\", \"arguments\": [\"1\\u00002\"]"),
	 "$.scenarios[0].arguments[0]", "NUL"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"a\", \"arguments\": [[\"1\"], [\"1\"]]"),
	 "$.scenarios[0].arguments[1]", "in the list twice"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"a\", \"must_print\": \"\""),
	 "$.scenarios[0].must_print", "leave the key out"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"a\", \"must_print\": \"" A64 A64 "\""),
	 "$.scenarios[0].must_print", "longer than 95 bytes"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"a\", \"time_limit_s\": 0"),
	 "$.scenarios[0].time_limit_s", "0 is not within 1..3600"},
	{ONE("\"scenario\": \"multiplex\", \"l2_vcpus\": [8, 0]"), "$.scenarios[0].l2_vcpus[1]",
	 "0 is not within 1..256"},
	{ONE("\"scenario\": \"multiplex\", \"l2_vcpus\": 257"), "$.scenarios[0].l2_vcpus", "257"},
	{ONE("\"scenario\": \"multiplex\", \"l2_vcpus\": \"8\""), "$.scenarios[0].l2_vcpus",
	 "whole number"},
	{ONE("\"scenario\": \"multiplex\", \"l2_vcpus\": 2.5"), "$.scenarios[0].l2_vcpus",
	 "whole number"},
	{ONE("\"scenario\": \"multiplex\", \"ept\": [true, \"on\"]"), "$.scenarios[0].ept[1]",
	 "true or false"},
	{ONE("\"scenario\": \"multiplex\", \"memory\": \"manged\""), "$.scenarios[0].memory",
	 "managed, unmanaged"},
	{ONE("\"scenario\": \"multiplex\", \"l1\": []"), "$.scenarios[0].l1", "empty"},
	{ONE("\"scenario\": \"multiplex\", \"l2_vcpus\": [4, 8, 4]"), "$.scenarios[0].l2_vcpus[2]",
	 "in the list twice"},
	{ONE("\"scenario\": \"multiplex\", \"rounds\": 0"), "$.scenarios[0].rounds", "0 is not"},
	{ONE("\"scenario\": \"multiplex\", \"rounds\": [1]"), "$.scenarios[0].rounds",
	 "whole number"},
	{ONE("\"scenario\": \"exits\""), "$.scenarios[0]", "\"reason\" is missing"},
	{ONE("\"scenario\": \"multiplex\", \"mode\": \"serial\""), "$.scenarios[0].mode",
	 "cooperative, parallel"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"../x\""), "$.scenarios[0].test",
	 "\"../x\" is not a plain name"},
	{ONE("\"scenario\": \"kselftest\", \"test\": \"" A64 "\""), "$.scenarios[0].test",
	 "63 bytes at most"},
	{ONE("\"scenario\": \"churn\", \"operation\": \"apic-page\""), "$.scenarios[0]",
	 "needs apic_pages"},
	{ONE("\"scenario\": \"multiplex\", \"rounds\": 1000001"), "$.scenarios[0].rounds",
	 "1000001 is not within 1..1000000"},
	{ONE("\"scenario\": \"multiplex\", \"parallel\": true"), "$.scenarios[0]", "parallel"},
	{ONE("\"scenario\": \"multiplex\", \"seed\": 1"), "$.scenarios[0]", "seed"},
	{"{\"mode\": \"serial\", \"scenarios\": [{\"scenario\": \"multiplex\"}]}", "$.mode",
	 "cooperative"},
	{"{\"metrics\": {\"swich\": {\"smallest_effect\": 1}}, \"scenarios\": [{\"scenario\": "
	 "\"multiplex\"}]}",
	 "$.metrics", "swich"},
	{"{\"metrics\": {\"switch\": {\"smallest_effect\": 0}}, \"scenarios\": [{\"scenario\": "
	 "\"multiplex\"}]}",
	 "$.metrics.switch.smallest_effect", "percentage"},
	/* impossible values */
	{ONE("\"scenario\": \"multiplex\", \"l2_vcpus\": 2, \"l1_vcpus\": [1, 4]"),
	 "$.scenarios[0].l1_vcpus[1]", "spread evenly"},
	{ONE("\"scenario\": \"migrate\", \"l1_vcpus\": 1"), "$.scenarios[0]", "2 or more"},
	{ONE("\"scenario\": \"exits\", \"reason\": [\"hlt\", \"apic-access\"]"),
	 "$.scenarios[0].reason[1]", "apic_pages"},
	{ONE("\"scenario\": \"exits\", \"reason\": \"ept-violation\", \"ept\": false"),
	 "$.scenarios[0]", "needs ept"},
	{ONE("\"scenario\": \"multiplex\", \"posted_interrupts\": true"), "$.scenarios[0]",
	 "posted_interrupts need"},
	{ONE("\"scenario\": \"multiplex\", \"l1\": \"linux-kvm\", \"backing\": \"memfd\""),
	 "$.scenarios[0]", "memfd or hugetlb by vmm qemu or libvirt"},
	{ONE("\"scenario\": \"multiplex\", \"l1\": \"linux-kvm\", \"vmm\": \"qemu\", \"backing\": \"thp\""),
	 "$.scenarios[0]", "memfd or hugetlb by vmm qemu or libvirt"},
	{ONE("\"scenario\": \"multiplex\", \"l1\": \"linux-kvm\", \"enlightenments\": \"none\""),
	 "$.scenarios[0]", "enlightenments are of a Linux L1 by vmm qemu or libvirt"},
	{ONE("\"scenario\": \"multiplex\", \"l1\": \"linux-kvm\", \"vmm\": \"qemu\", \"enlightenments\": "
	     "\"hyperv-full\""),
	 "$.scenarios[0]", "linux-evmcs sees hyperv-full"},
	{ONE("\"scenario\": \"multiplex\", \"l1\": \"linux-evmcs\", \"vmm\": \"libvirt\", "
	     "\"enlightenments\": \"hyperv-basic\""),
	 "$.scenarios[0]", "linux-evmcs sees hyperv-full"},
	{"{\"scenarios\": [{\"scenario\": \"multiplex\"}, {\"scenario\": \"multiplex\", "
	 "\"l2_vcpus\": [4, 8]}]}",
	 "$.scenarios", "the same measurement is there twice"},
};

TEST(what_is_wrong_is_named_with_file_and_path)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct scenario_plan plan;
		struct error err = {0};

		assert_int_equal(load(wrong[i].text, &plan, &err), -EINVAL);
		if (!strstr(err.text, "test.json") || !strstr(err.text, wrong[i].path) ||
		    !strstr(err.text, wrong[i].says))
			fail_msg("%s\n  gave: %s\n  not:  %s ... %s", wrong[i].text, err.text,
				 wrong[i].path, wrong[i].says);
	}
}

/* Folders and programs of the user's own; NULL: right. */
TEST(what_is_the_users_own_is_looked_at_first)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{\"l1_kernel\": \"\", \"scenarios\": [{\"scenario\": \"multiplex\"}]}",
		 "$.l1_kernel: the text is empty"},
		{"{\"programs\": \"\", " KSELFTEST("good") "}", "$.programs: the text is empty"},
		{"{\"programs\": \"own\", " KSELFTEST("good") "}", NULL},
		{"{\"programs\": \"own\", " KSELFTEST("of_the_tree") "}", NULL},
		{"{\"programs\": \"own\", " KSELFTEST("folder") "}",
		 "own/folder.c: Is a directory"},
		{"{\"programs\": \"own\", " KSELFTEST("circle") "}", "Too many levels"},
		{"{\"flats\": \"own\", " FLAT("good.c") "}", NULL},
		{"{\"flats\": \"own\", " FLAT("folder.c") "}", "own/folder.c: Is a directory"},
		{"{\"flats\": \"own\", " FLAT("gone") "}", "own/gone: No such file"},
	};
	__cleanup_free char *folder = unit_path("own/folder.c"),
			    *circle = unit_path("own/circle.c");

	unit_put("own/good.c", "");
	assert_int_equal(fs_mkdir_p(folder, NULL), 0);
	assert_int_equal(symlink("circle.c", circle), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scenario_plan plan;
		struct error err;
		int ret = load(cases[i].text, &plan, &err);

		assert_int_equal(ret, cases[i].says ? -EINVAL : 0);
		if (cases[i].says)
			assert_contains(err.text, cases[i].says);
		else
			scenario_plan_free(&plan);
	}
}

TEST(a_plan_has_a_limit)
{
	struct strbuf text = STRBUF_INIT;
	struct scenario_plan plan;
	struct error err = {0};

	strbuf_addstr(&text, "{\"scenarios\": [{\"scenario\": \"multiplex\", \"l2_vcpus\": [1");
	for (int i = 2; i <= 256; i++)
		strbuf_addf(&text, ", %d", i);
	strbuf_addstr(&text,
		      "], \"l1\": [\"micro-vmx\", \"micro-evmcs\"], \"memory\": [\"managed\","
		      " \"unmanaged\"], \"ept\": [true, false], \"apic_pages\": [true, "
		      "false], \"mode\": [\"cooperative\", \"parallel\"]}]}");
	assert_int_equal(load(text.buf, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.text, "4096"));
	strbuf_release(&text);
}

TEST(a_missing_file_is_said_to_be_missing)
{
	struct scenario_plan plan;
	struct error err = {0};

	assert_int_equal(
		scenario_load(&(struct folders){.shipped = unit_dir}, "no-such", &plan, &err),
		-ENOENT);
	assert_non_null(strstr(err.text, "no-such: no such scenario"));
	assert_int_equal(scenario_load(&(struct folders){.shipped = unit_dir}, "../x", &plan, &err),
			 -EINVAL);
}

TEST(shipped_plans_hold_what_they_promise)
{
	static const char *const names[] = {"quick", "full", "limit"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct scenario_plan plan;
		struct error err = {0};
		bool evmcs = false, unmanaged = false, no_ept = false, many = false;

		if (scenario_load(&(struct folders){.shipped = (char *)"scenarios"}, names[i],
				  &plan, &err))
			fail_msg("%s", err.text);
		for (size_t k = 0; k < plan.nmeasures; k++) {
			evmcs |= plan.measures[k].line.l1 == PLAN_L1_EVMCS;
			unmanaged |= plan.measures[k].line.memory == PLAN_UNMANAGED;
			no_ept |= !plan.measures[k].line.ept;
			many |= plan.measures[k].line.l2_vcpus == 64 &&
				plan.measures[k].line.l1_vcpus == 4;
		}
		assert_true(evmcs && unmanaged);
		if (!strcmp(names[i], "full"))
			assert_true(no_ept && many);
		scenario_plan_free(&plan);
	}
}

/* Of two L2 vCPUs on an L1 vCPU, one is current when it leaves and the other is not: the median lies between two costs that differ by
 * 5 %, wherever a timer tick puts it. */
TEST(no_shipped_plan_migrates_halves)
{
	static const char *const names[] = {"quick", "full", "limit", "backing"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct scenario_plan plan;
		struct error err = {0};

		if (scenario_load(&(struct folders){.shipped = (char *)"scenarios"}, names[i],
				  &plan, &err))
			fail_msg("%s", err.text);
		for (size_t k = 0; k < plan.nmeasures; k++) {
			const struct plan_measure *m = &plan.measures[k].line;

			if (m->scenario == PLAN_MIGRATE && m->l1_vcpus > 1 &&
			    m->l2_vcpus == 2 * m->l1_vcpus)
				fail_msg("%s: %s", names[i], plan.measures[k].params);
		}
		scenario_plan_free(&plan);
	}
}

/* Whether "vmm" says anything depends on the L1: the params of the others stay what they always were. */
TEST(only_a_linux_l1_has_a_vmm)
{
	struct scenario_plan plan;
	struct error err = {0};
	const char *text = "{\"scenarios\": [{\"scenario\": \"multiplex\", "
			   "\"l1\": [\"micro-vmx\", \"linux-kvm\"]}]}";
	struct json_object *doc = json_tokener_parse(text);

	assert_int_equal(scenario_parse(doc, "a.json", &plan, &err), 0);
	assert_int_equal(plan.nmeasures, 2);
	assert_null(strstr(plan.measures[0].params, "vmm"));
	assert_non_null(strstr(plan.measures[1].params, "\"vmm\":\"thin\""));
	assert_true(scenario_plan_has_linux(&plan));
	scenario_plan_free(&plan);
	json_object_put(doc);
	assert_int_equal(scenario_load(&(struct folders){.shipped = (char *)"scenarios"}, "limit",
				       &plan, &err),
			 0);
	assert_false(scenario_plan_has_linux(&plan));
	scenario_plan_free(&plan);
}

TEST(a_file_names_the_kernel_of_its_linux_l1s)
{
	struct scenario_plan plan;
	struct error err = {0};

	load_well("{\"l1_kernel\": \"mine\", \"scenarios\": [{\"scenario\": \"multiplex\", "
		  "\"l1\": \"linux-kvm\"}]}",
		  &plan);
	assert_string_equal(plan.l1_kernel, "mine");
	scenario_plan_free(&plan);
	load_well(ONE("\"scenario\": \"multiplex\""), &plan);
	assert_null(plan.l1_kernel);
	scenario_plan_free(&plan);
	assert_int_equal(load("{\"l1_kernel\": 6, \"scenarios\": [{\"scenario\": \"multiplex\"}]}",
			      &plan, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "$.l1_kernel"));
}

#define CROSSING(more) ONE("\"scenario\": \"l1-live-migrate\", \"vmm\": \"qemu\", " more)

/* The same measurements on both hosts, told apart by what is said of the other one. */
TEST(an_l1_goes_to_another_host)
{
	struct scenario_plan plan, there;
	struct error err = {0};

	load_well(CROSSING("\"l1\": [\"linux-kvm\", \"linux-evmcs\"], \"destination\": \"new\""),
		  &plan);
	assert_string_equal(scenario_plan_destination(&plan), "new");
	scenario_plan_arrive(&plan, "old", &there);
	assert_string_equal(there.name, "test-from-old");
	assert_null(scenario_plan_destination(&there));
	assert_int_equal(there.nmeasures, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct plan_measure *a = &plan.measures[i].line, *b = &there.measures[i].line;

		assert_int_equal(a->l1, b->l1);
		assert_string_equal(a->source, "");
		assert_string_equal(b->source, "old");
		assert_non_null(strstr(plan.measures[i].params, "\"destination\":\"new\""));
		assert_null(strstr(there.measures[i].params, "destination"));
		assert_non_null(strstr(there.measures[i].params, "\"source\":\"old\""));
	}
	scenario_plan_free(&there);
	scenario_plan_free(&plan);
	load_well(CROSSING("\"l1\": \"linux-kvm\""), &plan);
	assert_null(scenario_plan_destination(&plan));
	assert_null(strstr(plan.measures[0].params, "destination"));
	scenario_plan_free(&plan);
	assert_int_equal(load(CROSSING("\"l1\": \"linux-kvm\", \"destination\": [\"a\", \"b\"]"),
			      &plan, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "name the same destination"));
	assert_int_equal(load(CROSSING("\"l1\": \"linux-kvm\", \"source\": \"a\""), &plan, &err),
			 -EINVAL);
}

static bool has_userland(const char *vmm)
{
	__cleanup_free char *text = xasprintf(
		ONE("\"scenario\": \"multiplex\", \"l1\": [\"micro-vmx\", \"linux-kvm\"], "
		    "\"vmm\": \"%s\""),
		vmm);
	struct scenario_plan plan;
	bool has;

	load_well(text, &plan);
	has = scenario_plan_has_userland(&plan);
	scenario_plan_free(&plan);
	return has;
}

/* Its boots have another kernel and a far larger image than all others. */
TEST(only_a_vmm_that_is_not_the_agents_own_needs_a_userland)
{
	assert_false(has_userland("thin"));
	assert_true(has_userland("qemu"));
	assert_true(has_userland("libvirt"));
}

TEST(metrics_are_found_by_scenario_and_name)
{
	assert_string_equal(scenario_find_metric("multiplex", "switches-per-mclk")->better,
			    "higher");
	assert_true(scenario_find_metric("migrate", "migration")->headline);
	assert_null(scenario_find_metric("exits", "switch"));
	assert_null(scenario_find_metric("kselftest", "exit"));
}

/* The defaults are those of docs/scenarios.md. */
TEST(what_is_not_given_has_its_default)
{
	struct scenario_plan plan;

	load_well("{\"scenarios\": [{\"scenario\": \"multiplex\"}, {\"scenario\": \"migrate\"}, "
		  "{\"scenario\": \"exits\", \"reason\": \"hlt\"}, "
		  "{\"scenario\": \"churn\", \"operation\": \"memslot\", \"rounds\": 9}]}",
		  &plan);
	for (size_t i = 0; i < plan.nmeasures; i++) {
		static const uint32_t want[][4] = {
			{8, 1, 200, 20}, {8, 2, 100, 10}, {1, 1, 1000, 100}, {8, 1, 9, 0}};
		const struct plan_measure *m = &plan.measures[i].line;

		assert_int_equal(m->l2_vcpus, want[i][0]);
		assert_int_equal(m->l1_vcpus, want[i][1]);
		assert_int_equal(m->rounds, want[i][2]);
		assert_int_equal(m->warmup, want[i][3]);
		assert_true(m->ept && !m->apic_pages && !m->posted_interrupts && !m->parallel);
	}
	scenario_plan_free(&plan);
}

/* What the planner lets pass, the agent takes, and as the same measurements. */
TEST(the_agent_reads_what_the_planner_wrote)
{
	static const char *const names[] = {"quick", "full", "limit", "selftests"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct plan_measure *read;
		struct scenario_plan plan;
		struct error err = {0};
		char msg[128];
		size_t n;

		assert_int_equal(scenario_load(&(struct folders){.shipped = (char *)"scenarios"},
					       names[i], &plan, &err),
				 0);
		__cleanup_free char *text = plan_text(&plan, 0, 0);

		if (plan_parse(text, &read, &n, msg, sizeof(msg)))
			fail_msg("%s: %s", names[i], msg);
		assert_int_equal(n, plan.nmeasures);
		for (size_t k = 0; k < n; k++) {
			char want[PLAN_LINE_MAX], found[PLAN_LINE_MAX];

			plan.measures[k].line.id = k;
			plan_measure_format(&plan.measures[k].line, want, sizeof(want));
			plan_measure_format(&read[k], found, sizeof(found));
			assert_string_equal(found, want);
		}
		free(read);
		scenario_plan_free(&plan);
	}
}

TEST(metrics_are_those_of_known_scenarios)
{
	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++)
		assert_true(plan_choice_find(plan_scenario_names, m->scenario) >= 0);
}

UNIT_MAIN("scenarios", unit_make_dir, unit_drop_dir)
