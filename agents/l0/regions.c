// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/regions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/l0/files.h"

/* struct boot_params, Documentation/arch/x86/zero-page.rst */
#define E820_ENTRIES 0x1e8 /* one byte: how many there are */
#define E820_TABLE   0x2d0
#define E820_MAX     128
#define E820_RAM     1
#define SMALLEST     (1ull << 20)

struct e820_entry {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

static int add_region(struct regions *out, uint64_t start, uint64_t end, bool managed)
{
	if (out->n == REGIONS_MAX)
		return -E2BIG;
	out->r[out->n++] = (struct region){.start = start, .size = end - start, managed};
	return 0;
}

/* Top-level "START-END : System RAM" lines; nested ones are indented. */
static int parse_iomem(const char *text, struct regions *out)
{
	const char *line, *next;

	for (line = text; *line; line = next) {
		uint64_t start, end;
		int used = 0, ret;

		next = line + strcspn(line, "\n");
		next += *next == '\n';
		if (*line == ' ' ||
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " : %n", &start, &end, &used) != 2 ||
		    strncmp(line + used, "System RAM\n", 11))
			continue;
		ret = add_region(out, start, end + 1, true);
		if (ret)
			return ret;
	}
	return 0;
}

/* What of [start, end) no managed region has. They are sorted, as /proc/iomem is. */
static int add_rest(struct regions *out, size_t managed, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i <= managed; i++) {
		uint64_t gap_end = end, next = end;

		if (i < managed) {
			if (out->r[i].start + out->r[i].size <= start)
				continue;
			next = out->r[i].start + out->r[i].size;
			gap_end = out->r[i].start < end ? out->r[i].start : end;
		}
		if (gap_end > start && gap_end - start >= SMALLEST) {
			int ret = add_region(out, start, gap_end, false);

			if (ret)
				return ret;
		}
		start = next;
		if (start >= end)
			break;
	}
	return 0;
}

static int parse_e820(const char *params, struct regions *out)
{
	size_t n = (unsigned char)params[E820_ENTRIES], managed = out->n;

	for (size_t i = 0; i < n && i < E820_MAX; i++) {
		struct e820_entry e;
		int ret;

		memcpy(&e, params + E820_TABLE + i * sizeof(e), sizeof(e));
		if (e.type != E820_RAM)
			continue;
		ret = add_rest(out, managed, e.addr, e.addr + e.size);
		if (ret)
			return ret;
	}
	return 0;
}

int regions_parse(const char *iomem, const char *params, struct regions *out)
{
	int ret;

	out->n = 0;
	ret = parse_iomem(iomem, out);
	if (ret)
		return ret;
	return parse_e820(params, out);
}

int regions_read(struct regions *out)
{
	static char iomem[65536], params[REGIONS_BOOT_PARAMS + 1];
	ssize_t len = file_read("/proc/iomem", iomem, sizeof(iomem));

	if (len < 0)
		return (int)len;
	len = file_read("/sys/kernel/boot_params/data", params, sizeof(params));
	if (len < 0)
		return (int)len;
	if (len != REGIONS_BOOT_PARAMS)
		return -EIO;
	return regions_parse(iomem, params, out);
}

int regions_unmanaged(struct region *out)
{
	struct regions all;
	int ret = regions_read(&all);

	*out = (struct region){0};
	if (ret == -ENOENT || ret == -EACCES || ret == -EPERM)
		return 0; /* a host that does not tell has none that could be used */
	if (ret)
		return ret;
	for (size_t i = 0; i < all.n; i++)
		if (!all.r[i].managed && all.r[i].size > out->size)
			*out = all.r[i];
	return 0;
}
