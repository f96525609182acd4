// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of the kernel's own selftests: /selftests/NAME, judged by its exit status
 * (tools/testing/selftests/kselftest.h), with its output kept.
 */
#include "agents/l0/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/l0/isolate.h"

#define LIMIT_S	  60 /* unless the plan says otherwise */
#define KSFT_PASS 0
#define KSFT_SKIP 4
#define NOT_RUN	  127

const char *selftests_dir = "/selftests";

/* In the child: the test's output goes down the pipe. */
static int exec_test(void *arg, int fd)
{
	char **argv = arg;

	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execv(argv[0], argv);
	dprintf(fd, "%s: %s\n", argv[0], strerror(errno));
	return NOT_RUN;
}

static const char *result_word(const struct isolated *end)
{
	if (end->timed_out || !WIFEXITED(end->status))
		return "fail";
	switch (WEXITSTATUS(end->status)) {
	case KSFT_PASS:
		return "pass";
	case KSFT_SKIP:
		return "skip";
	default:
		return "fail";
	}
}

/* How it ended goes after the output, unless it is a plain pass. */
static void report_end(struct sink *s, const char *name, unsigned int limit, struct isolated *end)
{
	const char *result = result_word(end), *newline = "";
	char how[128] = "";
	char *text;

	if (strcmp(result, "pass"))
		isolate_describe(end, limit, how, sizeof(how));
	if (end->len && *how)
		newline = "\n";
	if (asprintf(&text, "%s%s%s", end->output, newline, how) < 0) {
		sink_test(s, name, result, end->output, end->len);
		return;
	}
	sink_test(s, name, result, text, strlen(text));
	free(text);
}

unsigned int scenario_kselftest_limit(const struct plan_measure *m)
{
	return m->limit_s ? m->limit_s : LIMIT_S;
}

int scenario_kselftest_run(const struct plan_measure *m, struct sink *s)
{
	const unsigned int limit = scenario_kselftest_limit(m);
	struct isolated end;
	char count[16], *path, *argv[3] = {NULL};
	int ret;

	if (asprintf(&path, "%s/%s", selftests_dir, m->test) < 0)
		return -ENOMEM;
	if (access(path, F_OK)) {
		sink_skip(s, "%s is not in this image", path);
		free(path);
		return 0;
	}
	snprintf(count, sizeof(count), "%" PRIu32, m->count);
	if (m->count)
		argv[1] = count;
	argv[0] = path;
	ret = isolate_run(exec_test, argv, limit, NULL, &end);
	if (!ret)
		report_end(s, m->test, limit, &end);
	free(end.output);
	free(path);
	return ret;
}
