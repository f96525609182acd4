// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/queue/cut.h"

#include <errno.h>
#include <stdlib.h>

#include "common/alloc.h"

void cut_free(struct cut *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->pieces[i]);
	free(c->pieces);
	*c = (struct cut){0};
}

static void add_boot(struct cut *c, const struct request *r, size_t scenario, size_t kernel,
		     int boot)
{
	struct request one = *r;

	one.run.scenarios = (struct request_list){&r->run.scenarios.items[scenario], 1};
	one.run.kernels = (struct request_list){&r->run.kernels.items[kernel], 1};
	one.run.boots = 1;
	one.run.first_boot = boot;
	c->pieces[c->count++] = request_json(&one);
}

/* Boot 1 of each kernel, then boot 2 in the opposite order (engine/run.h says why). */
static void cut_run(struct cut *c, const struct request *r)
{
	const struct request_run *run = &r->run;

	for (int b = 0; b < run->boots; b++)
		for (size_t s = 0; s < run->scenarios.count; s++)
			for (size_t k = 0; k < run->kernels.count; k++) {
				size_t kernel = b % 2 ? run->kernels.count - 1 - k : k;

				add_boot(c, r, s, kernel, run->first_boot + b);
			}
}

/* Where a kind of request has the name of the host that it boots on; 0: it boots nothing. */
static const size_t host_at[REQUEST_KINDS] = {
	[REQUEST_RUN] = offsetof(struct request, run.host),
	[REQUEST_BISECT] = offsetof(struct request, bisect.host),
	[REQUEST_TEST] = offsetof(struct request, test.host),
	[REQUEST_EXPLAIN] = offsetof(struct request, explain.host),
};

static const char *find_host(const struct request *r)
{
	if (!host_at[r->kind])
		return NULL;
	return *(char *const *)((const char *)r + host_at[r->kind]);
}

int cut_request(const struct request *r, struct cut *out, struct error *err)
{
	size_t count = 1;
	bool boots = r->kind == REQUEST_RUN && r->run.boots;

	if (boots)
		count = r->run.scenarios.count * r->run.kernels.count * r->run.boots;
	if (count > CUT_MAX)
		return error_set(err, -E2BIG, "%zu boots; a job has %d at most: submit several",
				 count, CUT_MAX);
	*out = (struct cut){.pieces = xcalloc(count, sizeof(char *)), .host = find_host(r)};
	out->shared = !out->host;
	if (boots)
		cut_run(out, r);
	else
		out->pieces[out->count++] = request_json(r);
	return 0;
}
