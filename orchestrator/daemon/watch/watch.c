// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/watch.h"

#include <time.h>

#include "common/alloc.h"
#include "orchestrator/daemon/watch/answer.h"
#include "orchestrator/daemon/watch/onto.h"
#include "orchestrator/daemon/watch/series.h"

/* One part's trouble is said, and keeps no other from working. */
int watch_run(struct night_context *n, struct error *err)
{
	static int (*const parts[])(struct night_context * n,
				    struct error * err) = {series_find, onto_run, answer_run};
	struct error first = {0};

	if (time(NULL) < n->series_again)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct error why = {0};

		if (parts[i](n, &why) && !first.code)
			first = why;
	}
	if (!first.code)
		return 0;
	n->series_again = time(NULL) + WATCH_TROUBLE_S;
	*err = first;
	return first.code;
}
