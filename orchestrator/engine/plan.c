// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/plan.h"

#include <inttypes.h>

#include "agents/wire/protocol.h"
#include "common/strbuf.h"

static void add_line(struct strbuf *text, const struct scenario_measure *m, uint32_t id,
		     uint64_t seed)
{
	struct plan_measure line = m->line;
	char buf[PLAN_LINE_MAX];

	line.id = id;
	line.seed = seed;
	plan_measure_format(&line, buf, sizeof(buf)); /* a line always fits */
	strbuf_addf(text, "%s\n", buf);
}

char *plan_text(const struct scenario_plan *plan, size_t first, uint64_t seed)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "nestlab-plan %d\nrun seed=%" PRIu64 "\n", PROTOCOL_VERSION, seed);
	for (size_t i = first; i < plan->nmeasures; i++)
		add_line(&text, &plan->measures[i], i, seed);
	strbuf_addf(&text, "end count=%zu\n", plan->nmeasures - first);
	return strbuf_detach(&text);
}
