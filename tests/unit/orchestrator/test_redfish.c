// SPDX-License-Identifier: GPL-2.0-only
/* Parts of the redfish driver that need no BMC: what BMCs say, credentials, the journal. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "orchestrator/hosts/credentials.h"
#include "orchestrator/hosts/journal.h"
#include "orchestrator/hosts/redfish/http.h"
#include "orchestrator/hosts/redfish/message.h"

static struct error err;

static void assert_described(const char *body, const char *want)
{
	struct strbuf text = STRBUF_INIT, said = STRBUF_INIT;

	strbuf_addstr(&text, body);
	message_describe(400, &text, &said);
	assert_string_equal(said.buf, want);
	strbuf_release(&text);
	strbuf_release(&said);
}

TEST(errors_in_the_forms_of_bmcs)
{
	assert_described(
		"{\"error\":{\"code\":\"x\",\"message\":\"see\",\"@Message.ExtendedInfo\":["
		"{\"MessageId\":\"Base.1.0.A\",\"Message\":\"one\"},{\"Message\":\"two\"}]}}",
		"status 400: one (Base.1.0.A); two");
	assert_described("{\"error\":{\"@Message.ExtendedInfo\":{\"MessageId\":\"Base.1.0.A\"}}}",
			 "status 400: Base.1.0.A");
	assert_described("{\"@Message.ExtendedInfo\":[{\"Message\":\"at the top\"}]}",
			 "status 400: at the top");
	assert_described("{\"error\":{\"message\":\"plain\"}}", "status 400: plain");
	assert_described("<html>\n<b>502</b>", "status 400: <html> <b>502</b>");
	assert_described("{\"error\":{\"message\":\"a\\u001b[31mb\"}}", "status 400: a [31mb");
	assert_described("{\"error\":7}", "status 400");
	assert_described("", "status 400");
}

TEST(half_an_object_is_none)
{
	static const char *const bad[] = {"", "{\"a\":", "[1]", "7", "null"};
	struct strbuf text = STRBUF_INIT;
	struct json_object *good;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		strbuf_reset(&text);
		strbuf_addstr(&text, bad[i]);
		assert_null(message_parse(&text));
	}
	strbuf_reset(&text);
	strbuf_addstr(&text, "{\"a\":{\"b\":\"c\"}}");
	good = message_parse(&text);
	assert_string_equal(message_text(good, "a", "b", NULL), "c");
	assert_null(message_text(good, "a", NULL));
	assert_null(message_text(good, "a", "b", "c", NULL));
	assert_null(message_at(NULL, "a", NULL));
	json_object_put(good);
	strbuf_release(&text);
}

TEST(credentials_are_two_lines_of_a_file_that_nobody_else_can_read)
{
	__cleanup_free char *path = unit_write("cred", "user=lab\r\npassword=a=b c \n");
	__cleanup_free char *where = xasprintf("file:%s", path);
	struct credentials c;

	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(credentials_read(where, &c, &err), 0);
	assert_string_equal(c.user, "lab");
	assert_string_equal(c.password, "a=b c ");
	credentials_release(&c);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(credentials_read(where, &c, &err), -EACCES);
	assert_null(strstr(err.text, "a=b"));
	assert_int_equal(credentials_check("lab:secret", &err), -EINVAL);
	assert_int_equal(credentials_check("file:relative", &err), -EINVAL);
	assert_int_equal(credentials_check("systemd:../x", &err), -EINVAL);
}

TEST(a_journal_outlives_its_process)
{
	__cleanup_free char *dir = unit_path("hosts");
	const struct host_config cfg = {.name = (char *)"lab", .state_dir = dir};
	__cleanup_free char *path = NULL;
	struct journal *j, *second = NULL;

	assert_int_equal(journal_open(&cfg, "http://bmc", &j, &err), 0);
	assert_true(journal_is_empty(j));
	assert_int_equal(journal_note(j, "power", json_object_new_string("on"), &err), 0);
	assert_int_equal(journal_open(&cfg, "http://bmc", &second, &err), -EBUSY);
	assert_null(second);
	journal_close(j);
	assert_int_equal(journal_open(&cfg, "http://bmc", &j, &err), 0);
	assert_string_equal(journal_string(j, "power"), "on");
	assert_null(journal_string(j, "drive"));
	assert_int_equal(journal_note(j, "power", NULL, &err), 0);
	path = xstrdup(j->path);
	assert_true(fs_exists(path));
	journal_close(j);
	assert_false(fs_exists(path));
}

TEST(what_was_done_to_one_machine_is_not_undone_on_another)
{
	__cleanup_free char *dir = unit_path("hosts");
	const struct host_config lab = {.name = (char *)"lab", .state_dir = dir};
	const struct host_config same = {.name = (char *)"same", .state_dir = dir};
	struct journal *j;

	assert_int_equal(journal_open(&lab, "http://old", &j, &err), 0);
	assert_int_equal(journal_note(j, "power", json_object_new_string("on"), &err), 0);
	journal_close(j);
	assert_int_equal(journal_open(&lab, "http://new", &j, &err), 0); /* the file was edited */
	assert_true(journal_is_empty(j));
	journal_close(j);
	assert_int_equal(journal_open(&same, "http://old", &j, &err), 0);
	assert_string_equal(journal_string(j, "power"), "on");
	assert_int_equal(journal_note(j, "power", NULL, &err), 0);
	journal_close(j);
}

TEST(a_damaged_journal_is_told_and_stays)
{
	static const char *const bad[] = {"", "{\"power\": \"on\"", "[]", "7"};
	__cleanup_free char *dir = unit_path("hosts");
	const struct host_config lab = {.name = (char *)"lab", .state_dir = dir};
	__cleanup_free char *path = NULL;
	struct journal *j;

	assert_int_equal(journal_open(&lab, "http://damaged", &j, &err), 0);
	path = xstrdup(j->path);
	journal_close(j);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(fs_write_file(path, bad[i], strlen(bad[i]), &err), 0);
		assert_true(journal_open(&lab, "http://damaged", &j, &err) < 0);
		assert_contains(err.text, path);
		assert_contains(err.text, "remove the file");
		assert_true(fs_exists(path));
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(journal_open(&lab, "http://damaged", &j, &err),
			 0); /* the lock was given back */
	journal_close(j);
}

TEST(a_pin_has_one_form)
{
	static const char good[] =
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	__cleanup_free char *longer = xasprintf("%s0", good);
	__cleanup_free char *other = xstrdup(good);

	assert_true(http_is_pin(good));
	assert_false(http_is_pin(longer));
	other[20] = 'G';
	assert_false(http_is_pin(other));
	assert_false(http_is_pin(good + 1));
	assert_false(http_is_pin("sha256:"));
	assert_false(http_is_pin(""));
}

TEST(two_host_files_of_one_bmc_share_its_lock)
{
	__cleanup_free char *dir = unit_path("hosts");
	const struct host_config one = {.name = (char *)"one", .state_dir = dir};
	const struct host_config two = {.name = (char *)"two", .state_dir = dir};
	struct journal *a, *b;

	assert_int_equal(journal_open(&one, "http://bmc", &a, &err), 0);
	assert_int_equal(journal_open(&two, "http://bmc", &b, &err), -EBUSY);
	assert_int_equal(journal_open(&two, "http://other", &b, &err), 0);
	journal_close(b);
	journal_close(a);
}

UNIT_MAIN("redfish", unit_make_dir, unit_drop_dir)
