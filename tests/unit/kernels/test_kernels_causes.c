// SPDX-License-Identifier: GPL-2.0-only
/* kernels/: an error keeps its cause. What this machine or the user brought about never becomes a fault of
 * the kernel's, and damage is not seen where there is none. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "common/cancel.h"
#include "kernels/internal.h"

static struct kernel_env env_here(void)
{
	return (struct kernel_env){.variants.shipped = unit_dir, .cache_dir = unit_dir};
}

/* ---- sources ---- */

static char *repository;

static int make_repository(void **state)
{
	__cleanup_free char *command = NULL;

	if (unit_make_dir(state))
		return -1;
	repository = unit_path("repository");
	command = xasprintf("git init -q %s && cd %s && git -c user.name=n -c user.email=n@n "
			    "commit -q --allow-empty -m first && git tag one && mkdir %s/empty",
			    repository, repository, unit_dir);
	return unit_shell(command);
}

static int drop_repository(void **state)
{
	free(repository);
	return unit_drop_dir(state);
}

static int identify(const char *location, const char *ref, struct error *err)
{
	struct kernel_env env = env_here();
	struct kernel_source source = {.kind = KERNEL_SOURCE_GIT,
				       .location = (char *)(uintptr_t)location,
				       .ref = (char *)(uintptr_t)ref};
	struct kernel_source_id id;
	int ret = kernel_source_identify(&env, &source, false, &id, err);

	if (!ret)
		kernel_source_id_free(&id);
	return ret;
}

static int identify_cancelled(void *arg)
{
	(void)arg;
	cancel_install();
	raise(SIGINT);
	return -identify(repository, "one", NULL);
}

static int identify_starved(void *arg)
{
	(void)arg;
	unit_use_up_descriptors(1);
	return -identify(repository, "one", NULL);
}

TEST_WITH(a_starved_git_is_not_a_missing_repository, make_repository, drop_repository)
{
	__cleanup_free char *empty = unit_path("empty");
	struct error err;

	assert_int_equal(identify(repository, "one", &err), 0);
	assert_int_equal(identify(repository, "two", &err), -EINVAL);
	assert_contains(err.text, "has no commit called two");
	assert_int_equal(identify(empty, "one", &err), -EINVAL);
	assert_contains(err.text, "is not a git repository");
	assert_contains(err.text, "fatal: not a git repository");
	assert_int_equal(unit_in_child(identify_cancelled, NULL), ECANCELED);
	assert_int_equal(unit_in_child(identify_starved, NULL), EMFILE);
}

static int identify_on_full_disk(void *arg)
{
	__cleanup_free char *git = unit_path("bin/git");
	__cleanup_free char *path = xasprintf("%s/bin:%s", unit_dir, getenv("PATH"));

	unit_put("bin/git",
		 "#!/bin/sh\necho 'fatal: write error: No space left on device' >&2\nexit 128\n");
	chmod(git, 0755);
	setenv("PATH", path, 1);
	return -identify(arg, "one", NULL);
}

TEST_WITH(a_full_disk_is_not_a_missing_repository, make_repository, drop_repository)
{
	assert_int_equal(unit_in_child(identify_on_full_disk, repository), ENOSPC);
	/* an URL: that nothing was fetched yet is no more the cause */
	assert_int_equal(identify("file:///nowhere", "one", NULL), -ENOENT);
}

/* ---- whose fault ---- */

TEST(a_machine_at_its_limits_says_nothing_about_a_kernel)
{
	static const int kernels_own[] = {-EBADMSG, -EDOM, -ENOEXEC};
	static const int others[] = {0,	      -EINVAL, -EIO,	   -ENOENT,  -ECANCELED, -EMFILE,
				     -ENOMEM, -ENOSPC, -EREMOTEIO, -EUCLEAN, -EINTR};

	for (size_t i = 0; i < ARRAY_SIZE(kernels_own); i++)
		assert_true(kernel_is_at_fault(kernels_own[i]));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(kernel_is_at_fault(others[i]));
}

/* ---- trees ---- */

static int patch_starved(void *arg)
{
	__cleanup_free char *patch = unit_path("x.patch");

	unit_use_up_descriptors(0);
	(void)arg;
	return -kernel_patches_apply(unit_dir, &patch, 1, "/dev/null", NULL);
}

static int ask_starved(void *arg)
{
	bool generated;

	(void)arg;
	unit_use_up_descriptors(0);
	return -kernel_tree_is_generated(unit_dir, "made", &generated, NULL);
}

/* A source that is younger than the mark, as a note says. */
static void make_noted_tree(void)
{
	const struct timespec old[2] = {{1000, 0}, {1000, 0}};
	__cleanup_free char *mark = unit_path(KERNEL_TREE_MARK);

	assert_int_equal(kernel_tree_mark(unit_dir, NULL), 0);
	assert_int_equal(utimensat(AT_FDCWD, mark, old, 0), 0);
	unit_put("made", "");
	unit_put("x.patch", "--- a/made\n+++ b/made\n");
	assert_int_equal(kernel_tree_note_source(unit_dir, "made", NULL), 0);
}

TEST(an_unreadable_note_does_not_make_a_source_a_generated_file)
{
	bool generated;

	make_noted_tree();
	assert_int_equal(kernel_tree_is_generated(unit_dir, "made", &generated, NULL), 0);
	assert_false(generated);
	assert_int_equal(unit_in_child(ask_starved, NULL), EMFILE);
	assert_int_equal(unit_in_child(patch_starved, NULL), EMFILE);
}

/* The disk takes the beginning of the line and no more. */
static int note_on_full_disk(void *arg)
{
	struct rlimit limit = {4, 4};

	(void)arg;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	errno = 0;
	return -kernel_tree_note_source(unit_dir, "a/long/path.c", NULL);
}

TEST(half_a_note_is_an_error)
{
	assert_int_equal(kernel_tree_mark(unit_dir, NULL), 0);
	assert_int_equal(unit_in_child(note_on_full_disk, NULL), EFBIG);
}

/* ---- the cache ---- */

static const char manifest[] =
	"{ \"key\": \"k\", \"build_id\": \"\", \"vmlinux_sha256\": \"\", \"source_hash\": \"\","
	"  \"patches_hash\": \"\", \"config_hash\": \"\", \"release\": \"6\", \"compiler\": \"gcc\","
	"  \"bzimage_sha256\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\" }";

static int load_entry(struct error *err)
{
	struct kernel_env env = env_here();
	struct kernel_variant v = {.name = (char *)"v"};
	struct kernel_keys keys = {.key = "k"};
	struct kernel_build b;
	int ret = kernel_cache_load(&env, &v, &keys, &b, err);

	if (!ret)
		kernel_build_free(&b);
	return ret;
}

static int load_starved(void *arg)
{
	(void)arg;
	unit_use_up_descriptors(0);
	return -load_entry(NULL);
}

static int lookup_starved(void *arg)
{
	struct kernel_env env = env_here();
	struct kernel_keys keys = {.prekey = "p"};
	bool found;

	(void)arg;
	unit_use_up_descriptors(0);
	return -kernel_cache_lookup(&env, &keys, &found, NULL);
}

/* What is damaged gets removed and built again, so damage must be damage. */
TEST(a_build_that_cannot_be_read_now_is_not_a_damaged_one)
{
	struct error err;

	unit_put("kernels/k/bzImage", "abc");
	unit_put("kernels/k/manifest.json", manifest);
	assert_int_equal(load_entry(&err), 0);
	assert_int_equal(unit_in_child(load_starved, NULL), EMFILE);
	assert_int_equal(unit_in_child(lookup_starved, NULL), EMFILE);
	unit_put("kernels/k/bzImage", "abd");
	assert_int_equal(load_entry(&err), -EUCLEAN);
	assert_contains(err.text, "differs from the manifest's");
	unit_put("kernels/k/manifest.json", "{");
	assert_int_equal(load_entry(&err), -EUCLEAN);
}

/* ---- builds ---- */

/* The log is there for who looks; the code and what was said stay. */
TEST(an_error_is_explained_once)
{
	struct kernel_env env = env_here();
	struct kernel_build b;
	struct error err;

	unit_put("c.config", "CONFIG_A=y\n");
	unit_put("nogit.json",
		 "{ \"source\": { \"kind\": \"git\", \"location\": \"empty\", \"ref\": \"x\" },"
		 "  \"config\": [\"c.config\"] }");
	unit_put("empty/x", "");
	assert_int_equal(kernel_build(&env, "nogit", &b, &err), -EINVAL);
	assert_ptr_equal(strstr(err.text, "kernel nogit: "), err.text);
	assert_null(strstr(err.text + 1, "kernel nogit"));
}

UNIT_MAIN_EACH("kernels_causes", unit_make_dir, unit_drop_dir)
