// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/storage/change.h"

#include <stdatomic.h>
#include <time.h>

#define SETTLE_NS 20000000

static atomic_llong count;

void change_note(void)
{
	atomic_fetch_add(&count, 1);
}

int64_t change_count(void)
{
	return atomic_load(&count);
}

void change_settle(void)
{
	const struct timespec wait = {.tv_nsec = SETTLE_NS};

	nanosleep(&wait, NULL);
}
