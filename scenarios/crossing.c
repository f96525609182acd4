// SPDX-License-Identifier: GPL-2.0-only
/* crossing.c - plans whose L1s go from one L0 host to another while they run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "scenarios/matrix.h"

const char *scenario_plan_destination(const struct scenario_plan *plan)
{
	const char *name = plan->nmeasures ? plan->measures[0].line.destination : "";

	return name[0] ? name : NULL;
}

int scenario_check_destination(const struct scenario_plan *plan, struct error *err)
{
	const struct scenario_measure *first = plan->measures;

	for (size_t i = 1; i < plan->nmeasures; i++)
		if (strcmp(plan->measures[i].line.destination, first->line.destination))
			return error_set(
				err, -EINVAL,
				"%s: the other host boots one kernel and runs the whole plan with this one: all "
				"measurements name the same destination, or none does; make it two plans",
				plan->path);
	return 0;
}

/* What identifies it there. */
static char *arriving_params(const char *params, const char *source)
{
	struct json_object *o = json_tokener_parse(params);
	char *text;

	json_object_object_del(o, "destination");
	json_add_string(o, "source", source);
	text = json_canonical(o);
	json_object_put(o);
	return text;
}

static struct scenario_measure arriving_measure(const struct scenario_measure *m,
						const char *source)
{
	struct scenario_measure out = {.line = m->line,
				       .params = arriving_params(m->params, source)};

	out.line.destination[0] = '\0';
	snprintf(out.line.source, sizeof(out.line.source), "%s", source);
	return out;
}

void scenario_plan_arrive(const struct scenario_plan *plan, const char *source,
			  struct scenario_plan *out)
{
	*out = (struct scenario_plan){
		.name = xasprintf("%s-from-%s", plan->name, source),
		.path = xstrdup(plan->path),
		.description = xstrdup(plan->description),
		.l1_kernel = xstrdup(plan->l1_kernel),
		.measures = xcalloc(plan->nmeasures, sizeof(*out->measures)),
		.nmeasures = plan->nmeasures,
		.effects = xcalloc(plan->neffects, sizeof(*out->effects)),
		.neffects = plan->neffects,
	};
	memcpy(out->hash, plan->hash, sizeof(out->hash));
	for (size_t i = 0; i < plan->nmeasures; i++)
		out->measures[i] = arriving_measure(&plan->measures[i], source);
	for (size_t i = 0; i < plan->neffects; i++)
		out->effects[i] = (struct scenario_effect){xstrdup(plan->effects[i].metric),
							   plan->effects[i].percent};
}
