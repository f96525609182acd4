// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/lockdep.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/l0/files.h"

/* kernel/locking/lockdep_proc.c: lockdep_stats_show() */
static const char key[] = "debug_locks:";

bool lockdep_is_off(const char *root)
{
	char path[PATH_MAX], text[16384];
	const char *found;

	snprintf(path, sizeof(path), "%s/proc/lockdep_stats", root);
	if (file_read(path, text, sizeof(text)) <= 0)
		return false;
	found = strstr(text, key);
	return found && !strtoul(found + strlen(key), NULL, 10);
}
