// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/terminal.h"
#include "orchestrator/cli/command.h"
#include "scenarios/scenarios.h"

static bool as_json;
static const struct option_spec list_options[] = {
	OPTION_FLAG("json", &as_json, "machine-readable output"), OPTION_END};

static struct json_object *plan_to_json(const struct scenario_plan *plan)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(plan->name));
	json_object_object_add(o, "path", json_object_new_string(plan->path));
	json_object_object_add(o, "hash", json_object_new_string(plan->hash));
	json_object_object_add(o, "description", json_object_new_string(plan->description));
	json_object_object_add(o, "measurements", json_object_new_int64(plan->nmeasures));
	return o;
}

/* A wrong file is reported, and the others are still listed. */
static int list_scenario(const char *name, size_t columns, struct json_object *list)
{
	struct scenario_plan plan;
	struct error err = {0};

	if (scenario_load(&command_places()->scenarios, name, &plan, &err)) {
		log_error("%s", err.text);
		return EXIT_NO;
	}
	if (as_json) {
		json_object_array_add(list, plan_to_json(&plan));
	} else {
		struct strbuf head = STRBUF_INIT;

		terminal_add_padded(&head, plan.name, columns);
		strbuf_addf(&head, " %4zu measurement%s  ", plan.nmeasures,
			    plan.nmeasures == 1 ? " " : "s");
		command_print_row(head.buf, plan.description);
		strbuf_release(&head);
	}
	scenario_plan_free(&plan);
	return 0;
}

static size_t longest_name(char *const *names, size_t count)
{
	size_t longest = 0;

	for (size_t i = 0; i < count; i++) {
		size_t width = terminal_width(names[i], strlen(names[i]));

		if (width > longest)
			longest = width;
	}
	return longest;
}

static int list_scenarios(int n, char **operands)
{
	struct json_object *json;
	struct error err = {0};
	char **names;
	size_t count, columns;
	int status = 0;

	if (n)
		command_usage_error("%s: scenario list takes no operand", operands[0]);
	if (folders_list(&command_places()->scenarios, ".json", &names, &count, &err))
		return command_fatal(&err);
	columns = longest_name(names, count);
	json = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		if (list_scenario(names[i], columns, json))
			status = EXIT_NO;
	if (as_json)
		command_print_json(json);
	json_object_put(json);
	fs_free_names(names, count);
	return status;
}

static int check_scenarios(int n, char **files)
{
	int status = 0;

	if (!n)
		command_usage_error("SCENARIO is missing: name the scenario or file to check");
	for (int i = 0; i < n; i++) {
		__cleanup_free char *head = NULL, *text = NULL;
		struct scenario_plan plan;
		struct error err = {0};

		if (scenario_load(&command_places()->scenarios, files[i], &plan, &err)) {
			log_error("%s", err.text);
			status = EXIT_NO;
			continue;
		}
		head = xasprintf("%s: ", plan.path);
		text = xasprintf("good, measurements: %zu, entries: %zu", plan.nmeasures,
				 plan.last - plan.first + 1);
		command_print_row(head, text);
		scenario_plan_free(&plan);
	}
	return status;
}

/* ---- show ---- */

static struct json_object *measure_to_json(const struct scenario_measure *m)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "entry", json_object_new_int64((int64_t)m->entry));
	json_object_object_add(o, "scenario", json_object_new_string(scenario_measure_name(m)));
	json_object_object_add(o, "params", json_tokener_parse(m->params));
	json_object_object_add(o, "rounds", json_object_new_int64(m->line.rounds));
	json_object_object_add(o, "warmup", json_object_new_int64(m->line.warmup));
	return o;
}

/* "l1=linux-kvm memory=managed ...", as --param takes them. */
static void print_measure(const struct scenario_measure *m)
{
	__cleanup_free char *head = xasprintf("+%-4zu %-18s ", m->entry, scenario_measure_name(m));
	struct json_object *params = json_tokener_parse(m->params);
	struct strbuf text = STRBUF_INIT;

	json_object_object_foreach(params, key, value)
		strbuf_addf(&text, "%s=%s ", key, json_object_get_string(value));
	if (!plan_scenario_is_selftest(m->line.scenario))
		strbuf_addf(&text, "rounds=%u", m->line.rounds);
	command_print_row(head, text.buf);
	strbuf_release(&text);
	json_object_put(params);
}

static int show_scenario(int n, char **names)
{
	struct json_object *list;
	struct scenario_plan plan;
	struct error err = {0};

	if (n != 1)
		command_usage_error("give one SCENARIO to show");
	if (scenario_load(&command_places()->scenarios, names[0], &plan, &err))
		return command_fatal(&err);
	list = json_object_new_array();
	for (size_t i = 0; i < plan.nmeasures; i++) {
		if (as_json)
			json_object_array_add(list, measure_to_json(&plan.measures[i]));
		else
			print_measure(&plan.measures[i]);
	}
	if (as_json)
		command_print_json(list);
	json_object_put(list);
	scenario_plan_free(&plan);
	return 0;
}

static const struct command actions[] = {
	{
		.name = "list",
		.help = "the scenarios that `nestlab run` knows by name",
		.usage = "[--json]",
		.about = "Lists the scenarios that `nestlab run` knows by name.",
		.exit_status = "0 all are good, 1 one of the files is wrong, 128 fatal",
		.options = list_options,
		.run = list_scenarios,
	},
	{
		.name = "show",
		.help = "what a scenario measures, by its entries",
		.usage = "[--json] SCENARIO",
		.about =
			"Prints the measurements of a scenario in the order in which they are made, each with "
			"the entry of the file that it is of: +7 behind the scenario's name is that entry "
			"alone, +7-9 are these.",
		.exit_status = "0 shown, 128 there is no such scenario, or it is wrong",
		.options = list_options,
		.operand = "SCENARIO",
		.run = show_scenario,
	},
	{
		.name = "check",
		.help = "say what is wrong with scenario files",
		.usage = "SCENARIO...",
		.about = "Reads scenarios (names, or paths of .json files) and says what is wrong "
			 "with each, with the path in the file.",
		.exit_status = "0 good, 1 one of them is wrong, 128 fatal",
		.operand = "SCENARIO",
		.run = check_scenarios,
	},
	{0},
};

const struct command cmd_scenario = {
	.name = "scenario",
	.help = "list, show and check scenario files",
	.usage = "ACTION [options]",
	.about = "Scenarios say what is measured: scenarios/NAME.json. See docs/scenarios.md.",
	.actions = actions,
};
