// SPDX-License-Identifier: GPL-2.0-only
/* Which hosts there are, and what their configuration says. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "orchestrator/hosts/driver.h"
#include "orchestrator/hosts/emulated.h"

const struct host_driver *const host_drivers[] = {&host_emulated, NULL};

/* Hosts that need no file. */
static const struct host_config built_in[] = {
	{
		.name = (char *)"emulated",
		.driver = (char *)"emulated",
		.description = (char *)"Intel VMX machine in software (Bochs)",
		.cpus = 1,
	},
	{
		.name = (char *)"emulated-2cpu",
		.driver = (char *)"emulated",
		.description = (char *)"the same with two CPUs, at half the speed: for selftests",
		.cpus = 2,
	},
};

/* The numbers of a host's file, with their default and range. */
static const struct number {
	const char *key;
	size_t offset; /* of an int64_t in struct host_config */
	int64_t preset, min, max;
} numbers[] = {
	{"cpus", offsetof(struct host_config, cpus), 1, 1, 4},
	{"megabytes", offsetof(struct host_config, megabytes), 1024, 256, 3072},
	{"unmanaged_megabytes", offsetof(struct host_config, unmanaged_megabytes), 256, 0, 2048},
	{"ips", offsetof(struct host_config, ips), 100000000, 1000000, 10000000000},
	{"wall_limit_s", offsetof(struct host_config, wall_limit_s), 7200, 1, INT_MAX},
	{"progress_limit_s", offsetof(struct host_config, progress_limit_s), 180, 1, INT_MAX},
};

static const char *const keys[] = {"driver",	   "description",	  "cpus",
				   "megabytes",	   "unmanaged_megabytes", "ips",
				   "wall_limit_s", "progress_limit_s",	  NULL};

static int64_t *number_of(struct host_config *cfg, const struct number *n)
{
	return (int64_t *)(void *)((char *)cfg + n->offset);
}

static void set_presets(struct host_config *cfg)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		*number_of(cfg, &numbers[i]) = numbers[i].preset;
}

static int read_string(const struct json_node *root, const char *key, bool required, char **out,
		       struct error *err)
{
	struct json_node node;
	const char *text;
	int ret = json_member(root, key, required, &node, err);

	if (ret == -ENOENT && !required)
		return 0;
	if (!ret)
		ret = json_as_string(&node, &text, err);
	if (!ret)
		*out = xstrdup(text);
	return ret;
}

static int read_number(const struct json_node *root, const struct number *n,
		       struct host_config *cfg, struct error *err)
{
	struct json_node node;
	int ret = json_member(root, n->key, false, &node, err);

	if (ret == -ENOENT)
		return 0;
	return ret ? ret : json_as_int(&node, n->min, n->max, number_of(cfg, n), err);
}

static int check_memory(const struct json_node *root, const struct host_config *cfg,
			struct error *err)
{
	if (cfg->megabytes - cfg->unmanaged_megabytes >= 256)
		return 0;
	return json_error(root, err,
			  "unmanaged_megabytes leaves the kernel less than 256 of megabytes");
}

static int read_config(const struct json_node *root, struct host_config *cfg, struct error *err)
{
	int ret = json_as_object(root, err);

	if (!ret)
		ret = json_check_keys(root, keys, err);
	if (!ret)
		ret = read_string(root, "driver", true, &cfg->driver, err);
	if (!ret)
		ret = read_string(root, "description", false, &cfg->description, err);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(numbers); i++)
		ret = read_number(root, &numbers[i], cfg, err);
	return ret ? ret : check_memory(root, cfg, err);
}

/* "dir/lab1.json" -> "lab1" */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t len = strlen(base);

	if (len > 5 && !strcmp(base + len - 5, ".json"))
		len -= 5;
	return xasprintf("%.*s", (int)len, base);
}

static int load_file(const char *path, struct host_config *cfg, struct error *err)
{
	struct json_object *doc = NULL;
	struct json_node root;
	int ret = json_load(path, &doc, &root, err);

	if (ret)
		return ret;
	set_presets(cfg);
	cfg->name = name_of(path);
	cfg->path = xstrdup(path);
	ret = read_config(&root, cfg, err);
	json_object_put(doc);
	return ret;
}

static bool load_built_in(const char *name, struct host_config *cfg)
{
	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++) {
		if (strcmp(built_in[i].name, name))
			continue;
		set_presets(cfg);
		cfg->name = xstrdup(name);
		cfg->driver = xstrdup(built_in[i].driver);
		cfg->description = xstrdup(built_in[i].description);
		cfg->cpus = built_in[i].cpus;
		return true;
	}
	return false;
}

static char *hosts_dir(void)
{
	__cleanup_free char *root = fs_data_root();

	return xasprintf("%s/hosts", root);
}

static int load(const char *name, struct host_config *cfg, struct error *err)
{
	__cleanup_free char *dir = hosts_dir();
	__cleanup_free char *path = xasprintf("%s/%s.json", dir, name);

	if (load_built_in(name, cfg))
		return 0;
	if (strchr(name, '/') || (strlen(name) > 5 && !strcmp(name + strlen(name) - 5, ".json")))
		return load_file(name, cfg, err);
	if (!fs_is_plain_name(name) || !fs_exists(path))
		return error_set(err, -ENOENT, "%s: no such host (see: nestlab host list)", name);
	return load_file(path, cfg, err);
}

static int find_driver(const struct host_config *cfg, const struct host_driver **driver,
		       struct error *err)
{
	struct strbuf known = STRBUF_INIT;
	int ret;

	for (const struct host_driver *const *d = host_drivers; *d; d++) {
		if (!strcmp((*d)->name, cfg->driver)) {
			*driver = *d;
			strbuf_release(&known);
			return 0;
		}
		strbuf_addf(&known, " %s", (*d)->name);
	}
	ret = error_set(err, -EINVAL, "%s: $.driver: no such driver: %s (there are:%s)", cfg->path,
			cfg->driver, known.buf);
	strbuf_release(&known);
	return ret;
}

int host_find(const char *name, struct host_config *cfg, const struct host_driver **driver,
	      struct error *err)
{
	int ret;

	memset(cfg, 0, sizeof(*cfg));
	ret = load(name, cfg, err);
	if (!ret)
		ret = find_driver(cfg, driver, err);
	if (ret)
		host_config_free(cfg);
	return ret;
}

void host_config_free(struct host_config *cfg)
{
	free(cfg->name);
	free(cfg->driver);
	free(cfg->description);
	free(cfg->path);
	memset(cfg, 0, sizeof(*cfg));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int host_list(char ***names, size_t *count, struct error *err)
{
	__cleanup_free char *dir = hosts_dir();
	char **files = NULL;
	size_t nfiles = 0;
	int ret = fs_exists(dir) ? fs_list(dir, ".json", &files, &nfiles, err) : 0;

	if (ret)
		return ret;
	*count = 0;
	*names = xcalloc(nfiles + ARRAY_SIZE(built_in) + 1, sizeof(**names));
	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++)
		(*names)[(*count)++] = xstrdup(built_in[i].name);
	for (size_t i = 0; i < nfiles; i++)
		(*names)[(*count)++] = name_of(files[i]);
	fs_free_names(files, nfiles);
	qsort(*names, *count, sizeof(**names), compare_names);
	return 0;
}

char *host_cmdline(const struct host_driver *drv, const struct host_config *cfg)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addstr(&line, drv->cmdline);
	if (cfg->ips)
		strbuf_addf(&line, " tsc_early_khz=%lld", (long long)cfg->ips / 1000);
	if (cfg->unmanaged_megabytes)
		strbuf_addf(&line, " mem=%lldM",
			    (long long)(cfg->megabytes - cfg->unmanaged_megabytes));
	return strbuf_detach(&line);
}

char *host_selftest_cmdline(const struct host_driver *drv, const struct host_config *cfg)
{
	char *line = host_cmdline(drv, cfg), *more;

	if (!drv->selftest_cmdline)
		return line;
	more = xasprintf("%s %s", line, drv->selftest_cmdline);
	free(line);
	return more;
}
