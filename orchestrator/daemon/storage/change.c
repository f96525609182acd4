// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/storage/change.h"

#include <stdatomic.h>

static atomic_llong count;

void change_note(void)
{
	atomic_fetch_add(&count, 1);
}

int64_t change_count(void)
{
	return atomic_load(&count);
}
