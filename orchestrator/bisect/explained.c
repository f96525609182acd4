// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/explained.h"

#include <errno.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/progress.h"
#include "orchestrator/explain/explain.h"
#include "results/explain/keep.h"

static int explain_pair(struct bisect_run *r, const struct bisect_built *built,
			struct explanation *e, struct error *err)
{
	char *kernels[] = {built[0].variant, built[1].variant};
	const struct request_bisect *b = &r->request.bisect;
	const struct request_explain request = {
		.kernels = {kernels, ARRAY_SIZE(kernels)},
		.probe = b->probe,
		.host = b->host,
		.max_boots = 1,
		.seed = b->seed,
	};

	return explain_execute(&request, r->s.session, r->runs, e, err);
}

static int explain_and_keep(struct bisect_run *r, const struct bisect_built *built,
			    struct error *err)
{
	__cleanup_free char *dir = xasprintf("%s/../explanations", r->runs);
	struct strbuf text = STRBUF_INIT;
	struct explanation e;
	int ret = explain_pair(r, built, &e, err);

	if (ret)
		return ret;
	explain_summary(&e, &text);
	r->explanation = strbuf_detach(&text);
	ret = explain_keep(dir, &e, err);
	explanation_free(&e);
	return ret;
}

static int build_and_explain(struct bisect_run *r, const char *const *ids, struct error *err)
{
	struct bisect_built built[2] = {0};
	int ret = r->s.lab.build(r->s.lab.arg, ids, 2, built, err);

	if (!ret && !built[0].why && !built[1].why)
		ret = explain_and_keep(r, built, err);
	for (int i = 0; i < 2; i++)
		bisect_built_free(&built[i]);
	return ret;
}

int bisect_explain_culprit(struct bisect_run *r, const char *parent, const char *culprit,
			   struct error *err)
{
	const char *ids[] = {parent, culprit};
	struct error why = {0};
	int ret;

	if (r->hunt || !r->runs)
		return 0;
	progress_print("bisect: following the instructions of the culprit and of its parent\n");
	ret = build_and_explain(r, ids, &why);
	if (cancel_requested())
		return cancel_error(err);
	if (ret && !r->explanation)
		r->explanation = xasprintf("not explained: %s", why.text);
	return 0;
}
