/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h - what the files of orchestrator/request share about single fields. */
#ifndef ORCHESTRATOR_REQUEST_INTERNAL_H
#define ORCHESTRATOR_REQUEST_INTERNAL_H

#include "common/strbuf.h"
#include "orchestrator/request/fields.h"

/* Where the field is in @r, or NULL if nowhere. Only the caller knows whether it may write there. */
void *request_at(const struct request *r, const struct request_field *f);

/* -EINVAL: empty, or not UTF-8 */
int request_set_string(char **at, const char *text, struct error *err);
int request_set_choice(int *at, const struct request_field *f, const char *text, struct error *err);
void request_list_add(struct request_list *list, const char *text);

/* The words of a choice. The caller frees. */
char *request_choice_words(const struct request_field *f, const char *between);
/* "max-boots": without the dashes in front. The caller frees. */
char *request_option_name(const struct request_field *f);

#endif
