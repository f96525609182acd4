/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenarios.h - WHAT is run: a scenario file becomes a validated, typed list of measurements.
 *
 * A file (scenarios/NAME.json):
 *
 *	{
 *	  "description": "...",
 *	  "mode": "cooperative" | "parallel",          // how L1 vCPUs run; default cooperative
 *	  "metrics": { "switch": { "smallest_effect": 0.5 } },   // optional, percent, per metric
 *	  "scenarios": [
 *	    { "scenario": "multiplex", "l1": ["micro-vmx","micro-evmcs"],
 *	      "memory": ["managed","unmanaged"], "l2_vcpus": [2,8], "l1_vcpus": [1], "ept": [true],
 *	      "apic_pages": [false,true], "posted_interrupts": [false], "rounds": 200, "warmup": 20 },
 *	    { "scenario": "exits", "reason": ["vmcall","cpuid"], ... },
 *	    { "scenario": "churn", "operation": ["dontneed","memslot"], ... },
 *	    { "scenario": "kselftest", "test": ["vmx_apic_access_test"] }
 *	  ]
 *	}
 *
 * Every parameter is a value or a list; a scenario's measurements are the product of its lists, in
 * the order of the file, last parameter fastest. Combinations that cannot be (fewer L2 than L1
 * vCPUs) are errors when all of a list is, left out otherwise where stated in docs/scenarios.md.
 * Errors name file and path: "quick.json: $.scenarios[1].l2_vcpus[0]: 0 is not within 1..256".
 */
#ifndef SCENARIOS_SCENARIOS_H
#define SCENARIOS_SCENARIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/fs.h"
#include "common/sha256.h"

/* What a measurement is run with. Parameter names here, in scenario files, in params JSON and in
 * the agent's plan lines are the same words. */
struct scenario_measure {
	const char *scenario; /* "multiplex", "migrate", "exits", "churn", "kselftest" */
	const char *l1;	      /* "micro-vmx", "micro-evmcs"; NULL for kselftest */
	const char *memory;   /* "managed", "unmanaged" */
	const char *variant;  /* exits: reason; churn: operation; kselftest: test; else NULL */
	uint32_t l2_vcpus, l1_vcpus;
	bool ept, apic_pages, posted_interrupts, parallel;
	uint32_t rounds, warmup;
	uint32_t limit_s; /* kselftest: seconds of the host's clock; 0: the agent's 60 */
	uint32_t count;	  /* kselftest: the program's only argument; 0: none */
	/* Canonical JSON object of what identifies the measurement, under which results compare:
	 * l1, memory, l2_vcpus, l1_vcpus, ept, apic_pages, posted_interrupts, mode ("cooperative" or
	 * "parallel"), and reason, operation or test where it applies; for kselftest test alone.
	 * Rounds and warmup are not in it: results keep them beside it. */
	char *params;
};

/* One metric that a scenario yields. */
struct scenario_metric {
	const char *scenario;
	const char *name;   /* "switch", "vmptrld", "entry-exit", "switches-per-mclk", ... */
	const char *unit;   /* "clocks" (instructions or ns, by the host's clock) or
			     "per-mclk" (events per million clock units) */
	const char *better; /* "lower" or "higher" */
	bool headline;	    /* shown by default in a comparison */
	const char *help;
};

struct scenario_effect { /* smallest effect that matters, from "metrics" */
	char *metric;
	double percent;
};

struct json_object;

struct scenario_plan { /* free with scenario_plan_free() */
	char *name;    /* the file's name without .json */
	char *path;
	char *description;
	char hash[SHA256_HEX]; /* of the canonical JSON */
	struct scenario_measure *measures;
	size_t nmeasures;
	struct scenario_effect *effects;
	size_t neffects;
	struct json_object *doc; /* keeps strings of the measures alive */
};

/* @name: a plain name (in @dir) or a path ending in .json. -EINVAL: the file is wrong. */
int scenario_load(const char *dir, const char *name, struct scenario_plan *out, struct error *err);
void scenario_plan_free(struct scenario_plan *plan);

/* The metrics of all scenarios, ended by a NULL scenario; and one of them, or NULL. */
extern const struct scenario_metric scenario_metrics[];
const struct scenario_metric *scenario_find_metric(const char *scenario, const char *metric);

#endif
