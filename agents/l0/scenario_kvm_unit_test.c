// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flat binary of kvm-unit-tests: /selftests/NAME in a VM of its own (flat.h). Each of its subtests is a result, and
 * the whole is one, judged by how it exits (lib/report.c and x86/run there).
 */
#include "agents/l0/measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/l0/flat.h"
#include "agents/l0/isolate.h"
#include "agents/l0/subtests.h"

#define EXIT_SKIP (77 >> 1) /* all that it had was skipped */

static int run_flat(void *arg, int fd)
{
	struct flat_request *req = arg;

	req->fd = fd;
	flat_run(req);
	return 0;
}

static void take_output(void *arg, const char *data, size_t len)
{
	subtests_take(arg, data, len);
}

/* The verdict, and in @how what to say of it; "" for a plain pass. */
static const char *judge(const struct flat_end *end, const struct isolated *process,
			 const struct subtests *t, unsigned int limit, char *how, size_t size)
{
	*how = '\0';
	if (process->timed_out || process->status) {
		isolate_describe(process, limit, how, size);
		return "fail";
	}
	if (end->how != FLAT_EXITED) {
		snprintf(how, size, "%s", end->text);
		return "fail";
	}
	if (end->code == EXIT_SKIP && !t->lines[SUBTEST_FAIL]) {
		snprintf(how, size, "it skipped everything");
		return "skip";
	}
	if (end->code || t->lines[SUBTEST_FAIL]) {
		snprintf(how, size, "exit code %u; subtests: %u failed, %u passed, %u skipped",
			 end->code, t->lines[SUBTEST_FAIL], t->lines[SUBTEST_PASS],
			 t->lines[SUBTEST_SKIP]);
		return "fail";
	}
	return "pass";
}

static int report(const struct plan_measure *m, struct sink *s, const struct flat_end *end,
		  const struct isolated *process, struct subtests *t)
{
	char how[256], *text;
	const char *result;

	subtests_finish(t);
	result = judge(end, process, t, scenario_kselftest_limit(m), how, sizeof(how));
	subtests_report(t, s, m->test);
	text = subtests_output(t, how);
	if (!text)
		return -ENOMEM;
	sink_test(s, m->test, result, text, strlen(text));
	free(text);
	return 0;
}

static int run(const struct plan_measure *m, struct sink *s, const char *path, struct flat_end *end)
{
	struct flat_request req = {
		.path = path, .name = m->test, .arguments = m->arguments, .end = end};
	static struct subtests t;
	const struct isolate_watch watch = {.on_output = take_output, .arg = &t};
	struct isolated process;
	int ret = subtests_init(&t);

	if (ret)
		return ret;
	ret = isolate_run(run_flat, &req, scenario_kselftest_limit(m), &watch, &process);
	if (!ret) {
		ret = report(m, s, end, &process, &t);
		free(process.output);
	}
	subtests_free(&t);
	return ret;
}

int scenario_kvm_unit_test_run(const struct plan_measure *m, struct sink *s)
{
	struct flat_end *end;
	char *path;
	int ret;

	if (asprintf(&path, "%s/%s", selftests_dir, m->test) < 0)
		return -ENOMEM;
	end = mmap(NULL, sizeof(*end), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (end == MAP_FAILED) {
		ret = -errno;
	} else if (access(path, F_OK)) {
		sink_skip(s, "%s is not in this image", path);
		ret = 0;
	} else {
		ret = run(m, s, path, end);
	}
	free(path);
	return ret;
}
