// SPDX-License-Identifier: GPL-2.0-only
#include "scenarios/part.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

/* "12" at @text; *end: what follows. 0: no such number. */
static size_t read_number(const char *text, char **end)
{
	*end = (char *)text;
	if (!isdigit((unsigned char)*text))
		return 0;
	return strtoul(text, end, 10);
}

void scenario_part_none(struct scenario_plan *plan)
{
	plan->first = 1;
	plan->last = PART_TO_THE_END;
}

char *scenario_part_split(const char *name, struct scenario_plan *plan)
{
	const char *plus = strrchr(name, '+');
	size_t first, last = PART_TO_THE_END;
	char *end;

	if (!plus || plus == name)
		return NULL;
	first = read_number(plus + 1, &end);
	if (!*end)
		last = first;
	else if (*end != '-')
		return NULL;
	else if (*++end)
		last = read_number(end, &end);
	if (*end || !first || last < first)
		return NULL;
	plan->first = first;
	plan->last = last;
	return xasprintf("%.*s", (int)(plus - name), name);
}

int scenario_part_settle(const struct json_node *list, struct scenario_plan *plan,
			 struct error *err)
{
	size_t count = json_length(list);

	if (plan->last == PART_TO_THE_END && plan->first <= count)
		plan->last = count;
	if (plan->last <= count)
		return 0;
	return json_error(list, err, "there is no entry %zu: it has 1 to %zu",
			  plan->first <= count ? plan->last : plan->first, count);
}
