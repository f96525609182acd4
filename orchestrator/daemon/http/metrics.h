/* SPDX-License-Identifier: GPL-2.0-only */
/* metrics.h - what the daemon counts since its start, and how full the disk is. */
#ifndef ORCHESTRATOR_DAEMON_HTTP_METRICS_H
#define ORCHESTRATOR_DAEMON_HTTP_METRICS_H

#include "orchestrator/daemon/http/exchange.h"

struct counters; /* changed from several threads */

struct counters *counters_new(void);
void counters_free(struct counters *c);
void counters_add_answer(struct counters *c, int status, double seconds);
void counters_add_boot(struct counters *c, size_t bytes); /* a result was taken */
void counters_add_refused(struct counters *c);		  /* 503: too much at once */

/* In Prometheus' text format, version 0.0.4; with the queue's numbers from @db. */
int counters_render(struct counters *c, struct daemon_db *db, struct strbuf *out,
		    struct error *err);

/* Is less disk free than service->min_free? */
bool service_is_full(const struct service *service);

#endif
