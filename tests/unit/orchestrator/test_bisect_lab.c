// SPDX-License-Identifier: GPL-2.0-only
/* orchestrator/bisect/engine_lab.c: the variants that candidates become. None of them gets built here. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>

#include "common/cancel.h"
#include "common/git.h"
#include "orchestrator/bisect/engine_lab.h"

static int make_variants(void **state)
{
	if (unit_make_dir(state))
		return -1;
	setenv("NESTLAB_ROOT", unit_dir, 1);
	setenv("NESTLAB_CACHE", unit_dir, 1);
	unit_put("kernels/c.config", "CONFIG_X=y\n");
	unit_put("kernels/root.json",
		 "{ \"source\": { \"kind\": \"deb\", \"package\": \"no-such\" },"
		 "  \"config\": [\"c.config\"] }");
	unit_put("kernels/child.json", "{ \"base\": \"root\", \"patches\": \"patches\" }");
	unit_put("kernels/patches/series", "1.patch\n2.patch\n3.patch\n");
	unit_put("kernels/patches/1.patch", "one");
	unit_put("kernels/patches/2.patch", "two");
	unit_put("kernels/patches/3.patch", "three");
	return 0;
}

/* Asks for the candidate's kernel, which fails for want of sources; what is left is its variant. */
static void make_candidate(const char *id)
{
	__cleanup_free char *runs = unit_path("runs");
	struct request_bisect request = {
		.kind = BISECT_SERIES,
		.host = (char *)"emulated",
		.variant = (char *)"child",
		.probe = {.scenario = (char *)"multiplex", .metric = (char *)"switch"},
	};
	struct bisect_built built = {0};
	struct error err = {0};
	struct lab *lab;

	if (bisect_lab_open(&request, "s", runs, NULL, &lab, &err))
		fail_msg("%s", err.text);
	assert_int_equal(bisect_lab_ops(lab).build(lab, &id, 1, &built, &err), -ENOENT);
	bisect_built_free(&built);
	bisect_lab_close(lab);
}

TEST(a_prefix_is_the_first_patches)
{
	__cleanup_free char *text = NULL;

	make_candidate("2");
	text = unit_get("runs/s/variants/child-first-2.json");
	assert_non_null(strstr(text, "\"patch_count\":2"));
	assert_non_null(strstr(text, "/kernels/patches\""));
}

TEST(a_series_without_one_is_a_series)
{
	__cleanup_free char *text = NULL, *series = NULL, *patch = NULL;

	make_candidate("3-2");
	text = unit_get("runs/s/variants/child-first-3-but-2.json");
	assert_non_null(strstr(text, "\"patch_count\":2"));
	series = unit_get("runs/s/variants/child-first-3-but-2/series");
	assert_string_equal(series, "1.patch\n3.patch\n");
	patch = unit_get("runs/s/variants/child-first-3-but-2/3.patch");
	assert_string_equal(patch, "three");
}

static void run_git_in_repository(const char *const *args)
{
	static const char *const env[] = {"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost",
					  "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost",
					  NULL};
	__cleanup_free char *tree = unit_path("tree");
	const struct git_command cmd = {.dir = tree, .args = args, .env = env};
	struct error err = {0};

	assert_int_equal(fs_mkdir_p(tree, NULL), 0);
	if (git_run(&cmd, NULL, NULL, &err))
		fail_msg("%s", err.text);
}
#define GIT(...) run_git_in_repository((const char *const[]){__VA_ARGS__, NULL})

/* Builds HEAD; 1 if the lab has a reason not to, which the bisect would store as a skip. */
static int build_head(void *cancelled)
{
	__cleanup_free char *runs = unit_path("runs");
	__cleanup_free char *tree = unit_path("tree");
	const char *id = "0123456789012345678901234567890123456789";
	struct request_bisect request = {
		.kind = BISECT_GIT,
		.host = (char *)"emulated",
		.variant = (char *)"root",
		.tree = tree,
		.probe = {.scenario = (char *)"multiplex", .metric = (char *)"switch"},
	};
	struct bisect_built built = {0};
	struct error err = {0};
	struct lab *lab;
	int ret;

	if (bisect_lab_open(&request, "g", runs, NULL, &lab, &err))
		return 2;
	if (cancelled) {
		cancel_install();
		raise(SIGINT);
	}
	ret = bisect_lab_ops(lab).build(lab, &id, 1, &built, &err);
	if (built.why)
		return 1;
	return -ret;
}

TEST(what_is_no_fault_of_the_kernels_is_no_reason_to_skip_it)
{
	int cancelled = 1;

	GIT("init", "--quiet");
	GIT("commit", "--quiet", "--allow-empty", "--message", "one");
	assert_int_equal(unit_in_child(build_head, &cancelled), ECANCELED);
	/* a commit that is not there, in a repository that somebody pruned */
	assert_int_equal(unit_in_child(build_head, NULL), EINVAL);
}

UNIT_MAIN("bisect_lab", make_variants, unit_drop_dir)
