// SPDX-License-Identifier: GPL-2.0-only
/* What comes by the line of an L1 on a disk: its records are kept, whatever else speaks there. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/l0/vmm/l1_disk.h"

static union {
	struct mail mail;
	char bytes[MAIL_SIZE];
} page;
static struct l1_disk_answer answer;
static const char *why;

static void start(void)
{
	memset(&page, 0, sizeof(page));
	memset(&answer, 0, sizeof(answer));
}

static int send_text(const char *text)
{
	int ret = 0;

	for (; *text && !ret; text++)
		ret = l1_disk_take(&answer, *text, &page.mail, &why);
	return ret;
}

static int send_record(unsigned int seq, const char *rest, const char *newline)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "{\"seq\":%u,%s", seq, rest);

	n = record_seal(line, (size_t)n, sizeof(line));
	assert_true(n > 0);
	snprintf(line + n, sizeof(line) - (size_t)n, "%s", newline);
	return send_text(line);
}

TEST(records_are_kept_up_to_the_bye)
{
	start();
	assert_int_equal(send_text("GRUB loading.\r\n\nnestlab-agent ready\n"), 0);
	assert_int_equal(send_record(0, "\"type\":\"hello\"", "\r\n"), 0);
	assert_int_equal(send_record(1, "\"type\":\"begin\",\"id\":3", "\n"), 0);
	assert_false(answer.ended);
	assert_int_equal(send_record(2, "\"type\":\"bye\",\"records\":3", "\n"), 0);
	assert_true(answer.ended);
	assert_non_null(strstr(page.mail.records, "\"type\":\"hello\",\"crc\""));
	assert_non_null(strstr(page.mail.records, "\"begin\",\"id\":3"));
	assert_null(strstr(page.mail.records, "bye"));
	assert_null(strstr(page.mail.records, "GRUB"));
	assert_null(strchr(page.mail.records, '\r'));
	assert_int_equal(page.mail.len, strlen(page.mail.records));
}

TEST(a_record_that_is_lost_is_missed)
{
	start();
	assert_int_equal(send_record(0, "\"type\":\"hello\"", "\n"), 0);
	assert_int_equal(send_record(2, "\"type\":\"bye\",\"records\":3", "\n"), -EBADMSG);
	assert_string_equal(why, "records are missing");
	start();
	assert_int_equal(
		send_text("{\"seq\":0,\"type\":\"bye\",\"records\":1,\"crc\":\"00000000\"}\n"),
		-EBADMSG);
	assert_false(answer.ended);
}

TEST(an_l1_that_writes_without_end_is_stopped)
{
	int ret = 0;

	start();
	for (int i = 0; i < PROTOCOL_LINE_MAX + 2 && !ret; i++)
		ret = send_text("x");
	assert_int_equal(ret, -EBADMSG);
	start();
	for (unsigned int i = 0; i < MAIL_SIZE / 16 && !(ret = send_text("{\"seq\":0,xxxxxx\n"));
	     i++)
		;
	assert_int_equal(ret, -EBADMSG);
	assert_true(page.mail.len <= MAIL_RECORDS_MAX);
}

UNIT_MAIN("l1_disk", unit_make_dir, unit_drop_dir)
