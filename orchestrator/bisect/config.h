/* SPDX-License-Identifier: GPL-2.0-only */
/* config.h - two kernel config fragments, and all the mixtures of them. */
#ifndef ORCHESTRATOR_BISECT_CONFIG_H
#define ORCHESTRATOR_BISECT_CONFIG_H

#include <stdbool.h>

#include "common/error.h"
#include "common/strbuf.h"

struct bisect_difference {
	char *option;	  /* "CONFIG_X" */
	char *good, *bad; /* "y", "8", "n"; NULL: the fragment does not mention it */
	char *text;	  /* "CONFIG_X: y -> n", for people */
};

struct bisect_configs { /* free with bisect_configs_free() */
	struct bisect_difference *items;
	size_t n;
	struct strbuf common; /* the lines that both have */
};

/* -EINVAL: a line is not an option (the error names file and line), or the fragments do not
 * differ. */
int bisect_configs_read(const char *good, const char *bad, struct bisect_configs *out,
			struct error *err);
void bisect_configs_free(struct bisect_configs *c);

/* The good fragment with the differences in @set (n flags) as in the bad one. */
void bisect_configs_mix(const struct bisect_configs *c, const bool *set, struct strbuf *out);

#endif
