/* SPDX-License-Identifier: GPL-2.0-only */
/* api.h - the handlers of the routes (route.c), by the file that has them. docs/api.md is their manual. */
#ifndef ORCHESTRATOR_DAEMON_API_API_H
#define ORCHESTRATOR_DAEMON_API_API_H

#include "orchestrator/daemon/http/exchange.h"

#define API_HANDLER(name) int name(struct exchange *x, struct daemon_db *db, struct error *err)

/* api_jobs.c */
API_HANDLER(api_jobs_list);
API_HANDLER(api_jobs_submit);
API_HANDLER(api_job_show);
API_HANDLER(api_job_change);
API_HANDLER(api_job_cancel);
API_HANDLER(api_job_retry);
/* Queues what @json asks for, a body of POST /v1/jobs; the answer has the job's uid. */
int api_submit(struct exchange *x, struct daemon_db *db, struct json_object *json,
	       struct error *err);

/* api_log.c */
API_HANDLER(api_log_read);
API_HANDLER(api_log_append);
API_HANDLER(api_page_keep);

/* api_leases.c */
API_HANDLER(api_lease_claim);
API_HANDLER(api_lease_renew);
API_HANDLER(api_lease_give_back);
API_HANDLER(api_boot_records);
API_HANDLER(api_boot_failure);

/* api_hosts.c */
API_HANDLER(api_hosts_list);
API_HANDLER(api_host_change);

/* api_tokens.c */
API_HANDLER(api_tokens_list);
API_HANDLER(api_tokens_add);
API_HANDLER(api_token_remove);

/* api_nights.c */
API_HANDLER(api_schedules_list);
API_HANDLER(api_schedule_run);
API_HANDLER(api_changes_list);
API_HANDLER(api_change_show);
API_HANDLER(api_change_triage);

/* api_lists.c */
API_HANDLER(api_schedule_show);
API_HANDLER(api_series_show);
API_HANDLER(api_series_send);
/* Lets the draft of a series go, for whoever asks. */
int api_send_series(const struct exchange *x, struct daemon_db *db, int64_t id, struct error *err);

/* api_pages.c */
API_HANDLER(page_tonight);
API_HANDLER(page_trends);
API_HANDLER(page_feed);
API_HANDLER(page_asset);
API_HANDLER(page_dygraph);

/* api_page_change.c */
API_HANDLER(page_change);
API_HANDLER(page_change_triage);

/* api_page_lists.c */
API_HANDLER(page_lists);
API_HANDLER(page_series);
API_HANDLER(page_series_send);

/* api_page_metric.c */
API_HANDLER(page_metric);
API_HANDLER(page_comparison);

/* api_page_jobs.c */
API_HANDLER(page_queue);
API_HANDLER(page_submit);
API_HANDLER(page_submit_send);
API_HANDLER(page_hosts);
API_HANDLER(page_signoffs);

/* api_page_job.c */
API_HANDLER(page_job);
API_HANDLER(page_job_cancel);
API_HANDLER(page_job_retry);
API_HANDLER(page_signoff);

/* api_login.c */
API_HANDLER(page_login);
API_HANDLER(page_login_send);
API_HANDLER(page_logout);

/* api_service.c */
API_HANDLER(api_healthz);
API_HANDLER(api_readyz);
API_HANDLER(api_metrics);
API_HANDLER(api_openapi);

#endif
