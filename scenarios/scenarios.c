// SPDX-License-Identifier: GPL-2.0-only
#include "scenarios/scenarios.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/sha256.h"
#include "scenarios/matrix.h"

static const char *const plan_keys[] = {"description", "mode", "metrics", "scenarios", NULL};
static const char *const metric_keys[] = {"smallest_effect", NULL};

static int read_description(const struct json_node *root, struct scenario_plan *plan,
			    struct error *err)
{
	struct json_node n;
	const char *text = "";
	int ret = json_member(root, "description", false, &n, err);

	if (!ret)
		ret = json_as_string(&n, &text, err);
	plan->description = xstrdup(text);
	return ret == -ENOENT ? 0 : ret;
}

static int read_mode(const struct json_node *root, const char **mode, struct error *err)
{
	struct json_node n;
	int ret = json_member(root, "mode", false, &n, err);

	*mode = NULL;
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = json_as_string(&n, mode, err);
	if (!ret && strcmp(*mode, "cooperative") && strcmp(*mode, "parallel"))
		ret = json_error(&n, err, "\"%s\" is none of: cooperative, parallel", *mode);
	return ret;
}

static bool metric_exists(const char *name)
{
	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++)
		if (!strcmp(m->name, name))
			return true;
	return false;
}

static int read_effect(const struct json_node *metrics, const char *name,
		       struct scenario_plan *plan, struct error *err)
{
	struct json_node metric, n;
	double percent;
	int ret = json_member(metrics, name, true, &metric, err);

	if (!ret && !metric_exists(name))
		ret = json_error(metrics, err, "there is no metric \"%s\" (docs/scenarios.md)",
				 name);
	ret = ret ? ret : json_as_object(&metric, err);
	ret = ret ? ret : json_check_keys(&metric, metric_keys, err);
	ret = ret ? ret : json_member(&metric, "smallest_effect", true, &n, err);
	ret = ret ? ret : json_as_double(&n, &percent, err);
	if (!ret && !(percent > 0 && percent <= 100))
		ret = json_error(&n, err, "%g is not a percentage above 0 and up to 100", percent);
	if (ret)
		return ret;
	plan->effects = xrealloc(plan->effects, plan->neffects + 1, sizeof(*plan->effects));
	plan->effects[plan->neffects++] = (struct scenario_effect){xstrdup(name), percent};
	return 0;
}

static int read_effects(const struct json_node *root, struct scenario_plan *plan, struct error *err)
{
	struct json_node metrics;
	int ret = json_member(root, "metrics", false, &metrics, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = json_as_object(&metrics, err);
	if (ret)
		return ret;
	json_object_object_foreach(metrics.value, name, value)
	{
		(void)value;
		ret = ret ? ret : read_effect(&metrics, name, plan, err);
	}
	return ret;
}

static int compare_measures(const void *a, const void *b)
{
	const struct scenario_measure *const *x = a, *const *y = b;
	int order = strcmp((*x)->scenario, (*y)->scenario);

	return order ? order : strcmp((*x)->params, (*y)->params);
}

/* Results are told apart by scenario and params: each may be there once. */
static int check_unique(const struct json_node *list, const struct scenario_plan *plan,
			struct error *err)
{
	size_t n = plan->nmeasures;
	const struct scenario_measure **sorted = xcalloc(n, sizeof(*sorted));
	int ret = 0;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &plan->measures[i];
	qsort(sorted, n, sizeof(*sorted), compare_measures);
	for (size_t i = 1; !ret && i < n; i++)
		if (!compare_measures(&sorted[i - 1], &sorted[i]))
			ret = json_error(list, err, "%s %s is there more than once",
					 sorted[i]->scenario, sorted[i]->params);
	free(sorted);
	return ret;
}

static int read_scenarios(const struct json_node *root, const char *mode,
			  struct scenario_plan *plan, struct error *err)
{
	struct json_node list, entry;
	int ret = json_member(root, "scenarios", true, &list, err);

	ret = ret ? ret : json_as_array(&list, err);
	if (!ret && !json_length(&list))
		ret = json_error(&list, err, "the list is empty: there is nothing to measure");
	for (size_t i = 0; !ret && i < json_length(&list); i++) {
		json_element(&list, i, &entry);
		ret = matrix_expand(&entry, mode, plan, err);
	}
	return ret ? ret : check_unique(&list, plan, err);
}

static int read_plan(const struct json_node *root, struct scenario_plan *plan, struct error *err)
{
	const char *mode;
	int ret = json_as_object(root, err);

	ret = ret ? ret : json_check_keys(root, plan_keys, err);
	ret = ret ? ret : read_description(root, plan, err);
	ret = ret ? ret : read_mode(root, &mode, err);
	ret = ret ? ret : read_effects(root, plan, err);
	return ret ? ret : read_scenarios(root, mode, plan, err);
}

static void hash_plan(struct scenario_plan *plan)
{
	__cleanup_free char *text = json_canonical(plan->doc);

	sha256_bytes(text, strlen(text), plan->hash);
}

/* "dir/quick.json" is quick. */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = xstrdup(slash ? slash + 1 : path);

	name[strlen(name) - strlen(".json")] = '\0';
	return name;
}

static bool is_path(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".json");
}

static int locate(const char *dir, const char *name, struct scenario_plan *plan, struct error *err)
{
	if (is_path(name))
		plan->path = xstrdup(name);
	else if (!fs_is_plain_name(name))
		return error_set(err, -EINVAL,
				 "%s: not a scenario's name; give a name or a path ending in .json",
				 name);
	else
		plan->path = xasprintf("%s/%s.json", dir, name);
	if (!fs_exists(plan->path))
		return error_set(err, -ENOENT,
				 "%s: no such scenario file (see: nestlab scenario list)",
				 plan->path);
	plan->name = name_of(plan->path);
	if (!fs_is_plain_name(plan->name))
		return error_set(err, -EINVAL, "%s: the file's name is not a plain name",
				 plan->path);
	return 0;
}

int scenario_load(const char *dir, const char *name, struct scenario_plan *out, struct error *err)
{
	struct json_node root;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = locate(dir, name, out, err);
	ret = ret ? ret : json_load(out->path, &out->doc, &root, err);
	ret = ret ? ret : read_plan(&root, out, err);
	if (ret)
		scenario_plan_free(out);
	else
		hash_plan(out);
	return ret;
}

void scenario_plan_free(struct scenario_plan *plan)
{
	for (size_t i = 0; i < plan->nmeasures; i++)
		free(plan->measures[i].params);
	for (size_t i = 0; i < plan->neffects; i++)
		free(plan->effects[i].metric);
	free(plan->measures);
	free(plan->effects);
	free(plan->name);
	free(plan->path);
	free(plan->description);
	json_object_put(plan->doc);
	memset(plan, 0, sizeof(*plan));
}
