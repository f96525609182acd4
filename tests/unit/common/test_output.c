// SPDX-License-Identifier: GPL-2.0-only
/* What shows our output: its width, its colours, and that it goes away. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <unistd.h>

#include "common/cancel.h"
#include "common/output.h"
#include "common/progress.h"

static int open_abandoned(void)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	return fds[1];
}

TEST(columns_are_the_users_word)
{
	int fd = open_abandoned();

	setenv("COLUMNS", "60", 1);
	assert_int_equal(output_columns(fd, 100), 60);
	setenv("COLUMNS", "3", 1); /* nothing can be read in that */
	assert_int_equal(output_columns(fd, 100), 100);
	setenv("COLUMNS", "wide", 1);
	assert_int_equal(output_columns(fd, 100), 100);
	unsetenv("COLUMNS");
	assert_int_equal(output_columns(fd, 0), 0);
	assert_false(output_has_colour(fd));
	close(fd);
}

TEST(a_pipe_is_abandoned_when_its_reader_is_gone)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_false(output_is_abandoned(fds[1]));
	close(fds[0]);
	assert_true(output_is_abandoned(fds[1]));
	close(fds[1]);
}

/* A run of hours whose messages nobody reads any more ends as by Ctrl-C: what it started is ended, too. */
TEST(a_cancel_is_requested_when_nobody_reads_stderr)
{
	int saved = dup(STDERR_FILENO), fd = open_abandoned();

	signal(SIGPIPE, SIG_IGN);
	assert_false(cancel_requested());
	dup2(fd, STDERR_FILENO);
	progress_print("a word\n");
	dup2(saved, STDERR_FILENO);
	clearerr(stderr);
	assert_true(cancel_requested());
	close(saved);
	close(fd);
}

static int resume_count(void *arg)
{
	__cleanup_free char *path = unit_path("count");
	struct progress *p;

	(void)arg;
	if (!freopen(path, "w", stderr))
		return 1;
	p = progress_start("build");
	progress_update(p, 0, 0, "unpacking");
	progress_update(p, 600, 1000, "first");
	progress_update(p, 700, 1000, "second");
	progress_end(p, "done");
	return 0;
}

/* An earlier try had made 600 of 1000: they say nothing of the time that the other 400 will take. */
TEST(the_time_left_is_by_what_was_done_since_the_count_began)
{
	__cleanup_free char *said = NULL;

	assert_int_equal(unit_in_child(resume_count, NULL), 0);
	said = unit_get("count");
	assert_contains(said, "600/1000  first  0:00\n");
	assert_contains(said, "700/1000  second  0:00, 0:00 left\n");
}

UNIT_MAIN_EACH("output", unit_make_dir, unit_drop_dir)
