// SPDX-License-Identifier: GPL-2.0-only
/* The history of nestlab daemon demo, of a source that has little more than the files which it changes. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/git.h"
#include "orchestrator/demo/demo.h"

static char *top, *tarball, *repo;

static const char make_source[] =
	"mkdir -p linux/arch/x86/kvm/vmx linux/Documentation/process linux/scripts && cd linux &&"
	"printf 'int f(void)\\n{\\n\\tevaluate_pending_interrupts = exec_controls_get(vmx) &\\n\\t\\t0;\\n}\\n' "
	">arch/x86/kvm/vmx/nested.c && echo a >arch/x86/kvm/irq_comm.c && echo b >arch/x86/kvm/mtrr.c && "
	"echo howto >Documentation/process/howto.rst && echo run >scripts/run && chmod 755 scripts/run && "
	"ln -s scripts/run link && printf 'no end' >no-newline && : >empty && cd .. && tar -cJf linux.tar.xz linux";

static void shell(const char *text)
{
	const char *const argv[] = {"sh", "-c", text, NULL};
	const struct subprocess sp = {.argv = argv, .cwd = top};
	struct error err = {0};

	if (subprocess_run(&sp, NULL, &err))
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	int ret = unit_make_dir(state);

	top = unit_path("");
	tarball = unit_path("linux.tar.xz");
	repo = unit_path("repo");
	shell(make_source);
	return ret;
}

static int tear_down(void **state)
{
	free(top);
	free(tarball);
	free(repo);
	return unit_drop_dir(state);
}

static double last_share;

static void note_share(void *arg, double share)
{
	(void)arg;
	assert_true(share >= last_share && share <= 1);
	last_share = share;
}

static int make_history(struct error *err)
{
	last_share = 0;
	return demo_history_make(tarball, repo, note_share, NULL, err);
}

static char *ask_git(const char *a, const char *b, const char *c, const char *d)
{
	const char *const args[] = {a, b, c, d, NULL};
	struct git_command cmd = {.dir = repo, .args = args};
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};

	if (git_run(&cmd, NULL, &out, &err))
		fail_msg("%s", err.text);
	return strbuf_detach(&out);
}

static void assert_git(const char *a, const char *b, const char *c, const char *d, const char *want)
{
	char *got = ask_git(a, b, c, d);

	assert_string_equal(got, want);
	free(got);
}

TEST(the_base_is_the_source_to_the_byte)
{
	struct error err = {0};

	assert_int_equal(make_history(&err), 0);
	assert_true(last_share > 0.5);
	assert_git("rev-list", "--count", "demo", NULL, "5\n");
	assert_git("ls-tree", "-r", "--format=%(objectmode) %(path)", "demo~4",
		   "100644 Documentation/process/howto.rst\n100644 arch/x86/kvm/irq_comm.c\n"
		   "100644 arch/x86/kvm/mtrr.c\n100644 arch/x86/kvm/vmx/nested.c\n100644 empty\n"
		   "120000 link\n100644 no-newline\n100755 scripts/run\n");
	assert_git("show", "demo~4:no-newline", NULL, NULL, "no end");
	assert_git("show", "demo~4:link", NULL, NULL, "scripts/run");
}

TEST(each_commit_changes_one_file)
{
	struct error err = {0};

	assert_int_equal(make_history(&err), 0);
	assert_git("log", "--format=", "--name-only", "demo~4..demo",
		   "arch/x86/kvm/mtrr.c\narch/x86/kvm/vmx/nested.c\narch/x86/kvm/irq_comm.c\n"
		   "Documentation/process/howto.rst\n");
	assert_git("show", "demo:arch/x86/kvm/vmx/nested.c", NULL, NULL,
		   "int f(void)\n{\n\tfor (int spin = 0; spin < 60; spin++)\n\t\tcpu_relax();\n\n"
		   "\tevaluate_pending_interrupts = exec_controls_get(vmx) &\n\t\t0;\n}\n");
}

TEST(the_same_source_gives_the_same_commits)
{
	struct error err = {0};
	char *first;

	assert_int_equal(make_history(&err), 0);
	first = ask_git("rev-parse", "demo", NULL, NULL);
	assert_int_equal(make_history(&err), 0); /* it is there */
	assert_int_equal(fs_remove_tree(repo, &err), 0);
	assert_int_equal(make_history(&err), 0);
	assert_git("rev-parse", "demo", NULL, NULL, first);
	free(first);
}

/* Half a history is none; what it left is in nobody's way. */
TEST(a_broken_source_leaves_no_history)
{
	struct error err = {0};

	shell("mv linux.tar.xz whole && head -c 300 whole >linux.tar.xz");
	assert_int_equal(make_history(&err), -EIO);
	assert_non_null(strstr(err.text, "linux.tar.xz: cannot be unpacked"));
	assert_false(fs_exists(repo));
	shell("mv whole linux.tar.xz");
	assert_int_equal(make_history(&err), 0);
}

TEST(another_source_is_refused)
{
	struct error err = {0};

	shell("echo other >linux/arch/x86/kvm/vmx/nested.c && tar -cJf linux.tar.xz linux");
	assert_int_equal(make_history(&err), -EINVAL);
	assert_non_null(
		strstr(err.text, "arch/x86/kvm/vmx/nested.c is not as the demo expects it"));
	assert_false(fs_exists(repo));
	shell("rm linux.tar.xz");
	assert_int_equal(make_history(&err), -ENOENT);
	assert_non_null(strstr(err.text, "apt-get install"));
}

UNIT_MAIN_EACH("demo", set_up, tear_down)
