// SPDX-License-Identifier: GPL-2.0-only
/* What a form sends, the key that it has to bring, who is logged in, and what people say of changes. */
#include <errno.h>

#include "common/json.h"
#include "common/strbuf.h"
#include "orchestrator/daemon/http/form.h"
#include "orchestrator/daemon/http/session.h"
#include "orchestrator/daemon/http/token.h"
#include "orchestrator/daemon/nights/triage.h"
#include "tests/unit/unit.h"

static struct daemon_db *db;
static struct error err;

static int open_queue(void **state)
{
	__cleanup_free char *path = NULL;

	if (unit_make_dir(state))
		return -1;
	path = unit_path("daemon.db");
	return daemon_db_open(path, &db, &err);
}

static int close_queue(void **state)
{
	daemon_db_close(db);
	return unit_drop_dir(state);
}

static int parse(const char *body, struct form *f)
{
	return form_parse(body, strlen(body), f, &err);
}

TEST(fields_are_decoded)
{
	struct form f;

	assert_int_equal(parse("owner=Ada+L.&note=50%25+%C3%A9%0D%0Anext&empty=&bare", &f), 0);
	assert_string_equal(form_value(&f, "owner"), "Ada L.");
	assert_string_equal(form_value(&f, "note"), "50% \xc3\xa9\r\nnext");
	assert_null(form_value(&f, "empty"));
	assert_null(form_value(&f, "bare"));
	assert_null(form_value(&f, "nothing"));
	form_free(&f);
}

TEST(blanks_around_a_value_are_none_of_it)
{
	struct form f;

	assert_int_equal(parse("token=+nlt_1%0a&blank=+%09+", &f), 0);
	assert_string_equal(form_value(&f, "token"), "nlt_1");
	assert_null(form_value(&f, "blank"));
	form_free(&f);
}

TEST(the_first_of_a_name_counts)
{
	struct form f;

	assert_int_equal(parse("a=1&a=2&&", &f), 0);
	assert_string_equal(form_value(&f, "a"), "1");
	form_free(&f);
}

TEST(what_is_broken_is_refused)
{
	static const char *const bodies[] = {"a=%",   "a=%4",  "a=%4g",	 "a=%00",
					     "%zz=1", "a=%ff", "a=\xc3", "a=%\x10\x30"};
	struct form f;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		assert_int_equal(parse(bodies[i], &f), -EINVAL);
		assert_int_equal(f.count, 0);
	}
	assert_int_equal(form_parse("a=1\0b", 5, &f, &err), -EINVAL);
	assert_int_equal(form_parse(NULL, 0, &f, &err), 0);
	form_free(&f);
}

TEST(more_fields_than_any_form_has_are_refused)
{
	struct strbuf body = STRBUF_INIT;
	struct form f;

	for (int i = 0; i < FORM_FIELDS; i++)
		strbuf_addf(&body, "f%d=1&", i);
	assert_int_equal(parse(body.buf, &f), 0);
	form_free(&f);
	strbuf_addstr(&body, "one=more");
	assert_int_equal(parse(body.buf, &f), -E2BIG);
	strbuf_release(&body);
}

TEST(a_key_is_of_one_cookie_and_one_path)
{
	char key[SHA256_HEX], other[SHA256_HEX];

	session_form_key("nlt_1", "/changes/1", key);
	assert_true(session_is_form_key("nlt_1", "/changes/1", key));
	assert_false(session_is_form_key("nlt_2", "/changes/1", key));
	assert_false(session_is_form_key("nlt_1", "/changes/2", key));
	assert_false(session_is_form_key("nlt_1", "/changes/1", ""));
	session_form_key("nlt_2", "/changes/1", other);
	assert_string_not_equal(key, other);
}

/* ---- logins ---- */

static void make_token(const char *scope, char token[TOKEN_MAX])
{
	const struct token_order order = {
		.owner = "ada", .scope = scope, .host = strcmp(scope, "agent") ? NULL : "h1"};

	assert_int_equal(token_add(db, &order, token, &err), 0);
}

TEST(a_login_may_what_its_token_may)
{
	char token[TOKEN_MAX], session[SESSION_MAX];
	struct identity who;

	make_token("operator", token);
	assert_int_equal(session_begin(db, token, session, &err), 0);
	assert_string_not_equal(session, token);
	assert_int_equal(session_find(db, session, &who, &err), 0);
	assert_int_equal(who.scope, SCOPE_OPERATOR);
	assert_string_equal(who.owner, "ada");
	assert_int_equal(session_find(db, token, &who, &err), -EACCES);
	assert_int_equal(session_end(db, session, &err), 0);
	assert_int_equal(session_find(db, session, &who, &err), -EACCES);
}

TEST(a_login_ends_with_its_token)
{
	char token[TOKEN_MAX], session[SESSION_MAX], sha256[SHA256_HEX];
	struct identity who;

	make_token("viewer", token);
	assert_int_equal(session_begin(db, token, session, &err), 0);
	sha256_bytes(token, strlen(token), sha256);
	assert_int_equal(token_remove(db, sha256, &err), 0);
	assert_int_equal(session_find(db, session, &who, &err), -EACCES);
}

TEST(who_has_no_business_with_pages_does_not_log_in)
{
	char token[TOKEN_MAX], session[SESSION_MAX];

	assert_int_equal(session_begin(db, "nlt_00", session, &err), -EACCES);
	make_token("agent", token);
	assert_int_equal(session_begin(db, token, session, &err), -EPERM);
}

/* ---- triage ---- */

static void add_change(void)
{
	static int bad;

	assert_int_equal(
		database_change(
			db, &err,
			"INSERT INTO night (id, schedule, branch, kernel, path, job, time) VALUES "
			"(?1, 's', 'b', 'k', 'k', 'job' || ?1, 't')",
			"d", ++bad),
		1);
	assert_int_equal(
		database_change(
			db, &err,
			"INSERT INTO change (schedule, branch, environment, good, bad, state, opened, "
			"changed) VALUES ('s', 'b', 'e', ?1, ?1, 'reported', 't', 't')",
			"d", bad),
		1);
}

static int say(int64_t change, const char *text)
{
	struct json_object *said;
	int ret;

	assert_int_equal(json_parse(text, strlen(text), "said", &said, &err), 0);
	ret = triage_set(db, change, said, "ada", &err);
	json_object_put(said);
	return ret;
}

TEST(duplicates_lead_to_something_else)
{
	for (int i = 0; i < 3; i++)
		add_change();
	assert_int_equal(say(1, "{\"triage\": \"duplicate\", \"duplicate_of\": 2}"), 0);
	assert_int_equal(say(2, "{\"triage\": \"duplicate\", \"duplicate_of\": 3}"), 0);
	assert_int_equal(say(3, "{\"duplicate_of\": 1}"), -EINVAL);
	assert_contains(err.text, "change 1 is a duplicate of this one");
	assert_int_equal(say(3, "{\"duplicate_of\": 3}"), -EINVAL);
	assert_int_equal(say(3, "{\"duplicate_of\": 99}"), -EINVAL);
	assert_int_equal(say(3, "{\"duplicate_of\": null, \"owner\": \"ada\"}"), 0);
	assert_int_equal(say(99, "{}"), -ENOENT);
}

TEST(what_is_said_is_bounded)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, "{\"note\": \"");
	for (int i = 0; i < 5000; i++)
		strbuf_addch(&text, 'x');
	strbuf_addstr(&text, "\"}");
	assert_int_equal(say(1, text.buf), -EINVAL);
	assert_int_equal(say(1, "{\"triage\": \"nonsense\"}"), -EINVAL);
	strbuf_release(&text);
}

UNIT_MAIN("daemon_pages", open_queue, close_queue)
