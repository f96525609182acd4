// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/api/route.h"

#include <string.h>

#include "orchestrator/daemon/api/api.h"

#define READERS	   (SCOPE_VIEWER | SCOPE_SUBMITTER | SCOPE_OPERATOR | SCOPE_ADMIN)
#define SUBMITTERS (SCOPE_SUBMITTER | SCOPE_OPERATOR | SCOPE_ADMIN)
#define AGENTS	   (SCOPE_AGENT | SCOPE_ADMIN)
#define OPERATORS  (SCOPE_OPERATOR | SCOPE_ADMIN)

#define CHANGES	  ROUTE_WRITES
#define FORM	  (ROUTE_WRITES | ROUTE_PAGE | ROUTE_FORM)
#define SMALL	  65536
#define REQUEST	  (1 << 20)
#define LOG_CHUNK (1 << 20)
#define RECORDS	  (8 << 20)

const struct route routes[] = {
	{"GET", "/v1/jobs", READERS, 0, 0, api_jobs_list},
	{"POST", "/v1/jobs", SUBMITTERS, CHANGES | ROUTE_UPLOADS, REQUEST, api_jobs_submit},
	{"GET", "/v1/jobs/{uid}", READERS, 0, 0, api_job_show},
	{"PATCH", "/v1/jobs/{uid}", SUBMITTERS, CHANGES, SMALL, api_job_change},
	{"DELETE", "/v1/jobs/{uid}", SUBMITTERS, CHANGES, 0, api_job_cancel},
	{"POST", "/v1/jobs/{uid}/retry", SUBMITTERS, CHANGES, 0, api_job_retry},
	{"GET", "/v1/jobs/{uid}/log", READERS, 0, 0, api_log_read},

	{"POST", "/v1/leases", AGENTS, ROUTE_WRITES, SMALL, api_lease_claim},
	{"PUT", "/v1/leases/{boot}/{epoch}", AGENTS, ROUTE_WRITES, SMALL, api_lease_renew},
	{"DELETE", "/v1/leases/{boot}/{epoch}", AGENTS, CHANGES, 0, api_lease_give_back},
	{"PUT", "/v1/boots/{uid}/records", AGENTS, CHANGES | ROUTE_UPLOADS, RECORDS,
	 api_boot_records},
	{"POST", "/v1/boots/{uid}/failure", AGENTS, CHANGES, SMALL, api_boot_failure},
	{"PUT", "/v1/boots/{uid}/log", AGENTS, ROUTE_UPLOADS, LOG_CHUNK, api_log_append},
	{"PUT", "/v1/boots/{uid}/page", AGENTS, ROUTE_UPLOADS, RECORDS, api_page_keep},

	{"GET", "/v1/hosts", READERS, 0, 0, api_hosts_list},
	{"PATCH", "/v1/hosts/{name}", OPERATORS, CHANGES, SMALL, api_host_change},

	{"GET", "/v1/schedules", READERS, 0, 0, api_schedules_list},
	{"GET", "/v1/schedules/{name}", READERS, 0, 0, api_schedule_show},
	{"POST", "/v1/schedules/{name}/run", OPERATORS, CHANGES, 0, api_schedule_run},
	{"GET", "/v1/series/{id}", READERS, 0, 0, api_series_show},
	{"POST", "/v1/series/{id}/send", OPERATORS, CHANGES, 0, api_series_send},
	{"GET", "/v1/changes", READERS, 0, 0, api_changes_list},
	{"GET", "/v1/changes/{id}", READERS, 0, 0, api_change_show},
	{"PATCH", "/v1/changes/{id}", SUBMITTERS, CHANGES, SMALL, api_change_triage},

	{"GET", "/v1/tokens", SCOPE_ADMIN, 0, 0, api_tokens_list},
	{"POST", "/v1/tokens", SCOPE_ADMIN, ROUTE_WRITES, SMALL, api_tokens_add},
	{"DELETE", "/v1/tokens/{sha256}", SCOPE_ADMIN, ROUTE_WRITES, 0, api_token_remove},

	{"GET", "/", READERS, ROUTE_PAGE, 0, page_tonight},
	{"GET", "/trends", READERS, ROUTE_PAGE, 0, page_trends},
	{"GET", "/metric/{night}/{series}", READERS, ROUTE_PAGE, 0, page_metric},
	{"GET", "/comparison", READERS, ROUTE_PAGE, 0, page_comparison},
	{"GET", "/changes/{id}", READERS, ROUTE_PAGE, 0, page_change},
	{"POST", "/changes/{id}", SUBMITTERS, FORM, SMALL, page_change_triage},
	{"GET", "/lists", READERS, ROUTE_PAGE, 0, page_lists},
	{"GET", "/lists/{id}", READERS, ROUTE_PAGE, 0, page_series},
	{"POST", "/lists/{id}/send", OPERATORS, FORM, SMALL, page_series_send},
	{"GET", "/queue", READERS, ROUTE_PAGE, 0, page_queue},
	{"GET", "/submit", READERS, ROUTE_PAGE, 0, page_submit},
	{"POST", "/submit", SUBMITTERS, FORM | ROUTE_UPLOADS, SMALL, page_submit_send},
	{"GET", "/jobs/{uid}", READERS, ROUTE_PAGE, 0, page_job},
	{"POST", "/jobs/{uid}/cancel", SUBMITTERS, FORM, SMALL, page_job_cancel},
	{"POST", "/jobs/{uid}/retry", SUBMITTERS, FORM, SMALL, page_job_retry},
	{"GET", "/hosts", READERS, ROUTE_PAGE, 0, page_hosts},
	{"GET", "/signoffs", READERS, ROUTE_PAGE, 0, page_signoffs},
	{"GET", "/signoffs/{uid}", READERS, ROUTE_PAGE, 0, page_signoff},
	{"GET", "/login", 0, ROUTE_PAGE, 0, page_login},
	{"POST", "/login", 0, FORM, SMALL, page_login_send},
	{"POST", "/logout", READERS, FORM, SMALL, page_logout},
	{"GET", "/feed.atom", READERS, 0, 0, page_feed},
	{"GET", "/style.css", 0, 0, 0, page_asset},
	{"GET", "/live.js", 0, 0, 0, page_asset},
	{"GET", "/metric.js", 0, 0, 0, page_asset},
	{"GET", "/dygraph.js", 0, 0, 0, page_dygraph},

	{"GET", "/v1/events", READERS, ROUTE_STREAMS, 0, NULL},
	{"GET", "/healthz", 0, 0, 0, api_healthz},
	{"GET", "/readyz", 0, 0, 0, api_readyz},
	{"GET", "/metrics", READERS, 0, 0, api_metrics},
	{"GET", "/openapi.json", 0, 0, 0, api_openapi},
	{0},
};

/* Matches "/v1/jobs/{uid}" with "/v1/jobs/x"; does not change @path. */
static bool matches(const char *pattern, const char *path)
{
	while (*pattern) {
		if (*pattern == '{') {
			if (!*path || *path == '/')
				return false;
			pattern = strchr(pattern, '}') + 1;
			path += strcspn(path, "/");
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*path;
}

static void take_params(const char *pattern, char *path, const char *params[EXCHANGE_PARAMS])
{
	size_t n = 0;

	while (*pattern && n < EXCHANGE_PARAMS) {
		if (*pattern != '{') {
			pattern++;
			path++;
			continue;
		}
		params[n++] = path;
		pattern = strchr(pattern, '}') + 1;
		path += strcspn(path, "/");
		if (*path)
			*path++ = '\0';
		if (*pattern)
			pattern++;
	}
}

const struct route *route_find(const char *method, char *path, const char *params[EXCHANGE_PARAMS],
			       bool *known)
{
	*known = false;
	for (const struct route *r = routes; r->method; r++) {
		if (!matches(r->path, path))
			continue;
		*known = true;
		if (strcmp(r->method, method))
			continue;
		take_params(r->path, path, params);
		return r;
	}
	return NULL;
}
