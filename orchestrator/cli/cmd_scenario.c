// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "common/options.h"
#include "orchestrator/cli/command.h"
#include "scenarios/scenarios.h"

static const char usage[] = "nestlab scenario list [--json] | check FILE...";
static const char about[] =
	"list shows the scenarios that `nestlab run` knows by name. check reads "
	"files (or names) and\n"
	"says what is wrong with each, with the path in it.\n\n"
	"Exit status: 0 good, 1 a file is wrong, 128 fatal.";

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

/* A wrong file is listed as wrong, and does not hide the others. */
static int list_one(const char *dir, const char *name, struct json_object *json)
{
	struct scenario_plan plan;
	struct error err = {0};

	if (scenario_load(dir, name, &plan, &err)) {
		log_error("%s", err.text);
		return EXIT_NO;
	}
	if (json)
		json_object_array_add(json, plan_to_json(&plan));
	else
		printf("%-14s %4zu measurements  %s\n", plan.name, plan.nmeasures,
		       plan.description);
	scenario_plan_free(&plan);
	return 0;
}

static int list(bool as_json)
{
	__cleanup_free char *root = fs_data_root();
	__cleanup_free char *dir = xasprintf("%s/scenarios", root);
	struct json_object *json = as_json ? json_object_new_array() : NULL;
	struct error err = {0};
	char **names;
	size_t count;
	int status = 0;

	if (fs_list(dir, ".json", &names, &count, &err)) {
		log_error("%s", err.text);
		return EXIT_FATAL;
	}
	for (size_t i = 0; i < count; i++) {
		names[i][strlen(names[i]) - strlen(".json")] = '\0';
		status |= list_one(dir, names[i], json);
	}
	if (json)
		puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
	fs_free_names(names, count);
	return status;
}

static int check(size_t count, char **files)
{
	__cleanup_free char *root = fs_data_root();
	__cleanup_free char *dir = xasprintf("%s/scenarios", root);
	int status = 0;

	for (size_t i = 0; i < count; i++) {
		struct scenario_plan plan;
		struct error err = {0};

		if (scenario_load(dir, files[i], &plan, &err)) {
			log_error("%s", err.text);
			status = EXIT_NO;
			continue;
		}
		printf("%s: good, %zu measurements\n", plan.path, plan.nmeasures);
		scenario_plan_free(&plan);
	}
	return status;
}

int cmd_scenario(int argc, char **argv)
{
	bool json = false;
	const struct option_spec opts[] = {OPTION_FLAG("json", &json, "list: machine-readable"),
					   OPTION_END};

	argc = options_parse(argc, argv, opts, usage, about);
	if (argc == 1 && !strcmp(argv[0], "list"))
		return list(json);
	if (argc > 1 && !strcmp(argv[0], "check"))
		return check(argc - 1, argv + 1);
	options_usage_error(usage,
			    argc ? "%s: unknown, or operands are missing or too many"
				 : "%s: say what to do",
			    argc ? argv[0] : "scenario");
}
