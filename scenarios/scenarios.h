/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenarios.h - WHAT is run: a scenario file becomes a validated, typed list of measurements.
 *
 * A file (scenarios/NAME.json):
 *
 *	{
 *	  "description": "...",
 *	  "mode": "cooperative" | "parallel",          // how L1 vCPUs run; default cooperative
 *	  "l1_kernel": "baseline",                     // optional: what its Linux L1s boot
 *	  "programs": "my-tests",	// optional: a folder of .c files that are selftests, too
 *	  "flats": "kvm-unit-tests/x86",	// optional: a folder of flat binaries
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
 * Every parameter is a value or a list; an entry's measurements are the product of its lists. The
 * vocabulary, with ranges and defaults, is agents/wire/words.h; docs/scenarios.md is the manual.
 * Combinations that cannot be measured are left out of the product, but a value without any possible
 * combination is an error.
 * Errors name file and path: "quick.json: $.scenarios[1].l2_vcpus[0]: 0 is not within 1..256".
 */
#ifndef SCENARIOS_SCENARIOS_H
#define SCENARIOS_SCENARIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "agents/wire/protocol.h"
#include "common/error.h"
#include "common/folders.h"
#include "common/sha256.h"

/* A measurement of a plan, and what identifies it. */
struct scenario_measure {
	struct plan_measure line; /* as the agent is told; id and seed are of a boot, and 0 here */
	/* Canonical JSON object of the words that identify the measurement, under which results compare
	 * (words.h: PLAN_WORD_VARIANT and PLAN_WORD_AXIS): l1, memory, l2_vcpus, l1_vcpus, ept,
	 * apic_pages, posted_interrupts, mode, and reason or operation where it applies; for
	 * kselftest test alone. Rounds and warmup are not in it: results keep them beside it. */
	char *params;
	size_t entry; /* of the file, from 1 on */
};

/* "multiplex", "migrate", ... */
const char *scenario_measure_name(const struct scenario_measure *m);

/* One metric that a scenario yields. */
struct scenario_metric {
	const char *scenario; /* a word of PLAN_SCENARIOS (words.h) */
	const char *name;     /* "switch", "vmptrld", "entry-exit", "switches-per-mclk", ... */
	const char *unit;     /* "clocks" (instructions or ns, by the host's clock) or
			     "per-mclk" (events per million clock units) */
	const char *better;   /* "lower" or "higher" */
	bool headline;	      /* shown by default in a comparison */
	const char *help;
};

struct scenario_effect { /* smallest effect that matters, from "metrics" */
	char *metric;
	double percent;
};

struct scenario_plan { /* free with scenario_plan_free() */
	char *name; /* the file's name without .json; "+7-9" behind it if these entries were asked for */
	char *path;
	size_t first, last; /* entries of the file, from 1 on */
	char *description;
	char *l1_kernel; /* a variant; NULL: the file does not say */
	char *programs;	 /* NULL, or the folder of the selftests that are the user's own */
	char *flats;	 /* NULL, or the folder of the flat binaries that kvm-unit-test boots */
	char hash[SHA256_HEX]; /* of the canonical JSON */
	struct scenario_measure *measures;
	size_t nmeasures;
	struct scenario_effect *effects;
	size_t neffects;
};

/* @name: a plain name (in @folders) or a path ending in .json. Behind it entries of the file, which
 * alone are the plan then: "+7", "+7-9", "+7-" (to the last). -EINVAL: the file is wrong. */
int scenario_load(const struct folders *folders, const char *name, struct scenario_plan *out,
		  struct error *err);
/* The same of a document in memory (borrowed); @label stands for the file in messages, and ends in .json. */
int scenario_parse(struct json_object *doc, const char *label, struct scenario_plan *out,
		   struct error *err);
void scenario_plan_free(struct scenario_plan *plan);
/* Has it a measurement in a Linux L1, which needs a kernel of its own in the image? */
bool scenario_plan_has_linux(const struct scenario_plan *plan);
/* Is an L1 of it moved while it runs? Then KVM logs L1's dirty pages. */
bool scenario_plan_has_moves(const struct scenario_plan *plan);
/* Does one of it go from one libvirt to another? */
bool scenario_plan_has_peers(const struct scenario_plan *plan);
/* Has it one that this VMM runs? */
bool scenario_plan_has_vmm(const struct scenario_plan *plan, enum plan_vmm vmm);
/* Has it a measurement of @scenario? */
bool scenario_plan_has_scenario(const struct scenario_plan *plan, enum plan_scenario scenario);
/* Has it an L1 of @l1? */
bool scenario_plan_has_l1(const struct scenario_plan *plan, enum plan_l1 l1);
/* Has it L1s that boot from a disk of the user's; and no measurement without? */
bool scenario_plan_has_disk(const struct scenario_plan *plan);
bool scenario_plan_is_of_disk(const struct scenario_plan *plan);
/* Has it one that any runs which is not the agent's own, so that the image needs a userland (images/userland.h)? */
bool scenario_plan_has_userland(const struct scenario_plan *plan);

/* The L0 kernel of the host that its L1s go to while they run (destination); NULL: they stay where they are. Then all its
 * measurements name that one. */
const char *scenario_plan_destination(const struct scenario_plan *plan);
/* What that host measures meanwhile: @out, PLAN-from-SOURCE, has the same measurements with `source` for `destination`. */
void scenario_plan_arrive(const struct scenario_plan *plan, const char *source,
			  struct scenario_plan *out);

/* The metrics of all scenarios, ended by a NULL scenario; and one of them, or NULL. */
extern const struct scenario_metric scenario_metrics[];
const struct scenario_metric *scenario_find_metric(const char *scenario, const char *metric);

#endif
