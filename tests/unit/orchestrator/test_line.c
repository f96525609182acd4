// SPDX-License-Identifier: GPL-2.0-only
/* One line with console and records: told apart, in order, each byte once, nothing foreign. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/strbuf.h"
#include "orchestrator/hosts/line.h"

/* Three records of several frames, and what the console says between them. */
#define RECORDS 40

static struct ticket ticket = {.key = "the key of this boot", .answers = true};
static const uint8_t foreign_key[HMAC_KEY_BYTES] = "the key of another one";

static struct strbuf stream; /* what the records file must hold */
static struct frame frames[4 * RECORDS];
static size_t nframes;
static struct error err;

static void make_stream(void)
{
	size_t at = 0;

	strbuf_reset(&stream);
	for (int i = 0; i < RECORDS; i++) {
		strbuf_addf(&stream, "{\"seq\":%d,\"fill\":\"", i);
		for (int n = 0; n < 37 * i; n++)
			strbuf_addch(&stream, (char)('a' + n % 26));
		strbuf_addstr(&stream, "\"}\n");
	}
	for (nframes = 0; at < stream.len; nframes++) {
		const char *start = stream.buf + at, *newline = strchr(start, '\n');
		struct frame *f = &frames[nframes];

		*f = (struct frame){.offset = (uint32_t)at, .payload = start};
		f->len = (size_t)(newline - start);
		f->ends_record = f->len <= FRAME_PAYLOAD_MAX;
		if (!f->ends_record)
			f->len = FRAME_PAYLOAD_MAX;
		at += frame_bytes(f);
		f->last = at == stream.len;
	}
}

/* A line in files of its own. */
static struct line *new_line(void)
{
	__cleanup_free char *console = unit_path("console.log");
	__cleanup_free char *records = unit_path("records.jsonl");
	const struct line_setting setting = {&ticket, console, records};
	struct line *l;

	unlink(console);
	unlink(records);
	make_stream();
	assert_int_equal(line_open(&setting, &l, &err), 0);
	return l;
}

static void feed_text(struct line *l, const char *text)
{
	assert_int_equal(line_feed(l, text, strlen(text), &err), 0);
}

static void feed_frame(struct line *l, const uint8_t *key, const struct frame *f)
{
	char line[FRAME_LINE_MAX];

	assert_int_equal(line_feed(l, line, frame_format(key, f, line), &err), 0);
}

static struct strbuf read_back(const char *name)
{
	__cleanup_free char *path = unit_path(name);
	struct strbuf text = STRBUF_INIT;

	assert_int_equal(fs_read_file(path, 0, &text, &err), 0);
	return text;
}

static void file_is(const char *name, const char *want)
{
	struct strbuf text = read_back(name);

	assert_string_equal(text.buf, want);
	strbuf_release(&text);
}

/* All records are there, once; ends the line. */
static void ends_whole(struct line *l)
{
	assert_true(line_counts(l)->complete);
	line_close(l);
	file_is("records.jsonl", stream.buf);
}

/* What the agent does when it is told what to send again. */
static void obey(struct line *l)
{
	struct frame_want want = {0, 1};

	while (want.from < want.upto) {
		char answer[FRAME_WANT_MAX];
		size_t len;

		assert_true(line_take_answer(l, answer, &len));
		assert_int_equal(frame_want_parse(ticket.key, answer, len - 1, &want), 0);
		for (size_t i = 0; i < nframes; i++)
			if (frames[i].offset + frame_bytes(&frames[i]) > want.from &&
			    frames[i].offset < want.upto)
				feed_frame(l, ticket.key, &frames[i]);
		feed_frame(l, ticket.key, &frames[nframes - 1]);
	}
	assert_int_equal(want.from, stream.len);
}

TEST(console_and_records_are_told_apart_however_they_are_cut)
{
	for (size_t piece = 1; piece < 200; piece += 33) {
		struct line *l = new_line();
		struct strbuf all = STRBUF_INIT;

		for (size_t i = 0; i < nframes; i++) {
			char line[FRAME_LINE_MAX];

			strbuf_addf(&all,
				    "[    9] the kernel says\r\n\n"); /* the agent's newline */
			strbuf_add(&all, line, frame_format(ticket.key, &frames[i], line));
		}
		strbuf_addstr(&all, "login: ");
		for (size_t at = 0; at < all.len; at += piece)
			line_feed(l, all.buf + at, all.len - at < piece ? all.len - at : piece,
				  &err);
		strbuf_release(&all);
		assert_int_equal(line_counts(l)->frames, nframes);
		assert_int_equal(line_counts(l)->refused, 0);
		ends_whole(l);
	}
	{
		struct strbuf console = read_back("console.log");

		assert_non_null(strstr(console.buf, "[    9] the kernel says\r\nlogin: "));
		assert_null(strstr(console.buf, "\n\n"));
		assert_null(strchr(console.buf, FRAME_MARK));
		assert_null(strstr(console.buf, "seq"));
		strbuf_release(&console);
	}
}

TEST(what_the_kernel_says_in_the_middle_of_a_frame_is_kept)
{
	struct line *l = new_line();
	char line[FRAME_LINE_MAX];
	size_t len = frame_format(ticket.key, &frames[0], line);

	line_feed(l, line, 20, &err);
	feed_text(l, "\nKernel panic - not syncing: x\n");
	line_feed(l, line + 20, len - 20, &err);
	assert_int_equal(line_counts(l)->frames, 0);
	line_close(l);
	{
		struct strbuf console = read_back("console.log");

		assert_non_null(strstr(console.buf, "\nKernel panic - not syncing: x\n"));
		strbuf_release(&console);
	}
	file_is("records.jsonl", "");
}

TEST(lost_frames_are_asked_for_and_come_once)
{
	for (size_t lose = 1; lose < 8; lose++) {
		struct line *l = new_line();

		for (size_t i = 0; i < nframes; i++)
			if (i % 7 >= lose || i == nframes - 1)
				feed_frame(l, ticket.key, &frames[i]);
		obey(l);
		assert_true(line_counts(l)->asked > 0);
		ends_whole(l);
	}
}

TEST(frames_in_another_order_and_twice_give_the_same_stream)
{
	struct line *l = new_line();

	for (size_t i = nframes; i-- > 0;) {
		feed_frame(l, ticket.key, &frames[i]);
		feed_frame(l, ticket.key, &frames[i]);
	}
	assert_int_equal(line_counts(l)->doubles, nframes);
	ends_whole(l);
}

TEST(frames_cut_elsewhere_fit_together)
{
	struct line *l = new_line();
	struct frame part;

	for (size_t i = nframes; i-- > 1;)
		feed_frame(l, ticket.key, &frames[i]);
	part = frames[0]; /* over what came already */
	part.len = 5;
	part.ends_record = false;
	feed_frame(l, ticket.key, &part);
	feed_frame(l, ticket.key, &part);
	part = (struct frame){.offset = 3,
			      .payload = stream.buf + 3,
			      .len = frames[0].len - 3,
			      .ends_record = true};
	feed_frame(l, ticket.key, &part);
	ends_whole(l);
}

TEST(forged_replayed_and_cut_records_are_refused)
{
	struct line *l = new_line();
	const struct frame forged = {.offset = 0,
				     .payload = "{\"seq\":0,\"type\":\"hello\"}",
				     .len = 24,
				     .ends_record = true};
	uint64_t refused = 0;

	for (size_t i = 0; i < nframes; i++) {
		char line[FRAME_LINE_MAX];
		size_t len = frame_format(ticket.key, &frames[i], line);

		feed_frame(l, foreign_key, &forged);	/* by a stranger */
		feed_frame(l, foreign_key, &frames[i]); /* recorded in another boot */
		line[len / 2] ^= 1;
		line_feed(l, line, len, &err);	   /* altered */
		line_feed(l, line, len - 9, &err); /* cut */
		feed_text(l, "\n");
		refused += 4;
		feed_frame(l, ticket.key, &frames[i]);
		feed_frame(l, ticket.key, &frames[i / 2]); /* recorded in this one */
	}
	assert_int_equal(line_counts(l)->refused, refused);
	assert_int_equal(line_counts(l)->doubles, nframes);
	ends_whole(l);
}

TEST(without_answers_what_follows_a_hole_is_passed_on)
{
	struct line *l;
	char answer[FRAME_WANT_MAX];
	size_t len;

	ticket.answers = false;
	l = new_line();
	for (size_t i = 0; i < nframes; i++)
		if (i != 3)
			feed_frame(l, ticket.key, &frames[i]);
	assert_false(line_take_answer(l, answer, &len));
	assert_false(line_counts(l)->complete);
	assert_int_equal(line_counts(l)->lost, frame_bytes(&frames[3]));
	line_close(l);
	ticket.answers = true;
	{
		struct strbuf records = read_back("records.jsonl");

		assert_int_equal(records.len, stream.len - frame_bytes(&frames[3]));
		strbuf_release(&records);
	}
}

TEST(a_full_disk_is_told)
{
	struct line *l;
	__cleanup_free char *records = unit_path("records.jsonl");
	const struct line_setting setting = {&ticket, "/dev/full", records};

	assert_int_equal(line_open(&setting, &l, &err), 0);
	assert_int_equal(line_feed(l, "text", 4, &err), -ENOSPC);
	line_close(l);
}

UNIT_MAIN("one line", unit_make_dir, unit_drop_dir)
