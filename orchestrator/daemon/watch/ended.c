// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/ended.h"

#include <stdlib.h>

#include "common/alloc.h"

int ended_take(struct night_context *n, int64_t after, struct ended *e, struct error *err)
{
	sqlite3_stmt *s = database_query(
		n->queue,
		"SELECT l.id, l.version, coalesce(b.version, 0), l.schedule, l.message_id, l.patches, l.base, "
		"l.base_path, l.base_branch, l.base_variant, l.kernel, l.path, l.job, j.state, j.class, j.error, "
		"b.patches, b.base, b.kernel, iif(b.state = 'measured', b.job, NULL) FROM list_series l JOIN job j ON "
		"j.uid = l.job LEFT JOIN list_series b ON b.id = l.before WHERE (l.state = 'queued' AND j.ended IS NOT "
		"NULL OR l.state = 'failed' AND j.state = 'done') AND l.id > ?1 ORDER BY l.id LIMIT 1",
		"i", after);
	char **texts[] = {&e->schedule,	     &e->message_id,	 &e->patches,
			  &e->base,	     &e->base_path,	 &e->base_branch,
			  &e->base_variant,  &e->kernel,	 &e->path,
			  &e->job,	     &e->job_state,	 &e->job_class,
			  &e->job_error,     &e->before_patches, &e->before_base,
			  &e->before_kernel, &e->before_job};
	int ret = database_row(n->queue, s, err);

	if (ret != 1)
		return ret;
	e->id = sqlite3_column_int64(s, 0);
	e->version = sqlite3_column_int(s, 1);
	e->before_version = sqlite3_column_int(s, 2);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i] = xstrdup(database_column(s, (int)i + 3));
	sqlite3_reset(s);
	return 1;
}

void ended_free(struct ended *e)
{
	char *texts[] = {
		e->schedule,	  e->message_id,   e->patches,	 e->base,	    e->base_path,
		e->base_branch,	  e->base_variant, e->kernel,	 e->path,	    e->job,
		e->job_state,	  e->job_class,	   e->job_error, e->before_patches, e->before_base,
		e->before_kernel, e->before_job};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	schedule_free(&e->s);
	*e = (struct ended){0};
}
