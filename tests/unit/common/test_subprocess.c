// SPDX-License-Identifier: GPL-2.0-only
/* common/subprocess: output, statuses, limits. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>

#include "common/clock.h"
#include "common/subprocess.h"

static int run_collecting(const char *const *argv, struct strbuf *out, int *status,
			  struct error *err)
{
	struct subprocess sp = {.argv = argv, .out = out};

	return subprocess_run(&sp, status, err);
}

TEST(output_and_status_come_back)
{
	static const char *const argv[] = {"sh", "-c", "echo out; echo err >&2; exit 7", NULL};
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	int status;

	assert_int_equal(run_collecting(argv, &out, &status, &err), 0);
	assert_int_equal(status, 7);
	assert_string_equal(out.buf, "out\n");
	assert_int_equal(run_collecting(argv, &out, NULL, &err), -EIO);
	assert_string_equal(err.text, "sh failed with status 7");
	strbuf_release(&out);
}

TEST(errors_are_collected_apart)
{
	static const char *const argv[] = {"sh", "-c", "echo out; echo err >&2; echo more", NULL};
	struct strbuf out = STRBUF_INIT, errors = STRBUF_INIT;
	struct subprocess sp = {.argv = argv, .out = &out, .errors = &errors};
	struct error err = {0};

	assert_int_equal(subprocess_run(&sp, NULL, &err), 0);
	assert_string_equal(out.buf, "out\nmore\n");
	assert_string_equal(errors.buf, "err\n");
	strbuf_release(&out);
	strbuf_release(&errors);
}

TEST(a_missing_program_is_named)
{
	static const char *const argv[] = {"nestlab-no-such-program", NULL};
	struct error err = {0};
	int status;

	assert_int_equal(run_collecting(argv, NULL, &status, &err), -ENOENT);
	assert_non_null(strstr(err.text, "nestlab-no-such-program: cannot run"));
	assert_false(subprocess_have("nestlab-no-such-program"));
	assert_true(subprocess_have("sh"));
}

TEST(a_time_limit_ends_the_whole_group)
{
	__cleanup_free char *path = unit_path("pid");
	__cleanup_free char *script = xasprintf("sleep 1000 & echo $! > %s; wait", path);
	const char *argv[] = {"sh", "-c", script, NULL};
	struct subprocess sp = {.argv = argv, .timeout_ms = 30};
	struct strbuf text = STRBUF_INIT;
	struct error err = {0};
	int status, pidfd;

	do { /* a busy machine's shell comes to that later */
		sp.timeout_ms *= 10;
		assert_int_equal(subprocess_run(&sp, &status, &err), -ETIMEDOUT);
	} while (!fs_exists(path) && sp.timeout_ms < UNIT_CHILD_SECONDS * 1000);
	assert_int_equal(fs_read_file(path, 0, &text, &err), 0);
	/* killed with its group, but dying takes it a moment: a pidfd tells when it is over */
	pidfd = syscall(SYS_pidfd_open, atoi(text.buf), 0);
	if (pidfd >= 0) {
		assert_int_equal(poll(&(struct pollfd){pidfd, POLLIN, 0}, 1, 300000), 1);
		close(pidfd);
	}
	strbuf_release(&text);
}

static void collect_line(const char *line, void *arg)
{
	strbuf_addf(arg, "[%s]", line);
}

TEST(lines_are_given_whole)
{
	static const char *const argv[] = {"printf", "one\\ntwo\\nend", NULL};
	struct strbuf got = STRBUF_INIT;
	struct subprocess sp = {.argv = argv, .on_line = collect_line, .arg = &got};
	struct error err = {0};

	assert_int_equal(subprocess_run(&sp, NULL, &err), 0);
	assert_string_equal(got.buf, "[one][two][end]");
	strbuf_release(&got);
}

/* The line that says that the disk is full must get through. */
TEST(lines_come_though_the_log_cannot_be_written)
{
	static const char *const argv[] = {"printf", "one\\ntwo\\n", NULL};
	struct strbuf got = STRBUF_INIT;
	struct subprocess sp = {
		.argv = argv, .log_path = "/dev/full", .on_line = collect_line, .arg = &got};
	struct error err = {0};

	assert_int_equal(subprocess_run(&sp, NULL, &err), 0);
	assert_string_equal(got.buf, "[one][two]");
	strbuf_release(&got);
}

static int run_unwatched(void *arg)
{
	static const char *const argv[] = {"sleep", "1000", NULL};
	struct subprocess sp = {.argv = argv};
	int status;

	(void)arg;
	alarm(UNIT_CHILD_SECONDS);
	/* as when descriptors run out just then */
	unit_filter_syscall(SYS_pidfd_open, SECCOMP_RET_ERRNO | EMFILE);
	return -subprocess_run(&sp, &status, NULL);
}

/* It would wait for ever: nothing else tells it of the program's end. */
/* Two that want one processor: each waits while the other has it. */
TEST(waiting_for_a_processor_is_counted)
{
	pid_t pids[2], parent = getpid();
	cpu_set_t one;
	double t = clock_seconds();

	if (access("/proc/self/schedstat", R_OK))
		skip(); /* a kernel without SCHED_INFO */
	sched_getaffinity(0, sizeof(one), &one);
	for (int cpu = 0, found = 0; cpu < CPU_SETSIZE; cpu++) {
		if (found)
			CPU_CLR(cpu, &one);
		found |= CPU_ISSET(cpu, &one);
	}
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sched_setaffinity(0, sizeof(one), &one);
		while (getppid() == parent)
			;
		_exit(0);
	}
	while (subprocess_starved_s(pids[0]) <= 0 && clock_seconds() - t < UNIT_CHILD_SECONDS)
		sched_yield();
	assert_true(subprocess_starved_s(pids[0]) > 0);
	for (int i = 0; i < 2; i++)
		subprocess_end_group(pids[i], 0);
	assert_float_equal(subprocess_starved_s(pids[0]), 0, 0); /* it is gone */
}

TEST(a_program_that_cannot_be_watched_is_ended)
{
	assert_int_equal(unit_in_child(run_unwatched, NULL), EMFILE);
}

UNIT_MAIN("subprocess", unit_make_dir, unit_drop_dir)
