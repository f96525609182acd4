/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explain.h - where the instructions of an operation go, in one kernel or in two: what was found
 * (orchestrator/explain makes it), its statistics, and how it is told. docs/explain.md is for users.
 *
 * All costs are instructions per operation of the metric: one switch, one exit, one migration.
 */
#ifndef RESULTS_EXPLAIN_EXPLAIN_H
#define RESULTS_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"

struct json_object;

enum explain_level { /* who executes it */
		     EXPLAIN_L0,
		     EXPLAIN_INTERRUPTS, /* L0's, whatever it was doing: timer ticks, mostly */
		     EXPLAIN_USER,	 /* L0's userspace: the agent */
		     EXPLAIN_L1,
		     EXPLAIN_L2,
		     EXPLAIN_LEVELS
};
extern const char *const explain_level_names[EXPLAIN_LEVELS]; /* "L0 kernel", ... */

#define EXPLAIN_CONFIDENCE 0.95 /* of all intervals of a table together */

/* A value per operation, from a random sample of operations. */
struct explain_mean {
	double mean, error; /* standard error of the mean */
};

struct explain_row {
	char *name;		   /* a function, a file, an event, ... */
	char *where;		   /* of a function: its file; else "" */
	char *caller;		   /* of a function: who calls it most; else "" */
	enum explain_level level;  /* of a function */
	struct explain_mean of[2]; /* base, new; of one kernel only the first */
	double low, high;	   /* of the difference, new - base */
	bool moved;		   /* the interval does not hold 0 */
};

enum explain_kind { /* the tables */
		    EXPLAIN_BY_LEVEL,
		    EXPLAIN_BY_FOLDER, /* of the sources */
		    EXPLAIN_BY_FILE,
		    EXPLAIN_BY_FUNCTION,
		    EXPLAIN_EVENTS, /* instructions that hardware feels, by level */
		    EXPLAIN_EXITS,  /* VM entries and exits */
		    EXPLAIN_KINDS
};

struct explain_table {
	struct explain_row *rows; /* what moved most first; of one kernel: what costs most */
	size_t nrows;
};

/* A node of the call tree, without what its children cost. Parents come before children. */
struct explain_node {
	char *name;
	enum explain_level level;
	int parent; /* index, or -1 */
	double cost[2];
};

struct explain_side { /* a kernel */
	char *kernel, *key;
	struct explain_mean total; /* of the operations that the tables are made of */
	double median, mean;	   /* measured, of all operations of the same boots */
	int operations;		   /* measured */
	int followed;		   /* of them, whole, and in the tables */
	/* Also followed, and left out: an interrupt of L0's fell into them. What those cost, spread over
	 * all operations. Where most operations have one (they are long), none is left out. */
	int interrupted;
	double interrupts;
	struct explain_mean all; /* of all operations that were followed, interrupted or not */
	int boots;
	double instructions; /* that were followed, millions */
};

struct explanation {				      /* free with explanation_free() */
	char *scenario, *params, *metric, *operation; /* operation: "switch", "exit", ... */
	char *host, *made;			      /* made: UTC */
	uint64_t seed;
	int nsides; /* 1 or 2 */
	struct explain_side sides[2];
	double low, high; /* of the difference of the totals */
	struct explain_table tables[EXPLAIN_KINDS];
	struct explain_node *nodes;
	size_t nnodes;
};

void explanation_free(struct explanation *e);

/*
 * Does what was followed agree with what was measured? *median: the sum with the median; *mean: all
 * operations, interrupted or not, with the mean. Where a few operations cost far more than most for the
 * kernel's own reasons (a lazy list that is purged), the sum lies above the median, and only the mean agrees.
 */
void explain_side_agrees(const struct explain_side *s, bool *median, bool *mean);
/* The same as words: "agrees with the median and the mean". */
const char *explain_side_verdict(const struct explain_side *s);

/* ---- statistics.c ---- */

/*
 * The interval of the difference @b - @a, of @na and @nb operations, at EXPLAIN_CONFIDENCE for @rows such
 * intervals at once (Bonferroni): Student's t with Welch's degrees of freedom.
 */
void explain_interval(struct explain_mean a, size_t na, struct explain_mean b, size_t nb,
		      size_t rows, double *low, double *high);

/* How precisely is the difference of the totals (of one kernel: the total) known? Half of its interval. */
double explain_half_width(const struct explanation *e);
/* How precisely it is to be known: more boots are made until it is. 0.25 % of the base, or 50 instructions. */
double explain_aimed_width(const struct explanation *e);

/* Fills in low, high and moved of all rows, and sorts them. */
void explain_table_judge(struct explain_table *t, const struct explanation *e);

/* ---- json.c: an explanation as a JSON object, which explain_from_json() reads again ---- */

struct json_object *explain_to_json(const struct explanation *e);
int explain_from_json(const char *text, size_t len, const char *name, struct explanation *e,
		      struct error *err);

/* ---- text.c, html.c, folded.c ---- */

/* "-5112 instructions a switch (-23.0 %)" */
void explain_headline(const struct explanation *e, struct strbuf *out);
/* What moved most (of one kernel: what costs most), in one or two lines. */
void explain_story(const struct explanation *e, struct strbuf *out);
/* "HEADLINE: STORY" */
void explain_summary(const struct explanation *e, struct strbuf *out);
/* The three functions that grew most; appends nothing if none did. */
void explain_grown(const struct explanation *e, struct strbuf *out);

/* If it is not known as precisely as was aimed at: so, and what to do. Else it appends nothing. */
void explain_advice(const struct explanation *e, struct strbuf *out);
/* "a switch", "an exit" */
const char *explain_article(const struct explanation *e);

#define EXPLAIN_ALL 1 /* all rows, not only what matters */
void explain_text(const struct explanation *e, unsigned int how, struct strbuf *out);
/* A page of its own, nothing is loaded from elsewhere. */
void explain_html(const struct explanation *e, struct strbuf *out);
/* A line "L0 kernel;vcpu_run;vcpu_enter_guest COST" for each node, as flame graph tools read it; of two
 * kernels "... BASE NEW", as their difffolded.pl writes it. */
void explain_folded(const struct explanation *e, struct strbuf *out);

struct explain_format {
	const char *name;
	void (*render)(const struct explanation *e, struct strbuf *out);
};
extern const struct explain_format explain_formats[]; /* ended by a NULL name */

#endif
