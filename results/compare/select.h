/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * select.h - which runs a comparison is about: from what the user calls two kernels to the runs of
 * both in one environment. Private to results/.
 */
#ifndef RESULTS_COMPARE_SELECT_H
#define RESULTS_COMPARE_SELECT_H

#include "common/strbuf.h"
#include "results/compare/compare.h"
#include "results/store/database.h"

/* Numbers compare only where all are the same; but for the L1 kernel: each side may name its own ("KERNEL+L1"), and
 * boots without a Linux L1 compare with all. */
struct select_environment {
	char *agent, *identity, *clock; /* "" where unknown */
	char *l1;			/* the L1 kernel's key; "" where there was none */
};

enum select_role { SELECT_OTHER, SELECT_BASE, SELECT_NEW };

/* A passed run of the environment's host: of one of the two kernels, or of another one, from which
 * the host's noise is learned. */
struct select_run {
	int64_t id;
	int64_t when; /* SELECT_WHEN */
	enum select_role role;
	char *group; /* keys of kernel and L1 kernel, agent: runs of one group are boots of the same thing */
	char *origin; /* group, seed and plan: what made the run */
	char *scenario;
	bool repeat; /* a copy of another run: leave it out */
};

struct select_kernel {
	char *label; /* what to call it */
	char *name;  /* NULL: any name, the key decides */
	char *key;
	char *l1; /* key of the kernel that its Linux L1s booted; "": of boots without any; NULL: whichever */
	bool names_l1; /* the user named it: then boots without a Linux L1 are none of its */
};

/* Belong boots whose Linux L1s had the kernel of this key ("": they had no Linux L1) to @k? */
bool select_takes_l1(const struct select_kernel *k, const char *l1_key);

struct selection { /* free with select_free() */
	struct select_kernel base, new;
	bool halves; /* both are the same: the boots are split */
	struct select_environment environment;
	struct select_run *runs; /* by rising id */
	size_t nruns;
	uint64_t next_seed;  /* neither kernel was booted with it or a higher one */
	struct strbuf notes; /* lines */
};

/* Errors as results_compare(). */
int select_runs(struct results_db *db, const char *base, const char *new, const char *session,
		struct selection *out, struct error *err);
void select_free(struct selection *s);

/* results_compare() of runs that are selected already, whose notes become the comparison's: for a report,
 * which goes on with the same runs. In compare.c. */
int results_compare_selected(struct results_db *db, struct selection *s,
			     const struct results_filter *filter, struct results_comparison *out,
			     struct error *err);

/* The selections of a table of @n kernels: the first with each of the others, n - 1, all in one
 * environment. Errors as results_compare_table(). In select_table.c. */
int select_table(struct results_db *db, const char *const *kernels, size_t n, const char *session,
		 struct selection *out, struct error *err);

/* The run with @id, or NULL. */
const struct select_run *select_find(const struct selection *s, int64_t id);

/* In SQL: a number that is greater for the boot that was made later. Ids will not do: boots that were merged
 * from another database have higher ones than what is newer. */
#define SELECT_WHEN "(coalesce(unixepoch(run.started), 0) * 1048576 + (run.id & 1048575))"

/* Binds kernel and session at ?1..?3 and ?6 of a query with SELECT_KERNEL_WHERE. */
#define SELECT_KERNEL_WHERE                                                 \
	"(?1 IS NULL OR run.kernel_name = ?1) AND run.kernel_key = ?2 AND " \
	"(?3 IS NULL OR run.session = ?3) AND "                             \
	"(?6 IS NULL OR coalesce(run.l1_kernel_key, '') = ?6) "
void select_bind(sqlite3_stmt *stmt, const struct select_kernel *k, const char *session);

/* Binds the environment at ?4 and ?5 of a query with SELECT_ENVIRONMENT_WHERE. Not its clock: a boot
 * that died early never named one. */
#define SELECT_ENVIRONMENT_WHERE \
	"coalesce(run.agent_sha256, '') = ?4 AND coalesce(run.host_identity, '') = ?5 "
void select_bind_environment(sqlite3_stmt *stmt, const struct select_environment *e);

#endif
