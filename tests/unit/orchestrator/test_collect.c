// SPDX-License-Identifier: GPL-2.0-only
/* orchestrator/engine/collect.c: records become rows, and trouble gets the right class. */

#include "tests/unit/unit.h"

#include "orchestrator/engine/collect.h"

static struct scenario_measure measures[] = {
	{.line = {.scenario = PLAN_MULTIPLEX, .rounds = 2}, .params = (char[]){"{\"l2_vcpus\":8}"}},
	{.line = {.scenario = PLAN_CHURN, .operation = PLAN_OPERATION_MEMSLOT},
	 .params = (char[]){"{\"operation\":\"memslot\"}"}},
};
static struct scenario_effect effects[] = {{(char[]){"switch"}, 0.25}};
static const struct scenario_plan plan = {
	.measures = measures,
	.nmeasures = ARRAY_SIZE(measures),
	.effects = effects,
	.neffects = 1,
};

static const char hello[] = "{\"seq\":0,\"type\":\"hello\",\"clock\":\"emulated\","
			    "\"release\":\"6.12.1\",\"build_id\":\"ab\"}";
static const char metric[] =
	"{\"seq\":1,\"type\":\"metric\",\"id\":0,\"metric\":\"switch\",\"unit\":\"instructions\","
	"\"count\":3,\"min\":5,\"max\":7,\"mean\":6.0,\"hist\":[[5,1],[6,1],[7,1]]}";
static const char end0[] = "{\"seq\":2,\"type\":\"end\",\"id\":0}";
static const char end1[] = "{\"seq\":3,\"type\":\"end\",\"id\":1}";

static void feed(struct collector *c, const char *line)
{
	struct json_object *record = json_tokener_parse(line);

	assert_non_null(record);
	collector_record(c, record);
	json_object_put(record);
}

TEST(good_records_become_rows)
{
	struct results_boot run = {0};
	struct collector c;

	collector_init(&c, &plan);
	feed(&c, hello);
	feed(&c, metric);
	feed(&c, "{\"seq\":1,\"type\":\"counters\",\"id\":0,\"values\":{\"exits\":16}}");
	feed(&c, end0);
	feed(&c, "{\"seq\":1,\"type\":\"skip\",\"id\":1,\"reason\":\"no slots\"}");
	feed(&c, end1);
	collector_finish(&c);
	collector_fill(&c, &run);
	assert_int_equal(c.class, RESULTS_OK);
	assert_string_equal(run.clock, "emulated");
	assert_string_equal(json_object_get_string(json_object_object_get(c.hello, "clock")),
			    "emulated");
	assert_int_equal(run.nmetrics, 1);
	assert_string_equal(run.metrics[0].metric, "switch");
	assert_string_equal(run.metrics[0].better, "lower");
	assert_string_equal(run.metrics[0].params, "{\"l2_vcpus\":8}");
	assert_true(run.metrics[0].smallest_effect == 0.25);
	assert_int_equal(run.metrics[0].nhist, 3);
	assert_int_equal(run.metrics[0].hist[2].bucket, 7);
	assert_int_equal(run.ncounters, 1);
	assert_int_equal(run.counters[0].value, 16);
	assert_int_equal(run.ntests, 1);
	assert_string_equal(run.tests[0].result, "skip");
	collector_release(&c);
}

static void expect_trouble(const char *line, enum results_class class, const char *text)
{
	struct results_boot run = {0};
	struct collector c;

	collector_init(&c, &plan);
	feed(&c, hello);
	feed(&c, line);
	feed(&c, end0);
	feed(&c, end1);
	collector_finish(&c);
	collector_fill(&c, &run);
	assert_int_equal(c.class, class);
	if (!strstr(c.trouble.text, text))
		fail_msg("# got \"%s\"", c.trouble.text);
	collector_release(&c);
}

TEST(trouble_has_its_class)
{
	expect_trouble("{\"seq\":1,\"type\":\"fail\",\"id\":1,\"class\":\"integrity\","
		       "\"expected\":\"1\",\"found\":\"2\",\"text\":\"pattern\"}",
		       RESULTS_INTEGRITY,
		       "churn {\"operation\":\"memslot\"}: pattern: expected 1, found 2");
	expect_trouble("{\"seq\":1,\"type\":\"fail\",\"id\":1,\"class\":\"guest\","
		       "\"expected\":\"\",\"found\":\"\",\"text\":\"L1 died\"}",
		       RESULTS_GUEST, "L1 died");
	expect_trouble("{\"seq\":1,\"type\":\"fatal\",\"text\":\"no /dev/kvm\"}", RESULTS_JOB,
		       "no /dev/kvm");
	expect_trouble("{\"seq\":1,\"type\":\"metric\",\"id\":2}", RESULTS_INFRASTRUCTURE,
		       "id 2 is not in the plan of 2");
	expect_trouble("{\"seq\":1,\"type\":\"metric\",\"id\":0,\"metric\":\"swich\","
		       "\"unit\":\"ns\"}",
		       RESULTS_INFRASTRUCTURE, "no metric \"swich\"");
	expect_trouble(
		"{\"seq\":1,\"type\":\"metric\",\"id\":0,\"metric\":\"switch\","
		"\"unit\":\"ns\",\"count\":4,\"min\":1,\"max\":1,\"mean\":1,\"hist\":[[1,3]]}",
		RESULTS_INFRASTRUCTURE, "buckets hold 3 samples, count says 4");
	expect_trouble(
		"{\"seq\":1,\"type\":\"test\",\"id\":0,\"name\":\"t\",\"result\":\"fail\","
		"\"text\":\"ok 1 a\\n# 5 expected\\n# 6 there\\nnot ok 2 b\\n\\nexit status 1\"}",
		RESULTS_INTEGRITY,
		"selftest t failed (exit status 1):\n# 5 expected\n# 6 there\nnot ok 2 b\n");
	expect_trouble("{\"seq\":1,\"type\":\"test\",\"id\":0,\"name\":\"t\",\"result\":\"fail\","
		       "\"text\":\"hello\\n\\nno end within 60 s\"}",
		       RESULTS_INTEGRITY, "selftest t failed (no end within 60 s):\nhello\n");
	expect_trouble("{\"seq\":1,\"type\":\"test\",\"id\":0,\"name\":\"t\",\"result\":\"fail\","
		       "\"text\":\"exit status 1\"}",
		       RESULTS_INTEGRITY, "selftest t failed (exit status 1)");
	expect_trouble("{\"seq\":1,\"type\":\"gossip\"}", RESULTS_INFRASTRUCTURE,
		       "unknown record type \"gossip\"");
}

TEST(what_libvirt_found_out_is_there_for_later)
{
	struct collector c;

	collector_init(&c, &plan);
	feed(&c, hello);
	assert_null(c.capabilities);
	feed(&c,
	     "{\"seq\":1,\"type\":\"file\",\"id\":1,\"name\":\"libvirt-capabilities\",\"data\":\"1f8b\"}");
	assert_string_equal(c.capabilities, "1f8b");
	assert_int_equal(c.class, RESULTS_OK);
	collector_release(&c);
	expect_trouble("{\"seq\":1,\"type\":\"file\",\"id\":1,\"name\":\"passwd\",\"data\":\"\"}",
		       RESULTS_INFRASTRUCTURE, "unknown file \"passwd\"");
}

/* A count of another type was taken for 0. */
TEST(counters_are_whole_numbers)
{
	static const char *const wrong[] = {"\"16\"", "1.5", "null", "[]", "true", "1e99"};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		__cleanup_free char *line = xasprintf("{\"seq\":1,\"type\":\"counters\",\"id\":0,"
						      "\"values\":{\"exits\":%s}}",
						      wrong[i]);

		expect_trouble(line, RESULTS_INFRASTRUCTURE, "$.values.exits: ");
	}
}

TEST(integrity_outweighs_what_came_before)
{
	struct collector c;

	collector_init(&c, &plan);
	feed(&c, "{\"seq\":1,\"type\":\"console\",\"text\":\"WARNING: x\"}");
	feed(&c, "{\"seq\":1,\"type\":\"fail\",\"id\":1,\"class\":\"integrity\","
		 "\"expected\":\"1\",\"found\":\"2\",\"text\":\"pattern\"}");
	assert_int_equal(c.class, RESULTS_INTEGRITY);
	collector_release(&c);
}

/* That a VMM was killed must not hide what the kernel did then. */
TEST(the_kernels_fault_outweighs_the_machines)
{
	static const char *const classes[] = {"infrastructure", "guest", "infrastructure"};
	struct results_boot run = {0};
	struct collector c;

	collector_init(&c, &plan);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		char record[256];

		snprintf(record, sizeof(record),
			 "{\"seq\":1,\"type\":\"fail\",\"id\":1,\"class\":\"%s\","
			 "\"expected\":\"\",\"found\":\"\",\"text\":\"trouble %zu\"}",
			 classes[i], i);
		feed(&c, record);
	}
	collector_fill(&c, &run);
	assert_int_equal(c.class, RESULTS_GUEST);
	if (!strstr(c.trouble.text, "trouble 1"))
		fail_msg("%s", c.trouble.text);
	assert_string_equal(run.tests[0].text, "infrastructure: trouble 0");
	assert_string_equal(run.tests[1].text, "guest: trouble 1");
	collector_release(&c);
}

TEST(a_measurement_that_never_ended_is_told)
{
	struct results_boot run = {0};
	struct collector c;

	collector_init(&c, &plan);
	feed(&c, hello);
	feed(&c, end0);
	collector_finish(&c);
	collector_fill(&c, &run);
	assert_int_equal(c.class, RESULTS_INFRASTRUCTURE);
	assert_string_equal(c.trouble.text, "1 of 2 measurements ended");
	collector_release(&c);
}

UNIT_MAIN("collect", NULL, NULL)
