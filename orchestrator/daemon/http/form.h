/* SPDX-License-Identifier: GPL-2.0-only */
/* form.h - what a form of a page sends: application/x-www-form-urlencoded, in UTF-8. */
#ifndef ORCHESTRATOR_DAEMON_HTTP_FORM_H
#define ORCHESTRATOR_DAEMON_HTTP_FORM_H

#include <stddef.h>

#include "common/error.h"

#define FORM_FIELDS 32

struct form { /* zeroed: empty; free with form_free() */
	char *text;
	struct {
		const char *name, *value; /* decoded */
	} fields[FORM_FIELDS];
	size_t count;
};

/* -EINVAL: a broken escape, a NUL, no UTF-8; -E2BIG: more than FORM_FIELDS. Then @out is empty. */
int form_parse(const char *body, size_t len, struct form *out, struct error *err);
void form_free(struct form *f);

/* The first field of that name, without blanks around it; NULL: not there, or empty. */
const char *form_value(const struct form *f, const char *name);

#endif
