// SPDX-License-Identifier: GPL-2.0-only
/* common/terminal: what a terminal would obey is shown, and everything else is left alone. */
#include "tests/unit/unit.h"

#include "common/log.h"
#include "common/progress.h"
#include "common/terminal.h"

static const struct {
	const char *text, *shown;
} controls[] = {
	{"\033[31mred\a", "\\x1b[31mred\\x07"},
	{"a\rb\bc\177", "a\\x0db\\x08c\\x7f"},
	{"\xc2\x9b"
	 "31m",
	 "\\u009b31m"}, /* CSI in one character */
	{"\x9b"
	 "31m",
	 "\\x9b31m"}, /* and in one byte */
	{"user\xe2\x80\xaetxt.exe", "user\\u202etxt.exe"},
	{"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"},
	{"\xe2\x80\x8e\xd8\x9c", "\\u200e\\u061c"},
	{"a\xe2\x80\xa8z", "a\\u2028z"},
	{"\xf3\xa0\x81\x81", "\\U000e0041"},
	{"Gr\xf6\xdf"
	 "e",
	 "Gr\\xf6\\xdf"
	 "e"},
	{"Gr\xc3\xb6\xc3\x9f"
	 "e \xe6\x97\xa5 \xf0\x9f\x98\x80 \\x1b",
	 "Gr\xc3\xb6\xc3\x9f"
	 "e \xe6\x97\xa5 \xf0\x9f\x98\x80 \\x1b"},
	{"", ""},
};

TEST(controls_are_shown)
{
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++) {
		__cleanup_free char *line = terminal_line(controls[i].text);
		struct strbuf text = STRBUF_INIT;

		assert_string_equal(line, controls[i].shown);
		terminal_add(&text, controls[i].text);
		assert_string_equal(text.buf, controls[i].shown);
		strbuf_release(&text);
	}
}

TEST(ends_of_lines_stay_in_a_text_and_not_in_a_line)
{
	__cleanup_free char *line = terminal_line("a\n\tb");
	struct strbuf text = STRBUF_INIT;

	assert_string_equal(line, "a\\n\\tb");
	terminal_add(&text, "a\n\tb");
	terminal_add(&text, NULL);
	assert_string_equal(text.buf, "a\n\tb");
	strbuf_release(&text);
}

TEST(columns_are_those_of_the_terminal)
{
	static const struct {
		const char *text;
		size_t columns, in_four; /* bytes that fit in four columns */
	} cases[] = {
		{"abcde", 5, 4},
		{"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 6, 6}, /* three wide ones */
		{"a\xe6\x97\xa5\xe6\x9c\xac", 5, 4},		/* the third has no room */
		{"\xf0\x9f\x98\x80", 2, 4},
		{"e\xcc\x81t\xc3\xa9", 3, 6}, /* e with a combining accent */
		{"\xe2\x9c\x94 1", 3, 5},
		{"\xff\xfe", 2, 2}, /* not UTF-8 */
		{"", 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = strlen(cases[i].text);

		assert_int_equal(terminal_width(cases[i].text, n), cases[i].columns);
		assert_int_equal(terminal_fit(cases[i].text, n, 4), cases[i].in_four);
	}
}

static int say_everything(void *arg)
{
	__cleanup_free char *path = unit_path("said");
	struct progress *p;

	(void)arg;
	if (!freopen(path, "w", stderr) || !freopen(path, "a", stdout))
		return 1;
	log_error("%s", "1\033[2J");
	log_warning("%s", "2\xc2\x9b");
	log_info("%s", "3\xe2\x80\xae");
	progress_print("%s\n", "4\a");
	p = progress_start("5\a");
	progress_update(p, 1, 2, "6\033");
	progress_end(p, "7\033");
	terminal_printf("%s\n", "8\033");
	return fflush(stdout) != 0;
}

TEST(all_ways_to_a_terminal_are_clean)
{
	__cleanup_free char *said = NULL;

	assert_int_equal(unit_in_child(say_everything, NULL), 0);
	said = unit_get("said");
	for (const char *s = said; *s; s++)
		if ((*s < ' ' && *s != '\n') || *s == '\x9b')
			fail_msg("%s", said);
	assert_contains(said, "error: 1\\x1b[2J");
	assert_contains(said, "2\\u009b");
	assert_contains(said, "3\\u202e");
	assert_contains(said, "4\\x07");
	assert_contains(said, "5\\x07");
	assert_contains(said, "7\\x1b");
	assert_contains(said, "8\\x1b");
}

UNIT_MAIN_EACH("terminal", unit_make_dir, unit_drop_dir)
