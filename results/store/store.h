/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - WHAT came of it, as it is kept: boots in SQLite.
 *
 * A boot of one kernel with one plan is stored in one transaction and never changed.
 * Schema: results/store/schema.sql (STRICT tables, foreign keys, WAL, PRAGMA user_version migrations).
 */
#ifndef RESULTS_STORE_STORE_H
#define RESULTS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"

struct results_db;

/* Whose trouble it was. Infrastructure and job trouble never becomes a verdict on a kernel. */
enum results_class {
	RESULTS_OK,		/* stored as NULL */
	RESULTS_INFRASTRUCTURE, /* host, emulator, disk, transfer */
	RESULTS_JOB,	   /* the request cannot be done: bad plan, no KVM in this kernel, build */
	RESULTS_GUEST,	   /* L0, L1 or L2 died, hung or complained */
	RESULTS_INTEGRITY, /* ran to its end and computed something wrong */
	RESULTS_CANCELLED,
};
const char *results_class_name(enum results_class c); /* "infrastructure", ...; "ok" */
/* The inverse; RESULTS_OK for "" (how the database keeps it) and for anything unknown. */
enum results_class results_class_from_name(const char *name);

/* In the error of a boot of class integrity: what follows is a guest's trouble in the same boot. */
#define RESULTS_BESIDES "; besides, "

struct results_bucket {
	uint32_t bucket; /* common/histogram.h */
	uint32_t count;
};

/* One metric of one measurement; without samples it is not stored. Borrowed strings. */
struct results_metric {
	const char *scenario, *metric, *params; /* params: canonical JSON object */
	const char *unit;			/* "instructions", "ns", "per-mclk" */
	const char *better;			/* "lower" or "higher" */
	bool headline;				/* shown by default in a comparison */
	double smallest_effect;			/* percent; 0: the clock's default */
	uint32_t rounds, warmup;
	uint32_t scale; /* min, max, mean and hist are in 1/scale of the unit; 0 counts as 1 */
	uint64_t count, min, max;
	double mean;
	const struct results_bucket *hist;
	size_t nhist;
};

struct results_counter { /* delta of a KVM statistic over a measurement */
	const char *scenario, *params, *name;
	int64_t value;
};

struct results_test {		       /* a selftest, or a measurement that was skipped or failed */
	const char *scenario, *params; /* params may be "{}" */
	const char *name;	       /* selftest's name, or "" */
	const char *result;	       /* "pass", "fail", "skip" */
	const char *text;	       /* reason or output */
};

/* All that made the numbers. Borrowed strings; NULL where unknown. */
struct results_boot {
	const char *kernel_name, *kernel_key, *kernel_release, *kernel_build_id, *bzimage_sha256;
	const char *source_hash, *patches_hash, *config_hash, *compiler;
	const char *image_sha256, *agent_sha256, *plan_sha256, *cmdline;
	const char *scenario_name, *scenario_hash;
	const char *host_name, *host_driver, *host_identity; /* identity: JSON: emulator + version,
								or hardware's model, CPU, microcode */
	const char *clock;	 /* "emulated" or "tsc"; NULL if the agent never said */
	const char *session;	 /* one `nestlab run`: the same for all its boots */
	const char *environment; /* JSON object: nestlab version, command line, ... */
	int boot;		 /* 1.. within session and kernel */
	uint64_t seed;
	const char *started; /* UTC, ISO 8601 */
	double wall_seconds;
	const char *console_path;
	const char *status; /* "pass", "fail" */
	enum results_class class;
	const char *error; /* NULL, or what went wrong */
	const char *l1_kernel_name, *l1_kernel_key, *l1_kernel_release; /* NULL: no Linux L1 */
	const struct results_metric *metrics;
	size_t nmetrics;
	const struct results_counter *counters;
	size_t ncounters;
	const struct results_test *tests;
	size_t ntests;
};

/*
 * Opens for writing, creating (the folder too) and migrating as needed. -ENOENT: no file, and @create
 * is false; -EINVAL: not a nestlab database (an empty file neither, unless @create), or from a newer
 * nestlab; -EBADMSG: a damaged file; -EBUSY: locked by another process for longer than the busy timeout.
 */
int results_open(const char *path, bool create, struct results_db **db, struct error *err);

/*
 * Opens for reading alone: nothing is created, migrated or written, neither the file nor anything
 * beside it, and no permission to write is needed. An older schema is read as it is.
 *
 * A file without a write-ahead log beside it is read without locks; results_confirm_read() then says
 * whether another process wrote to it meanwhile. With a log SQLite needs FILE-shm, too: -EACCES says so
 * if that cannot be had. (Where a log was left without its FILE-shm, SQLite makes that.)
 */
int results_open_read(const char *path, struct results_db **db, struct error *err);

/* For results_open_read(), after the last read and before anything is said: -ESTALE if the file was
 * written to meanwhile, so that what was read may be of two states. */
int results_confirm_read(const struct results_db *db, struct error *err);

void results_close(struct results_db *db);

/* Stores a boot in one transaction; *id (may be NULL) is its row. -ENOSPC: disk full; -EINVAL: the
 * boot contradicts itself (a histogram that does not sum up, no kernel name, ...). Nothing is stored
 * then. */
int results_store(struct results_db *db, const struct results_boot *boot, int64_t *id,
		  struct error *err);

/* Boots by class (RESULTS_OK: that passed); @session NULL: all. */
int results_count(struct results_db *db, const char *session, int64_t counts[RESULTS_CANCELLED + 1],
		  struct error *err);

/* integrity_check, foreign_key_check, schema version, histogram sums equal counts, the chain of seals, ...
 * 0 if all is well; else -EBADMSG, and one line a fault appended to @report. */
int results_check(struct results_db *db, struct strbuf *report, struct error *err);

/* ---- the chain of seals: docs/results.md ---- */

/* How long the chain of seals is, and where it ends: what an auditor notes down. */
struct results_head {
	int64_t seals;	  /* 0: a schema older than the chain, or an empty chain */
	char head[65];	  /* 64 hex digits; "" if seals is 0 */
	char origin[33];  /* the database's random name */
	char started[32]; /* when the chain began, UTC, ISO 8601 */
	int64_t adopted;  /* seals of rows that were there before it began */
};
int results_head(struct results_db *db, struct results_head *out, struct error *err);

/* Did this database once have so many seals and this head? -EBADMSG says what is wrong if not: it was
 * cut, rewritten, or is another one. */
int results_check_head(struct results_db *db, int64_t seals, const char *head, struct error *err);

/* What results_merge() did. */
struct results_merged {
	int64_t boots, bisects, steps; /* added */
	int64_t same;		       /* boots that were there already */
	int64_t consoles; /* added boots whose console log is a file where it was written */
};

/*
 * Adds the boots and bisects of @from (which results_open_read() opened) that @into has not, in one
 * transaction, with seals that go on @into's chain. The same again adds nothing. -EBADMSG: @from does
 * not pass its check; -EEXIST: a boot or a bisect is in both, but not with the same content (it is
 * named); then nothing is added.
 */
int results_merge(struct results_db *from, struct results_db *into, struct results_merged *out,
		  struct error *err);

#endif
