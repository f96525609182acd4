// SPDX-License-Identifier: GPL-2.0-only
/* kernels/: variant files, series, config checks, tree copies, build-ids. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/sha256.h"
#include "kernels/fragment.h"
#include "kernels/internal.h"
#include "kernels/patch.h"

#define SUM   "\"0000000000000000000000000000000000000000000000000000000000000000\""
#define TAR   "\"source\": { \"kind\": \"tarball\", \"location\": \"t.tar\", \"sha256\": " SUM " }"
#define GIT   "\"source\": { \"kind\": \"git\", \"location\": \"repo\", \"ref\": \"v1\" }"
#define CONF  "\"config\": [\"c.config\"]"
#define BUILT "\"source\": { \"kind\": \"built\", \"location\": \"x\" }"

static struct kernel_env env_here(void)
{
	return (struct kernel_env){.variants.shipped = unit_dir, .cache_dir = unit_dir};
}

/* ---- variants ---- */

TEST(variant_inherits_from_its_base)
{
	struct kernel_env env = env_here();
	struct kernel_variant v;
	struct error err;

	unit_put("c.config", "");
	unit_put("d.config", "");
	unit_put("p/series", "one.patch\n");
	unit_put("p/one.patch", "");
	unit_put("q/series", "# first\n\n  two.patch -p1\nthree.patch # why\n");
	unit_put("q/two.patch", "");
	unit_put("q/three.patch", "");
	unit_put("low.json", "{" TAR "," CONF ", \"patches\": \"p\", \"compiler\": \"gcc-12\" }");
	unit_put("high.json",
		 "{ \"base\": \"low\", \"patches\": \"q\", \"config\": [\"d.config\"] }");
	assert_int_equal(kernel_variant_load(&env, "high", &v, &err), 0);
	assert_string_equal(v.base, "low");
	assert_string_equal(v.parent->name, "low");
	assert_string_equal(v.compiler, "gcc-12");
	assert_int_equal(v.source.kind, KERNEL_SOURCE_TARBALL);
	assert_int_equal(v.npatches, 3);
	assert_int_equal(v.nbase_patches, 1);
	assert_contains(v.patches[0], "/p/one.patch");
	assert_contains(v.patches[2], "/q/three.patch");
	assert_int_equal(v.nfragments, 2);
	assert_contains(v.fragments[1], "/d.config");
	kernel_variant_free(&v);
}

TEST(variant_elsewhere_finds_a_base_among_the_variants)
{
	struct kernel_env env = env_here();
	__cleanup_free char *path = unit_path("mutants/m.json");
	struct kernel_variant v;
	struct error err;

	unit_put("c.config", "");
	unit_put("low.json", "{" TAR "," CONF "}");
	unit_put("mutants/m.json", "{ \"base\": \"low\" }");
	assert_int_equal(kernel_variant_load(&env, path, &v, &err), 0);
	assert_string_equal(v.name, "m");
	kernel_variant_free(&v);
	unit_put("mutants/m.json", "{ \"base\": \"../low.json\" }");
	assert_int_equal(kernel_variant_load(&env, path, &v, &err), 0);
	kernel_variant_free(&v);
}

TEST(variant_patch_count_takes_the_first)
{
	struct kernel_env env = env_here();
	struct kernel_variant v;
	struct error err;

	unit_put("c.config", "");
	unit_put("q/series", "two.patch\nthree.patch\n");
	unit_put("q/two.patch", "");
	unit_put("q/three.patch", "");
	unit_put("v.json", "{" TAR "," CONF ", \"patches\": \"q\", \"patch_count\": 1 }");
	assert_int_equal(kernel_variant_load(&env, "v", &v, &err), 0);
	assert_int_equal(v.npatches, 1);
	kernel_variant_free(&v);
}

/* Below the variant's own lines, which still override them; the keys of other hosts' kernels stay. */
TEST(variant_has_what_the_host_needs_where_its_bases_start)
{
	static const char *const pc[] = {"pc", "metal", NULL}, *const none[] = {"nowhere", NULL};
	struct kernel_env env = env_here(), host = env_here();
	char plain[SHA256_HEX], both[SHA256_HEX];
	struct kernel_variant v;
	struct error err;

	host.host_fragments = pc;
	unit_put("c.config", "CONFIG_A=y\n");
	unit_put("d.config", "# CONFIG_A is not set\n");
	unit_put("config/pc.config", "CONFIG_B=y\n");
	unit_put("config/metal.config", "CONFIG_C=y\n");
	unit_put("low.json", "{" TAR "," CONF "}");
	unit_put("high.json", "{ \"base\": \"low\", \"config\": [\"d.config\"] }");
	assert_int_equal(kernel_variant_load(&host, "high", &v, &err), 0);
	assert_int_equal(v.nfragments, 4);
	assert_contains(v.fragments[0], "/c.config");
	assert_contains(v.fragments[1], "/config/pc.config");
	assert_contains(v.fragments[2], "/config/metal.config");
	assert_contains(v.fragments[3], "/d.config");
	assert_int_equal(v.parent->nfragments, 3);
	assert_int_equal(kernel_config_hash_fragments(&v, both, &err), 0);
	kernel_variant_free(&v);
	assert_int_equal(kernel_variant_load(&env, "high", &v, &err), 0);
	assert_int_equal(v.nfragments, 2);
	assert_int_equal(kernel_config_hash_fragments(&v, plain, &err), 0);
	assert_string_not_equal(plain, both);
	kernel_variant_free(&v);

	unit_put("asks.json", "{" TAR ", \"config\": [\"config/pc.config\", \"c.config\"] }");
	assert_int_equal(kernel_variant_load(&host, "asks", &v, &err), 0);
	assert_int_equal(v.nfragments, 3); /* it has pc already, and where it wants it */
	kernel_variant_free(&v);
	host.host_fragments = none;
	assert_int_equal(kernel_variant_load(&host, "high", &v, &err), -ENOENT);
	assert_contains(err.text, "config/nowhere.config: no such file");
	assert_contains(err.text, "kernel_config");
}

TEST(variant_selftests_are_no_part_of_the_kernel)
{
	struct kernel_env env = env_here();
	struct kernel_variant v;
	struct error err;

	unit_put("c.config", "");
	unit_put("p/series", "one.patch\n");
	unit_put("p/one.patch", "");
	unit_put("q/series", "two.patch\n");
	unit_put("q/two.patch", "");
	unit_put("low.json", "{" TAR "," CONF ", \"selftests\": \"p\" }");
	unit_put("high.json", "{ \"base\": \"low\", \"selftests\": \"q\" }");
	unit_put("none.json", "{ \"base\": \"high\", \"selftests\": null }");
	unit_put("gone.json", "{ \"base\": \"low\", \"selftests\": \"nowhere\" }");
	assert_int_equal(kernel_variant_load(&env, "high", &v, &err), 0);
	assert_int_equal(v.npatches, 0);
	assert_int_equal(v.nselftests, 2);
	assert_contains(v.selftests[0], "/p/one.patch");
	assert_contains(v.selftests[1], "/q/two.patch");
	kernel_variant_free(&v);
	assert_int_equal(kernel_variant_load(&env, "none", &v, &err), 0);
	assert_int_equal(v.nselftests, 0);
	kernel_variant_free(&v);
	assert_int_equal(kernel_variant_load(&env, "gone", &v, &err), -ENOENT);
	assert_contains(err.text, "gone.json: $.selftests: ");
	assert_contains(err.text, "nowhere/series");
}

TEST(variant_mistakes_are_named)
{
	static const struct {
		const char *json, *says;
	} cases[] = {
		{"{", "v.json:1:"},
		{"[]", "expected"},
		{"{}", "needs a \"source\""},
		{"{" TAR "}", "needs \"config\""},
		{"{" TAR ", \"config\": [] }", "needs \"config\""},
		{"{" TAR ", \"config\": [\"gone.config\"] }", "$.config[0]: no such file"},
		{"{" TAR ", \"config\": \"c.config\" }", "$.config"},
		{"{" TAR "," CONF ", \"patchs\": \"q\" }", "patchs"},
		{"{" TAR "," CONF ", \"patches\": \"nowhere\" }", "nowhere/series"},
		{"{" TAR "," CONF ", \"patches\": \"q\", \"patch_count\": 3 }", "has 2"},
		{"{" TAR "," CONF ", \"patches\": \"q\", \"patch_count\": 0 }", "patch_count"},
		{"{" TAR "," CONF ", \"patch_count\": 1 }", "needs \"patches\""},
		{"{" TAR "," CONF ", \"patches\": \"out\" }", "must be a file in the same folder"},
		{"{" TAR "," CONF ", \"patches\": \"half\" }", "series:2: gone.patch: no such"},
		{"{" TAR "," CONF ", \"compiler\": \"gcc -O3\" }", "one program's name"},
		{"{" TAR "," CONF ", \"import\": [] }", "$.import"},
		{"{" TAR "," CONF ", \"base\": \"v\" }", "circle"},
		{"{" TAR "," CONF ", \"base\": \"../v\" }", "no such kernel variant"},
		{"{" TAR "," CONF ", \"selftests_of\": \"ok\" }",
		 "is of a kernel that is not built here"},
		{"{" BUILT ", \"selftests_of\": \"bare\" }", "bare is no kernel with sources"},
		{"{" BUILT ", \"selftests_of\": \"v\" }", "circle"},
		{"{" BUILT ", \"selftests_of\": [] }", "$.selftests_of"},
		{"{" BUILT ", \"selftests\": \"q\" }", "\"selftests_of\": \"VARIANT\""},
		{"{ \"source\": { \"kind\": \"zip\" } }", "found \"zip\""},
		{"{ \"source\": { \"kind\": \"deb\" } }", "package"},
		{"{ \"source\": { \"kind\": \"deb\", \"package\": \"../x\" } }",
		 "not a package name"},
		{"{ \"source\": { \"kind\": \"deb\", \"package\": \"x\", \"ref\": \"y\" } }",
		 "ref"},
		{"{ \"source\": { \"kind\": \"git\", \"location\": \"x\", \"ref\": \"-x\" } }",
		 "not a git ref"},
		{"{ \"source\": { \"kind\": \"tarball\", \"location\": \"x\", \"sha256\": \"AB\" "
		 "} }",
		 "64 lower-case hex"},
		{"{ \"source\": { \"kind\": \"tarball\", \"location\": \"x\" } }", "sha256"},
	};
	struct kernel_env env = env_here();

	unit_put("c.config", "");
	unit_put("bare.json", "{" BUILT "}");
	unit_put("ok.json", "{" TAR "," CONF "}");
	unit_put("q/series", "a.patch\na.patch\n");
	unit_put("q/a.patch", "");
	unit_put("out/series", "../q/a.patch\n");
	unit_put("half/a.patch", "");
	unit_put("half/series", "a.patch\ngone.patch\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel_variant v;
		struct error err = {0, ""};

		unit_put("v.json", cases[i].json);
		assert_int_not_equal(kernel_variant_load(&env, "v", &v, &err), 0);
		assert_contains(err.text, cases[i].says);
	}
}

/* ---- config ---- */

TEST(a_fragment_is_read_and_written)
{
	__cleanup_free char *one =
		unit_write("one", "CONFIG_A=y\nCONFIG_B=\"x y\" \n# CONFIG_C is not set\n");
	__cleanup_free char *two = unit_write("two", "# CONFIG_C was set once\n\nCONFIG_A=m\r\n");
	struct kernel_fragment f = {0};
	struct strbuf out = STRBUF_INIT;

	assert_int_equal(kernel_fragment_read(&f, one, NULL), 0);
	assert_int_equal(kernel_fragment_read(&f, two, NULL), 0);
	for (size_t i = 0; i < f.count; i++)
		kernel_fragment_add_line(&out, f.options[i].name, f.options[i].value);
	assert_string_equal(out.buf, "CONFIG_A=m\nCONFIG_B=\"x y\"\n# CONFIG_C is not set\n");
	assert_string_equal(kernel_fragment_find(&f, "CONFIG_A")->file, two);
	assert_int_equal(kernel_fragment_find(&f, "CONFIG_A")->line, 3);
	assert_null(kernel_fragment_find(&f, "CONFIG_D"));
	strbuf_release(&out);
	kernel_fragment_free(&f);
}

TEST(config_lists_what_did_not_take)
{
	__cleanup_free char *one = unit_path("one"), *two = unit_path("two");
	__cleanup_free char *config = unit_path(".config");
	struct kernel_variant v = {.fragments = (char *[]){one, two}, .nfragments = 2};
	struct error err;

	unit_put(
		"one",
		"# a remark\nCONFIG_A=y\nCONFIG_B=y\r\nCONFIG_NUMBER=8\n# CONFIG_OFF is not set\n");
	unit_put("two", "\nCONFIG_TEXT=\"x y\"\nCONFIG_B=m");
	unit_put(".config", "CONFIG_A=y\nCONFIG_B=m\nCONFIG_NUMBER=8\nCONFIG_TEXT=\"x y\"\n"
			    "# CONFIG_OFF is not set\n");
	assert_int_equal(kernel_config_check(&v, config, &err), 0);
	unit_put(".config",
		 "CONFIG_AB=y\nXCONFIG_A=y\nCONFIG_B=y\nCONFIG_NUMBER=88\nCONFIG_OFF=y\n");
	assert_int_equal(kernel_config_check(&v, config, &err), -EDOM);
	assert_contains(err.text, "CONFIG_A=y (");
	assert_contains(err.text, "one:2): the kernel's configuration has n");
	assert_contains(err.text, "CONFIG_B=m (");
	assert_contains(err.text, "two:3): the kernel's configuration has y");
	assert_contains(err.text, "CONFIG_NUMBER=8 (");
	assert_contains(err.text, "CONFIG_TEXT=\"x y\" (");
	assert_contains(err.text, "CONFIG_OFF=n (");
}

TEST(config_refuses_what_is_no_option)
{
	static const char *const bad[] = {"CONFIG_A", "CONFIG_=y", "A=y", "CONFIG_A =y",
					  "CONFIG_A="};
	__cleanup_free char *one = unit_path("one");
	struct kernel_variant v = {.fragments = (char *[]){one}, .nfragments = 1};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char hex[SHA256_HEX];
		struct error err;

		unit_put("one", bad[i]);
		assert_int_equal(kernel_config_hash_fragments(&v, hex, &err), -EINVAL);
		assert_contains(err.text, "one:1: expected CONFIG_NAME=VALUE");
	}
}

#define HUNK "@@ -1 +1 @@\n-x\n+y\n"

TEST(patches_that_touch_the_configuration)
{
	static const struct {
		const char *text;
		bool touch;
	} cases[] = {
		{"--- a/arch/x86/kvm/Makefile\n+++ b/arch/x86/kvm/Makefile\n" HUNK, false},
		{"--- a/x86.c\n+++ b/x86.c\n" HUNK "--- a/Kconfig\n+++ b/Kconfig\n" HUNK, true},
		{"--- /dev/null\n+++ b/arch/x86/kvm/Kconfig.new\n" HUNK, true},
		{"--- a/Makefile\n+++ b/Makefile\n" HUNK, true},
		{"--- a/Kconfig\t2020\n+++ /dev/null\n" HUNK, true},
		{"--- a/kernel/configs/tiny.config\n+++ b/kernel/configs/tiny.config\n" HUNK, true},
		{"--- a/tools/scripts/Makefile.arch\n+++ b/tools/scripts/Makefile.arch\n" HUNK,
		 false},
		{"diff --git a/arch/x86/Kconfig b/arch/x86/Other\n"
		 "rename from arch/x86/Kconfig\nrename to arch/x86/Other\n",
		 true},
		{"diff --git a/scripts/x.sh b/scripts/x.sh\nold mode 100644\nnew mode 100755\n",
		 true},
		/* in hunks, and in prose */
		{"--- a/x.lua\n+++ b/x.lua\n@@ -1,2 +1,2 @@\n--- a/Kconfig\n+++ b/Kconfig\n x\n",
		 false},
		{"It was:\n\n  --- a/Kconfig\n  +++ b/Kconfig\n  @@ -1 +1 @@\n\n"
		 "---\n--- a/x.c\n+++ b/x.c\n" HUNK,
		 false},
		{"rename from arch/x86/Kconfig\nrename to arch/x86/Other\n", false},
		{"no diff", false},
		{"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__cleanup_free char *path = unit_path("x.patch");
		bool touch;
		struct error err;

		unit_put("x.patch", cases[i].text);
		assert_int_equal(kernel_patches_touch_config(&path, 1, &touch, &err), 0);
		assert_int_equal(touch, cases[i].touch);
	}
}

/* One answer for patches and for the commits of a lineage. */
TEST(files_that_the_configuration_is_made_from)
{
	static const char *const read[] = {
		"Kconfig",
		"drivers/net/Kconfig",
		"mm/Kconfig.debug",
		"Makefile",
		"arch/x86/Makefile",
		"arch/x86/Makefile_32.cpu",
		"scripts/Makefile.compiler",
		"scripts/kconfig/conf.c",
		"kernel/configs/tiny.config",
		"arch/x86/configs/tiny.config",
	};
	static const char *const not_read[] = {
		"Makefile.old",		"arch/x86/kvm/Makefile", "tools/scripts/Makefile.arch",
		"arch/arm64/Makefile",	"kernel/fork.c",	 "Documentation/notKconfig",
		"tools/perf/scripts/x", "kernel/configs.c",
	};

	for (size_t i = 0; i < ARRAY_SIZE(read); i++)
		if (!kernel_is_config_path(read[i]))
			fail_msg("%s is read", read[i]);
	for (size_t i = 0; i < ARRAY_SIZE(not_read); i++)
		if (kernel_is_config_path(not_read[i]))
			fail_msg("%s is not read", not_read[i]);
}

static int list_path(const struct patch_path *p, void *arg)
{
	strbuf_addf(arg, "%s%s ", p->old ? "-" : "+", p->path);
	return 0;
}

static int stop_at_once(const struct patch_path *p, void *arg)
{
	*(char **)arg = xstrdup(p->raw);
	return 7;
}

TEST(a_patch_names_its_files)
{
	static const char text[] =
		"--- \n f.c | 2 +-\n\n" /* below a mail's "---" */
		"--- a/a.c\t2020-01-01\n+++ b/b/c.c\r\n@@ -1,3 +1,2 @@\n--- sql\n+++ b\n context\n-\n"
		"prose:\ndiff --git a/prose.c b/prose.c\nrename from prose.c\n"
		" --- a/indented.c\n +++ b/indented.c\n @@ -1 +1 @@\n"
		"--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n"
		"diff --git a/x/y.c b/x/z.c\ncopy from x/y.c\ncopy to x/z.c\n"
		"diff --git a/mode b/mode\nold mode 100644\nnew mode 100755\n"
		"diff --git \"a/\\303\\266\" \"b/\\303\\266\"\nnew file mode 100644\nindex 000..111\n"
		"diff --git a/bin b/bin\nindex 123..456 100644\nGIT binary patch\nliteral 3\nKcmZ\n\n"
		"literal 1\nIcmZ\n\n"
		"-- \n2.39\n";
	struct strbuf list = STRBUF_INIT;
	char *first = NULL;

	assert_int_equal(patch_each_path(text, list_path, &list), 0);
	assert_string_equal(list.buf, "-a.c +b/c.c -prose.c +new.c -x/y.c +x/z.c -mode +mode "
				      "-\xc3\xb6 +\xc3\xb6 -bin +bin ");
	assert_string_equal(text + patch_length(text), "-- \n2.39\n");
	assert_int_equal(patch_length("diff --git a/x b/x\nis what git says\n"), 0);
	assert_int_equal(patch_each_path("--- b/x\n+++ b/y\n" HUNK, stop_at_once, &first), 7);
	assert_string_equal(first, "b/x");
	strbuf_release(&list);
	free(first);
}

TEST(patches_that_userspace_sees)
{
	static const struct {
		const char *text;
		bool seen;
	} cases[] = {
		{"--- a/arch/x86/kvm/x86.c\n+++ b/arch/x86/kvm/x86.c\n" HUNK, false},
		{"--- a/include/linux/kvm_host.h\n+++ b/include/linux/kvm_host.h\n" HUNK, false},
		{"", false},
		{"--- a/tools/include/a.h\n+++ b/tools/include/a.h\n" HUNK, true},
		{"--- a/tools/include/a.h\n+++ /dev/null\n" HUNK, true},
		{"diff --git a/tools/include/a.h b/lib/a.h\n"
		 "rename from tools/include/a.h\nrename to lib/a.h\n",
		 true},
		{"--- a/x.c\n+++ b/x.c\n" HUNK "--- a/include/uapi/linux/kvm.h\n"
		 "+++ b/include/uapi/linux/kvm.h\n" HUNK,
		 true},
		{"--- a/arch/x86/kvm/Makefile\n+++ b/arch/x86/kvm/Makefile\n" HUNK, true},
	};
	char none[SHA256_HEX], hex[SHA256_HEX];
	struct error err;

	assert_int_equal(kernel_patches_hash_userspace(NULL, 0, none, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__cleanup_free char *path = unit_path("x.patch");

		unit_put("x.patch", cases[i].text);
		assert_int_equal(kernel_patches_hash_userspace(&path, 1, hex, &err), 0);
		assert_int_equal(strcmp(hex, none) != 0, cases[i].seen);
	}
}

/* ---- trees ---- */

static void set_time(const char *name, time_t when)
{
	__cleanup_free char *path = xasprintf("%s/%s", unit_dir, name);
	const struct timespec times[2] = {{when, 5}, {when, 5}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static struct stat status_of(const char *name)
{
	__cleanup_free char *path = xasprintf("%s/%s", unit_dir, name);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static void append_to(const char *name, const char *text)
{
	__cleanup_free char *path = xasprintf("%s/%s", unit_dir, name);
	int fd = open(path, O_WRONLY | O_APPEND);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

TEST(a_copy_shares_sources_and_nothing_else)
{
	__cleanup_free char *from = unit_path("from"), *to = unit_path("to");
	__cleanup_free char *link = unit_path("from/sub/link");
	__cleanup_free char *notes = NULL, *made = NULL;
	struct error err;

	unit_put("from/sub/source.c", "source");
	set_time("from/sub/source.c", 1000);
	assert_int_equal(kernel_tree_mark(from, &err), 0);
	set_time("from/" KERNEL_TREE_MARK, 2000);
	unit_put("from/sub/made.o", "made");
	set_time("from/sub/made.o", 3000);
	assert_int_equal(symlink("made.o", link), 0);
	set_time("from/sub/link", 3001);
	notes = xasprintf("cmd_%s/tools/x := gcc -o %s/tools/x\n", from, from);
	unit_put("from/tools/.x.cmd", notes);

	assert_int_equal(kernel_tree_copy(from, to, &err), 0);
	assert_true(status_of("to/sub/source.c").st_ino == status_of("from/sub/source.c").st_ino);
	assert_true(status_of("to/sub/made.o").st_ino != status_of("from/sub/made.o").st_ino);
	assert_int_equal(status_of("to/sub/made.o").st_mtim.tv_sec, 3000);
	assert_int_equal(status_of("to/sub/made.o").st_mtim.tv_nsec, 5);
	assert_int_equal(status_of("to/sub/link").st_mtim.tv_sec, 3001);
	assert_int_equal(status_of("to/" KERNEL_TREE_MARK).st_mtim.tv_sec, 2000);
	append_to("to/sub/made.o", " anew");
	made = unit_get("from/sub/made.o");
	assert_string_equal(made, "made");

	free(notes);
	notes = unit_get("to/tools/.x.cmd");
	assert_contains(notes, "/to/tools/x := gcc -o ");
	assert_null(strstr(notes, "/from/"));
	free(notes);
	notes = unit_get("from/tools/.x.cmd");
	assert_contains(notes, "/from/tools/x := gcc -o ");
}

TEST(a_copy_of_nothing_is_an_error)
{
	__cleanup_free char *from = unit_path("nothing"), *to = unit_path("to");
	struct error err;

	assert_int_equal(kernel_tree_copy(from, to, &err), -ENOENT);
	assert_contains(err.text, "not a built tree");
}

/* ---- build-ids ---- */

TEST(build_id_of_a_program_and_of_damage)
{
	__cleanup_free char *path = unit_path("elf");
	struct strbuf elf = STRBUF_INIT;
	struct error err;
	char hex[41];

	assert_int_equal(kernel_elf_build_id("/proc/self/exe", hex, &err), 0);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 40);
	unit_put("elf", "no ELF at all");
	assert_int_equal(kernel_elf_build_id(path, hex, &err), -EINVAL);
	assert_contains(err.text, "not an ELF file");

	/* Any damage to the headers is an answer, not a crash (the sanitizers watch). */
	assert_int_equal(fs_read_file("/proc/self/exe", 0, &elf, &err), 0);
	srandom(1);
	for (int i = 0; i < 300; i++) {
		size_t at = random() % 1024, len = 64 + random() % 4096;
		char old = elf.buf[at];

		elf.buf[at] = random();
		assert_int_equal(fs_write_file(path, elf.buf, len, &err), 0);
		kernel_elf_build_id(path, hex, &err);
		elf.buf[at] = old;
	}
	strbuf_release(&elf);
}

/* ---- make ---- */

static int make_fails(const char *line, struct error *err)
{
	static const char *const targets[] = {"bzImage", NULL};
	__cleanup_free char *makefile = xasprintf("bzImage:\n\t@echo '%s'; false\n", line);
	__cleanup_free char *log = unit_path("make.log");
	struct kernel_make m = {
		.tree = unit_dir, .log = log, .compiler = "gcc", .targets = targets};

	unit_put("Makefile", makefile);
	return kernel_make_run(&m, err);
}

/* A compiler that was killed says nothing about the sources; one that complains does. */
TEST(make_tells_machines_faults_from_sources)
{
	struct error err;

	assert_int_equal(make_fails("a.c:1:1: error: expected ;", &err), -ENOEXEC);
	assert_contains(err.text, "does not compile");
	assert_int_equal(make_fails("gcc: fatal error: Killed signal terminated program cc1", &err),
			 -ENOMEM);
	assert_contains(err.text, "terminated program cc1");
	assert_int_equal(make_fails("gcc: internal compiler error: Segmentation fault signal "
				    "terminated program cc1",
				    &err),
			 -ENOEXEC);
	assert_int_equal(make_fails("make[1]: *** [Makefile:1: vmlinux.o] Killed", &err), -ENOMEM);
	assert_int_equal(make_fails("ld: No space left on device", &err), -ENOSPC);
	assert_int_equal(
		make_fails("make[1]: *** [Makefile:1: vmlinux.o] File size limit exceeded", &err),
		-EFBIG);
	assert_int_equal(make_fails("ld: final link failed: File too large", &err), -EFBIG);
	assert_int_equal(make_fails("   12 |  pr_err(\"Out of memory\");", &err), -ENOEXEC);
	assert_int_equal(make_fails("a.c: fatal error: a.h: Too many open files", &err), -EMFILE);
	assert_int_equal(make_fails("make: fork: Resource temporarily unavailable", &err), -EAGAIN);
}

UNIT_MAIN_EACH("kernels", unit_make_dir, unit_drop_dir)
