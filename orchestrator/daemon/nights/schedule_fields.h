/* SPDX-License-Identifier: GPL-2.0-only */
/* schedule_fields.h - members of a schedule's file, for schedule.c and schedule_watch.c. Errors are common/json.h's. */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_SCHEDULE_FIELDS_H
#define ORCHESTRATOR_DAEMON_NIGHTS_SCHEDULE_FIELDS_H

#include "common/json.h"
#include "orchestrator/daemon/nights/schedule.h"

/* What is not there, and not @required, leaves *out as it is. Texts are lines; names have no < > besides. */
int schedule_read_text(const struct json_node *obj, const char *key, bool required, char **out,
		       struct error *err);
int schedule_read_number(const struct json_node *obj, const char *key, int max, int *out,
			 struct error *err);
int schedule_read_flag(const struct json_node *obj, const char *key, bool *out, struct error *err);
int schedule_read_names(const struct json_node *obj, const char *key, bool required,
			struct schedule_names *out, struct error *err);
int schedule_read_kernel(const struct json_node *n, struct schedule_kernel *k, struct error *err);

void schedule_free_names(struct schedule_names *n);
void schedule_free_kernel(struct schedule_kernel *k);

/* "watch": schedule_watch.c */
int schedule_read_watch(const struct json_node *obj, struct schedule_watch *w, struct error *err);
void schedule_free_watch(struct schedule_watch *w);

#endif
