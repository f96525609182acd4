// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/agent/slurm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/strbuf.h"
#include "common/subprocess.h"
#include "orchestrator/daemon/agent/work.h"

#define ARGV_MAX   48
#define TIMEOUT_MS 60000 /* a controller that does not answer */

/* What it printed, for the message of an error, too. */
static int ask_slurm(const char *const *argv, struct strbuf *out, struct error *err)
{
	struct strbuf errors = STRBUF_INIT;
	const struct subprocess sp = {
		.argv = argv, .out = out, .errors = &errors, .timeout_ms = TIMEOUT_MS};
	int status, ret = subprocess_run(&sp, &status, err);

	if (!ret && status)
		ret = error_set(err, -EIO, "%s: exit status %d: %.*s", argv[0], status,
				(int)strcspn(errors.buf, "\n"), errors.buf);
	strbuf_release(&errors);
	return ret;
}

/* ---- submit ---- */

/* "--constraint=a&b" */
static char *make_constraint(const char *features)
{
	char *text = xasprintf("--constraint=%s", features);

	for (char *c = text; *c; c++)
		if (*c == ',')
			*c = '&';
	return text;
}

/* "123" or "123;cluster" */
static int take_number(struct strbuf *out, char **job, struct error *err)
{
	out->buf[strcspn(out->buf, ";\n")] = '\0';
	if (!*out->buf || out->buf[strspn(out->buf, "0123456789")])
		return error_set(err, -EPROTO, "sbatch: expected a job's number, not %.100s",
				 out->buf);
	*job = xstrdup(out->buf);
	return 0;
}

int slurm_submit(const struct slurm_order *o, char **job, struct error *err)
{
	__cleanup_free char *array = xasprintf("--array=0-%zu", o->count - 1);
	__cleanup_free char *name = xasprintf("--job-name=%s", o->name);
	__cleanup_free char *constraint = make_constraint(o->features);
	__cleanup_free char *options = xstrdup(o->options);
	const char *argv[ARGV_MAX] = {"sbatch", "--parsable", "--no-requeue", "--output=/dev/null",
				      array,	name};
	struct strbuf out = STRBUF_INIT;
	int n = 6, ret;

	if (*o->features)
		argv[n++] = constraint;
	n = work_add_words(argv, n, ARGV_MAX - 2, options);
	argv[n++] = o->script;
	argv[n] = NULL;
	ret = ask_slurm(argv, &out, err);
	if (!ret)
		ret = take_number(&out, job, err);
	strbuf_release(&out);
	return ret;
}

/* ---- what it knows ---- */

int slurm_list(struct slurm_known *out, struct error *err)
{
	__cleanup_free char *user = xasprintf("--user=%u", geteuid());
	const char *const argv[] = {"squeue", "--noheader",	 "--array",
				    user,     "--format=|%F_%K", NULL};
	struct strbuf text = STRBUF_INIT;
	char *rest, *line;
	int ret = ask_slurm(argv, &text, err);

	*out = (struct slurm_known){0};
	if (ret) {
		strbuf_release(&text);
		return ret;
	}
	rest = out->text = strbuf_detach(&text);
	while ((line = strsep(&rest, "\n"))) {
		char *task = strchr(line, '|');

		if (!task)
			continue;
		out->tasks = xrealloc(out->tasks, out->count + 1, sizeof(*out->tasks));
		out->tasks[out->count++] = task + 1;
	}
	return 0;
}

bool slurm_knows(const struct slurm_known *k, const char *task)
{
	for (size_t i = 0; i < k->count; i++)
		if (!strcmp(k->tasks[i], task))
			return true;
	return false;
}

void slurm_known_free(struct slurm_known *k)
{
	free(k->text);
	free(k->tasks);
	*k = (struct slurm_known){0};
}

void slurm_cancel(const char *task)
{
	const char *const argv[] = {"scancel", "--quiet", task, NULL};
	struct strbuf out = STRBUF_INIT;
	struct error err;

	ask_slurm(argv, &out, &err); /* it is gone, or its epoch decides */
	strbuf_release(&out);
}
