// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/intake/judge.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/exit.h"
#include "common/fs.h"
#include "orchestrator/daemon/pool/health_numbers.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/request/request.h"
#include "results/compare/compare.h"

struct judged {
	int64_t id;
	char *uid, *request, *kind;
	int status; /* of a whole command */
	bool cut;
	struct job_end end;
	char *why;
};

static void judged_release(struct judged *j)
{
	free(j->uid);
	free(j->request);
	free(j->kind);
	free(j->why);
}

static const char next_to_judge[] =
	"SELECT j.id, j.uid, j.request, (SELECT status FROM inbox i JOIN boot b ON b.id = i.boot WHERE b.job "
	"= j.id AND i.state = 'imported' LIMIT 1), json_extract(j.request, '$.request') = 'run' AND "
	"json_extract(j.request, '$.boots') <> 'auto', j.kind FROM job j WHERE j.state = 'judging' LIMIT 1";

static int take_job(const struct judge_setting *setting, struct judged *j, struct error *err)
{
	sqlite3_stmt *s = database_query(setting->queue, next_to_judge, "");
	int ret = database_row(setting->queue, s, err);

	if (ret != 1)
		return ret;
	j->id = sqlite3_column_int64(s, 0);
	j->uid = xstrdup(database_column(s, 1));
	j->request = xstrdup(database_column(s, 2));
	j->status = sqlite3_column_int(s, 3);
	j->cut = sqlite3_column_int(s, 4);
	j->kind = xstrdup(database_column(s, 5));
	sqlite3_reset(s);
	return 1;
}

char *judge_kernel_name(const char *kernel)
{
	__cleanup_free char *copy = xstrdup(kernel);
	char *stem = NULL;

	if (fs_has_suffix(kernel, ".json"))
		stem = fs_stem(basename(copy), ".json");
	if (stem)
		return stem;
	return xstrdup(kernel);
}

/* Failed boots count, whatever the numbers say. */
static int count_failures(const struct judge_setting *setting, struct judged *j, struct error *err)
{
	int64_t counts[RESULTS_CANCELLED + 1];
	int ret = results_count(setting->results, j->uid, counts, err);

	if (ret)
		return ret;
	if (counts[RESULTS_INTEGRITY])
		j->end.class = results_class_name(RESULTS_INTEGRITY);
	else if (counts[RESULTS_GUEST])
		j->end.class = results_class_name(RESULTS_GUEST);
	if (!j->end.class)
		return 0;
	j->why = xasprintf("%lld of its boots failed",
			   (long long)(counts[RESULTS_GUEST] + counts[RESULTS_INTEGRITY]));
	j->end.error = j->why;
	j->end.status = EXIT_NO;
	return 0;
}

static int compare_kernels(const struct judge_setting *setting, const struct request_run *run,
			   struct judged *j, struct error *err)
{
	const struct results_filter filter = {.session = j->uid};
	__cleanup_free char *base = judge_kernel_name(run->kernels.items[0]);
	__cleanup_free char *new = judge_kernel_name(run->kernels.items[1]);
	struct results_comparison c = {0};
	int ret = results_compare(setting->results, base, new, &filter, &c, err);

	if (ret == -ENODATA || ret == -ENOENT) { /* all boots of a kernel failed */
		j->end.verdict = results_verdict_name(VERDICT_INCONCLUSIVE);
		return 0;
	}
	if (ret)
		return ret;
	j->end.verdict = results_verdict_name(c.verdict);
	if (c.verdict == VERDICT_REGRESSED)
		j->end.status = EXIT_NO;
	results_comparison_free(&c);
	return 0;
}

static int judge_health(const struct judge_setting *setting, struct judged *j, struct error *err)
{
	enum results_verdict verdict;
	int ret;

	if (strcmp(j->kind, "health") || j->end.class)
		return 0;
	ret = health_judge_numbers(setting->queue, setting->results, j->uid, &verdict, &j->why,
				   err);
	if (ret || verdict == VERDICT_INCONCLUSIVE)
		return ret;
	j->end.verdict = results_verdict_name(verdict);
	j->end.error = j->why;
	return 0;
}

static int judge_run(const struct judge_setting *setting, struct judged *j, struct error *err)
{
	struct request r;
	int ret = request_parse(j->request, strlen(j->request), "request", REQUEST_RUN, &r, err);

	if (ret)
		return ret;
	if (r.run.kernels.count == 2)
		ret = compare_kernels(setting, &r.run, j, err);
	if (!ret)
		ret = count_failures(setting, j, err);
	if (!ret)
		ret = judge_health(setting, j, err);
	request_free(&r);
	return ret;
}

/* The programs' exit statuses: common/exit.h. A bisect's says if it found something, which is no verdict. */
static void judge_status(struct judged *j)
{
	j->end.status = j->status;
	if (strstr(j->request, "\"request\":\"explain\""))
		return; /* it says where, not whether */
	if (!strcmp(j->kind, "bisect"))
		return;
	if (j->status == EXIT_NO)
		j->end.verdict = results_verdict_name(VERDICT_REGRESSED);
	else if (j->status == EXIT_CANNOT_TELL)
		j->end.verdict = results_verdict_name(VERDICT_INCONCLUSIVE);
	else
		j->end.verdict = results_verdict_name(VERDICT_UNCHANGED);
}

static int finish_job(struct daemon_db *db, void *arg, struct error *err)
{
	const struct judged *j = arg;

	return job_finish(db, j->id, &j->end, err);
}

/* What cannot be judged is the job's fault, not a reason to look at it for ever. */
static bool is_passing(int ret)
{
	return ret == -EBUSY || ret == -ENOSPC || ret == -ENOMEM || ret == -EIO || ret == -EMFILE;
}

static int judge_job(const struct judge_setting *setting, struct judged *j, struct error *err)
{
	int ret = 0;

	j->end.state = "done";
	if (j->cut)
		ret = judge_run(setting, j, err);
	else
		judge_status(j);
	if (ret && is_passing(ret))
		return ret;
	if (ret)
		j->end = (struct job_end){.state = "failed", .class = "job", .error = err->text};
	return writer_do(setting->writer, finish_job, j, err);
}

int judge_jobs(const struct judge_setting *setting, struct error *err)
{
	int ret;

	for (;;) {
		struct judged j = {0};

		ret = take_job(setting, &j, err);
		if (ret != 1)
			return ret;
		ret = judge_job(setting, &j, err);
		judged_release(&j);
		if (ret < 0)
			return ret;
	}
}
