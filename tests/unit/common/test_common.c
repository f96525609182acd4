// SPDX-License-Identifier: GPL-2.0-only
/* common/: strings, errors, files, locks, JSON. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cancel.h"
#include "common/json.h"
#include "common/sha256.h"

TEST(error_context_goes_in_front)
{
	struct error err = {0};

	assert_int_equal(error_set(&err, -ENOENT, "no %s", "file"), -ENOENT);
	error_prefix(&err, -ENOENT, "kernel %d", 1);
	error_append(&err, -ENOENT, "; see log");
	assert_string_equal(err.text, "kernel 1: no file; see log");
	assert_int_equal(err.code, -ENOENT);
}

TEST(error_is_cut_not_overrun)
{
	struct error err = {0};
	char *big = xcalloc(1, 2 * ERROR_TEXT_MAX);

	memset(big, 'x', 2 * ERROR_TEXT_MAX - 1);
	big[2 * ERROR_TEXT_MAX - 1] = '\0';
	error_set(&err, -EIO, "%s", big);
	error_prefix(&err, -EIO, "%s", big);
	error_append(&err, -EIO, "%s", big);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	free(big);
}

TEST(strbuf_grows_and_detaches)
{
	struct strbuf sb = STRBUF_INIT;
	char *s;

	for (int i = 0; i < 1000; i++)
		strbuf_addf(&sb, "%d,", i % 10);
	assert_int_equal(sb.len, 2000);
	s = strbuf_detach(&sb);
	assert_int_equal(strlen(s), 2000);
	assert_string_equal(sb.buf, "");
	free(s);
}

TEST(write_is_atomic_and_reads_back)
{
	__cleanup_free char *path = unit_path("file");
	__cleanup_free char *json = unit_path("quick.json");
	struct strbuf got = STRBUF_INIT;
	struct error err = {0};
	char **names;
	size_t n;

	assert_int_equal(fs_write_file(path, "one", 3, &err), 0);
	assert_int_equal(fs_write_file(path, "two\0x", 5, &err), 0);
	assert_int_equal(fs_read_file(path, 0, &got, &err), 0);
	assert_int_equal(got.len, 5);
	assert_memory_equal(got.buf, "two\0x", 5);
	strbuf_reset(&got);
	assert_int_equal(fs_read_file(path, 4, &got, &err), -EFBIG);
	strbuf_release(&got);
	assert_int_equal(fs_list(unit_dir, NULL, &names, &n, &err), 0);
	assert_int_equal(n, 1); /* no temporary is left */
	fs_free_names(names, n);
	assert_int_equal(fs_write_file(json, "{}", 2, &err), 0);
	assert_int_equal(fs_list_stems(unit_dir, ".json", &names, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "quick");
	fs_free_names(names, n);
	unlink(json);
}

TEST(a_failed_write_names_the_path)
{
	struct error err = {0};

	/* nothing can be made there: the write must fail and say where */
	assert_true(fs_write_file("/proc/nestlab-no-such/file", "x", 1, &err) < 0);
	assert_non_null(strstr(err.text, "/proc/nestlab-no-such/file"));
}

TEST(devices_are_not_replaced)
{
	__cleanup_free char *path = unit_path("pipe");
	struct error err = {0};
	struct stat st;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fs_write_file(path, "x", 1, &err), -EINVAL);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	unlink(path);
}

TEST(links_stay_links)
{
	__cleanup_free char *link = unit_path("link"), *file = unit_path("behind");
	__cleanup_free char *out = unit_path("out"), *open_file = NULL;
	struct error err = {0};
	struct stat st;
	int fd;

	assert_int_equal(symlink("behind", link), 0);
	assert_int_equal(fs_write_file(link, "x", 1, &err), -ENOENT); /* it leads nowhere */
	assert_int_equal(fs_write_file(file, "old", 3, &err), 0);
	assert_int_equal(fs_write_file(link, "x", 1, &err), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 1);
	/* as /dev/stdout is, where a shell sends it to a file */
	fd = open(file, O_RDONLY);
	open_file = xasprintf("/proc/self/fd/%d", fd);
	assert_int_equal(symlink(open_file, out), 0);
	assert_int_equal(fs_write_file(out, "y", 1, &err), -EINVAL);
	assert_int_equal(fs_copy_file(file, out, &err), -EINVAL);
	assert_int_equal(lstat(out, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	close(fd);
	unlink(out);
	unlink(link);
	unlink(file);
}

static int write_and_forbid_umask(void *arg)
{
	umask(027);
	unit_filter_syscall(SYS_umask, SECCOMP_RET_KILL_PROCESS);
	return -fs_write_file(arg, "x", 1, NULL);
}

/* Setting it, if only to read it, is seen by all threads: files of theirs would get wrong modes. */
TEST(the_umask_counts_and_is_never_set)
{
	__cleanup_free char *path = unit_path("masked");
	struct stat st;

	assert_int_equal(unit_in_child(write_and_forbid_umask, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	unlink(path);
}

/* A file may be 4 KiB long: SIGXFSZ kills the writer in the middle. */
static int write_and_be_killed(void *arg)
{
	struct rlimit small = {.rlim_cur = 4096, .rlim_max = 4096}, no_core = {0};
	__cleanup_free char *data = xcalloc(1, 65536);

	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_FSIZE, &small);
	return -fs_write_file(arg, data, 65536, NULL);
}

static void assert_alone(const char *name, const char *text)
{
	__cleanup_free char *got = unit_get(name);
	char **names;
	size_t n;

	assert_string_equal(got, text);
	assert_int_equal(fs_list(unit_dir, NULL, &names, &n, NULL), 0);
	for (size_t i = 0; i < n; i++)
		assert_null(strstr(names[i], "kept."));
	fs_free_names(names, n);
}

TEST(a_killed_writer_leaves_nothing)
{
	__cleanup_free char *path = unit_path("kept");
	struct error err = {0};
	int fd = open(unit_dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		skip(); /* this file system has no nameless files */
	close(fd);
	assert_int_equal(fs_write_file(path, "old", 3, &err), 0);
	assert_int_equal(unit_in_child(write_and_be_killed, path), 128 + SIGXFSZ);
	assert_alone("kept", "old");
	unlink(path);
}

/* As where /proc is not mounted, or the file system has no O_TMPFILE. */
static int write_without_proc(void *arg)
{
	unit_filter_syscall(SYS_access, SECCOMP_RET_ERRNO | EACCES);
	return -fs_write_file(arg, "new", 3, NULL);
}

TEST(a_file_is_written_without_proc)
{
	__cleanup_free char *path = unit_path("kept");
	struct error err = {0};

	for (int i = 0; i < 2; i++) {
		assert_int_equal(unit_in_child(write_without_proc, path), 0);
		assert_alone("kept", "new");
		assert_int_equal(fs_write_file(path, "old", 3, &err), 0);
	}
	unlink(path);
}

TEST(plain_names_stay_where_they_are_put)
{
	assert_true(fs_is_plain_name("nested-context_2.1"));
	assert_false(fs_is_plain_name(""));
	assert_false(fs_is_plain_name("../x"));
	assert_false(fs_is_plain_name("a..b"));
	assert_false(fs_is_plain_name("a/b"));
	assert_false(fs_is_plain_name("-x"));
	assert_false(fs_is_plain_name(".x"));
}

TEST(sha256_is_the_standard_one)
{
	char hex[SHA256_HEX];

	sha256_bytes("abc", 3, hex); /* FIPS 180-2, appendix B.1 */
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(a_lock_is_held_once)
{
	__cleanup_free char *path = unit_path("lock");
	struct error err = {0};
	int a, b;

	assert_int_equal(fs_lock(path, true, &a, &err), 0);
	assert_int_equal(fs_lock(path, false, &b, &err), -EWOULDBLOCK);
	close(a);
	assert_int_equal(fs_lock(path, false, &b, &err), 0);
	close(b);
}

/* What a process is that was killed between fork() and exec(): its child has the lock a moment longer. */
TEST(a_lock_soon_follows_its_holder_that_was_killed)
{
	__cleanup_free char *path = unit_path("lock-of-the-dead");
	struct error err = {0};
	int fd, held[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(held), 0);
	pid = fork();
	if (!pid) {
		if (fs_lock(path, true, &fd, &err))
			_exit(1);
		if (!fork()) {
			kill(getppid(), SIGKILL);
			c = write(held[1], "", 1) == 1;
			poll(NULL, 0, 100);
			_exit(0);
		}
		pause();
		_exit(1);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(read(held[0], &c, 1), 1);
	assert_int_equal(fs_lock(path, false, &fd, &err), 0);
	close(fd);
	close(held[0]);
	close(held[1]);
}

static struct json_object *parse(const char *text, struct json_node *root)
{
	struct error err = {0};
	struct json_object *doc;

	assert_int_equal(json_parse(text, strlen(text), "f.json", &doc, &err), 0);
	*root = (struct json_node){.value = doc, .file = "f.json", .path = "$"};
	return doc;
}

TEST(json_syntax_errors_name_line_and_column)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"{\"a\":\n  nope}", "f.json:2:"},
		{"{\"a\": 1", "f.json:1:8: the JSON ends too early"},
		{"{} x", "f.json:1:4: "},
		{"", "ends too early"},
		{"\xef\xbb\xbf{}",
		 "f.json:1:1: a byte order mark: save the file as UTF-8 without one"},
	};

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

TEST(json_keys_are_there_once)
{
	static const struct {
		const char *text;
		const char *says; /* NULL: nothing is wrong */
	} cases[] = {
		{"{\"a\":1,\n \"b\":2, \"a\" : 3}", ":2:9: the key \"a\" is there twice"},
		{"[{\"a\":{\"x\":1,\"x\":2}}]", ":1:14: the key \"x\" is there twice"},
		{"{\"a\":{\"b\":1},\"b\":[{\"b\":\"b\"},{\"b\":2}],\"c\":\"c\"}", NULL},
		{"{\"a\":\"\\\"a\\\":\",\"b\":[\"a\",\"a\"]}", NULL},
		{"{\"a\":1,\"b\":{\"c\":1},\"a\":2}", "\"a\" is there twice"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__cleanup_free char *path = xasprintf("/tmp/nestlab-keys-%d.json", getpid());
		struct json_object *doc;
		struct json_node root;
		struct error err = {0, ""};
		int ret;

		assert_int_equal(fs_write_file(path, cases[i].text, strlen(cases[i].text), &err),
				 0);
		ret = json_load(path, &doc, &root, &err);
		unlink(path);
		assert_int_equal(ret, cases[i].says ? -EINVAL : 0);
		if (cases[i].says)
			assert_non_null(strstr(err.text, cases[i].says));
		json_object_put(doc);
	}
}

TEST(json_errors_name_the_path)
{
	static const char *const known[] = {"kernel", "list", NULL};
	struct json_node root, list, item;
	struct error err = {0};
	struct json_object *doc =
		parse("{\"list\":[1,\"x\",900,1000000000000000000000],\"kernal\":1}", &root);
	int64_t n;

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
	assert_int_equal(json_element(&list, 3, &item), 0);
	assert_int_equal(json_as_int(&item, 1, 256, &n, &err), -EINVAL);
	assert_string_equal(err.text, "f.json: $.list[3]: the number is not within 1..256");
	json_error(&item, &err, "what came: %s", "a\nnestlab: error: b");
	assert_string_equal(err.text, "f.json: $.list[3]: what came: a\\nnestlab: error: b");
	assert_int_equal(json_member(&root, "gone", true, &item, &err), -EINVAL);
	assert_int_equal(json_member(&root, "gone", false, &item, &err), -ENOENT);
	json_object_put(doc);
}

TEST(canonical_json_does_not_depend_on_order)
{
	struct json_node root;
	struct json_object *a =
		parse("{\"b\": [1, true], \"a\": {\"y\": \"/\", \"x\": null}}", &root);
	struct json_object *b = parse("{\"a\":{\"x\":null,\"y\":\"/\"},\"b\":[1,true]}", &root);
	__cleanup_free char *ta = json_canonical(a);
	__cleanup_free char *tb = json_canonical(b);

	assert_string_equal(ta, tb);
	assert_string_equal(ta, "{\"a\":{\"x\":null,\"y\":\"/\"},\"b\":[1,true]}");
	json_object_put(a);
	json_object_put(b);
}

TEST(a_stem_is_the_name_without_its_suffix)
{
	__cleanup_free char *stem = fs_stem("scenarios/quick.json", ".json");
	__cleanup_free char *bare = fs_stem("quick.json", ".json");

	assert_string_equal(stem, "quick");
	assert_string_equal(bare, "quick");
	assert_null(fs_stem("scenarios/quick.txt", ".json"));
	assert_null(fs_stem("scenarios/.json", ".json"));
	assert_null(fs_stem(".json", ".json"));
}

TEST(a_string_without_text_is_null)
{
	struct json_object *o = json_object_new_object();
	__cleanup_free char *text = NULL;

	json_add_string(o, "a", "x");
	json_add_string(o, "b", NULL);
	text = json_canonical(o);
	assert_string_equal(text, "{\"a\":\"x\",\"b\":null}");
	json_object_put(o);
}

TEST(equal_numbers_have_one_text)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{"[1.0, 1.00, 1e0, 10E-1, 1]", "[1,1,1,1,1]"},
		{"[-0.0, 0, 0e5]", "[0,0,0]"},
		{"[0.5, 5e-1, 0.50]", "[0.5,0.5,0.5]"},
		{"[0.1, 1e-1]", "[0.1,0.1]"},
		{"[1e300, 9007199254740993]", "[1e+300,9007199254740993]"},
		{"[-2.50]", "[-2.5]"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_node root;
		struct json_object *doc = parse(cases[i].text, &root);
		__cleanup_free char *text = json_canonical(doc);

		assert_string_equal(text, cases[i].canonical);
		json_object_put(doc);
	}
}

/* What stands behind the text is not looked at. */
TEST(a_text_needs_no_nul)
{
	struct json_object *doc;

	assert_int_equal(json_parse("123", 2, "f.json", &doc, NULL), 0);
	assert_int_equal(json_object_get_int(doc), 12);
	json_object_put(doc);
	assert_int_equal(json_parse("{}  x", 4, "f.json", &doc, NULL), 0);
	json_object_put(doc);
	assert_int_equal(json_parse("{}\0", 3, "f.json", &doc, NULL), -EINVAL);
	assert_null(doc);
}

/* A named pipe that nobody writes to is empty, and is not waited for. */
TEST(a_pipe_without_a_writer_is_empty)
{
	__cleanup_free char *path = unit_path("pipe");
	struct strbuf got = STRBUF_INIT;
	struct error err = {0};

	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(UNIT_CHILD_SECONDS);
	assert_int_equal(fs_read_file(path, 0, &got, &err), 0);
	alarm(0);
	assert_int_equal(got.len, 0);
	strbuf_release(&got);
	assert_int_equal(unlink(path), 0);
}

/* In a child, as it changes the signals of the process: did a hangup count as a cancel? */
static bool hangup_cancels(void (*before)(int))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGHUP, before);
		cancel_install();
		raise(SIGHUP);
		_exit(cancel_requested());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(nohup_is_respected)
{
	assert_true(hangup_cancels(SIG_DFL));
	assert_false(hangup_cancels(SIG_IGN));
}

UNIT_MAIN("common", unit_make_dir, unit_drop_dir)
