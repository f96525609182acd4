// SPDX-License-Identifier: GPL-2.0-only
/* agents/l0/vmm/slack.c: what it leaves are names of the two sizes, as many each time, that keep a page of objects each. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agents/l0/vmm/slack.h"

/* What the kernel's fs/dcache.c takes for a name: 0, nothing, as it fits into a dentry; else an object of so many bytes. */
static size_t object_of(const char *name)
{
	static const size_t sizes[] = {64, 96, 128, 256, 512};
	size_t length = strlen(name), i = 0;

	if (length < 40)
		return 0;
	while (sizes[i] < 16 + length + 1)
		i++;
	return sizes[i];
}

static size_t count_objects(const char *directory, size_t object)
{
	DIR *d = opendir(directory);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (object_of(e->d_name) == object)
			n++;
	}
	closedir(d);
	return n;
}

TEST(objects_of_both_sizes_are_kept)
{
	static const size_t sizes[] = {64, 96};
	for (int call = 0; call < 3; call++) {
		slack_make(unit_dir);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			assert_int_equal(count_objects(unit_dir, sizes[i]),
					 SLACK_OBJECTS / SLACK_KEPT);
	}
}

TEST(a_directory_that_is_not_there_costs_nothing)
{
	slack_make("/nonexistent/nestlab");
}

UNIT_MAIN("slack", unit_make_dir, unit_drop_dir)
