// SPDX-License-Identifier: GPL-2.0-only
/* Policies: what is wrong with one is named; what one says of made-up runs. */

#include "tests/unit/unit.h"

#include "results/report/evidence.h"
#include "results/report/signoff.h"
#include "tests/fixtures/reports/synthetic.h"

static char *write_policy(const char *text)
{
	char *path = unit_path("policy.json");

	assert_int_equal(fs_write_file(path, text, strlen(text), NULL), 0);
	return path;
}

/* ---- what is wrong is named ---- */

#define RULE "{\"scenario\":\"multiplex\",\"metric\":\"switch\",\"allowed_change\":1}"
#define WAIVER(what, expires) \
	"{" what ",\"reason\":\"r\",\"owner\":\"o\",\"expires\":\"" expires "\"}"
#define WITH_WAIVER(w) "{\"rules\":[" RULE "],\"waivers\":[" w "]}"

static const struct {
	const char *text, *path, *says;
} wrong[] = {
	{"[]", "$", "expected an object"},
	{"{}", "$", "no \"rules\""},
	{"{\"rules\":{}}", "$.rules", "expected an array"},
	{"{\"rules\":[{}]}", "$.rules[0]", "scenario"},
	{"{\"rules\":[" RULE "],\"waiver\":[]}", "$", "waivers"},
	{"{\"rules\":[{\"scenario\":\"x\",\"metric\":\"\",\"allowed_change\":1}]}",
	 "$.rules[0].metric", "empty"},
	{"{\"rules\":[{\"scenario\":\"x\",\"metric\":\"y\",\"allowed_change\":-1}]}",
	 "$.rules[0].allowed_change", "percentage"},
	{"{\"rules\":[{\"scenario\":\"x\",\"metric\":\"y\",\"allowed_change\":\"1\"}]}",
	 "$.rules[0].allowed_change", "number"},
	{"{\"required_boots\":0,\"rules\":[" RULE "]}", "$.required_boots", "1"},
	{"{\"rules\":[{\"scenario\":\"x\",\"metric\":\"y\",\"allowed_change\":1,\"params\":"
	 "{\"memory\":[]}}]}",
	 "$.rules[0].params.memory", "matches nothing"},
	{"{\"rules\":[{\"scenario\":\"x\",\"metric\":\"y\",\"allowed_change\":1,\"params\":"
	 "{\"memory\":[null]}}]}",
	 "$.rules[0].params.memory[0]", "expected a string"},
	{"{\"rules\":[" RULE "],\"selftests\":[1]}", "$.selftests[0]", "test's name"},
	{"{\"rules\":[" RULE "],\"debug_runs\":[{\"kernel\":\"k\"}]}", "$.debug_runs[0]",
	 "scenario"},
	{WITH_WAIVER(WAIVER("\"selftest\":\"t\"", "2027-02-30")), "$.waivers[0].expires",
	 "not a date"},
	{WITH_WAIVER(WAIVER("\"selftest\":\"t\"", "soon")), "$.waivers[0].expires", "not a date"},
	{WITH_WAIVER(WAIVER("\"selftest\":\"t\",\"scenario\":\"s\"", "2027-01-31")), "$.waivers[0]",
	 "names one of"},
	{WITH_WAIVER(WAIVER("\"selftest\":\"t\",\"up_to\":3", "2027-01-31")), "$.waivers[0]",
	 "go with"},
	{WITH_WAIVER("{\"selftest\":\"t\",\"owner\":\"o\",\"expires\":\"2027-01-31\"}"),
	 "$.waivers[0]", "reason"},
};

TEST(what_is_wrong_is_named)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		__cleanup_free char *path = write_policy(wrong[i].text);
		__cleanup_free char *place = xasprintf("policy.json: %s:", wrong[i].path);
		struct error err = {0};
		struct policy p;

		if (!policy_load(path, &p, &err))
			fail_msg("accepted: %s", wrong[i].text);
		if (!strstr(err.text, place) || !strstr(err.text, wrong[i].says))
			fail_msg("%s\ngave: %s\nwanted: %s ... %s", wrong[i].text, err.text, place,
				 wrong[i].says);
	}
}

/* ---- verdicts ---- */

#define SWITCH(change, more)                                            \
	"{\"required_boots\":2,\"rules\":[{\"scenario\":\"multiplex\"," \
	"\"metric\":\"switch\",\"allowed_change\":" change "}]" more "}"
#define WAIVE(up_to, expires)                                                         \
	",\"waivers\":[{\"scenario\":\"multiplex\",\"metric\":\"switch\",\"params\":" \
	"{\"memory\":\"unmanaged\"},\"up_to\":" up_to ",\"reason\":\"known cost\","   \
	"\"owner\":\"Ada\",\"expires\":\"" expires "\"}]"

#define WAIVE_ANY(more)                                                                  \
	",\"waivers\":[{\"scenario\":\"multiplex\"," more "\"reason\":\"no such host\"," \
	"\"owner\":\"Ada\",\"expires\":\"2026-11-23\"}]"

static const struct {
	const char *kind, *policy;
	enum signoff_verdict verdict;
	const char *says; /* in the first finding's reason */
} judged[] = {
	{"better", SWITCH("1", ""), SIGNOFF_PASS, ""},
	{"better", SWITCH("1", ",\"selftests\":[\"vmx_tsc_adjust_test\"]"), SIGNOFF_PASS, ""},
	{"better", SWITCH("1", ",\"selftests\":[\"vmx_posted_intr_test\"]"), SIGNOFF_BLOCKED,
	 "skip: posted interrupts"},
	{"better", SWITCH("1", ",\"selftests\":[\"never_ran_test\"]"), SIGNOFF_BLOCKED,
	 "did not run"},
	{"better",
	 SWITCH("1", ",\"debug_runs\":[{\"kernel\":\"nested-context-debug\","
		     "\"scenario\":\"quick\"}]"),
	 SIGNOFF_PASS, ""},
	{"better",
	 SWITCH("1", ",\"debug_runs\":[{\"kernel\":\"nested-context-debug\","
		     "\"scenario\":\"full\"}]"),
	 SIGNOFF_BLOCKED, "required boots: 1, passed: 0"},
	{"better",
	 SWITCH("1", ",\"debug_runs\":[{\"kernel\":\"baseline\",\"scenario\":\"quick\"}]"),
	 SIGNOFF_BLOCKED, "other patches"},
	{"regressed", SWITCH("1", ""), SIGNOFF_FAIL, "beyond it"},
	{"regressed", SWITCH("5", ""), SIGNOFF_PASS, ""},
	{"regressed", SWITCH("3.5", ""), SIGNOFF_BLOCKED,
	 "undecided with the boots there are; about 9 more boots"},
	{"regressed", SWITCH("1", WAIVE("4", "2026-11-23")), SIGNOFF_PASS, "waived by Ada"},
	{"regressed", SWITCH("1", WAIVE("4", "2026-11-22")), SIGNOFF_FAIL,
	 "the waiver of Ada expired on 2026-11-22"},
	{"regressed", SWITCH("1", WAIVE("2", "2026-11-23")), SIGNOFF_FAIL, "goes up to 2 % only"},
	{"regressed", SWITCH("1", WAIVE("3.5", "2026-11-23")), SIGNOFF_FAIL,
	 "goes up to 3.5 % only"}, /* the point is within, the interval is not */
	{"one-boot", SWITCH("1", ""), SIGNOFF_BLOCKED, "required of each kernel: 2"},
	{"wrong", SWITCH("1", ""), SIGNOFF_FAIL, "cannot be waived"},
	{"tail", SWITCH("1", ""), SIGNOFF_PASS, ""},
	{"tail", SWITCH("1,\"allowed_change_p99\":3", ""), SIGNOFF_FAIL, "beyond it"},
	{"tail-few", SWITCH("1,\"allowed_change_p99\":3", ""), SIGNOFF_BLOCKED,
	 "too few boots for a test; about 2 more boots"},
	{"better", SWITCH("1,\"params\":{\"l2_vcpus\":[8,128]}", ""), SIGNOFF_BLOCKED,
	 "no measurement of both kernels"},
	{"better", SWITCH("1,\"params\":{\"l2_vcpus\":8,\"ept\":false}", ""), SIGNOFF_BLOCKED,
	 "nothing that this rule names"},
	/* what is missing may be waived, but not by a waiver of a cost */
	{"one-boot", SWITCH("50", WAIVE_ANY("")), SIGNOFF_PASS, "waived by Ada"},
	{"one-boot", SWITCH("50", WAIVE_ANY("\"up_to\":50,")), SIGNOFF_BLOCKED, "up to 50 % only"},
	{"better", SWITCH("1,\"params\":{\"l2_vcpus\":[8,128]}", WAIVE_ANY("")), SIGNOFF_PASS,
	 "waived by Ada"},
	{"better",
	 SWITCH("1,\"params\":{\"l2_vcpus\":[8,128]}", WAIVE_ANY("\"params\":{\"l2_vcpus\":128},")),
	 SIGNOFF_PASS, "waived by Ada"},
	{"better",
	 SWITCH("1,\"params\":{\"l2_vcpus\":[8,128]}", WAIVE_ANY("\"params\":{\"l2_vcpus\":8},")),
	 SIGNOFF_BLOCKED, "no measurement of both kernels"},
	{"better", SWITCH("1,\"params\":{\"l2_vcpus\":8,\"ept\":false}", WAIVE_ANY("")),
	 SIGNOFF_PASS, "waived by Ada"},
	{"better",
	 SWITCH("1,\"params\":{\"l2_vcpus\":8,\"ept\":false}",
		WAIVE_ANY("\"params\":{\"ept\":false,\"l2_vcpus\":8},")),
	 SIGNOFF_PASS, "waived by Ada"},
};

static void judge_case(size_t i)
{
	__cleanup_free char *policy_path = write_policy(judged[i].policy);
	__cleanup_free char *path = xasprintf("%s/%s.db", unit_dir, judged[i].kind);
	struct error err = {0};
	struct results_db *db;
	struct policy p;
	struct report r;
	struct signoff s;

	if (!fs_exists(path))
		assert_int_equal(synthetic_make(synthetic_find(judged[i].kind), path, &err), 0);
	if (results_open(path, false, &db, &err) || policy_load(policy_path, &p, &err) ||
	    report_load(db, "baseline", "nested-context", NULL, &r, &err) ||
	    signoff_judge(db, &p, &r, "2026-11-23", NULL, &s, &err))
		fail_msg("case %zu: %s", i, err.text);
	if (s.verdict != judged[i].verdict || !strstr(s.findings[0].why, judged[i].says))
		fail_msg("case %zu (%s): %s, wanted %s: %s: %s", i, judged[i].kind,
			 signoff_verdict_name(s.verdict), signoff_verdict_name(judged[i].verdict),
			 s.findings[0].what, s.findings[0].why);
	signoff_free(&s);
	report_free(&r);
	policy_free(&p);
	results_close(db);
}

TEST(every_case_has_its_verdict)
{
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++)
		judge_case(i);
}

/* One boot on @host that ran one selftest. */
static void store_selftest(struct results_db *db, const char *host, const char *key,
			   const char *result, const char *text)
{
	const struct results_test test = {"kselftest", "{}", "x_test", result, text};
	struct results_boot run = {.kernel_name = "k",
				   .kernel_key = key,
				   .agent_sha256 = "agent",
				   .scenario_name = "selftests",
				   .host_name = host,
				   .host_driver = "emulated",
				   .host_identity = host,
				   .clock = "emulated",
				   .session = "s",
				   .boot = 1,
				   .started = "2026-11-23T20:00:00Z",
				   .status = "pass",
				   .tests = &test,
				   .ntests = 1};
	struct error err = {0};

	if (results_store(db, &run, NULL, &err))
		fail_msg("%s", err.text);
}

static void assert_selftest(struct results_db *db, const char *result, const char *host)
{
	const struct results_boot kernel = {
		.kernel_name = "k", .kernel_key = "key1", .agent_sha256 = "agent"};
	struct evidence_selftest t;

	assert_int_equal(evidence_find_selftest(db, &kernel, "x_test", &t, NULL), 0);
	if (!result)
		assert_null(t.result);
	else
		assert_string_equal(t.result, result);
	if (host)
		assert_string_equal(t.host, host);
	evidence_selftest_free(&t);
}

TEST(a_selftest_counts_on_any_host)
{
	__cleanup_free char *path = unit_path("selftests.db");
	struct results_db *db;

	assert_int_equal(results_open(path, true, &db, NULL), 0);
	store_selftest(db, "one-cpu", "key2", "fail", "another build's");
	assert_selftest(db, NULL, NULL);
	store_selftest(db, "one-cpu", "key1", "skip", "wants two CPUs");
	assert_selftest(db, "skip", "one-cpu");
	store_selftest(db, "two-cpus", "key1", "pass", "");
	assert_selftest(db, "pass", "two-cpus");
	store_selftest(db, "two-cpus", "key1", "fail", "x.c:1: no");
	store_selftest(db, "two-cpus", "key1", "pass", "");
	assert_selftest(db, "fail", "two-cpus"); /* a flaky test is no passing test */
	results_close(db);
}

TEST(no_runs_block)
{
	__cleanup_free char *path = write_policy(SWITCH("1", ""));
	struct error err = {0};
	struct strbuf page = STRBUF_INIT;
	struct policy p;
	struct report r;
	struct signoff s;

	report_load_nothing("a", "b", &r);
	assert_int_equal(policy_load(path, &p, &err), 0);
	assert_int_equal(signoff_judge(NULL, &p, &r, NULL, "b never ran", &s, &err), 0);
	assert_int_equal(s.verdict, SIGNOFF_BLOCKED);
	signoff_render(&s, &p, &r, NULL, false, &page);
	assert_non_null(strstr(page.buf, "b never ran"));
	strbuf_release(&page);
	signoff_free(&s);
	policy_free(&p);
	report_free(&r);
}

static void assert_exists(const char *folder, const char *name)
{
	__cleanup_free char *path = xasprintf("%s/%s.json", folder, name);

	if (!fs_exists(path))
		fail_msg("a policy names %s, and there is no %s", name, path);
}

/* What it asks for can be had: kernels, scenarios, selftests of that name are there. */
static void assert_names_exist(const struct policy *p)
{
	static const char *const plans[] = {"scenarios/selftests.json",
					    "scenarios/nested-context.json"};
	struct strbuf selftests = STRBUF_INIT;
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		if (fs_read_file(plans[i], 1 << 20, &selftests, &err))
			fail_msg("%s", err.text);
	for (size_t i = 0; i < p->ndebug_runs; i++) {
		assert_exists("kernels", p->debug_runs[i].kernel);
		assert_exists("scenarios", p->debug_runs[i].scenario);
	}
	for (size_t i = 0; i < p->nselftests; i++) {
		__cleanup_free char *quoted = xasprintf("\"%s\"", p->selftests[i].name);

		if (!strstr(selftests.buf, quoted))
			fail_msg("no shipped plan runs %s", quoted);
	}
	strbuf_release(&selftests);
}

TEST(shipped_policies_are_right)
{
	static const char *const names[] = {"quick", "release"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		__cleanup_free char *path = xasprintf("results/policies/%s.json", names[i]);
		struct error err = {0};
		struct policy p;

		if (policy_load(path, &p, &err))
			fail_msg("%s", err.text);
		assert_names_exist(&p);
		policy_free(&p);
	}
}

UNIT_MAIN("report signoff", unit_make_dir, unit_drop_dir)
