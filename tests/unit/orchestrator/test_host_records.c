// SPDX-License-Identifier: GPL-2.0-only
/* The record stream: what is wrong with it is found, and named by line. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/wire/protocol.h"
#include "orchestrator/engine/records.h"

static struct error err;

/* Appends a sealed record. */
static void add(struct strbuf *stream, int seq, const char *rest)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "{\"seq\":%d,%s", seq, rest);

	len = record_seal(line, len, sizeof(line));
	assert_true(len > 0);
	strbuf_add(stream, line, len);
	strbuf_addch(stream, '\n');
}

static struct strbuf good_stream(void)
{
	struct strbuf s = STRBUF_INIT;

	add(&s, 0, "\"type\":\"hello\"");
	add(&s, 1, "\"type\":\"begin\",\"id\":0");
	add(&s, 2, "\"type\":\"end\",\"id\":0");
	add(&s, 3, "\"type\":\"bye\",\"records\":4");
	return s;
}

/* Reads a whole stream in pieces of @piece bytes: the first error, or that of its end. */
static int read_stream(const struct strbuf *s, size_t piece, struct record_stream *rs)
{
	int ret = 0;

	memset(&err, 0, sizeof(err));
	for (size_t i = 0; !ret && i < s->len; i += piece)
		ret = record_stream_feed(rs, s->buf + i, s->len - i < piece ? s->len - i : piece,
					 &err);
	return ret ? ret : record_stream_end(rs, &err);
}

static void expect_bad(struct strbuf *s, int code, const char *text)
{
	struct record_stream rs = RECORD_STREAM_INIT;

	assert_int_equal(read_stream(s, s->len, &rs), code);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
	record_stream_release(&rs);
	strbuf_release(s);
}

/* They come in order, with all that is in them. */
static void count_call(struct json_object *record, void *arg)
{
	int *calls = arg;

	assert_int_equal(json_object_get_int(json_object_object_get(record, "seq")), *calls);
	assert_non_null(json_object_object_get(record, "crc"));
	++*calls;
}

TEST(good_stream_in_any_pieces)
{
	struct strbuf s = good_stream();

	for (size_t piece = 1; piece <= s.len; piece++) {
		int calls = 0;
		struct record_stream rs = RECORD_STREAM_INIT;

		rs.on_record = count_call;
		rs.arg = &calls;
		assert_int_equal(read_stream(&s, piece, &rs), 0);
		assert_int_equal(rs.count, 4);
		assert_int_equal(rs.ended, 1);
		assert_true(rs.complete);
		assert_int_equal(calls, 4);
		record_stream_release(&rs);
	}
	strbuf_release(&s);
}

/* Whichever bit of whichever byte. */
TEST(any_flipped_bit_is_found)
{
	struct strbuf s = good_stream();

	for (size_t i = 0; i < s.len * 8; i++) {
		struct record_stream rs = RECORD_STREAM_INIT;

		s.buf[i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(read_stream(&s, s.len, &rs), -EBADMSG);
		assert_non_null(strstr(err.text, "record line"));
		s.buf[i / 8] ^= (char)(1 << i % 8);
		record_stream_release(&rs);
	}
	strbuf_release(&s);
}

TEST(any_truncation_is_found)
{
	struct strbuf s = good_stream();
	size_t whole = s.len;

	for (s.len = 0; s.len < whole; s.len++) {
		struct record_stream rs = RECORD_STREAM_INIT;

		assert_int_equal(read_stream(&s, 7, &rs), -EBADMSG);
		assert_non_null(strstr(err.text, "truncated"));
		record_stream_release(&rs);
	}
	strbuf_release(&s);
}

TEST(damage_names_its_line)
{
	struct strbuf s = good_stream();

	*strstr(s.buf, "begin") = 'B';
	expect_bad(&s, -EBADMSG, "record line 2: CRC");
}

TEST(missing_line_is_named)
{
	struct strbuf s = STRBUF_INIT;

	add(&s, 0, "\"type\":\"hello\"");
	add(&s, 2, "\"type\":\"end\",\"id\":0");
	expect_bad(&s, -EBADMSG, "record line 2: is number 2, number 1 is missing");
}

TEST(repeated_line_is_named)
{
	struct strbuf s = STRBUF_INIT;

	add(&s, 0, "\"type\":\"hello\"");
	add(&s, 1, "\"type\":\"begin\",\"id\":0");
	add(&s, 1, "\"type\":\"begin\",\"id\":0");
	expect_bad(&s, -EBADMSG, "record line 3: is number 1, number 2 is missing");
}

TEST(wrong_count_is_named)
{
	struct strbuf s = STRBUF_INIT;

	add(&s, 0, "\"type\":\"hello\"");
	add(&s, 1, "\"type\":\"bye\",\"records\":3");
	expect_bad(&s, -EBADMSG, "record line 2: the stream has 2 records, its bye says 3");
}

TEST(bye_is_the_last)
{
	struct strbuf s = good_stream();

	add(&s, 4, "\"type\":\"hello\"");
	expect_bad(&s, -EBADMSG, "record line 5: a record after the bye");
}

TEST(another_boot_is_no_damage)
{
	struct strbuf s = STRBUF_INIT;

	add(&s, 0, "\"type\":\"hello\"");
	add(&s, 0, "\"type\":\"hello\"");
	expect_bad(&s, -ECONNRESET, "restarted in the middle");
}

/* A right CRC does not make it a record. */
TEST(sealed_nonsense_is_refused)
{
	static const char *const rests[] = {
		"\"type\":\"hello\",\"x\":",
		"\"type\":\"bye\"",
		"\"type\":\"bye\",\"records\":\"1\"",
		"\"type\":\"hello\",\"text\":\"\xff\xfe\"",
		"\"type\":\"hello\"}{",
	};

	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		struct strbuf s = STRBUF_INIT;

		add(&s, 0, rests[i]);
		expect_bad(&s, -EBADMSG, "record line 1");
	}
}

TEST(endless_line_is_refused)
{
	struct record_stream rs = RECORD_STREAM_INIT;
	char chunk[4096];
	int ret = 0;

	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; !ret && i < 100; i++)
		ret = record_stream_feed(&rs, chunk, sizeof(chunk), &err);
	assert_int_equal(ret, -EBADMSG);
	assert_true(rs.partial.alloc < 4 * PROTOCOL_LINE_MAX);
	record_stream_release(&rs);
}

UNIT_MAIN("host records", NULL, NULL)
