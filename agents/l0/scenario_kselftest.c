// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of the kernel's own selftests: /selftests/NAME, judged by its exit status
 * (tools/testing/selftests/kselftest.h), with its output kept.
 */
#include "agents/l0/measure.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/l0/isolate.h"

#define LIMIT_S	      60 /* unless the plan says otherwise */
#define ARGUMENTS_MAX sizeof(((struct plan_measure *)0)->arguments) /* an empty one takes a byte */
#define KSFT_PASS     0
#define KSFT_SKIP     4
#define NOT_RUN	      127

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

static bool has_printed(const struct isolated *end, const char *text)
{
	return memmem(end->output, end->len, text, strlen(text));
}

/* What is wrong with the output of a test that ended as a pass; false: nothing. */
static bool describe_output(const struct plan_measure *m, const struct isolated *end, char *how,
			    size_t size)
{
	if (m->must_not_print[0] && has_printed(end, m->must_not_print)) {
		snprintf(how, size, "it printed \"%s\", which it must not", m->must_not_print);
		return true;
	}
	if (m->must_print[0] && !has_printed(end, m->must_print)) {
		snprintf(how, size, "it did not print \"%s\"%s", m->must_print,
			 end->lost ? ", as far as its output was kept" : "");
		return true;
	}
	return false;
}

/* How it ended goes after the output, unless it is a plain pass. */
static void report_end(struct sink *s, const struct plan_measure *m, unsigned int limit,
		       const struct isolated *end)
{
	const char *result = result_word(end), *newline = "";
	char how[256] = "";
	char *text;

	if (strcmp(result, "pass"))
		isolate_describe(end, limit, how, sizeof(how));
	else if (describe_output(m, end, how, sizeof(how)))
		result = "fail";
	if (end->len && *how)
		newline = "\n";
	if (asprintf(&text, "%s%s%s", end->output, newline, how) < 0) {
		sink_test(s, m->test, result, end->output, end->len);
		return;
	}
	sink_test(s, m->test, result, text, strlen(text));
	free(text);
}

/* Cuts the lines of @text, which it changes: as many as there can be. */
static void split_lines(char *text, char *out[ARGUMENTS_MAX])
{
	for (char *end; (end = strchr(text, '\n')); text = end + 1) {
		*end = '\0';
		*out++ = text;
	}
}

unsigned int scenario_kselftest_limit(const struct plan_measure *m)
{
	return m->limit_s ? m->limit_s : LIMIT_S;
}

int scenario_kselftest_run(const struct plan_measure *m, struct sink *s)
{
	const unsigned int limit = scenario_kselftest_limit(m);
	char arguments[sizeof(m->arguments)], *argv[ARGUMENTS_MAX + 2] = {NULL}, *path;
	struct isolated end;
	int ret;

	if (asprintf(&path, "%s/%s", selftests_dir, m->test) < 0)
		return -ENOMEM;
	if (access(path, F_OK)) {
		sink_skip(s, "%s is not in this image", path);
		free(path);
		return 0;
	}
	memcpy(arguments, m->arguments, sizeof(arguments));
	split_lines(arguments, argv + 1);
	argv[0] = path;
	ret = isolate_run(exec_test, argv, limit, NULL, &end);
	if (!ret)
		report_end(s, m, limit, &end);
	free(end.output);
	free(path);
	return ret;
}
