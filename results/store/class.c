// SPDX-License-Identifier: GPL-2.0-only
/* Whose trouble it was, as a word of the database. */
#include <string.h>

#include "common/alloc.h"
#include "results/store/store.h"

static const char *const class_names[] = {
	[RESULTS_OK] = "ok",
	[RESULTS_INFRASTRUCTURE] = "infrastructure",
	[RESULTS_JOB] = "job",
	[RESULTS_GUEST] = "guest",
	[RESULTS_INTEGRITY] = "integrity",
	[RESULTS_CANCELLED] = "cancelled",
};

const char *results_class_name(enum results_class c)
{
	return class_names[c];
}

enum results_class results_class_from_name(const char *name)
{
	for (size_t c = 0; c < ARRAY_SIZE(class_names); c++)
		if (!strcmp(class_names[c], name))
			return (enum results_class)c;
	return RESULTS_OK;
}
