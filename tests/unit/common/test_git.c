// SPDX-License-Identifier: GPL-2.0-only
/* common/git: output, commits, and which failure is whose. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "common/cancel.h"
#include "common/git.h"

static char *repository; /* with one commit, tagged "one" */

static int make_repository(void **state)
{
	static const char script[] =
		"git init -q %s && cd %s && git -c user.name=n -c user.email=n@n "
		"commit -q --allow-empty -m first && git tag one";
	__cleanup_free char *command = NULL;

	if (unit_make_dir(state))
		return -1;
	repository = unit_path("repository");
	command = xasprintf(script, repository, repository);
	return unit_shell(command);
}

static int drop_repository(void **state)
{
	free(repository);
	return unit_drop_dir(state);
}

/* Puts a program called git in front of PATH; the caller frees what it returns, the old PATH. */
static char *fake_git(const char *script)
{
	__cleanup_free char *dir = unit_path("bin"), *git = NULL, *path = NULL;
	char *old = xstrdup(getenv("PATH"));

	assert_int_equal(fs_mkdir_p(dir, NULL), 0);
	git = unit_write("bin/git", script);
	assert_int_equal(chmod(git, 0755), 0);
	path = xasprintf("%s:%s", dir, old);
	setenv("PATH", path, 1);
	return old;
}

static int run_rev_list(struct strbuf *out, int *status, struct error *err)
{
	static const char *const args[] = {"rev-list", "--count", "HEAD", NULL};
	struct git_command cmd = {.dir = repository, .args = args};

	return git_run(&cmd, status, out, err);
}

TEST(output_comes_back)
{
	static const char *const args[] = {"log", "--format=%s%n%s", NULL};
	struct git_command cmd = {.dir = repository, .args = args};
	struct strbuf out = STRBUF_INIT;
	struct error err;
	char *line;

	assert_int_equal(git_run(&cmd, NULL, &out, &err), 0);
	assert_string_equal(out.buf, "first\nfirst\n");
	assert_int_equal(git_line(&cmd, &line, &err), 0);
	assert_string_equal(line, "first");
	strbuf_release(&out);
	free(line);
}

TEST(a_commit_is_found_by_any_name)
{
	struct error err;
	char *head, *tag;

	assert_int_equal(git_find_commit(repository, "HEAD", &head, &err), 0);
	assert_int_equal(git_find_commit(repository, "one", &tag, &err), 0);
	assert_int_equal(strlen(head), 40);
	assert_string_equal(head, tag);
	free(head);
	free(tag);
}

TEST(no_such_commit_is_not_no_repository)
{
	struct error err;
	char *commit;

	assert_int_equal(git_find_commit(repository, "two", &commit, &err), -EINVAL);
	assert_null(commit);
	assert_non_null(strstr(err.text, "has no commit called two"));
	assert_int_equal(git_find_commit(unit_dir, "one", &commit, &err), -EREMOTEIO);
	assert_non_null(strstr(err.text, "not a git repository"));
}

/* Where /tmp is a mount of its own git goes on after "fatal: not a git repository". */
TEST(advice_after_the_reason_is_not_the_reason)
{
	__cleanup_free char *old = fake_git("#!/bin/sh\n"
					    "printf 'warning: a\\nfatal: no\\nadvice\\n\\n' >&2\n"
					    "exit 128\n");
	struct error err;
	int ret = run_rev_list(NULL, NULL, &err);

	setenv("PATH", old, 1);
	assert_int_equal(ret, -EREMOTEIO);
	assert_non_null(strstr(err.text, "status 128: fatal: no"));
	assert_null(strstr(err.text, "advice"));
}

TEST(exit_statuses_are_told_to_who_asks)
{
	static const char *const args[] = {"cat-file", "-e", "0123456789", NULL};
	struct git_command cmd = {.dir = repository, .args = args};
	struct error err;
	int status;

	assert_int_equal(git_run(&cmd, &status, NULL, &err), 0);
	assert_int_equal(status, 128);
	assert_int_equal(git_run(&cmd, NULL, NULL, &err), -EREMOTEIO);
	assert_non_null(strstr(err.text, "git cat-file in "));
	assert_non_null(strstr(err.text, "0123456789"));
}

/* As a hook or `git bisect run` would set it. */
TEST(a_surrounding_git_does_not_choose_the_repository)
{
	struct error err;
	char *commit;

	setenv("GIT_DIR", "/nonexistent", 1);
	assert_int_equal(git_find_commit(repository, "one", &commit, &err), 0);
	unsetenv("GIT_DIR");
	free(commit);
}

TEST(what_git_says_of_the_machine_is_the_cause)
{
	static const struct {
		const char *script;
		int code;
	} cases[] = {
		{"echo 'fatal: write error: No space left on device' >&2; exit 128", -ENOSPC},
		{"echo 'fatal: Out of memory, malloc failed' >&2; exit 128", -ENOMEM},
		{"echo 'fatal: cannot create pipe: Too many open files' >&2; exit 128", -EMFILE},
		{"kill -KILL $$", -ENOMEM},
		{"echo 'fatal: bad object' >&2; exit 128", -EREMOTEIO},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__cleanup_free char *script = xasprintf("#!/bin/sh\n%s\n", cases[i].script);
		__cleanup_free char *path = fake_git(script);
		struct error err;
		char *commit;
		int status;

		assert_int_equal(run_rev_list(NULL, NULL, &err), cases[i].code);
		/* who asks for the status is told of the machine's trouble all the same */
		if (cases[i].code != -EREMOTEIO)
			assert_int_equal(run_rev_list(NULL, &status, &err), cases[i].code);
		assert_int_equal(git_find_commit(repository, "one", &commit, &err), cases[i].code);
		setenv("PATH", path, 1);
	}
}

TEST(no_git_is_named)
{
	__cleanup_free char *path = xstrdup(getenv("PATH"));
	struct error err;

	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(run_rev_list(NULL, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "git: cannot run"));
	setenv("PATH", path, 1);
}

/* A commit that is in @arg, a folder of objects, and not in the repository. */
static int find_kept(void *arg)
{
	static const char *const make[] = {"-c",	  "user.name=n", "-c", "user.email=n@n",
					   "commit-tree", "HEAD^{tree}", "-m", "kept",
					   NULL};
	__cleanup_free char *objects = xasprintf("GIT_OBJECT_DIRECTORY=%s", (char *)arg);
	__cleanup_free char *own = xasprintf("%s/.git/objects", repository);
	__cleanup_free char *others = git_alternates(own), *id = NULL, *commit = NULL;
	const char *const env[] = {objects, others, NULL};
	const struct git_command cmd = {.dir = repository, .args = make, .env = env};
	int ret = git_keep_objects(arg, NULL);

	if (!ret)
		ret = git_line(&cmd, &id, NULL);
	if (!ret)
		ret = git_find_commit(repository, id, &commit, NULL);
	return -ret;
}

TEST(objects_may_be_in_a_folder_of_any_name)
{
	static const char *const names[] = {"plain", "a:b", "with \"quotes\"", "\"a",
					    "back\\slash:"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		__cleanup_free char *dir = unit_path(names[i]);

		assert_int_equal(unit_in_child(find_kept, dir), 0);
	}
}

static int find_cancelled(void *arg)
{
	char *commit;

	(void)arg;
	cancel_install();
	raise(SIGINT);
	return -git_find_commit(repository, "one", &commit, NULL);
}

static int find_without_descriptors(void *arg)
{
	char *commit;

	(void)arg;
	unit_use_up_descriptors(2);
	return -git_find_commit(repository, "one", &commit, NULL);
}

TEST(a_cancel_and_no_descriptors_stay_what_they_are)
{
	assert_int_equal(unit_in_child(find_cancelled, NULL), ECANCELED);
	assert_int_equal(unit_in_child(find_without_descriptors, NULL), EMFILE);
}

UNIT_MAIN("git", make_repository, drop_repository)
