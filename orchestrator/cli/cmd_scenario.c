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
	.help = "list and check scenario files",
	.usage = "ACTION [options]",
	.about = "Scenarios say what is measured: scenarios/NAME.json. See docs/scenarios.md.",
	.actions = actions,
};
