// SPDX-License-Identifier: GPL-2.0-only
#include "scenarios/scenarios.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/sha256.h"
#include "common/shell.h"
#include "scenarios/matrix.h"
#include "scenarios/part.h"

static const char *const plan_keys[] = {"description", "mode",	  "l1_kernel", "programs",
					"flats",       "metrics", "scenarios", NULL};
static const char *const metric_keys[] = {"smallest_effect", NULL};

const char *scenario_measure_name(const struct scenario_measure *m)
{
	return plan_scenario_names[m->line.scenario];
}

static int read_description(const struct json_node *root, struct scenario_plan *plan,
			    struct error *err)
{
	struct json_node n;
	const char *text = "";
	int ret = json_member(root, "description", false, &n, err);

	if (!ret)
		ret = json_as_string(&n, &text, err);
	if (ret && ret != -ENOENT)
		return ret;
	plan->description = xstrdup(text);
	return 0;
}

/* -ENOENT: the file does not say. */
static int read_name(const struct json_node *root, const char *key, struct json_node *n,
		     const char **name, struct error *err)
{
	int ret = json_member(root, key, false, n, err);

	if (!ret)
		ret = json_as_string(n, name, err);
	if (!ret && !**name)
		return json_error(n, err, "the text is empty: leave the key out");
	return ret;
}

static int read_l1_kernel(const struct json_node *root, struct scenario_plan *plan,
			  struct error *err)
{
	struct json_node n;
	const char *text;
	int ret = read_name(root, "l1_kernel", &n, &text, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	plan->l1_kernel = xstrdup(text);
	return 0;
}

static int check_programs(const struct json_node *n, const char *folder, struct error *err)
{
	struct error why = {0};
	size_t count;
	char **names;

	if (fs_list(folder, ".c", &names, &count, &why))
		return json_error(n, err, "%s", why.text);
	fs_free_names(names, count);
	if (!count)
		return json_error(n, err, "%s: no program (NAME.c) is in this folder", folder);
	return 0;
}

/* A path that is not absolute is one from the plan's file. -ENOENT: the file does not say. */
static int read_folder(const struct json_node *root, const char *key,
		       const struct scenario_plan *plan, struct json_node *n, char **out,
		       struct error *err)
{
	const char *folder, *slash = strrchr(plan->path, '/');
	int ret = read_name(root, key, n, &folder, err);

	if (ret)
		return ret;
	if (*folder == '/' || !slash)
		*out = xstrdup(folder);
	else
		*out = xasprintf("%.*s/%s", (int)(slash - plan->path), plan->path, folder);
	return 0;
}

static int read_programs(const struct json_node *root, struct scenario_plan *plan,
			 struct error *err)
{
	struct json_node n;
	int ret = read_folder(root, "programs", plan, &n, &plan->programs, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	return check_programs(&n, plan->programs, err);
}

static int read_flats(const struct json_node *root, struct scenario_plan *plan, struct error *err)
{
	struct json_node n;
	int ret = read_folder(root, "flats", plan, &n, &plan->flats, err);

	return ret == -ENOENT ? 0 : ret;
}

/* Why @path is no file that can be read; 0: it is one. */
static int file_trouble(const char *path)
{
	struct stat st;

	if (stat(path, &st) || access(path, R_OK))
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return S_ISREG(st.st_mode) ? 0 : EINVAL;
}

static int check_flat(const struct scenario_plan *plan, const char *test, struct error *err)
{
	__cleanup_free char *path = NULL;
	int trouble;

	if (!plan->flats)
		return error_set(
			err, -EINVAL,
			"%s: kvm-unit-test %s: \"flats\" has to name the folder with this file (docs/scenarios.md)",
			plan->path, test);
	path = xasprintf("%s/%s", plan->flats, test);
	trouble = file_trouble(path);
	if (!trouble)
		return 0;
	return error_set(err, -EINVAL, "%s: kvm-unit-test %s: %s: %s", plan->path, test, path,
			 strerror(trouble));
}

/* What is not in the folder is a test of the tree's. */
static int check_program(const struct scenario_plan *plan, const char *test, struct error *err)
{
	__cleanup_free char *path = NULL;
	int trouble;

	if (!plan->programs)
		return 0;
	path = xasprintf("%s/%s.c", plan->programs, test);
	trouble = file_trouble(path);
	if (!trouble || trouble == ENOENT)
		return 0;
	return error_set(err, -EINVAL, "%s: kselftest %s: %s: %s", plan->path, test, path,
			 strerror(trouble));
}

/* They are the user's: said before anything is built or booted. */
static int check_files(const struct scenario_plan *plan, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < plan->nmeasures; i++) {
		const struct plan_measure *m = &plan->measures[i].line;

		if (m->scenario == PLAN_KVM_UNIT_TEST)
			ret = check_flat(plan, m->test, err);
		else if (m->scenario == PLAN_KSELFTEST)
			ret = check_program(plan, m->test, err);
	}
	return ret;
}

static int read_mode(const struct json_node *root, bool *parallel, struct error *err)
{
	struct json_node n;
	uint64_t mode;
	int ret = json_member(root, "mode", false, &n, err);

	*parallel = false;
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	ret = matrix_parse_choice(&n, plan_mode_names, &mode, err);
	if (ret)
		return ret;
	*parallel = mode;
	return 0;
}

static bool metric_exists(const char *name)
{
	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++)
		if (!strcmp(m->name, name))
			return true;
	return false;
}

/* {"smallest_effect": 0.5} */
static int read_percent(const struct json_node *metric, double *percent, struct error *err)
{
	struct json_node n;
	int ret = json_as_object(metric, err);

	if (ret)
		return ret;
	ret = json_check_keys(metric, metric_keys, err);
	if (ret)
		return ret;
	ret = json_member(metric, "smallest_effect", true, &n, err);
	if (ret)
		return ret;
	ret = json_as_double(&n, percent, err);
	if (ret)
		return ret;
	if (!(*percent > 0 && *percent <= 100))
		return json_error(&n, err, "%g is not a percentage above 0 and up to 100",
				  *percent);
	return 0;
}

static int read_effect(const struct json_node *metrics, const char *name,
		       struct scenario_plan *plan, struct error *err)
{
	struct json_node metric;
	double percent;
	int ret = json_member(metrics, name, true, &metric, err);

	if (ret)
		return ret;
	if (!metric_exists(name))
		return json_error(metrics, err,
				  "there is no metric \"%s\"; docs/scenarios.md lists them", name);
	ret = read_percent(&metric, &percent, err);
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

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	ret = json_as_object(&metrics, err);
	if (ret)
		return ret;
	json_object_object_foreach(metrics.value, name, value)
	{
		(void)value;
		ret = read_effect(&metrics, name, plan, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int compare_measures(const void *a, const void *b)
{
	const struct scenario_measure *const *x = a, *const *y = b;

	if ((*x)->line.scenario != (*y)->line.scenario)
		return (*x)->line.scenario < (*y)->line.scenario ? -1 : 1;
	return strcmp((*x)->params, (*y)->params);
}

/* Results are told apart by scenario and params, so each pair may be there once. Returns one that
 * is there again, or NULL. */
static const struct scenario_measure *find_repeated(const struct scenario_plan *plan)
{
	size_t n = plan->nmeasures;
	__cleanup_free const struct scenario_measure **sorted = xcalloc(n, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &plan->measures[i];
	qsort(sorted, n, sizeof(*sorted), compare_measures);
	for (size_t i = 1; i < n; i++)
		if (!compare_measures(&sorted[i - 1], &sorted[i]))
			return sorted[i];
	return NULL;
}

static int check_unique(const struct json_node *list, const struct scenario_plan *plan,
			struct error *err)
{
	const struct scenario_measure *m = find_repeated(plan);

	if (m)
		return json_error(list, err, "the same measurement is there twice: %s %s",
				  scenario_measure_name(m), m->params);
	return 0;
}

static int read_entry(const struct json_node *list, size_t number, bool parallel,
		      struct scenario_plan *plan, struct error *err)
{
	size_t before = plan->nmeasures;
	struct json_node entry;
	int ret;

	json_element(list, number - 1, &entry);
	ret = matrix_expand(&entry, parallel, plan, err);
	for (size_t i = before; i < plan->nmeasures; i++)
		plan->measures[i].entry = number;
	return ret;
}

static int read_entries(const struct json_node *list, bool parallel, struct scenario_plan *plan,
			struct error *err)
{
	int ret;

	if (!json_length(list))
		return json_error(list, err, "the list is empty: there is nothing to measure");
	ret = scenario_part_settle(list, plan, err);
	for (size_t i = plan->first; i <= plan->last && !ret; i++)
		ret = read_entry(list, i, parallel, plan, err);
	if (ret)
		return ret;
	return check_unique(list, plan, err);
}

static int read_scenarios(const struct json_node *root, struct scenario_plan *plan,
			  struct error *err)
{
	struct json_node list;
	bool parallel;
	int ret = read_mode(root, &parallel, err);

	if (ret)
		return ret;
	ret = read_effects(root, plan, err);
	if (ret)
		return ret;
	ret = json_member(root, "scenarios", true, &list, err);
	if (ret)
		return ret;
	ret = json_as_array(&list, err);
	if (ret)
		return ret;
	return read_entries(&list, parallel, plan, err);
}

static int read_plan(const struct json_node *root, struct scenario_plan *plan, struct error *err)
{
	int ret = json_as_object(root, err);

	if (ret)
		return ret;
	ret = json_check_keys(root, plan_keys, err);
	if (ret)
		return ret;
	ret = read_description(root, plan, err);
	if (ret)
		return ret;
	ret = read_l1_kernel(root, plan, err);
	if (ret)
		return ret;
	ret = read_programs(root, plan, err);
	if (ret)
		return ret;
	ret = read_flats(root, plan, err);
	if (ret)
		return ret;
	ret = read_scenarios(root, plan, err);
	if (ret)
		return ret;
	ret = scenario_check_destination(plan, err);
	if (ret)
		return ret;
	return check_files(plan, err);
}

/* "dir/quick.json" is quick. */
static char *plan_name_of(const char *path)
{
	char *name = fs_stem(path, ".json");

	if (name)
		return name;
	return xstrdup(basename(path)); /* GNU's, which leaves @path alone */
}

/* It may have been meant for one. */
static int add_part_hint(const char *name, int ret, struct error *err)
{
	if (!strchr(name, '+'))
		return ret;
	return error_append(err, ret,
			    "; some entries of a scenario are NAME+7, NAME+7-9 or NAME+7-, "
			    "counted from 1");
}

static int set_path(const struct folders *folders, const char *name, struct scenario_plan *plan,
		    struct error *err)
{
	int ret;

	if (fs_has_suffix(name, ".json")) {
		plan->path = xstrdup(name);
		return 0;
	}
	if (!fs_is_plain_name(name)) {
		ret = error_set(err, -EINVAL,
				"%s: not a scenario's name; give a name or a path ending in .json",
				name);
		return add_part_hint(name, ret, err);
	}
	plan->path = folders_find(folders, name, ".json");
	if (plan->path)
		return 0;
	ret = error_set(err, -ENOENT, "%s: no such scenario (see: %s scenario list)", name,
			shell_program());
	return add_part_hint(name, ret, err);
}

/* Sets *part to what of @name asks for some entries. A file that has a "+3" in its own name comes first. */
static int find_path(const struct folders *folders, const char *name, struct scenario_plan *plan,
		     const char **part, struct error *err)
{
	__cleanup_free char *whole = scenario_part_split(name, plan);
	struct error why = {0};

	*part = "";
	if (whole && set_path(folders, name, plan, &why)) {
		*part = name + strlen(whole);
		return set_path(folders, whole, plan, err);
	}
	scenario_part_none(plan);
	return whole ? 0 : set_path(folders, name, plan, err);
}

static int find_file(const struct folders *folders, const char *name, struct scenario_plan *plan,
		     struct error *err)
{
	__cleanup_free char *stem = NULL;
	const char *part;
	int ret = find_path(folders, name, plan, &part, err);

	if (ret)
		return ret;
	if (!fs_exists(plan->path))
		return error_set(err, -ENOENT, "%s: no such scenario file (see: %s scenario list)",
				 plan->path, shell_program());
	stem = plan_name_of(plan->path);
	plan->name = xasprintf("%s%s", stem, part);
	if (!fs_is_plain_name(plan->name))
		return error_set(
			err, -EINVAL,
			"%s: rename the file: its name becomes the scenario's, and may have "
			"letters, digits and \"._+-\" only",
			plan->path);
	return 0;
}

static int read_document(const struct json_node *root, struct scenario_plan *plan,
			 struct error *err)
{
	__cleanup_free char *text = json_canonical(root->value);

	sha256_bytes(text, strlen(text), plan->hash);
	return read_plan(root, plan, err);
}

static int read_file(struct scenario_plan *plan, struct error *err)
{
	struct json_object *doc = NULL;
	struct json_node root;
	int ret = json_load(plan->path, &doc, &root, err);

	if (ret)
		return ret;
	ret = read_document(&root, plan, err);
	json_object_put(doc);
	return ret;
}

int scenario_parse(struct json_object *doc, const char *label, struct scenario_plan *out,
		   struct error *err)
{
	const struct json_node root = {.value = doc, .file = label, .path = "$"};
	int ret;

	memset(out, 0, sizeof(*out));
	out->path = xstrdup(label);
	out->name = plan_name_of(label);
	scenario_part_none(out);
	ret = read_document(&root, out, err);
	if (ret)
		scenario_plan_free(out);
	return ret;
}

int scenario_load(const struct folders *folders, const char *name, struct scenario_plan *out,
		  struct error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = find_file(folders, name, out, err);
	if (!ret)
		ret = read_file(out, err);
	if (ret)
		scenario_plan_free(out);
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
	free(plan->l1_kernel);
	free(plan->programs);
	free(plan->flats);
	memset(plan, 0, sizeof(*plan));
}
