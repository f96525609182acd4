// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runs of a table of several kernels: a selection for the base and each of the others. Each takes the
 * steps of select_runs(), but for the environment, which is chosen once for all: else the base's column
 * would hold other boots from pair to pair.
 */
#include <errno.h>
#include <string.h>

#include "common/shell.h"
#include "results/compare/select_steps.h"

static bool is_one_kernel(const struct select_kernel *a, const struct select_kernel *b)
{
	return !strcmp(a->label, b->label) || select_is_same_kernel(a, b);
}

/* Halves are for one kernel against itself. */
static int refuse_twice(const struct select_kernel *a, const struct select_kernel *b,
			struct error *err)
{
	return error_set(err, -EINVAL,
			 "%s and %s are the same kernel (%.12s): in a table of several each stands "
			 "once; for its halves: %s compare %s %s",
			 a->label, b->label, a->key, shell_program(), a->label, a->label);
}

static int check_twice(const struct selection *s, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i].halves)
			return refuse_twice(&s[i].base, &s[i].new, err);
		for (size_t k = 0; k < i; k++)
			if (is_one_kernel(&s[k].new, &s[i].new))
				return refuse_twice(&s[k].new, &s[i].new, err);
	}
	return 0;
}

static int find_kernels(struct results_db *db, const char *const *kernels, size_t n,
			const char *session, struct selection *s, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int ret = select_kernels(db, kernels[0], kernels[i + 1], session, &s[i], err);

		if (ret)
			return ret;
	}
	return check_twice(s, n, err);
}

static int take_steps(struct results_db *db, const char *const *kernels, size_t n,
		      const char *session, struct selection *s, struct error *err)
{
	int ret = find_kernels(db, kernels, n, session, s, err);

	if (ret)
		return ret;
	ret = select_common_environment(db, session, s, n, err);
	for (size_t i = 0; i < n && !ret; i++) {
		ret = select_load_runs(db, session, &s[i], err);
		if (ret)
			return ret;
		ret = select_mark_repeats(db, &s[i], err);
	}
	return ret;
}

int select_table(struct results_db *db, const char *const *kernels, size_t n, const char *session,
		 struct selection *out, struct error *err)
{
	int ret;

	if (n == 2)
		return select_runs(db, kernels[0], kernels[1], session, out, err);
	for (size_t i = 0; i < n - 1; i++)
		out[i] = (struct selection){.notes = STRBUF_INIT};
	ret = take_steps(db, kernels, n - 1, session, out, err);
	for (size_t i = 0; i < n - 1 && ret; i++)
		select_free(&out[i]);
	return ret;
}
