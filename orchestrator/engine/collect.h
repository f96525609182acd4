/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * collect.h - where a number becomes a row: the agent's records of one boot (agents/wire/protocol.h),
 * joined with the plan that it ran, become the metrics, counters and tests of one results_boot.
 *
 *	collector_init(&c, &plan);
 *	... collector_record(&c, record) for each record, as it comes ...
 *	collector_finish(&c);
 *	collector_fill(&c, &run);	// run borrows from c
 *	results_store(db, &run, ...);
 *	collector_release(&c);
 */
#ifndef ORCHESTRATOR_ENGINE_COLLECT_H
#define ORCHESTRATOR_ENGINE_COLLECT_H

#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "common/error.h"
#include "results/store/store.h"
#include "scenarios/scenarios.h"

struct collector {
	const struct scenario_plan *plan; /* borrowed */
	struct json_object **records;	  /* kept: the rows borrow their strings */
	size_t nrecords;
	struct results_metric *metrics;
	size_t nmetrics;
	struct results_counter *counters;
	size_t ncounters;
	struct results_test *tests;
	size_t ntests;
	size_t ended; /* measurements with an `end` record */
	const struct scenario_measure
		*running;	   /* of the plan; NULL: none has begun and not ended */
	struct json_object *hello; /* one of records; NULL before it came */
	const char *clock, *release, *build_id; /* from `hello`; NULL before */
	const char *l1_build_id,
		*l1_release; /* of a Linux or Windows L1, from `l1`; NULL: there was none */
	const char *
		capabilities; /* what libvirt found out, as of capabilities_keep(); NULL: nothing new */
	enum results_class class; /* of the worst thing in the records */
	struct error trouble;	  /* and its text */
	struct error complaint;	  /* the kernel's first of its own; "": none */
};

void collector_init(struct collector *c, const struct scenario_plan *plan);
void collector_release(struct collector *c);

/* Takes one good record and keeps a reference to it. A record that does not fit the plan (unknown id or metric, missing
 * member) is infrastructure trouble, kept in @c; the rest of the stream is still read. */
void collector_record(struct collector *c, struct json_object *record);

/* What runs has ended its boot: it failed, and has ended. @why goes into its text. */
void collector_give_up(struct collector *c, const char *why);

/* After the last record of a complete stream: a measurement that never ended is trouble too. */
void collector_finish(struct collector *c);

/* Sets the record-born members of @run: clock, metrics, counters, tests; leaves the others. */
void collector_fill(const struct collector *c, struct results_boot *run);

#endif
