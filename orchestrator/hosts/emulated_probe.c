// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/emulated.h"

#define PROBE_LIMIT_MS 10000
#define BANNER	       "Bochs x86 Emulator "
#define PLUGINS	       "using compile time default '"
#define RUN_MEGABYTES  64  /* what a boot leaves on the disk, at most, with an image */
#define OWN_MEGABYTES  256 /* of Bochs' own memory, beside the guest's */

static void check_files(struct host_found *found)
{
	static const struct {
		const char *name, *remedy;
	} files[] = {
		{HOST_EMULATED_BIOS, "not there (apt-get install bochsbios)"},
		{HOST_EMULATED_VGABIOS, "not there (apt-get install bochs vgabios)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		__cleanup_free char *path =
			xasprintf("%s/%s", host_emulated_share(), files[i].name);

		if (!fs_exists(path))
			host_found_lacks(found, path, files[i].remedy);
	}
}

/* What Bochs says of itself. */
struct about {
	char *version; /* NULL: it did not say */
	char *plugins; /* the folder of its plugins */
};

static void note_about(const char *line, void *arg)
{
	struct about *about = arg;
	const char *banner = strstr(line, BANNER), *plugins = strstr(line, PLUGINS);

	if (banner && !about->version)
		about->version = xstrdup(banner + strlen(BANNER));
	if (plugins && !about->plugins) {
		plugins += strlen(PLUGINS);
		about->plugins = xasprintf("%.*s", (int)strcspn(plugins, "'"), plugins);
	}
}

/* What a program that is in PATH can fail with through no fault of this machine's resources. */
static bool is_programs_fault(int ret)
{
	return ret == -ETIMEDOUT || ret == -ENOENT || ret == -EACCES || ret == -ENOEXEC;
}

static int ask_about(struct about *about, struct error *err)
{
	static const char *const argv[] = {"bochs", "--help", "features", NULL};
	const struct subprocess sp = {
		.argv = argv,
		.on_line = note_about,
		.arg = about,
		.timeout_ms = PROBE_LIMIT_MS,
	};
	const char *set = getenv("LTDL_LIBRARY_PATH");
	int status, ret;

	if (set)
		about->plugins = xstrdup(set);
	ret = subprocess_run(&sp, &status, err);
	return is_programs_fault(ret) ? 0 : ret;
}

/* Its displays are plugins, in packages of their own. A build without plugins names no folder. */
static void check_display(const struct about *about, struct host_found *found)
{
	__cleanup_free char *path = NULL;

	if (!about->plugins)
		return;
	path = xasprintf("%s/libbx_term_gui.so", about->plugins);
	if (!fs_exists(path))
		host_found_lacks(found, path, "not there (apt-get install bochs-term)");
}

static int check_program(struct about *about, struct host_found *found, struct error *err)
{
	int ret;

	if (!subprocess_have("bochs")) {
		host_found_lacks(found, "bochs", "not in PATH (apt-get install bochs)");
		return 0;
	}
	ret = ask_about(about, err);
	if (ret)
		return ret;
	if (!about->version)
		host_found_lacks(found, "bochs",
				 "does not run (apt-get install --reinstall bochs)");
	check_display(about, found);
	return 0;
}

static int64_t available_megabytes(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	long long kilobytes = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lld kB", &kilobytes) == 1)
			break;
	if (f)
		fclose(f);
	return kilobytes >> 10;
}

static void check_memory(const struct emulated_config *cfg, struct host_found *found)
{
	int64_t need = cfg->megabytes + OWN_MEGABYTES, have = available_megabytes();
	__cleanup_free char *text = xasprintf("%lld MiB available, a boot takes up to %lld: end "
					      "something, or lower \"megabytes\"",
					      (long long)have, (long long)need);

	if (have < need)
		host_found_lacks(found, "memory", text);
}

static void check_disk(const struct places *places, struct host_found *found)
{
	__cleanup_free char *cache = xstrdup(places->cache);
	uint64_t bytes = 0;
	__cleanup_free char *text = NULL;

	/* The cache may still have to be made: its nearest folder that is there counts. */
	while (strchr(cache + 1, '/') && !fs_exists(cache))
		*strrchr(cache, '/') = '\0';
	if (fs_free_bytes(cache, &bytes, NULL) || bytes >> 20 >= RUN_MEGABYTES)
		return;
	text = xasprintf("%llu MiB free, %d needed: make room, or set NESTLAB_CACHE",
			 (unsigned long long)bytes >> 20, RUN_MEGABYTES);
	host_found_lacks(found, cache, text);
}

static void identify_machine(const struct emulated_config *cfg, const char *version,
			     struct json_object *id)
{
	json_object_object_add(id, "emulator", json_object_new_string("bochs"));
	json_object_object_add(id, "version", json_object_new_string(version ? version : ""));
	json_object_object_add(id, "cpu", json_object_new_string(HOST_EMULATED_CPU));
	if (cfg->cpus != 1) /* what was stored before there was a choice says nothing of it */
		json_object_object_add(id, "cpus", json_object_new_int64(cfg->cpus));
	json_object_object_add(id, "megabytes", json_object_new_int64(cfg->megabytes));
	json_object_object_add(id, "unmanaged_megabytes",
			       json_object_new_int64(cfg->unmanaged_megabytes));
	json_object_object_add(id, "ips", json_object_new_int64(cfg->ips));
}

int host_emulated_probe(const struct host_config *cfg, const struct places *places,
			struct host_found *found, struct error *err)
{
	struct about about = {0};
	int ret = check_program(&about, found, err);

	if (ret)
		goto out;
	check_files(found);
	check_memory(cfg->own, found);
	check_disk(places, found);
	identify_machine(cfg->own, about.version, found->identity);
out:
	free(about.version);
	free(about.plugins);
	return ret;
}
