// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies of boots. The emulated machine may repeat a boot with the same seed and plan to the last sample:
 * such a boot is no second boot, and counting it as one would make the noise look smaller than it is.
 * Mostly some samples differ all the same: then it is as good as any.
 *
 * Runs of one origin (kernel, agent, seed, plan) are copies where the SHA-256 of what they measured is the
 * same. They are found by sorting, so that nights with the same few seeds cost no square of the nights.
 */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "results/compare/select_steps.h"

static const char query[] = "SELECT measurement, metric, histogram, min, max, mean FROM metric "
			    "WHERE run = ?1 ORDER BY measurement, metric";
enum { MEASUREMENT, METRIC, HISTOGRAM, MIN, MAX, MEAN };

struct candidate {
	struct select_run *run;
	char measured[SHA256_HEX]; /* "" where no other run has its origin */
};

static int compare_origins(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return strcmp(x->run->origin, y->run->origin);
}

/* Copies become neighbours: history first, then the base's, then the new kernel's; each by rising id. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = compare_origins(a, b);

	if (!order)
		order = strcmp(x->measured, y->measured);
	if (!order)
		order = (int)x->run->role - (int)y->run->role;
	if (order)
		return order;
	return x->run->id < y->run->id ? -1 : 1;
}

static void add_blob(struct strbuf *bytes, sqlite3_stmt *row, int column)
{
	const void *blob = sqlite3_column_blob(row, column);
	int len = sqlite3_column_bytes(row, column);

	strbuf_addf(bytes, "%d:", len);
	if (len)
		strbuf_add(bytes, blob, (size_t)len);
}

static int hash_measured(struct results_db *db, sqlite3_stmt *stmt, struct candidate *c,
			 struct error *err)
{
	struct strbuf bytes = STRBUF_INIT;
	int ret;

	sqlite3_bind_int64(stmt, 1, c->run->id);
	while ((ret = database_step(db, stmt, err)) == 1) {
		strbuf_addf(&bytes, "%lld:", (long long)sqlite3_column_int64(stmt, MEASUREMENT));
		add_blob(&bytes, stmt, METRIC);
		add_blob(&bytes, stmt, HISTOGRAM);
		for (int i = MIN; i <= MEAN; i++)
			strbuf_addf(&bytes, "%a:", sqlite3_column_double(stmt, i));
	}
	sqlite3_reset(stmt);
	sha256_bytes(bytes.buf, bytes.len, c->measured);
	strbuf_release(&bytes);
	return ret;
}

/* Of runs whose origin is shared; @c is sorted by origin. */
static int hash_shared_origins(struct results_db *db, struct candidate *c, size_t n,
			       struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < n && !ret; i++)
		if ((i && !compare_origins(&c[i - 1], &c[i])) ||
		    (i + 1 < n && !compare_origins(&c[i], &c[i + 1])))
			ret = hash_measured(db, stmt, &c[i], err);
	sqlite3_finalize(stmt);
	return ret;
}

/* Does @c give way to its copy @next? Of one role the newest counts; what is compared is no history
 * besides. Two names of one build are compared copy against copy. */
static bool gives_way(const struct candidate *c, const struct candidate *next)
{
	if (!c->measured[0] || compare_origins(c, next) != 0 ||
	    strcmp(c->measured, next->measured) != 0)
		return false;
	return c->run->role == next->run->role || c->run->role == SELECT_OTHER;
}

static int mark_copies(struct candidate *c, size_t n)
{
	int repeats = 0;

	qsort(c, n, sizeof(*c), compare_candidates);
	for (size_t i = 0; i + 1 < n; i++) {
		c[i].run->repeat = gives_way(&c[i], &c[i + 1]);
		repeats += c[i].run->repeat && c[i].run->role != SELECT_OTHER;
	}
	return repeats;
}

int select_mark_repeats(struct results_db *db, struct selection *s, struct error *err)
{
	__cleanup_free struct candidate *c = xcalloc(s->nruns, sizeof(*c));
	int ret, repeats;

	if (strcmp(s->environment.clock, "emulated") != 0)
		return 0; /* hardware never repeats itself to the last sample */
	for (size_t i = 0; i < s->nruns; i++)
		c[i].run = &s->runs[i];
	qsort(c, s->nruns, sizeof(*c), compare_origins);
	ret = hash_shared_origins(db, c, s->nruns, err);
	if (ret)
		return ret;
	repeats = mark_copies(c, s->nruns);
	if (repeats)
		strbuf_addf(&s->notes,
			    "%d boot%s left out: the same seed again, and the same samples to the "
			    "last one\n",
			    repeats, repeats == 1 ? "" : "s");
	return 0;
}
