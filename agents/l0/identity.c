// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/identity.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agents/l0/capability.h"
#include "agents/l0/clock.h"
#include "agents/l0/files.h"
#include "agents/l0/machine.h"
#include "agents/l0/regions.h"

#define AGENT_VERSION "nestlab-agent 1"

#ifndef NT_GNU_BUILD_ID
#define NT_GNU_BUILD_ID 3
#endif

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The build-id among ELF notes (name and descriptor are padded to 4 bytes), in hex; "" without. */
static void find_build_id(const char *notes, size_t len, char *hex, size_t size)
{
	Elf64_Nhdr note;
	size_t at = 0;

	hex[0] = '\0';
	while (at + sizeof(note) <= len) {
		const char *name = notes + at + sizeof(note);
		const unsigned char *desc;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note) + padded(note.n_namesz) + padded(note.n_descsz);
		if (at > len)
			return;
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 || memcmp(name, "GNU", 4))
			continue;
		desc = (const unsigned char *)name + padded(note.n_namesz);
		for (size_t i = 0; i < note.n_descsz && 2 * i + 3 <= size; i++)
			snprintf(hex + 2 * i, 3, "%02x", desc[i]);
		return;
	}
}

static void add_build_id(struct line *l)
{
	static char notes[8192];
	ssize_t len = file_read("/sys/kernel/notes", notes, sizeof(notes));
	char hex[65];

	if (len < 0)
		len = 0;
	find_build_id(notes, (size_t)len, hex, sizeof(hex));
	line_add_member(l, "build_id", hex);
}

void identity_add_kernel(struct line *l)
{
	struct utsname u;

	uname(&u);
	line_add_member(l, "release", u.release);
	add_build_id(l);
}

static void add_cpu(struct line *l)
{
	static char cpuinfo[65536];
	const char *model = "";
	char *name, *end;

	file_read("/proc/cpuinfo", cpuinfo, sizeof(cpuinfo));
	name = strstr(cpuinfo, "model name");
	if (name)
		name = strstr(name, ": ");
	if (name) {
		model = name + 2;
		end = strchr(name, '\n');
		if (end)
			*end = '\0';
	}
	line_add_member(l, "cpu", model);
	line_addf(l, ",\"cpus\":%ld", sysconf(_SC_NPROCESSORS_ONLN));
}

static void read_cmdline(char *cmdline, size_t size)
{
	file_read("/proc/cmdline", cmdline, size);
	cmdline[strcspn(cmdline, "\n")] = '\0';
}

void identity_find_clock(int kvm)
{
	char cmdline[4096];

	read_cmdline(cmdline, sizeof(cmdline));
	clock_init(cmdline, capability_tsc_khz(kvm));
}

void identity_add_clock(struct line *l)
{
	line_add_member(l, "clock", host_clock.name);
	line_addf(l, ",\"tsc_khz\":%" PRIu32, host_clock.tsc_khz);
}

static void add_memory(struct line *l)
{
	static struct regions all;

	if (regions_read(&all))
		all.n = 0;
	line_addf(l, ",\"memory\":[");
	for (size_t i = 0; i < all.n; i++) {
		const char *kind = all.r[i].managed ? "managed" : "unmanaged";

		if (i)
			line_addf(l, ",");
		line_addf(l, "{\"start\":%" PRIu64 ",\"size\":%" PRIu64 ",\"kind\":\"%s\"}",
			  all.r[i].start, all.r[i].size, kind);
	}
	line_addf(l, "]");
}

/* Of a real clock's machine: what else decides what its ticks are worth. */
static void add_machine(struct line *l, const struct quiet *q)
{
	char cpus[256];

	machine_describe("", l);
	if (!q)
		return;
	cpus_format(&q->measuring, cpus, sizeof(cpus));
	line_add_member(l, "measuring_cpus", cpus);
	line_add_member(l, "not_quiet", q->not_set);
}

void identity_hello(struct line *l, int kvm, size_t plan_count, const struct quiet *q,
		    const char *nonce)
{
	char cmdline[4096];

	read_cmdline(cmdline, sizeof(cmdline));
	line_start(l, "hello");
	line_addf(l, ",\"protocol\":%d", PROTOCOL_VERSION);
	line_add_member(l, "agent", AGENT_VERSION);
	identity_add_kernel(l);
	line_add_member(l, "cmdline", cmdline);
	add_cpu(l);
	identity_add_clock(l);
	capability_describe(kvm, l);
	add_memory(l);
	if (q || strcmp(host_clock.name, "emulated"))
		add_machine(l, q);
	line_addf(l, ",\"plan_count\":%zu", plan_count);
	if (*nonce)
		line_add_member(l, "nonce", nonce);
}
