// SPDX-License-Identifier: GPL-2.0-only
/* orchestrator/bisect/probe.c: --param takes what reports print, in every form in which they do. */
#include <errno.h>

#include "tests/unit/unit.h"

#include "agents/wire/words.h"
#include "common/json.h"
#include "orchestrator/bisect/probe.h"
#include "results/report/text_parts.h"
#include "results/report/words.h"
#include "scenarios/scenarios.h"

/* What a scenario cannot do without, unless it is what is tried. */
static const struct {
	enum plan_scenario scenario;
	const char *key, *param;
} needed[] = {
	{PLAN_L2_WORK, "work", "work=syscall"},
	{PLAN_EXITS, "reason", "reason=cpuid"},
	{PLAN_CHURN, "operation", "operation=dontneed"},
	{PLAN_KSELFTEST, "test", "test=some_test"},
};

static const char *find_metric(const char *scenario)
{
	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++)
		if (!strcmp(m->scenario, scenario))
			return m->name;
	return NULL;
}

/* The probe's file with --param @param; NULL if it is refused. The caller frees. */
static char *write_probe(enum plan_scenario s, const struct plan_word *w, const char *param)
{
	char *params[4] = {(char *)param};
	struct request_probe p = {
		.scenario = (char *)plan_scenario_names[s],
		.metric = (char *)find_metric(plan_scenario_names[s]),
		.fails.wanted = s == PLAN_KSELFTEST,
		.params = {params, 1},
	};
	__cleanup_free char *path = unit_path("probe.json");
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (needed[i].scenario == s && strcmp(needed[i].key, w->key))
			params[p.params.count++] = (char *)needed[i].param;
	if (w->of_linux || s == PLAN_L2_WORK)
		params[p.params.count++] = (char *)"l1=linux-kvm";
	if (w->key && (!strcmp(w->key, "handover") || !strcmp(w->key, "destination")))
		params[p.params.count++] = (char *)"vmm=qemu";
	if (w->key && !strcmp(w->key, "tunnelled"))
		params[p.params.count++] = (char *)"vmm=libvirt";
	if (w->of_disk)
		params[p.params.count++] = (char *)"l1=disk";
	if (bisect_probe_write(&p, path, &err))
		return NULL;
	return unit_get("probe.json");
}

static void expect_same(enum plan_scenario s, const struct plan_word *w, const char *expected,
			const char *param)
{
	__cleanup_free char *text = write_probe(s, w, param);

	if (!text || strcmp(text, expected))
		fail_msg("%s --param %s: %s", plan_scenario_names[s], param,
			 text ? text : "refused");
}

/* The default of a silent word, which no report prints. */
static bool is_left_out(const struct plan_word *w, const char *value)
{
	return w->silent && w->choices && !strcmp(w->choices[0], value);
}

/* @value as JSON has it. Returns how many forms were compared. */
static int try_value(enum plan_scenario s, const struct plan_word *w, struct json_object *value)
{
	const char *text = json_object_get_string(value);
	__cleanup_free char *param = xasprintf("%s=%s", w->key, text);
	__cleanup_free char *expected = write_probe(s, w, param);
	__cleanup_free char *in_table = NULL, *in_short = NULL;
	struct json_object *params = json_object_new_object();

	json_object_object_add(params, w->key, value);
	if (expected) { /* else it cannot be measured by itself */
		in_table = xasprintf("%s=%s", w->key, text_param(params, w->key));
		expect_same(s, w, expected, in_table);
		in_short = words_params(NULL, plan_scenario_names[s],
					json_object_to_json_string(params));
		if (w->kind != PLAN_WORD_NAME /* which --test has */ && !is_left_out(w, text))
			expect_same(s, w, expected, in_short);
	}
	json_object_put(params);
	return expected != NULL;
}

static int try_word(enum plan_scenario s, const struct plan_word *w)
{
	int tried = 0;

	if (w->kind == PLAN_WORD_NAME)
		return try_value(s, w, json_object_new_string("some_test"));
	if (w->kind == PLAN_WORD_LIST)
		return try_value(s, w, json_tokener_parse("[\"-n\",\"8 9\"]"));
	for (size_t i = 0; w->choices && w->choices[i]; i++)
		tried += try_value(s, w, json_object_new_string(w->choices[i]));
	if (w->choices)
		return tried;
	if (w->kind == PLAN_WORD_FLAG) {
		tried += try_value(s, w, json_object_new_boolean(true));
		return tried + try_value(s, w, json_object_new_boolean(false));
	}
	for (int more = 0; more < 4; more++)
		tried += try_value(s, w, json_object_new_int64((int64_t)w->min + more));
	return tried;
}

TEST(what_reports_print_is_taken)
{
	for (size_t i = 0; i < plan_nwords; i++) {
		const struct plan_word *w = &plan_words[i];
		bool is_axis = w->role == PLAN_WORD_VARIANT || w->role == PLAN_WORD_AXIS;
		int tried = 0;

		if (!w->key || !is_axis)
			continue;
		for (int s = 0; s < PLAN_SCENARIO_COUNT; s++)
			if (plan_word_is_used(w, s))
				tried += try_word(s, w);
		if (!tried)
			fail_msg("%s: no value can be measured", w->key);
	}
}

static bool has_printed(const struct plan_word *w, enum plan_scenario s, const char *value)
{
	return w->role != PLAN_WORD_SCENARIO && w->choices && plan_word_is_used(w, s) &&
	       plan_choice_find(w->choices, value) >= 0 && !is_left_out(w, value);
}

/* "none" is of enlightenments and of fault, but of fault it is never printed. */
TEST(a_value_that_is_printed_is_of_one_word)
{
	for (int s = 0; s < PLAN_SCENARIO_COUNT; s++)
		for (size_t i = 0; i < plan_nwords; i++)
			for (size_t j = 0; j < plan_nwords; j++)
				for (const char *const *v = plan_words[i].choices; v && *v; v++)
					if (i != j && has_printed(&plan_words[i], s, *v) &&
					    has_printed(&plan_words[j], s, *v))
						fail_msg("%s: %s and %s have a value %s",
							 plan_scenario_names[s], plan_words[i].key,
							 plan_words[j].key, *v);
}

TEST(none_is_of_enlightenments)
{
	char *params[] = {(char *)"linux-kvm", (char *)"qemu", (char *)"none"};
	const struct request_probe p = {.scenario = "multiplex",
					.metric = "switch",
					.params = {.items = params, .count = 3}};
	__cleanup_free char *path = unit_path("probe.json"), *text = NULL;
	struct error err;

	assert_int_equal(bisect_probe_write(&p, path, &err), 0);
	text = unit_get("probe.json");
	assert_non_null(strstr(text, "\"enlightenments\":\"none\""));
	assert_null(strstr(text, "fault"));
}

TEST(what_they_do_not_print_is_not)
{
	static const char *const wrong[] = {"no-l2_vcpus", "no-memory", "yes",	"apic_pages=yes",
					    "ept=managed", "memory=on", "plain"};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_null(write_probe(PLAN_MULTIPLEX, &plan_words[0], wrong[i]));
}

TEST(an_error_names_the_option_and_no_file_of_ours)
{
	static const struct {
		const char *params[2], *says;
	} cases[] = {
		{{"none"}, "scenario multiplex with these parameters: this value cannot be"},
		{{"l2_vcpus=8", "l2_vcpus=9"}, "--param l2_vcpus=9: l2_vcpus is given already"},
		{{"managed", "memory=unmanaged"}, "memory is given already"},
		{{"managed", "unmanaged"}, "--param unmanaged: memory is given already"},
		{{"scenario=exits"}, "--param scenario=exits: scenario is given already"},
		{{"rounds=3"}, "--param rounds=3: rounds is given already"},
		{{"memory=un\nmanaged"},
		 "--param memory=un\\nmanaged: unknown value \"un\\nmanaged\""},
		{{"un\nmanaged"}, "--param un\\nmanaged: expected NAME=VALUE"},
		{{"l2_vcpus=0"}, "--param l2_vcpus=0: 0 is not within"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request_probe p = {
			.scenario = (char *)"multiplex",
			.metric = (char *)"switch",
			.rounds = 5,
			.params = {(char **)cases[i].params, cases[i].params[1] ? 2 : 1},
		};
		struct error err;

		assert_int_equal(bisect_probe_check(&p, &err), -EINVAL);
		assert_contains(err.text, cases[i].says);
		assert_null(strstr(err.text, "probe.json"));
	}
}

UNIT_MAIN("bisect_probe", unit_make_dir, unit_drop_dir)
