// SPDX-License-Identifier: GPL-2.0-only
/* common/: strings, errors, files, locks, JSON, subprocesses. */
#include <errno.h>
#include <setjmp.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/subprocess.h"

static char dir[] = "/tmp/nestlab-common.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void error_context_goes_in_front(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(error_set(&err, -ENOENT, "no %s", "file"), -ENOENT);
	error_prefix(&err, -ENOENT, "kernel %d", 1);
	error_append(&err, -ENOENT, "; see log");
	assert_string_equal(err.text, "kernel 1: no file; see log");
	assert_int_equal(err.code, -ENOENT);
}

static void error_is_cut_not_overrun(void **state)
{
	struct error err = {0};
	char *big = xmalloc(2 * ERROR_TEXT_MAX);

	(void)state;
	memset(big, 'x', 2 * ERROR_TEXT_MAX - 1);
	big[2 * ERROR_TEXT_MAX - 1] = '\0';
	error_set(&err, -EIO, "%s", big);
	error_prefix(&err, -EIO, "%s", big);
	error_append(&err, -EIO, "%s", big);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	free(big);
}

static void strbuf_grows_and_detaches(void **state)
{
	struct strbuf sb = STRBUF_INIT;
	char *s;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&sb, "%d,", i % 10);
	assert_int_equal(sb.len, 2000);
	s = strbuf_detach(&sb);
	assert_int_equal(strlen(s), 2000);
	assert_string_equal(sb.buf, "");
	free(s);
}

static void write_is_atomic_and_reads_back(void **state)
{
	__cleanup_free char *path = in_dir("file");
	struct strbuf got = STRBUF_INIT;
	struct error err = {0};
	char **names;
	size_t n;

	(void)state;
	assert_int_equal(fs_write_file(path, "one", 3, &err), 0);
	assert_int_equal(fs_write_file(path, "two\0x", 5, &err), 0);
	assert_int_equal(fs_read_file(path, 0, &got, &err), 0);
	assert_int_equal(got.len, 5);
	assert_memory_equal(got.buf, "two\0x", 5);
	strbuf_reset(&got);
	assert_int_equal(fs_read_file(path, 4, &got, &err), -EFBIG);
	strbuf_release(&got);
	assert_int_equal(fs_list(dir, NULL, &names, &n, &err), 0);
	assert_int_equal(n, 1); /* no temporary is left */
	fs_free_names(names, n);
}

static void a_failed_write_names_the_path(void **state)
{
	struct error err = {0};

	(void)state;
	/* nothing can be made there: the write must fail and say where */
	assert_true(fs_write_file("/proc/nestlab-no-such/file", "x", 1, &err) < 0);
	assert_non_null(strstr(err.text, "/proc/nestlab-no-such/file"));
}

static void devices_are_not_replaced(void **state)
{
	__cleanup_free char *path = in_dir("pipe");
	struct error err = {0};
	struct stat st;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fs_write_file(path, "x", 1, &err), -EINVAL);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	unlink(path);
}

static void plain_names_stay_where_they_are_put(void **state)
{
	(void)state;
	assert_true(fs_is_plain_name("nested-context_2.1"));
	assert_false(fs_is_plain_name(""));
	assert_false(fs_is_plain_name("../x"));
	assert_false(fs_is_plain_name("a..b"));
	assert_false(fs_is_plain_name("a/b"));
	assert_false(fs_is_plain_name("-x"));
	assert_false(fs_is_plain_name(".x"));
}

static void sha256_is_the_standard_one(void **state)
{
	char hex[FS_SHA256_HEX];

	(void)state;
	fs_sha256("abc", 3, hex); /* FIPS 180-2, appendix B.1 */
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void a_lock_is_held_once(void **state)
{
	__cleanup_free char *path = in_dir("lock");
	struct error err = {0};
	int a, b;

	(void)state;
	assert_int_equal(fs_lock(path, true, &a, &err), 0);
	assert_int_equal(fs_lock(path, false, &b, &err), -EWOULDBLOCK);
	close(a);
	assert_int_equal(fs_lock(path, false, &b, &err), 0);
	close(b);
}

static struct json_object *parse(const char *text, struct json_node *root)
{
	struct error err = {0};
	struct json_object *doc;

	assert_int_equal(json_parse(text, strlen(text), "f.json", &doc, &err), 0);
	*root = (struct json_node){.value = doc, .file = "f.json", .path = "$"};
	return doc;
}

static void json_syntax_errors_name_line_and_column(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"{\"a\":\n  nope}", "f.json:2:"},
		{"{\"a\": 1", "f.json:1:8: the JSON ends too early"},
		{"{} x", "f.json:1:4: "},
		{"", "ends too early"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		struct json_object *doc;

		assert_int_equal(
			json_parse(cases[i].text, strlen(cases[i].text), "f.json", &doc, &err),
			-EINVAL);
		if (!strstr(err.text, cases[i].want))
			fail_msg("# %s: got \"%s\"", cases[i].text, err.text);
	}
}

static void json_errors_name_the_path(void **state)
{
	static const char *const known[] = {"kernel", "list", NULL};
	struct json_node root, list, item;
	struct error err = {0};
	struct json_object *doc = parse("{\"list\":[1,\"x\",900],\"kernal\":1}", &root);
	int64_t n;

	(void)state;
	assert_int_equal(json_check_keys(&root, known, &err), -EINVAL);
	assert_string_equal(err.text,
			    "f.json: $: unknown key \"kernal\"; did you mean \"kernel\"?");
	assert_int_equal(json_member(&root, "list", true, &list, &err), 0);
	assert_int_equal(json_element(&list, 1, &item), 0);
	assert_int_equal(json_as_int(&item, 1, 256, &n, &err), -EINVAL);
	assert_string_equal(err.text,
			    "f.json: $.list[1]: expected a whole number, found string \"x\"");
	assert_int_equal(json_element(&list, 2, &item), 0);
	assert_int_equal(json_as_int(&item, 1, 256, &n, &err), -EINVAL);
	assert_string_equal(err.text, "f.json: $.list[2]: 900 is not within 1..256");
	assert_int_equal(json_member(&root, "gone", true, &item, &err), -EINVAL);
	assert_int_equal(json_member(&root, "gone", false, &item, &err), -ENOENT);
	json_object_put(doc);
}

static void canonical_json_does_not_depend_on_order(void **state)
{
	struct json_node root;
	struct json_object *a =
		parse("{\"b\": [1, true], \"a\": {\"y\": \"/\", \"x\": null}}", &root);
	struct json_object *b = parse("{\"a\":{\"x\":null,\"y\":\"/\"},\"b\":[1,true]}", &root);
	__cleanup_free char *ta = json_canonical(a);
	__cleanup_free char *tb = json_canonical(b);

	(void)state;
	assert_string_equal(ta, tb);
	assert_string_equal(ta, "{\"a\":{\"x\":null,\"y\":\"/\"},\"b\":[1,true]}");
	json_object_put(a);
	json_object_put(b);
}

static int count_lines(const char *const *argv, struct strbuf *out, int *status, struct error *err)
{
	struct subprocess sp = {.argv = argv, .out = out};

	return subprocess_run(&sp, status, err);
}

static void subprocess_gives_output_and_status(void **state)
{
	static const char *const argv[] = {"sh", "-c", "echo out; echo err >&2; exit 7", NULL};
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	int status;

	(void)state;
	assert_int_equal(count_lines(argv, &out, &status, &err), 0);
	assert_int_equal(status, 7);
	assert_string_equal(out.buf, "out\n");
	assert_int_equal(count_lines(argv, &out, NULL, &err), -EIO);
	assert_string_equal(err.text, "sh failed with status 7");
	strbuf_release(&out);
}

static void a_missing_program_is_named(void **state)
{
	static const char *const argv[] = {"nestlab-no-such-program", NULL};
	struct error err = {0};
	int status;

	(void)state;
	assert_int_equal(count_lines(argv, NULL, &status, &err), -ENOENT);
	assert_non_null(strstr(err.text, "nestlab-no-such-program: cannot run"));
	assert_false(subprocess_have("nestlab-no-such-program"));
	assert_true(subprocess_have("sh"));
}

static void a_time_limit_ends_the_whole_group(void **state)
{
	__cleanup_free char *path = in_dir("pid");
	__cleanup_free char *script = xasprintf("sleep 1000 & echo $! > %s; wait", path);
	const char *argv[] = {"sh", "-c", script, NULL};
	struct subprocess sp = {.argv = argv, .timeout_ms = 300};
	struct strbuf text = STRBUF_INIT;
	struct error err = {0};
	int status, pidfd;

	(void)state;
	assert_int_equal(subprocess_run(&sp, &status, &err), -ETIMEDOUT);
	assert_int_equal(fs_read_file(path, 0, &text, &err), 0);
	/* killed with its group, but dying takes it a moment: a pidfd tells when it is over */
	pidfd = syscall(SYS_pidfd_open, atoi(text.buf), 0);
	if (pidfd >= 0) {
		assert_int_equal(poll(&(struct pollfd){pidfd, POLLIN, 0}, 1, 10000), 1);
		close(pidfd);
	}
	strbuf_release(&text);
}

static void collect(const char *line, void *arg)
{
	strbuf_addf(arg, "[%s]", line);
}

static void lines_are_given_whole(void **state)
{
	static const char *const argv[] = {"printf", "one\\ntwo\\nend", NULL};
	struct strbuf got = STRBUF_INIT;
	struct subprocess sp = {.argv = argv, .on_line = collect, .arg = &got};
	struct error err = {0};

	(void)state;
	assert_int_equal(subprocess_run(&sp, NULL, &err), 0);
	assert_string_equal(got.buf, "[one][two][end]");
	strbuf_release(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_context_goes_in_front),
		cmocka_unit_test(error_is_cut_not_overrun),
		cmocka_unit_test(strbuf_grows_and_detaches),
		cmocka_unit_test(write_is_atomic_and_reads_back),
		cmocka_unit_test(a_failed_write_names_the_path),
		cmocka_unit_test(devices_are_not_replaced),
		cmocka_unit_test(plain_names_stay_where_they_are_put),
		cmocka_unit_test(sha256_is_the_standard_one),
		cmocka_unit_test(a_lock_is_held_once),
		cmocka_unit_test(json_syntax_errors_name_line_and_column),
		cmocka_unit_test(json_errors_name_the_path),
		cmocka_unit_test(canonical_json_does_not_depend_on_order),
		cmocka_unit_test(subprocess_gives_output_and_status),
		cmocka_unit_test(a_missing_program_is_named),
		cmocka_unit_test(a_time_limit_ends_the_whole_group),
		cmocka_unit_test(lines_are_given_whole),
	};

	return cmocka_run_group_tests_name("common", tests, make_dir, drop_dir);
}
