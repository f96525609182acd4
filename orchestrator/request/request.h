/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * request.h - what nestlab is asked for, as data. Each kind of request is a struct and a JSON object
 * with the same fields; one table per kind (kinds.c) describes them, and everything else follows
 * from that table: parsing, printing, checks, the options of the command (arguments.h), --help, the
 * manual page and a JSON Schema. The same object is given to `nestlab COMMAND --request FILE`, kept
 * by a bisect in its database, and queued.
 *
 * To add a field: a member here and a row in kinds.c.
 *
 *	struct request r;
 *
 *	ret = request_load("night.json", REQUEST_RUN, &r, err);
 *	if (ret)
 *		return ret;
 *	... r.run.boots ...
 *	request_free(&r);
 *
 * A request owns its strings. What a request is carried out with (database, colour, where the answer
 * is written) is not part of it.
 */
#ifndef ORCHESTRATOR_REQUEST_REQUEST_H
#define ORCHESTRATOR_REQUEST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

enum request_kind {
	REQUEST_RUN,
	REQUEST_COMPARE,
	REQUEST_REPORT,
	REQUEST_SIGNOFF,
	REQUEST_BISECT,
	REQUEST_TEST,
	REQUEST_EXPLAIN,
	REQUEST_KINDS,
	REQUEST_ANY =
		REQUEST_KINDS, /* where a kind is expected: the object's "request" says which */
};

struct request_list {
	char **items;
	size_t count;
};

struct request_run {
	struct request_list scenarios; /* names, or paths of .json files */
	struct request_list kernels;   /* variants; the base first */
	struct request_list config; /* CONFIG_X=y of one more kernel, which is the last one else */
	char *l1_kernel;	    /* the variant that Linux L1s boot */
	char *l1_image;		    /* the disk that others boot */
	char *host;
	char *append;  /* more boot parameters of every kernel; NULL: none */
	int boots;     /* of each kernel; 0: auto, until everything is decided */
	int max_boots; /* with auto */
	int first_boot;
	int seed; /* of boot 1 */
};

struct request_compare {
	char *base, *new;		   /* kernels: names, or the first digits of their keys */
	struct request_list others;	   /* more kernels to judge, in the same table */
	char *scenario, *metric, *session; /* NULL: all */
};

struct request_report {
	char *base, *new;
	struct request_list others; /* more kernels to judge against the base, in one report */
	int format;		    /* 1 + index in report_formats[] (results/report/report.h) */
	bool explain;
	char *session;
	char *reporter, *url; /* email; NULL: left out */
};

struct request_signoff {
	char *base, *new;
	char *policy; /* a name in results/policies, or a path */
	bool explain;
	char *session;
	char *reporter, *url;
};

enum request_failure {			/* a class of failed boots: results/store/store.h */
		       FAILS_GUEST = 1, /* the kernel died, hung or complained */
		       FAILS_INTEGRITY, /* it computed something wrong */
};

/* A failure to look for instead of a number; at most one of the last three. None of them: any boot that
 * fails as a guest or in its integrity, in the way in which the bad end does. */
struct request_fails {
	bool wanted;
	char *test;    /* this selftest fails; the scenario can be left out */
	int class;     /* enum request_failure; 0: any */
	char *message; /* a POSIX extended regular expression of the boot's error */
};

/* What a bisect or a test measures: one scenario, one set of parameters, one metric or failure. */
struct request_probe {
	char *scenario; /* "multiplex"; NULL: kselftest, with fails.test */
	char *metric;	/* "switch"; NULL with fails.wanted */
	struct request_fails fails;
	struct request_list params; /* "l2_vcpus=8"; the others have the scenario's defaults */
	int rounds;		    /* 0: the scenario's default */
	double smallest_effect;	    /* percent; 0: the default */
};

enum request_space { /* what is bisected */
		     BISECT_GIT = 1,
		     BISECT_SERIES,
		     BISECT_CONFIG,
};

struct request_bisect {
	int kind; /* enum request_space */
	struct request_probe probe;
	char *variant; /* git: config and compiler; series: its patches; config: what both add to */
	char *tree;    /* git */
	char *good, *bad;	   /* git: commits; series: prefixes; config: fragments */
	bool first_parent;	   /* git */
	struct request_list paths; /* git */
	char *host;
	double threshold; /* percent; 0: halfway between the ends */
	int boots, max_boots, parallel, seed;
	char *command; /* the command line, for the record */
};

struct request_test {
	char *tree;
	struct request_probe probe;
	double limit; /* in the metric's unit */
	char *variant, *host;
	int boots, max_boots;
};

struct request_explain {
	struct request_list kernels; /* one or two variants; the base first */
	struct request_probe probe;  /* scenario, metric, params, rounds; no failures */
	char *host;
	int max_boots; /* of each kernel; fewer where that is precise enough */
	int seed;
};

struct request {
	enum request_kind kind;
	union {
		struct request_run run;
		struct request_compare compare;
		struct request_report report;
		struct request_signoff signoff;
		struct request_bisect bisect;
		struct request_test test;
		struct request_explain explain;
	};
};

/* "run", "report signoff", ...: `nestlab COMMAND --request FILE` carries out such a request. */
const char *request_kind_command(enum request_kind kind);
/* What the object's "request" says: "run", "signoff", ... */
const char *request_kind_name(enum request_kind kind);

/* The defaults of @kind; what has none is NULL, 0 or empty. */
void request_init(struct request *r, enum request_kind kind);
void request_free(struct request *r);

/*
 * Reads and checks a request. @name stands for the text in messages. "request" may be left out
 * unless @expected is REQUEST_ANY. -EINVAL names file and path: "night.json: $.boots: ..."; then
 * @out needs no request_free().
 */
int request_parse(const char *json, size_t len, const char *name, enum request_kind expected,
		  struct request *out, struct error *err);
int request_load(const char *file, enum request_kind expected, struct request *out,
		 struct error *err);

/*
 * Checks that all required fields are there and that the fields can be combined. request_parse()
 * does this itself. @name: the JSON that it came from, for the message; NULL: the command line,
 * whose options are named.
 */
int request_check(const struct request *r, const char *name, struct error *err);

/* The request as canonical JSON, which request_parse() turns into an equal one. The caller frees. */
char *request_json(const struct request *r);

/* Makes paths of files absolute, so that the request means the same in any folder. */
void request_absolute(struct request *r);

/* The first path of a file that the request names, for the caller to free; NULL: it names none. */
char *request_find_path(const struct request *r);

struct json_object;
/* A JSON Schema (2020-12) of the kind. "x-argument" says how the command line has it. */
struct json_object *request_describe(enum request_kind kind);

#endif
