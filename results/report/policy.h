/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - what a kernel must pass before somebody signs it off: a JSON file.
 *
 *	{
 *	  "description": "...",
 *	  "required_boots": 2,             // of each kernel, for every rule that does not say
 *	  "rules": [
 *	    { "scenario": "multiplex", "metric": "switch",
 *	      "params": { "memory": ["managed", "unmanaged"] },  // optional: of these only, and
 *	                                   //   something measured with each of them
 *	      "allowed_change": 1.0,       // percent that cost may grow (median)
 *	      "allowed_change_p99": 5.0,   // optional
 *	      "required_boots": 3 }        // optional
 *	  ],
 *	  "debug_runs": [                  // optional: boots of a debug build of the same source and
 *	    { "kernel": "nested-context-debug", "scenario": "quick", "boots": 1 }   // patches, passed
 *	  ],
 *	  "selftests": [ "vmx_tsc_adjust_test", { "test": "x", "may_skip": true } ],   // optional
 *	  "waivers": [                     // optional; one excuses what it names until its date ends
 *	    { "scenario": "exits", "metric": "exit", "params": { "reason": "cpuid" }, "up_to": 3.0,
 *	      "reason": "...", "owner": "Name <address>", "expires": "2027-01-31" },
 *	    { "selftest": "x", "reason": ..., "owner": ..., "expires": ... },
 *	    { "debug_run": "nested-context-debug", "reason": ..., "owner": ..., "expires": ... }
 *	  ]
 *	}
 */
#ifndef RESULTS_REPORT_POLICY_H
#define RESULTS_REPORT_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

#include "common/error.h"
#include "common/fs.h"
#include "common/sha256.h"

/* Strings are borrowed from the policy's document. */

struct policy_match {
	const char *scenario, *metric; /* metric NULL: any (waivers only) */
	struct json_object *params;    /* NULL, or an object of values and lists of values */
};

struct policy_rule {
	struct policy_match match;
	double allowed, allowed_p99; /* percent; p99 NAN: not asked */
	int boots;
};

struct policy_debug_run {
	const char *kernel, *scenario;
	int boots;
};

struct policy_selftest {
	const char *name;
	bool may_skip;
};

struct policy_waiver { /* for a metric (match.scenario), a selftest or a debug run */
	struct policy_match match;
	const char *selftest, *debug_run;
	double up_to; /* percent; INFINITY: whatever it is, or that it is missing */
	const char *reason, *owner, *expires; /* expires: YYYY-MM-DD, the last day it holds */
};

struct policy { /* free with policy_free() */
	char *path;
	char sha256[SHA256_HEX];
	const char *description;
	struct policy_rule *rules;
	struct policy_debug_run *debug_runs;
	struct policy_selftest *selftests;
	struct policy_waiver *waivers;
	size_t nrules, ndebug_runs, nselftests, nwaivers;
	struct json_object *doc;
};

/* -EINVAL: the file is wrong; the error names file and path in it. */
int policy_load(const char *path, struct policy *out, struct error *err);
void policy_free(struct policy *p);

/* Is a metric with @params (JSON) one that @m names? */
bool policy_matches(const struct policy_match *m, const char *scenario, const char *metric,
		    const char *params);

/* Calls @each for each value that params name: key, value as text. */
void policy_each_value(const struct policy_match *m,
		       void (*each)(const char *key, const char *value, void *arg), void *arg);

#endif
