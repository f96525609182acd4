// SPDX-License-Identifier: GPL-2.0-only
/* thin_ksm.c - pages of a Linux L1 that are alike become one, as on hosts of many guests: L1's next write to each copies it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/l0/files.h"
#include "agents/l0/vmm/thin.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

#define KSM	"/sys/kernel/mm/ksm/"
#define LIMIT_S 60 /* of L0's clock */
#define LOOK_US 5000
#define SCANS	2 /* the first notes what pages are like, the next merges those that are so still */

/* As fast as it can (Documentation/admin-guide/mm/ksm.rst). In the order in which they are set. */
static const struct {
	const char *path, *value;
} settings[] = {
	{KSM "sleep_millisecs", "0"},
	{KSM "pages_to_scan", "100000"},
	{KSM "run", "1"},
};
#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

static uint64_t read_number(const char *path)
{
	char text[32] = "";

	file_read(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* Until all pages were looked at so often. */
static int wait_for_scans(struct thin *t)
{
	uint64_t first = read_number(KSM "full_scans");
	double deadline = clock_seconds() + LIMIT_S;

	while (read_number(KSM "full_scans") < first + SCANS) {
		if (clock_seconds() > deadline) {
			sink_fail(t->sink, SINK_GUEST, "two scans", "fewer",
				  "L0's KSM does not get on, for %d s of L0's clock", LIMIT_S);
			return VM_SAID;
		}
		usleep(LOOK_US);
	}
	return 0;
}

static int scan(struct thin *t)
{
	char before[NSETTINGS][32] = {0};
	uint64_t sharing;
	int ret = 0;

	for (size_t i = 0; i < NSETTINGS && !ret; i++) {
		file_read(settings[i].path, before[i], sizeof(before[i]));
		ret = file_write(settings[i].path, settings[i].value);
	}
	if (!ret)
		ret = wait_for_scans(t);
	for (size_t i = NSETTINGS; i--;)
		if (before[i][0])
			file_write(settings[i].path, before[i]);
	sharing = read_number(KSM "pages_sharing");
	if (sharing > t->merged)
		t->merged = sharing;
	return ret;
}

int thin_merge_pages(struct thin *t)
{
	if (!madvise(t->ram, THIN_RAM, MADV_MERGEABLE))
		return scan(t);
	if (errno != EINVAL)
		return -errno;
	sink_skip(t->sink, "this L0's kernel has no KSM: --config CONFIG_KSM=y");
	return VM_SAID;
}
