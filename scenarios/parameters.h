/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parameters.h - the words that a scenario file may use, as tables. Private to scenarios/.
 */
#ifndef SCENARIOS_PARAMETERS_H
#define SCENARIOS_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/scenarios.h"

enum scenario_id { MULTIPLEX, MIGRATE, EXITS, CHURN, KSELFTEST, SCENARIO_COUNT };

#define ONLY(id) (1u << (id))
#define MICRO	 (ONLY(MULTIPLEX) | ONLY(MIGRATE) | ONLY(EXITS) | ONLY(CHURN))

struct scenario_kind {
	const char *name, *help;
	uint32_t l2_vcpus, l1_vcpus, rounds; /* defaults; warm-up's is a tenth of the rounds */
};
extern const struct scenario_kind scenario_kinds[SCENARIO_COUNT];

enum parameter_kind {
	PARAMETER_WORD,	  /* one of words; the field is a const char * */
	PARAMETER_NAME,	  /* any plain name; the field is a const char * */
	PARAMETER_NUMBER, /* min..max; the field is a uint32_t */
	PARAMETER_FLAG,	  /* true or false; the field is a bool */
	PARAMETER_CHOICE, /* one of two words; the field is a bool, true for the second */
};

struct parameter {
	const char *key;
	unsigned int scenarios; /* bits: who takes it */
	enum parameter_kind kind;
	const char *const *words;
	uint32_t min, max;
	size_t field;  /* offset in struct scenario_measure */
	bool required; /* else it has a default: scenario_kind's, the first word, or fallback */
	uint32_t fallback;
	const char *help;
};
extern const struct parameter scenario_parameters[];
extern const size_t scenario_nparameters;

/* A combination that cannot be: what is broken, or NULL. */
const char *scenario_impossible(enum scenario_id id, const struct scenario_measure *m);

#endif
