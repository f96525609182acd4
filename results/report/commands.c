// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/commands.h"

#include <inttypes.h>
#include <string.h>

#include "common/shell.h"
#include "results/report/objects.h"
/* The --seed that gave it, which counts the boots from 1. */
static uint64_t first_seed(const struct results_boot *run)
{
	return run->seed - (uint64_t)run->boot + 1;
}

/* One `nestlab run` makes both. */
static bool same_command(const struct results_boot *a, const struct results_boot *b)
{
	return !strcmp(a->scenario_name, b->scenario_name) && first_seed(a) == first_seed(b);
}

/* Does an earlier boot's command make this one, too? */
static bool is_repetition(const struct report *r, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (same_command(&r->boots[i].run, &r->boots[at].run))
			return true;
	return false;
}

/* How many boots the command has to make to have every stored one among them. */
static int count_boots(const struct report *r, const struct results_boot *run)
{
	int boots = run->boot;

	for (size_t i = 0; i < r->nboots; i++)
		if (same_command(&r->boots[i].run, run) && r->boots[i].run.boot > boots)
			boots = r->boots[i].run.boot;
	return boots;
}

/* The boot parameters of --append are a part of the host's identity (orchestrator/engine/run.c). */
static void add_append(struct strbuf *out, const struct results_boot *run)
{
	struct json_object *identity = objects_parse(run->host_identity), *append;

	if (json_object_object_get_ex(identity, "boot_parameters", &append)) {
		strbuf_addstr(out, " --append ");
		shell_add_word(out, json_object_get_string(append));
	}
	json_object_put(identity);
}

static void add_run(struct strbuf *out, const struct report *r, const struct results_boot *run,
		    const char *base, const char *new)
{
	strbuf_addf(out, "%s run ", shell_program());
	shell_add_word(out, run->scenario_name);
	strbuf_addstr(out, " --kernel ");
	shell_add_word(out, base);
	if (strcmp(base, new)) {
		strbuf_addstr(out, " --kernel ");
		shell_add_word(out, new);
	}
	strbuf_addf(out, " --boots %d --seed %" PRIu64 " --host ", count_boots(r, run),
		    first_seed(run));
	shell_add_word(out, run->host_name);
	add_append(out, run);
	strbuf_addch(out, '\n');
}

void commands_add(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	const char *base = report_newest(r, REPORT_BASE)->kernel_name;
	const char *new = report_newest(r, REPORT_NEW)->kernel_name;

	for (size_t i = 0; i < r->nboots; i++)
		if (!is_repetition(r, i))
			add_run(out, r, &r->boots[i].run, base, new);
	strbuf_addf(out, "%s compare ", shell_program());
	shell_add_word(out, base);
	strbuf_addch(out, ' ');
	shell_add_word(out, new);
	strbuf_addstr(out, " --all");
	if (o && o->db) {
		strbuf_addstr(out, " --db ");
		shell_add_word(out, o->db);
	}
	strbuf_addch(out, '\n');
}
