// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/emulated.h"

#define PROBE_LIMIT_MS 10000
#define BANNER	       "Bochs x86 Emulator "
#define PLUGINS	       "using compile time default '"
#define RUN_MEGABYTES  64  /* what a boot leaves on the disk, at most, with an image */
#define OWN_MEGABYTES  256 /* of Bochs' own memory, beside the guest's */

static void lack(bool *ok, struct strbuf *report, const char *what, const char *remedy)
{
	*ok = false;
	strbuf_addf(report, "%s: %s\n", what, remedy);
}

static void check_files(bool *ok, struct strbuf *report)
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
			lack(ok, report, path, files[i].remedy);
	}
}

/* What Bochs tells of itself. */
struct about {
	char *version; /* NULL: it told none */
	char *plugins; /* the folder of its plugins */
};

static void take_about(const char *line, void *arg)
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
		.on_line = take_about,
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
static void check_display(const struct about *about, bool *ok, struct strbuf *report)
{
	__cleanup_free char *path = NULL;

	if (!about->plugins)
		return;
	path = xasprintf("%s/libbx_term_gui.so", about->plugins);
	if (!fs_exists(path))
		lack(ok, report, path, "not there (apt-get install bochs-term)");
}

static int check_program(struct about *about, bool *ok, struct strbuf *report, struct error *err)
{
	int ret;

	if (!subprocess_have("bochs")) {
		lack(ok, report, "bochs", "not in PATH (apt-get install bochs)");
		return 0;
	}
	ret = ask_about(about, err);
	if (ret)
		return ret;
	if (!about->version)
		lack(ok, report, "bochs", "does not run (apt-get install --reinstall bochs)");
	check_display(about, ok, report);
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

static void check_memory(const struct host_config *cfg, bool *ok, struct strbuf *report)
{
	int64_t need = cfg->megabytes + OWN_MEGABYTES, have = available_megabytes();
	__cleanup_free char *text = xasprintf("%lld MiB available, a boot takes up to %lld: end "
					      "something, or lower \"megabytes\"",
					      (long long)have, (long long)need);

	if (have < need)
		lack(ok, report, "memory", text);
}

static void check_disk(bool *ok, struct strbuf *report)
{
	__cleanup_free char *cache = fs_cache_dir();
	uint64_t bytes = 0;
	__cleanup_free char *text = NULL;

	/* The cache may still have to be made: its nearest folder that is there counts. */
	while (strchr(cache + 1, '/') && !fs_exists(cache))
		*strrchr(cache, '/') = '\0';
	if (fs_free_bytes(cache, &bytes, NULL) || bytes >> 20 >= RUN_MEGABYTES)
		return;
	text = xasprintf("%llu MiB free, %d needed: make room, or set NESTLAB_CACHE",
			 (unsigned long long)bytes >> 20, RUN_MEGABYTES);
	lack(ok, report, cache, text);
}

/* What makes two runs' numbers comparable. */
static void identify(const struct host_config *cfg, const char *version, struct strbuf *identity)
{
	struct json_object *id = json_object_new_object();
	char *text;

	json_object_object_add(id, "emulator", json_object_new_string("bochs"));
	json_object_object_add(id, "version", json_object_new_string(version ? version : ""));
	json_object_object_add(id, "cpu", json_object_new_string(HOST_EMULATED_CPU));
	if (cfg->cpus != 1) /* what was stored before there was a choice says nothing of it */
		json_object_object_add(id, "cpus", json_object_new_int64(cfg->cpus));
	json_object_object_add(id, "megabytes", json_object_new_int64(cfg->megabytes));
	json_object_object_add(id, "unmanaged_megabytes",
			       json_object_new_int64(cfg->unmanaged_megabytes));
	json_object_object_add(id, "ips", json_object_new_int64(cfg->ips));
	text = json_canonical(id);
	strbuf_addstr(identity, text);
	free(text);
	json_object_put(id);
}

int host_emulated_probe(const struct host_config *cfg, bool *ok, struct strbuf *report,
			struct strbuf *identity, struct error *err)
{
	struct about about = {0};
	int ret;

	*ok = true;
	ret = check_program(&about, ok, report, err);
	if (ret)
		goto out;
	check_files(ok, report);
	check_memory(cfg, ok, report);
	check_disk(ok, report);
	if (identity)
		identify(cfg, about.version, identity);
out:
	free(about.version);
	free(about.plugins);
	return ret;
}
