/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hunt.h - the failure that a bisect looks for (struct request_fails), and what each boot says of it.
 *
 * A boot that failed in another way says nothing: whatever is looked for might have come after it. So
 * does a boot whose measurement was skipped.
 */
#ifndef ORCHESTRATOR_BISECT_HUNT_H
#define ORCHESTRATOR_BISECT_HUNT_H

#include <regex.h>
#include <stdbool.h>

#include "orchestrator/request/request.h"
#include "results/store/bisect.h"

enum bisect_manner {
	MANNER_PASSED,
	MANNER_THIS_WAY,
	MANNER_OTHERWISE,
	MANNER_HOST, /* the host failed, or it was cancelled */
};

struct bisect_hunt {
	const struct request_fails *request; /* borrowed */
	regex_t regex;			     /* of request->message, if there is one */
	/* The way in which the boots have to fail (signature.h), owned. NULL: in any, or not known yet:
	 * bisect_hunt_choose(). */
	char *signature;
};

/* -EINVAL: not a regular expression. */
int bisect_hunt_check(const struct request_fails *request, struct error *err);

/* -EINVAL: as above. Free with bisect_hunt_free(). */
int bisect_hunt_open(const struct request_fails *request, struct bisect_hunt **out,
		     struct error *err);
void bisect_hunt_free(struct bisect_hunt *h); /* NULL is fine */

/* Does it look for one way of failing that only the bad end's boots can tell? */
bool bisect_hunt_needs_signature(const struct bisect_hunt *h);
/* What is looked for, for people: "selftest vmx_dirty_log_test fails"; the caller frees. */
char *bisect_hunt_text(const struct bisect_hunt *h);

struct bisect_counts { /* of a kernel's boots in a session */
	int last;      /* highest boot number, 0: none */
	int passed, this_way, otherwise, of_host;
	char *error; /* of the newest one that is neither passed nor this way; "" if none. free() */
};
int bisect_hunt_count(const struct bisect_hunt *h, struct results_db *db, const char *session,
		      const char *key, struct bisect_counts *out, struct error *err);

/*
 * Chooses the signature: of the ways in which the first @boots boots of the bad end failed the one that
 * comes oftener there than at the good end by the most. It only depends on those boots, so a resumed
 * bisect chooses the same. It stays NULL if the bad end did not fail.
 */
int bisect_hunt_choose(struct bisect_hunt *h, struct results_db *db, const char *session,
		       const char *good_key, const char *bad_key, int boots, struct error *err);

#endif
