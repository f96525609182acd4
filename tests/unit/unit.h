/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unit.h - what every unit test program needs: cmocka, and ways to say less.
 *
 *	#include "tests/unit/unit.h"
 *
 *	TEST(a_sum_is_a_sum)
 *	{
 *		assert_int_equal(1 + 1, 2);
 *	}
 *
 *	UNIT_MAIN("sums", NULL, NULL)
 *
 * TEST() declares and registers a test; UNIT_MAIN() runs all tests of the file in the order in which
 * they stand there, between a set-up and a tear-down: functions that return 0, or NULL. UNIT_MAIN_EACH()
 * runs these around each single test instead, TEST_WITH() around the one. For a temporary folder:
 *
 *	UNIT_MAIN("files", unit_make_dir, unit_drop_dir)
 *
 * and unit_path("name") for paths in it. A set-up of one's own may call unit_make_dir(NULL) first.
 *
 * What is sticky in a process (a cancel, resource limits, seccomp) is tested in a child of its own:
 * see unit_in_child().
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"

/* cmocka's own prints "not ok # SKIP", which is a failure to those who read TAP, and leaves without freeing anything. */
#undef skip
#define skip()                                          \
	do {                                            \
		print_message("# SKIP %s\n", __func__); \
		return;                                 \
	} while (0)

#define UNIT_MAX_TESTS	   256
#define UNIT_CHILD_SECONDS 300

struct unit_test {
	const char *name;
	CMUnitTestFunction function;
	int line;
	CMFixtureFunction setup, teardown; /* NULL: none of its own */
};

static struct unit_test unit_tests[UNIT_MAX_TESTS];
static size_t unit_count;

static inline void unit_register(const struct unit_test *test)
{
	if (unit_count == UNIT_MAX_TESTS)
		abort();
	unit_tests[unit_count++] = *test;
}

// clang-format off
#define TEST_WITH(name, setup, teardown)					\
	static void name##_body(void);						\
	static void name(void **state)						\
	{									\
		(void)state;							\
		name##_body();							\
	}									\
	static void __attribute__((constructor)) name##_register(void)		\
	{									\
		unit_register(&(struct unit_test){#name, name, __LINE__, setup, teardown}); \
	}									\
	static void name##_body(void)

#define TEST(name) TEST_WITH(name, NULL, NULL)
// clang-format on

/* Constructors run in no order that is promised. */
static inline int unit_compare_lines(const void *a, const void *b)
{
	return ((const struct unit_test *)a)->line - ((const struct unit_test *)b)->line;
}

/* @each_setup, @each_teardown: around every test that has none of its own. */
static inline int unit_run(const char *group, CMFixtureFunction setup, CMFixtureFunction teardown,
			   CMFixtureFunction each_setup, CMFixtureFunction each_teardown)
{
	struct CMUnitTest tests[UNIT_MAX_TESTS] = {{.name = NULL}};

	qsort(unit_tests, unit_count, sizeof(unit_tests[0]), unit_compare_lines);
	for (size_t i = 0; i < unit_count; i++) {
		const struct unit_test *t = &unit_tests[i];

		tests[i].name = t->name;
		tests[i].test_func = t->function;
		tests[i].setup_func = t->setup ? t->setup : each_setup;
		tests[i].teardown_func = t->teardown ? t->teardown : each_teardown;
	}
	return _cmocka_run_group_tests(group, tests, unit_count, setup, teardown);
}

// clang-format off
#define UNIT_MAIN(group, setup, teardown)					\
	int main(void)								\
	{									\
		return unit_run(group, setup, teardown, NULL, NULL);		\
	}

#define UNIT_MAIN_EACH(group, setup, teardown)					\
	int main(void)								\
	{									\
		return unit_run(group, NULL, NULL, setup, teardown);		\
	}
// clang-format on

/* ---- a temporary folder ---- */

#define UNIT_DIR_TEMPLATE "/tmp/nestlab-unit.XXXXXX"

static char unit_dir[] = UNIT_DIR_TEMPLATE;

static inline int unit_make_dir(void **state)
{
	(void)state;
	memcpy(unit_dir, UNIT_DIR_TEMPLATE, sizeof(unit_dir));
	return mkdtemp(unit_dir) ? 0 : -1;
}

static inline int unit_drop_dir(void **state)
{
	(void)state;
	return fs_remove_tree(unit_dir, NULL);
}

/* A path in the folder; the caller frees. */
static inline char *unit_path(const char *name)
{
	return xasprintf("%s/%s", unit_dir, name);
}

/* Writes @text to the file @name in the folder, whose folders are made; the caller frees its path. */
static inline char *unit_write(const char *name, const char *text)
{
	char *path = unit_path(name);
	__cleanup_free char *parent = strndup(path, strrchr(path, '/') - path);

	assert_int_equal(fs_mkdir_p(parent, NULL), 0);
	assert_int_equal(fs_write_file(path, text, strlen(text), NULL), 0);
	return path;
}

/* The same where nobody asks for the path. */
static inline void unit_put(const char *name, const char *text)
{
	free(unit_write(name, text));
}

/* The text of the file @name in the folder, which the caller frees. */
static inline char *unit_get(const char *name)
{
	__cleanup_free char *path = unit_path(name);
	struct strbuf text = STRBUF_INIT;
	struct error err;

	if (fs_read_file(path, 0, &text, &err))
		fail_msg("%s", err.text);
	return strbuf_detach(&text);
}

/* ---- texts ---- */

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* ---- programs ---- */

/* Runs a shell script; returns its exit status. */
static inline int unit_shell(const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct subprocess sp = {.argv = argv};
	int status = -1;

	if (subprocess_run(&sp, &status, NULL))
		return -1;
	return status;
}

/* ---- a child process ---- */

/* Runs @body in a child and returns what it returned (0..127), or 128 + N when signal N ended it. One
 * that hangs is ended by SIGALRM. A failed assertion in a child is not reported: return a number. */
static inline int unit_in_child(int (*body)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(UNIT_CHILD_SECONDS);
		_exit(body(arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

/* ---- a machine at its limits; only in a child, for it cannot be undone ---- */

/* From now on no more than @spare descriptors can be opened. */
static inline void unit_use_up_descriptors(int spare)
{
	struct rlimit limit = {64, 64};
	int fds[64], n = 0;

	setrlimit(RLIMIT_NOFILE, &limit);
	while (n < 64 && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	while (spare-- && n)
		close(fds[--n]);
}

/* From now on system call @nr (SYS_...) does what @action (SECCOMP_RET_...) says. */
static inline void unit_filter_syscall(int nr, uint32_t action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(code), code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#endif
