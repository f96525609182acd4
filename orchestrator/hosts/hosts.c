// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/hosts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/shell.h"
#include "orchestrator/hosts/emulated.h"
#include "orchestrator/hosts/here.h"
#include "orchestrator/hosts/ipmi/ipmi.h"
#include "orchestrator/hosts/kexec/kexec.h"
#include "orchestrator/hosts/libvirt/libvirt.h"
#include "orchestrator/hosts/redfish/redfish.h"

#define SUFFIX ".json"

const struct host_driver *const host_drivers[] = {
	&host_emulated, &host_here, &host_libvirt, &host_kexec, &host_ipmi, &host_redfish, NULL};

/* Hosts that need no file: what would be in it. */
static const struct {
	const char *name, *file;
} built_in[] = {
	{"emulated", "{\"driver\":\"emulated\","
		     "\"description\":\"Intel VMX machine in software (Bochs)\"}"},
	{"emulated-2cpu",
	 "{\"driver\":\"emulated\",\"cpus\":2,"
	 "\"description\":\"the same with two CPUs, at half the speed: for selftests\"}"},
	{"here", "{\"driver\":\"here\","
		 "\"description\":\"this machine and the kernel that it runs, without a reboot\"}"},
};

static const char *const common_keys[] = {"driver",	 "description",	 "kernel_config",
					  "parallel",	 "wall_limit_s", "progress_limit_s",
					  "boot_limit_s"};

static const struct host_number limits[] = {
	{"wall_limit_s", offsetof(struct host_config, wall_limit_s), 7200, 1, INT_MAX},
	{"progress_limit_s", offsetof(struct host_config, progress_limit_s), 180, 1, INT_MAX},
};

static int find_driver(const struct json_node *node, const struct host_driver **driver,
		       struct error *err)
{
	struct strbuf known = STRBUF_INIT;
	const char *name;
	int ret = json_as_string(node, &name, err);

	if (ret)
		return ret;
	for (const struct host_driver *const *d = host_drivers; *d; d++) {
		if (!strcmp((*d)->name, name)) {
			*driver = *d;
			goto out;
		}
		strbuf_addf(&known, " %s", (*d)->name);
	}
	ret = json_error(node, err, "no such driver: %s (there are:%s)", name, known.buf);
out:
	strbuf_release(&known);
	return ret;
}

/* Both the common keys and the driver's: the nearest one is named whosever it is. */
static int check_keys(const struct json_node *file, const struct host_driver *driver,
		      struct error *err)
{
	size_t n = 0;
	const char **known;
	int ret;

	while (driver->keys[n])
		n++;
	known = xcalloc(ARRAY_SIZE(common_keys) + n + 1, sizeof(*known));
	memcpy(known, common_keys, sizeof(common_keys));
	memcpy(known + ARRAY_SIZE(common_keys), driver->keys, n * sizeof(*known));
	ret = json_check_keys(file, known, err);
	free(known);
	return ret;
}

static int read_description(const struct json_node *file, char **out, struct error *err)
{
	struct json_node node;
	const char *text;
	int ret = json_member(file, "description", false, &node, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = json_as_string(&node, &text, err);
	if (ret)
		return ret;
	*out = xstrdup(text);
	return 0;
}

static void preset_kernel_config(struct host_config *cfg)
{
	const char *const *names = cfg->driver->kernel_config;
	size_t n = 0;

	while (names && names[n])
		n++;
	cfg->kernel_config = n ? xcalloc(n + 1, sizeof(char *)) : NULL;
	for (size_t i = 0; i < n; i++)
		cfg->kernel_config[i] = xstrdup(names[i]);
}

static int take_fragment_name(const struct json_node *node, char **out, struct error *err)
{
	const char *name;
	int ret = json_as_string(node, &name, err);

	if (ret)
		return ret;
	if (!fs_is_plain_name(name))
		return json_error(node, err,
				  "\"%s\" is not the name of a fragment (\"pc\": config/pc.config)",
				  name);
	*out = xstrdup(name);
	return 0;
}

static int read_kernel_config(const struct json_node *file, struct host_config *cfg,
			      struct error *err)
{
	struct json_node list, item;
	int ret = json_member(file, "kernel_config", false, &list, err);

	if (ret == -ENOENT) {
		preset_kernel_config(cfg);
		return 0;
	}
	if (ret)
		return ret;
	ret = json_as_array(&list, err);
	if (ret || !json_length(&list))
		return ret;
	cfg->kernel_config = xcalloc(json_length(&list) + 1, sizeof(char *));
	for (size_t i = 0; i < json_length(&list); i++) {
		json_element(&list, i, &item);
		ret = take_fragment_name(&item, &cfg->kernel_config[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_common(const struct json_node *file, struct host_config *cfg, struct error *err)
{
	const struct host_number parallel = {"parallel", offsetof(struct host_config, parallel),
					     cfg->driver->parallel, 1, 100000};
	const struct host_number boot_limit = {"boot_limit_s",
					       offsetof(struct host_config, boot_limit_s),
					       cfg->driver->boot_limit_s, 0, INT_MAX};
	int ret = read_description(file, &cfg->description, err);

	if (ret)
		return ret;
	ret = read_kernel_config(file, cfg, err);
	if (ret)
		return ret;
	ret = host_read_numbers(file, limits, ARRAY_SIZE(limits), cfg, err);
	if (ret)
		return ret;
	ret = host_read_numbers(file, &boot_limit, 1, cfg, err);
	if (ret)
		return ret;
	return host_read_numbers(file, &parallel, 1, cfg, err);
}

static int read_config(const struct json_node *file, struct host_config *cfg, struct error *err)
{
	struct json_node driver;
	int ret = json_as_object(file, err);

	if (ret)
		return ret;
	ret = json_member(file, "driver", true, &driver, err);
	if (ret)
		return ret;
	ret = find_driver(&driver, &cfg->driver, err);
	if (ret)
		return ret;
	ret = check_keys(file, cfg->driver, err);
	if (ret)
		return ret;
	ret = read_common(file, cfg, err);
	if (ret)
		return ret;
	return cfg->driver->configure(file, &cfg->own, err);
}

/* "dir/lab1.json" -> "lab1" */
static char *name_of_file(const char *path)
{
	char *name = fs_stem(path, SUFFIX);

	if (name)
		return name;
	return xstrdup(basename(path)); /* GNU's, which leaves @path alone */
}

static int load_file(const char *path, struct host_config *cfg, struct error *err)
{
	struct json_object *doc = NULL;
	struct json_node root;
	int ret = json_load(path, &doc, &root, err);

	if (ret)
		return ret;
	cfg->name = name_of_file(path);
	cfg->path = xstrdup(path);
	ret = read_config(&root, cfg, err);
	json_object_put(doc);
	return ret;
}

static int load_built_in(const char *name, const char *text, struct host_config *cfg,
			 struct error *err)
{
	struct json_node root = {.file = name, .path = "$"};
	int ret = json_parse(text, strlen(text), name, &root.value, err);

	if (ret)
		return ret;
	cfg->name = xstrdup(name);
	ret = read_config(&root, cfg, err);
	json_object_put(root.value);
	return ret;
}

static int load_host(const struct places *places, const char *name, struct host_config *cfg,
		     struct error *err)
{
	__cleanup_free char *path = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++)
		if (!strcmp(built_in[i].name, name))
			return load_built_in(name, built_in[i].file, cfg, err);
	if (strchr(name, '/') || fs_has_suffix(name, SUFFIX))
		return load_file(name, cfg, err);
	path = folders_find(&places->hosts, name, SUFFIX);
	if (!path)
		return error_set(err, -ENOENT, "%s: no such host (see: %s host list)", name,
				 shell_program());
	return load_file(path, cfg, err);
}

int host_find(const struct places *places, const char *name, struct host_config *cfg,
	      struct error *err)
{
	int ret;

	memset(cfg, 0, sizeof(*cfg));
	ret = load_host(places, name, cfg, err);
	cfg->state_dir = xasprintf("%s/hosts", places->cache);
	if (ret)
		host_config_free(cfg);
	return ret;
}

void host_config_free(struct host_config *cfg)
{
	if (cfg->own)
		cfg->driver->free_config(cfg->own);
	for (char **name = cfg->kernel_config; name && *name; name++)
		free(*name);
	free(cfg->kernel_config);
	free(cfg->name);
	free(cfg->description);
	free(cfg->path);
	free(cfg->state_dir);
	memset(cfg, 0, sizeof(*cfg));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_built_in(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++)
		if (!strcmp(built_in[i].name, name))
			return true;
	return false;
}

/* A file that has the name of a built-in host is never read: whoever wrote it has to know. */
static void add_file(const struct places *places, const char *name, char **names, size_t *count)
{
	__cleanup_free char *path = NULL;

	if (!is_built_in(name)) {
		names[(*count)++] = xstrdup(name);
		return;
	}
	path = folders_find(&places->hosts, name, SUFFIX);
	log_warning("%s: is not used, as host %s is built in; give the file another name",
		    path ? path : name, name);
}

int host_list(const struct places *places, char ***names, size_t *count, struct error *err)
{
	char **files = NULL;
	size_t nfiles = 0;
	int ret;

	ret = folders_list(&places->hosts, SUFFIX, &files, &nfiles, err);
	if (ret)
		return ret;
	*count = 0;
	*names = xcalloc(nfiles + ARRAY_SIZE(built_in) + 1, sizeof(**names));
	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++)
		(*names)[(*count)++] = xstrdup(built_in[i].name);
	for (size_t i = 0; i < nfiles; i++)
		add_file(places, files[i], *names, count);
	fs_free_names(files, nfiles);
	qsort(*names, *count, sizeof(**names), compare_names);
	return 0;
}

/* Kernels of two configurations are never compared: the configuration alone moves the numbers. */
static void identify_kernel_config(const struct host_config *cfg, struct json_object *identity)
{
	struct strbuf names = STRBUF_INIT;

	for (char **name = cfg->kernel_config; name && *name; name++)
		strbuf_addf(&names, "%s%s", names.len ? " " : "", *name);
	if (names.len)
		json_object_object_add(identity, "kernel_config",
				       json_object_new_string(names.buf));
	strbuf_release(&names);
}

int host_probe(const struct host_config *cfg, const struct places *places, struct host_found *found,
	       struct error *err)
{
	*found = (struct host_found){.ready = true, .missing = STRBUF_INIT, .can = STRBUF_INIT};
	found->identity = json_object_new_object();
	identify_kernel_config(cfg, found->identity);
	return cfg->driver->probe(cfg, places, found, err);
}

void host_found_free(struct host_found *found)
{
	strbuf_release(&found->missing);
	strbuf_release(&found->can);
	json_object_put(found->identity);
	found->identity = NULL;
}

char *host_identity(const struct host_config *cfg, const struct host_found *found,
		    struct json_object *hello)
{
	struct json_object *identity = NULL;
	char *text;

	if (!cfg->driver->identify || !hello)
		return json_canonical(found->identity);
	json_object_deep_copy(found->identity, &identity, NULL);
	cfg->driver->identify(cfg, identity, hello);
	text = json_canonical(identity);
	json_object_put(identity);
	return text;
}
