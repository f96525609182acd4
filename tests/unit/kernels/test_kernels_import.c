// SPDX-License-Identifier: GPL-2.0-only
/* kernels/: mailing-list mboxes, from the subject's tags to the written variant. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kernels/import.h"
#include "kernels/internal.h"
#include "kernels/mail.h"
#include "orchestrator/places.h"

static int make_onto(void **state)
{
	if (unit_make_dir(state))
		return -1;
	unit_put("onto.json", "{ \"source\": { \"kind\": \"deb\", \"package\": \"x\" }, "
			      "\"config\": [\"onto.json\"] }");
	return 0;
}

static int import(const char *fixture, const char *name, struct error *err)
{
	const struct kernel_env env = {.variants.shipped = unit_dir, .cache_dir = unit_dir};
	__cleanup_free char *mbox = NULL;
	struct places places;

	places_find(&places, NULL);
	mbox = xasprintf("%s/tests/fixtures/mbox/%s.mbox", places.root, fixture);
	places_free(&places);
	return kernel_import(&env,
			     &(struct kernel_import){
				     .mbox = mbox, .onto = "onto", .name = name, .dir = unit_dir},
			     err);
}

TEST(subjects_are_told_apart)
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
		{"RESEND [PATCH v2 1/2] x", true, 2, 1, 2, "x"},
		{"RESEND: [PATCH 1/2] x", true, 1, 1, 2, "x"},
		{"RESEND x", false, 1, 0, 0, "RESEND x"},
		{"[PATCH 1 of 2] x", true, 1, 1, 2, "x"},
		{"[PATCH 10 of 12 v3] x", true, 3, 10, 12, "x"},
		{"[PATCH 1 off 2] x", true, 1, 0, 0, "x"},
		{"[PATCH 1 of 2", false, 1, 0, 0, "[PATCH 1 of 2"},
		{"[PATCH 1 of] 2", true, 1, 0, 0, "2"},
		{"[1/2] x", false, 1, 1, 2, "x"},
		{"[PATCH 1/2x] x", true, 1, 0, 0, "x"},
		{"[PATCH 1.5/2] x", true, 1, 1, 2, "x"},
		{"[PATCH 6.12 2/3] x", true, 1, 2, 3, "x"},
		{"[]", false, 1, 0, 0, ""},
		{"", false, 1, 0, 0, ""},
	};

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

TEST(half_numbers_and_replies_are_noted)
{
	static const struct {
		const char *subject;
		bool half, reply;
	} cases[] = {
		{"[PATCH 1.5/2] x", true, false},     {"[PATCH 1/2] x", false, false},
		{"Re: [PATCH 1/2] x", false, true},   {"re: x", false, true},
		{"[kvm] Re: [PATCH] x", false, true}, {"Regarding x", false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mail mail = {.subject = (char *)(uintptr_t)cases[i].subject};

		mail_parse_subject(&mail);
		assert_int_equal(mail.half, cases[i].half);
		assert_int_equal(mail.reply, cases[i].reply);
	}
}

TEST(headers_are_read)
{
	static const char raw[] =
		"From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n"
		"From: \"A, B\" <a@b>\n"
		"message-id:\n <m@x> (remark)\n"
		"In-Reply-To: <p@x>\n"
		"References: <one@x>\n\t<two@x> <cut\n"
		"\nFrom: <body@x>\nX-Not: here\n";
	__cleanup_free char *none = mail_header(raw, "X-Not");
	struct mail mail = {.author = NULL};

	mail_parse_headers(&mail, raw);
	assert_string_equal(mail.message_id, "<m@x>");
	assert_string_equal(mail.replies_to, "<p@x> <two@x> <one@x> ");
	assert_string_equal(mail.sender, "a@b");
	assert_true(mail.from_git);
	assert_string_equal(none, "");
	free(mail.message_id);
	free(mail.replies_to);
	free(mail.sender);
}

TEST(any_subject_is_parsed)
{
	static const char alphabet[] = "[]PATCHRFCv0123456789/ ,;:-Re\t\x80\xff";

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

TEST(paths_that_lead_outside)
{
	static const struct {
		const char *diff;
		bool outside;
	} cases[] = {
		{"--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n", false},
		{"--- /dev/null\n+++ b/x.c\n@@ -0,0 +1 @@\n+x\n", false},
		{"--- a/x..y/z.c\n+++ b/x..y/z.c\n@@ -1 +1 @@\n-a\n+b\n", false},
		{"--- a/../x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", true},
		{"--- a/x\n+++ b/y/../../../x\n@@ -1 +1 @@\n-a\n+b\n", true},
		{"--- a/x\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", true},
		{"diff --git a/x b/x\nrename to ../x\n", true},
		{"diff --git a/x b/x\ncopy from /x", true},
		{"diff --git a/../x b/../x\nold mode 100644\nnew mode 100755\n", true},
		{"diff --git \"a/\\056./x\" \"b/\\056./x\"\nold mode 100644\n", true},
		{"--- a/x.lua\n+++ b/x.lua\n@@ -1 +1 @@\n--- /etc/x\n+++ /etc/y\n", false},
		{"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mail mail = {.diff = (char *)(uintptr_t)cases[i].diff};
		__cleanup_free char *path = mail_outside_path(&mail);

		assert_int_equal(path != NULL, cases[i].outside);
	}
}

TEST(the_same_patch_sent_again_is_one)
{
	struct error err = {0, ""};

	if (import("resent", "again", &err))
		fail_msg("%s", err.text);
}

TEST(the_newest_complete_version_is_taken)
{
	__cleanup_free char *variant = NULL;
	struct error err = {0, ""};

	if (import("two-versions", "two", &err))
		fail_msg("%s", err.text);
	variant = unit_get("two.json");
	assert_contains(variant, "\"version\": 2");
}

/* The series cannot be renamed, whichever of libc's ways is taken. */
static int import_unwritable(void *arg)
{
	struct error err = {0, ""};

	(void)arg;
	unit_filter_syscall(SYS_renameat, SECCOMP_RET_ERRNO | EDQUOT);
	unit_filter_syscall(SYS_renameat2, SECCOMP_RET_ERRNO | EDQUOT);
	return -import("single", "x", &err);
}

TEST(an_import_that_fails_late_leaves_nothing)
{
	char **names;
	size_t count;

	__cleanup_free char *patches = unit_path("patches");

	assert_int_equal(unit_in_child(import_unwritable, NULL), EDQUOT);
	assert_int_equal(fs_list(unit_dir, ".json", &names, &count, NULL), 0);
	assert_int_equal(count, 1); /* onto.json */
	fs_free_names(names, count);
	if (!fs_list(patches, NULL, &names, &count, NULL)) {
		assert_int_equal(count, 0);
		fs_free_names(names, count);
	}
}

/* Cover letter last, patches out of order and one twice, a reply with a diff, three encodings. */
TEST(a_thread_as_it_is)
{
	__cleanup_free char *series = NULL, *first = NULL, *second = NULL, *variant = NULL;
	struct error err = {0, ""};

	if (import("complete", "mine", &err))
		fail_msg("%s", err.text);
	series = unit_get("patches/mine/series");
	assert_string_equal(series, "0001-src-Change-f1.patch\n0002-src-Change-f2.patch\n"
				    "0003-src-Change-f3.patch\n");
	first = unit_get("patches/mine/0001-src-Change-f1.patch");
	assert_contains(first, "From: Ada L <ada@example.org>\n");
	assert_contains(first, "Subject: [PATCH 1/3] src: Change f1()\n");
	assert_contains(first, "+int f1(void) { return 10; } /* Gr\xc3\xb6\xc3\x9f"
			       "e */\n");
	second = unit_get("patches/mine/0002-src-Change-f2.patch");
	assert_contains(second, "From: J\xc3\xb6rg M\xc3\xbcller <jm@example.org>\n");
	assert_contains(second, "+int f2(void) { return 20; } /* Gr\xc3\xb6\xc3\x9f"
				"e */\n");
	assert_contains(second, "<p2v2@x>");
	variant = unit_get("mine.json");
	assert_contains(variant, "\"base\": \"onto\"");
	assert_contains(variant, "\"base_commit\": \"0123456789abcdef0123456789abcdef01234567\"");
	assert_contains(variant, "\"<p3v2@x>\"");
	assert_contains(variant, "\"cover_message_id\": \"<cover@x>\"");
}

TEST(the_imported_variant_loads)
{
	const struct kernel_env env = {.variants.shipped = unit_dir, .cache_dir = unit_dir};
	struct kernel_variant v;
	struct error err = {0, ""};

	assert_int_equal(import("single", "one", &err), 0);
	assert_int_equal(kernel_variant_load(&env, "one", &v, &err), 0);
	assert_int_equal(v.npatches, 1);
	assert_string_equal(v.description, "src: Change f1()");
	assert_contains(v.import, "<single@x>");
	kernel_variant_free(&v);
}

TEST(nothing_is_imported_if_anything_is_wrong)
{
	static const struct {
		const char *fixture, *name;
		int code;
		const char *says;
	} cases[] = {
		{"missing", "x", -EINVAL, "patches are missing: 2/3"},
		{"twice", "x", -EINVAL, "two different mails are patch 2/3: <p2v2@x> and <q2v2@x>"},
		{"outside", "x", -EINVAL, "outside of the kernel's tree: a/../../etc/f1"},
		{"no-diff", "x", -EINVAL, "the mail has no diff"},
		{"no-patch", "x", -EINVAL, "no patch in it"},
		{"too-high", "x", -EINVAL, "impossible number: patch 4 of 3"},
		{"no-such-file", "x", -ENOENT, "no-such-file.mbox"},
		{"complete", "../x", -EINVAL, "cannot be the name of a variant"},
		{"complete", "", -EINVAL, "cannot be the name of a variant"},
		{"complete", "onto", -EEXIST, "onto.json: exists already"},
	};
	char **names;
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0, ""};

		assert_int_equal(import(cases[i].fixture, cases[i].name, &err), cases[i].code);
		assert_contains(err.text, cases[i].says);
	}
	assert_int_equal(fs_list(unit_dir, NULL, &names, &count, NULL), 0);
	assert_int_equal(count, 1); /* onto.json */
	fs_free_names(names, count);
}

/* A mail of @len bytes. */
static char *make_mail(size_t len)
{
	struct strbuf mail = STRBUF_INIT;

	strbuf_addstr(&mail, "From: a@x\nSubject: [PATCH] x\n\n");
	while (mail.len < len)
		strbuf_addch(&mail, 'x');
	return strbuf_detach(&mail);
}

static int import_mbox(const char *mbox, struct error *err)
{
	const struct kernel_env env = {.variants.shipped = unit_dir, .cache_dir = unit_dir};

	return kernel_import(
		&env,
		&(struct kernel_import){.mbox = mbox, .onto = "onto", .name = "x", .dir = unit_dir},
		err);
}

static int import_pipe(const char *mail, struct error *err)
{
	__cleanup_free char *path = NULL;
	int fds[2], ret;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], mail, strlen(mail)), strlen(mail));
	close(fds[1]);
	path = xasprintf("/dev/fd/%d", fds[0]);
	ret = import_mbox(path, err);
	close(fds[0]);
	return ret;
}

TEST(a_mailbox_has_a_limit_of_size_through_a_pipe_too)
{
	const size_t limit = import_max_mbox;
	__cleanup_free char *fits = make_mail(1000), *above = make_mail(1001);
	__cleanup_free char *file = unit_path("mail.mbox");
	static const char why[] = "larger than 1000 bytes, which is no thread";
	struct error err = {0, ""};

	assert_int_equal(limit, 1 << 30);
	import_max_mbox = 1000;
	assert_int_equal(import_pipe(fits, &err), -EINVAL);
	assert_contains(err.text, "no patch in it"); /* so it was read */
	assert_int_equal(import_pipe(above, &err), -EFBIG);
	assert_contains(err.text, why);
	unit_put("mail.mbox", fits);
	assert_int_equal(import_mbox(file, &err), -EINVAL);
	unit_put("mail.mbox", above);
	assert_int_equal(import_mbox(file, &err), -EFBIG);
	assert_contains(err.text, why);
	import_max_mbox = limit;
}

UNIT_MAIN_EACH("kernels_import", make_onto, unit_drop_dir)
