// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/machine.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/l0/files.h"

#define CPU		"/sys/devices/system/cpu/"
#define VULNERABILITIES CPU "vulnerabilities/"
#define MITIGATIONS_MAX 64

/* The value is the first line of a file, or what is in its brackets. */
static const struct {
	const char *name, *path;
} files[] = {
	{"vendor", "/sys/class/dmi/id/sys_vendor"},
	{"board", "/sys/class/dmi/id/product_name"},
	{"bios", "/sys/class/dmi/id/bios_version"},
	{"smt", CPU "smt/control"},
	{"governor", CPU "cpu0/cpufreq/scaling_governor"},
	{"driver", CPU "cpu0/cpufreq/scaling_driver"},
	{"clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource"},
	{"numa_nodes", "/sys/devices/system/node/online"},
	{"isolated", CPU "isolated"},
	{"halt_poll_ns", "/sys/module/kvm/parameters/halt_poll_ns"},
	{"thp", "/sys/kernel/mm/transparent_hugepage/enabled"},
	{"ksm", "/sys/kernel/mm/ksm/run"},
	{"numa_balancing", "/proc/sys/kernel/numa_balancing"},
};

static void read_text(const char *root, const char *path, char *text, size_t size)
{
	char full[PATH_MAX], *open, *close;

	snprintf(full, sizeof(full), "%s%s", root, path);
	file_read(full, text, size);
	text[strcspn(text, "\n")] = '\0';
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close)
		return;
	*close = '\0';
	memmove(text, open + 1, (size_t)(close - open));
}

static void add_member(struct line *l, const char *name, const char *value, bool first)
{
	line_addf(l, "%s\"%s\":", first ? "" : ",", name);
	line_add_string(l, value, strlen(value));
}

/* "on", "off", or "" where neither driver tells. */
static const char *turbo_word(const char *root)
{
	char text[16];

	read_text(root, CPU "intel_pstate/no_turbo", text, sizeof(text));
	if (*text)
		return *text == '1' ? "off" : "on";
	read_text(root, CPU "cpufreq/boost", text, sizeof(text));
	if (*text)
		return *text == '1' ? "on" : "off";
	return "";
}

/* What follows "NAME : " in the first line of that name in /proc/cpuinfo. */
static void read_cpuinfo(const char *root, const char *name, char *text, size_t size)
{
	static char cpuinfo[65536];
	char path[PATH_MAX], *at;

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
	file_read(path, cpuinfo, sizeof(cpuinfo));
	at = strstr(cpuinfo, name);
	at = at ? strstr(at, ": ") : NULL;
	if (at)
		snprintf(text, size, "%.*s", (int)strcspn(at + 2, "\n"), at + 2);
}

/* Rounded to 64 MiB: what the kernel itself takes differs a little from build to build. */
static void add_memory(const char *root, struct line *l)
{
	char path[PATH_MAX], text[4096], number[32];
	unsigned long long kilobytes = 0;
	char *at;

	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	file_read(path, text, sizeof(text));
	at = strstr(text, "MemTotal:");
	if (at)
		kilobytes = strtoull(at + 9, NULL, 10);
	snprintf(number, sizeof(number), "%llu", (kilobytes / 1024 + 32) / 64 * 64);
	add_member(l, "memory_mib", kilobytes ? number : "", false);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* In the order of their names: a folder has none. */
static void add_mitigations(const char *root, struct line *l)
{
	static char names[MITIGATIONS_MAX][NAME_MAX + 1];
	char path[PATH_MAX];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" VULNERABILITIES, root);
	dir = opendir(path);
	while (dir && n < MITIGATIONS_MAX && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(names[n++], sizeof(names[0]), "%s", entry->d_name);
	if (dir)
		closedir(dir);
	qsort(names, n, sizeof(names[0]), compare_names);
	line_addf(l, ",\"mitigations\":{");
	for (size_t i = 0; i < n; i++) {
		char text[256];

		snprintf(path, sizeof(path), VULNERABILITIES "%s", names[i]);
		read_text(root, path, text, sizeof(text));
		add_member(l, names[i], text, !i);
	}
	line_addf(l, "}");
}

void machine_describe(const char *root, struct line *l)
{
	char text[256], flags[8192];

	line_addf(l, ",\"machine\":{");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		read_text(root, files[i].path, text, sizeof(text));
		add_member(l, files[i].name, text, !i);
	}
	read_cpuinfo(root, "microcode", text, sizeof(text));
	add_member(l, "microcode", text, false);
	add_member(l, "turbo", turbo_word(root), false);
	read_cpuinfo(root, "\nflags", flags, sizeof(flags));
	add_member(l, "hypervisor", strstr(flags, " hypervisor") ? "yes" : "no", false);
	add_memory(root, l);
	add_mitigations(root, l);
	line_addf(l, "}");
}
