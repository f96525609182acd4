// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

struct pair {
	int holders;
	struct carrier *carrier;
	struct scenario_plan arriving;
};

int pair_check(const struct host_config *host, const struct kernel_env *env,
	       const struct scenario_plan *plans, size_t nplans, struct error *err)
{
	for (size_t i = 0; i < nplans; i++) {
		const char *name = scenario_plan_destination(&plans[i]);
		struct kernel_variant v;
		int ret;

		if (!name)
			continue;
		if (!host->driver->find_memory)
			return error_set(
				err, -ENODEV,
				"SKIP: %s: an L1 goes to another host through the machines' memory, and that of "
				"host %s cannot be reached from here; emulated hosts' can",
				plans[i].path, host->name);
		ret = kernel_variant_load(env, name, &v, err);
		if (ret)
			return error_prefix(err, ret, "%s: destination", plans[i].path);
		kernel_variant_free(&v);
	}
	return 0;
}

int pair_new(const struct scenario_plan *plan, const char *source, struct pair **out,
	     struct error *err)
{
	struct pair *p = xcalloc(1, sizeof(*p));
	int ret = carrier_new(&p->carrier, err);

	if (ret) {
		free(p);
		return ret;
	}
	p->holders = 2;
	scenario_plan_arrive(plan, source, &p->arriving);
	*out = p;
	return 0;
}

const struct scenario_plan *pair_arriving(const struct pair *p)
{
	return &p->arriving;
}

static const char *text_of(struct json_object *record, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(record, key, &value) ? json_object_get_string(value) : "";
}

int pair_record(struct pair *p, enum carrier_side side, struct boot *b, struct json_object *record,
		struct error *err)
{
	struct host_memory memory;
	struct json_object *id;
	int ret;

	if (strcmp(text_of(record, "type"), "crossing") ||
	    !json_object_object_get_ex(record, "id", &id))
		return 0;
	ret = boot_find_memory(b, &memory, err);
	if (ret)
		carrier_leave(p->carrier, side, err->text);
	else
		carrier_join(p->carrier, side, (uint32_t)json_object_get_int64(id), &memory);
	return ret;
}

void pair_leave(struct pair *p, enum carrier_side side, const char *label)
{
	__cleanup_free char *why = xasprintf("the other host's boot (%s) is over", label);

	carrier_leave(p->carrier, side, why);
}

void pair_drop(struct pair *p)
{
	if (!p || --p->holders)
		return;
	carrier_free(p->carrier);
	scenario_plan_free(&p->arriving);
	free(p);
}
