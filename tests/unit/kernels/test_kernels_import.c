// SPDX-License-Identifier: GPL-2.0-only
/* kernels/: mailing-list mboxes, from the subject's tags to the written variant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "kernels/internal.h"
#include "kernels/mail.h"

static char dir[64];

static int make_dir(void **state)
{
	static const char variant[] = "{ \"source\": { \"kind\": \"deb\", \"package\": \"x\" }, "
				      "\"config\": [\"onto.json\"] }";
	__cleanup_free char *path = NULL;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-import.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	path = xasprintf("%s/onto.json", dir);
	return fs_write_file(path, variant, strlen(variant), NULL);
}

static int remove_dir(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

static int import(const char *fixture, const char *name, struct error *err)
{
	const struct kernel_env env = {.variants_dir = dir, .cache_dir = dir};
	__cleanup_free char *root = fs_data_root();
	__cleanup_free char *mbox = xasprintf("%s/tests/fixtures/mbox/%s.mbox", root, fixture);

	return kernel_import(&env, mbox, "onto", name, err);
}

static char *get(const char *name)
{
	__cleanup_free char *path = xasprintf("%s/%s", dir, name);
	struct strbuf text = STRBUF_INIT;
	struct error err;

	if (fs_read_file(path, 0, &text, &err))
		fail_msg("%s", err.text);
	return strbuf_detach(&text);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void subjects_are_told_apart(void **state)
{
	static const struct {
		const char *subject;
		bool patch;
		int version, n, m;
		const char *title;
	} cases[] = {
		{"[PATCH 3/5] KVM: x", true, 1, 3, 5, "KVM: x"},
		{"[PATCH v2 03/12] KVM: x", true, 2, 3, 12, "KVM: x"},
		{"[PATCH] KVM: x", true, 1, 0, 0, "KVM: x"},
		{"[RFC PATCH v10 0/9] x", true, 10, 0, 9, "x"},
		{"[RFC][PATCH 1/2] x", true, 1, 1, 2, "x"},
		{"[RFC v2 1/2] x", true, 2, 1, 2, "x"},
		{"[kvm-devel] [PATCH 1/2] x", true, 1, 1, 2, "x"},
		{"[PATCHv3 1/2] x", true, 3, 1, 2, "x"},
		{"[PATCH-v3 1/2] x", true, 3, 1, 2, "x"},
		{"[PATCH net-next,v4,1/2] x", true, 4, 1, 2, "x"},
		{"[PATCH 6.12.y 1/2] x", true, 1, 1, 2, "x"},
		{" [patch 1/2]x", true, 1, 1, 2, "x"},
		{"Re: [PATCH 1/2] x", false, 1, 0, 0, "Re: [PATCH 1/2] x"},
		{"[kvm] Re: [PATCH 1/2] x", false, 1, 0, 0, "Re: [PATCH 1/2] x"},
		{"[PATCH 1/2] Re: x", false, 1, 1, 2, "Re: x"},
		{"[ANNOUNCE 1/2] x", false, 1, 1, 2, "x"},
		{"[PATCH 1/0] x", true, 1, 0, 0, "x"},
		{"[PATCH 1/99999] x", true, 1, 0, 0, "x"},
		{"[PATCH 1/2", false, 1, 0, 0, "[PATCH 1/2"},
		{"[]", false, 1, 0, 0, ""},
		{"", false, 1, 0, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mail mail = {.subject = (char *)(uintptr_t)cases[i].subject};

		mail_parse_subject(&mail);
		assert_int_equal(mail.patch, cases[i].patch);
		assert_int_equal(mail.version, cases[i].version);
		assert_int_equal(mail.n, cases[i].n);
		assert_int_equal(mail.m, cases[i].m);
		assert_string_equal(mail.title, cases[i].title);
	}
}

static void any_subject_is_parsed(void **state)
{
	static const char alphabet[] = "[]PATCHRFCv0123456789/ ,;:-Re\t\x80\xff";

	(void)state;
	srandom(7);
	for (int i = 0; i < 100000; i++) {
		size_t len = random() % 40;
		struct mail mail = {.subject = xcalloc(len + 1, 1)};

		for (size_t j = 0; j < len; j++)
			mail.subject[j] = alphabet[random() % (sizeof(alphabet) - 1)];
		mail_parse_subject(&mail);
		assert_in_range(mail.title - mail.subject, 0, len);
		free(mail.subject);
	}
}

static void paths_that_lead_outside(void **state)
{
	static const struct {
		const char *diff;
		bool outside;
	} cases[] = {
		{"--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n", false},
		{"--- /dev/null\n+++ b/x.c\n", false},
		{"--- a/x..y/z.c\n+++ b/x..y/z.c\n", false},
		{"--- a/../x\n", true},
		{"--- a/x\n+++ b/y/../../../x\n", true},
		{"+++ /etc/passwd\n", true},
		{"rename to ../x\n", true},
		{"copy from /x", true},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mail mail = {.diff = (char *)(uintptr_t)cases[i].diff};
		__cleanup_free char *path = mail_outside_path(&mail);

		assert_int_equal(path != NULL, cases[i].outside);
	}
}

/* Cover letter last, patches out of order and one twice, a reply with a diff, three encodings. */
static void a_thread_as_it_is(void **state)
{
	__cleanup_free char *series = NULL, *first = NULL, *second = NULL, *variant = NULL;
	struct error err = {0, ""};

	(void)state;
	if (import("complete", "mine", &err))
		fail_msg("%s", err.text);
	series = get("patches/mine/series");
	assert_string_equal(series, "0001-src-Change-f1.patch\n0002-src-Change-f2.patch\n"
				    "0003-src-Change-f3.patch\n");
	first = get("patches/mine/0001-src-Change-f1.patch");
	assert_contains(first, "From: Ada L <ada@example.org>\n");
	assert_contains(first, "Subject: [PATCH 1/3] src: Change f1()\n");
	assert_contains(first, "+int f1(void) { return 10; } /* Gr\xc3\xb6\xc3\x9f"
			       "e */\n");
	second = get("patches/mine/0002-src-Change-f2.patch");
	assert_contains(second, "From: J\xc3\xb6rg M\xc3\xbcller <jm@example.org>\n");
	assert_contains(second, "+int f2(void) { return 20; } /* Gr\xc3\xb6\xc3\x9f"
				"e */\n");
	assert_contains(second, "<p2v2@x>");
	variant = get("mine.json");
	assert_contains(variant, "\"base\": \"onto\"");
	assert_contains(variant, "\"base_commit\": \"0123456789abcdef0123456789abcdef01234567\"");
	assert_contains(variant, "\"<p3v2@x>\"");
	assert_contains(variant, "\"cover_message_id\": \"<cover@x>\"");
}

static void the_imported_variant_loads(void **state)
{
	const struct kernel_env env = {.variants_dir = dir, .cache_dir = dir};
	struct kernel_variant v;
	struct error err = {0, ""};

	(void)state;
	assert_int_equal(import("single", "one", &err), 0);
	assert_int_equal(kernel_variant_load(&env, "one", &v, &err), 0);
	assert_int_equal(v.npatches, 1);
	assert_string_equal(v.description, "src: Change f1()");
	assert_contains(v.import, "<single@x>");
	kernel_variant_free(&v);
}

static void nothing_is_imported_if_anything_is_wrong(void **state)
{
	static const struct {
		const char *fixture, *name;
		int code;
		const char *says;
	} cases[] = {
		{"missing", "x", -EINVAL, "patches are missing: 2/3"},
		{"twice", "x", -EINVAL, "patch 2/3 is there twice: <p2v2@x> and <q2v2@x>"},
		{"two-versions", "x", -EINVAL, "more than one series: v2 with 3 patches, and v3"},
		{"outside", "x", -EINVAL, "outside of the kernel's tree: a/../../etc/f1"},
		{"no-diff", "x", -EINVAL, "has no diff"},
		{"no-patch", "x", -EINVAL, "no patch in it"},
		{"too-high", "x", -EINVAL, "no patch 4 of 3"},
		{"no-such-file", "x", -ENOENT, "no-such-file.mbox"},
		{"complete", "../x", -EINVAL, "cannot name a variant"},
		{"complete", "", -EINVAL, "cannot name a variant"},
		{"complete", "onto", -EEXIST, "onto.json: is there already"},
	};
	char **names;
	size_t count;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0, ""};

		assert_int_equal(import(cases[i].fixture, cases[i].name, &err), cases[i].code);
		assert_contains(err.text, cases[i].says);
	}
	assert_int_equal(fs_list(dir, NULL, &names, &count, NULL), 0);
	assert_int_equal(count, 1); /* onto.json */
	fs_free_names(names, count);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects_are_told_apart),
		cmocka_unit_test(any_subject_is_parsed),
		cmocka_unit_test(paths_that_lead_outside),
		TEST(a_thread_as_it_is),
		TEST(the_imported_variant_loads),
		TEST(nothing_is_imported_if_anything_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
