// SPDX-License-Identifier: GPL-2.0-only
/*
 * From what the user calls two kernels to the runs that are compared: the steps in select_steps.h, and
 * then, for one kernel against itself, the halves of its boots.
 */
#include "results/compare/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/shell.h"
#include "results/compare/select_steps.h"

/* ---- halves ---- */

struct dealt { /* boots of one scenario so far */
	const char *scenario;
	size_t boots;
};

static struct dealt *find_dealt(struct dealt **list, size_t *n, const char *scenario)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp((*list)[i].scenario, scenario))
			return &(*list)[i];
	*list = xrealloc(*list, *n + 1, sizeof(**list));
	(*list)[*n] = (struct dealt){.scenario = scenario};
	return &(*list)[(*n)++];
}

/*
 * `compare A A`: every other boot is the new kernel's. They are dealt out scenario by scenario: plans that
 * take turns would else put all boots of one of them into one half, and leave it nothing to compare with.
 */
static int split_halves(struct selection *s, struct error *err)
{
	__cleanup_free struct dealt *dealt = NULL;
	size_t n = 0, boots = 0;

	for (size_t i = 0; i < s->nruns; i++) {
		struct select_run *r = &s->runs[i];

		if (r->role == SELECT_OTHER || r->repeat)
			continue;
		r->role = SELECT_BASE;
		if (find_dealt(&dealt, &n, r->scenario)->boots++ % 2)
			r->role = SELECT_NEW;
		boots++;
	}
	if (boots < 2)
		return error_set(err, -ENODATA,
				 "%s has one boot that counts; comparing it with itself takes two: "
				 "%s run SCENARIO --kernel %s --boots 2",
				 s->base.label, shell_program(), s->base.label);
	return 0;
}

/* ---- the whole ---- */

static int take_steps(struct results_db *db, const char *base, const char *new, const char *session,
		      struct selection *s, struct error *err)
{
	int ret = select_kernels(db, base, new, session, s, err);

	if (ret)
		return ret;
	ret = select_environment(db, session, s, err);
	if (ret)
		return ret;
	ret = select_load_runs(db, session, s, err);
	if (ret)
		return ret;
	ret = select_mark_repeats(db, s, err);
	if (ret)
		return ret;
	if (s->halves)
		return split_halves(s, err);
	return 0;
}

int select_runs(struct results_db *db, const char *base, const char *new, const char *session,
		struct selection *out, struct error *err)
{
	int ret;

	*out = (struct selection){.notes = STRBUF_INIT};
	ret = take_steps(db, base, new, session, out, err);
	if (ret)
		select_free(out);
	return ret;
}

static void free_kernel(struct select_kernel *k)
{
	free(k->label);
	free(k->name);
	free(k->key);
	free(k->l1);
}

static void free_run(struct select_run *r)
{
	free(r->group);
	free(r->origin);
	free(r->scenario);
}

void select_free(struct selection *s)
{
	free_kernel(&s->base);
	free_kernel(&s->new);
	select_free_environment(&s->environment);
	for (size_t i = 0; i < s->nruns; i++)
		free_run(&s->runs[i]);
	free(s->runs);
	strbuf_release(&s->notes);
	*s = (struct selection){.notes = STRBUF_INIT};
}

static int compare_ids(const void *key, const void *item)
{
	int64_t id = *(const int64_t *)key, other = ((const struct select_run *)item)->id;

	if (id == other)
		return 0;
	return id < other ? -1 : 1;
}

const struct select_run *select_find(const struct selection *s, int64_t id)
{
	if (!s->nruns)
		return NULL;
	return bsearch(&id, s->runs, s->nruns, sizeof(*s->runs), compare_ids);
}
