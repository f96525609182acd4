// SPDX-License-Identifier: GPL-2.0-only
/* A line that is a command's output: started, started again, answered, stolen, ended. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>

#include "common/strbuf.h"
#include "orchestrator/hosts/channel.h"

static const struct ticket ticket = {.key = "the key of this boot", .answers = true};
static struct error err;

/* What a test's channel is about. */
struct setup {
	char *console, *records, *log;
	struct channel_setting setting;
	const char *argv[4];
};

static struct setup *new_setup(const char *script)
{
	struct setup *s = xcalloc(1, sizeof(*s));

	s->console = unit_path("console.log");
	s->records = unit_path("records.jsonl");
	s->log = unit_path("line.log");
	unlink(s->console);
	unlink(s->records);
	unlink(s->log);
	s->argv[0] = "sh";
	s->argv[1] = "-c";
	s->argv[2] = script;
	s->setting = (struct channel_setting){
		.line = {&ticket, s->console, s->records},
		.argv = s->argv,
		.log_path = s->log,
	};
	return s;
}

static void free_setup(struct setup *s)
{
	free(s->console);
	free(s->records);
	free(s->log);
	free(s);
}

/* Waits for it to come, for as long as a loaded machine may take. */
static void reaches(struct channel *c, enum channel_state want)
{
	struct pollfd p = {.fd = channel_fd(c), .events = POLLIN};

	while (channel_state(c, NULL) != want)
		assert_true(poll(&p, 1, 300000) > 0);
}

static void ends_complete(struct channel *c)
{
	struct line_counts counts;
	unsigned int starts;

	for (int i = 0; i < 3000; i++) {
		channel_counts(c, &counts, &starts);
		if (counts.complete)
			return;
		poll(NULL, 0, 10);
	}
	fail_msg("the stream was not complete within 30 s");
}

static char *text_of(const char *path)
{
	struct strbuf text = STRBUF_INIT;

	assert_int_equal(fs_read_file(path, 0, &text, &err), 0);
	return strbuf_detach(&text);
}

/* A file with the frame that says @payload at @offset. */
static void write_frame(const char *name, uint32_t offset, const char *payload, bool last)
{
	__cleanup_free char *path = unit_path(name);
	const struct frame f = {offset, payload, strlen(payload), true, last};
	char line[FRAME_LINE_MAX];
	size_t len = frame_format(ticket.key, &f, line);

	assert_int_equal(fs_write_file(path, line, len, &err), 0);
}

TEST(a_command_that_ends_is_started_again_and_what_was_lost_is_asked_for)
{
	/* First run: the first of three frames; the second is lost. Then the third, until an answer
	 * comes, which only the agent understands; then all of them. */
	static const char script[] =
		"cd \"$DIR\"; if mkdir once 2>/dev/null; then echo booting; cat f0; exit 3; fi\n"
		"cat f2; read answer; printf %s \"$answer\" >answer; cat f1 f2; read answer; sleep 60";
	struct setup *s = new_setup(script);
	__cleanup_free char *dir = unit_path("");
	__cleanup_free char *answer = unit_path("answer");
	struct frame_want want;
	struct channel *c;
	unsigned int starts;
	struct line_counts counts;
	char *text;

	setenv("DIR", dir, 1);
	write_frame("f0", 0, "{\"seq\":0}", false);
	write_frame("f1", 10, "{\"seq\":1}", false);
	write_frame("f2", 20, "{\"seq\":2}", true);
	assert_int_equal(channel_start(&s->setting, &c, &err), 0);
	ends_complete(c);
	channel_counts(c, &counts, &starts);
	assert_int_equal(starts, 2);
	assert_int_equal(counts.asked, 1);
	channel_stop(c);
	text = text_of(s->records);
	assert_string_equal(text, "{\"seq\":0}\n{\"seq\":1}\n{\"seq\":2}\n");
	free(text);
	text = text_of(s->console);
	assert_string_equal(text, "booting\n");
	free(text);
	text = text_of(answer);
	assert_int_equal(frame_want_parse(ticket.key, text, strlen(text), &want), 0);
	assert_int_equal(want.from, 10);
	assert_int_equal(want.upto, 20);
	free(text);
	free_setup(s);
}

TEST(a_command_that_never_gives_a_line_fails_with_its_own_words)
{
	struct setup *s = new_setup("echo 'SOL payload already active' >&2; exit 1");
	struct strbuf why = STRBUF_INIT;
	struct channel *c;

	s->setting.ready = "operational";
	s->setting.attempts = 3;
	assert_int_equal(channel_start(&s->setting, &c, &err), 0);
	reaches(c, CHANNEL_FAILED);
	channel_state(c, &why);
	assert_non_null(strstr(why.buf, "3 times"));
	assert_non_null(strstr(why.buf, "already active"));
	channel_stop(c);
	strbuf_release(&why);
	free_setup(s);
}

TEST(what_comes_before_the_line_is_open_is_no_console)
{
	struct setup *s =
		new_setup("printf 'Info: x\\r\\n[SOL Session operational.  Use ~?]\\r\\n';"
			  "printf 'GRUB'; sleep 60");
	struct channel *c;
	char *text = NULL;

	s->setting.ready = "[SOL Session operational";
	assert_int_equal(channel_start(&s->setting, &c, &err), 0);
	reaches(c, CHANNEL_OPEN);
	for (int i = 0; i < 3000 && (!text || !*text); i++) {
		free(text);
		text = text_of(s->console);
		poll(NULL, 0, 10);
	}
	assert_string_equal(text, "GRUB");
	free(text);
	channel_stop(c);
	free_setup(s);
}

static enum channel_owner say_stolen(void *arg, struct strbuf *why)
{
	(void)arg;
	strbuf_addstr(why, "another session has the console");
	return CHANNEL_STOLEN;
}

static enum channel_owner say_closed(void *arg, struct strbuf *why)
{
	(void)arg;
	(void)why;
	return CHANNEL_CLOSED;
}

TEST(a_stolen_line_is_noticed_by_its_silence)
{
	struct setup *s = new_setup("echo a line; sleep 60");
	struct strbuf why = STRBUF_INIT;
	struct channel *c;

	s->setting.silence_s = 1;
	s->setting.owner = say_stolen;
	assert_int_equal(channel_start(&s->setting, &c, &err), 0);
	reaches(c, CHANNEL_FAILED);
	channel_state(c, &why);
	assert_string_equal(why.buf, "another session has the console");
	channel_stop(c);
	strbuf_release(&why);
	free_setup(s);
}

TEST(a_line_that_the_other_end_closed_is_opened_again)
{
	struct setup *s = new_setup("echo a line; sleep 60");
	struct channel *c;
	struct line_counts counts;
	unsigned int starts = 0;

	s->setting.silence_s = 1;
	s->setting.owner = say_closed;
	assert_int_equal(channel_start(&s->setting, &c, &err), 0);
	for (int i = 0; i < 3000 && starts < 2; i++) {
		channel_counts(c, &counts, &starts);
		poll(NULL, 0, 10);
	}
	assert_true(starts >= 2);
	channel_stop(c);
	free_setup(s);
}

TEST(a_command_is_ended_in_good_order)
{
	struct setup *s = new_setup("echo open; head -c 2 >\"$DIR/goodbye\"; exit 0");
	__cleanup_free char *dir = unit_path("");
	__cleanup_free char *goodbye = unit_path("goodbye");
	struct channel *c;
	char *text;

	setenv("DIR", dir, 1);
	s->setting.goodbye = "~.";
	assert_int_equal(channel_start(&s->setting, &c, &err), 0);
	reaches(c, CHANNEL_OPEN);
	channel_stop(c);
	text = text_of(goodbye);
	assert_string_equal(text, "~.");
	free(text);
	free_setup(s);
}

TEST(a_full_disk_fails_the_channel)
{
	struct setup *s = new_setup("echo text; sleep 60");
	struct strbuf why = STRBUF_INIT;
	struct channel *c;

	s->setting.line.console_path = "/dev/full";
	assert_int_equal(channel_start(&s->setting, &c, &err), 0);
	reaches(c, CHANNEL_FAILED);
	channel_state(c, &why);
	assert_non_null(strstr(why.buf, strerror(ENOSPC)));
	channel_stop(c);
	strbuf_release(&why);
	free_setup(s);
}

UNIT_MAIN("channel", unit_make_dir, unit_drop_dir)
