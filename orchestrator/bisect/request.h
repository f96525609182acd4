/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * request.h - what a bisect was asked: kept as JSON in the database, so that --resume needs no
 * option again. What is measured is a probe: one scenario, one set of parameters, one metric.
 */
#ifndef ORCHESTRATOR_BISECT_REQUEST_H
#define ORCHESTRATOR_BISECT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct bisect_probe {
	char *scenario, *metric; /* "multiplex", "switch" */
	char **params;		 /* "l2_vcpus=8"; what is not said has the scenario's default */
	size_t nparams;
	int rounds;		/* 0: the scenario's default */
	double smallest_effect; /* percent; 0: the default */
};

enum bisect_kind { BISECT_GIT, BISECT_SERIES, BISECT_CONFIG };

struct bisect_request { /* free with bisect_request_free() */
	enum bisect_kind kind;
	struct bisect_probe probe;
	char *variant; /* git: config and compiler; series: its patches; config: what both add to */
	char *tree;    /* git */
	char *good, *bad;  /* git: commits; series: prefixes; config: fragments */
	bool first_parent; /* git */
	char **paths;	   /* git */
	size_t npaths;
	char *host;
	double threshold; /* percent; 0: halfway between the ends */
	int boots, max_boots, parallel, seed;
	char *command; /* the command line, for the record */
};

/* As JSON; the caller frees. */
char *bisect_request_json(const struct bisect_request *r);
/* From it; -EINVAL names what is wrong. */
int bisect_request_parse(const char *json, struct bisect_request *out, struct error *err);
void bisect_request_free(struct bisect_request *r);

/*
 * Writes the scenario file that holds the one measurement, and checks that it is one and yields the
 * metric: -EINVAL says what can be asked for instead.
 */
int bisect_probe_write(const struct bisect_probe *p, const char *path, struct error *err);
void bisect_probe_free(struct bisect_probe *p);

#endif
