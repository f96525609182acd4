// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/l0/vmm/l1_disk.h"

#define HEAD "{\"seq\":"
#define BYE  "\"type\":\"bye\",\"records\":"

static int refuse_answer(const char **why, const char *text)
{
	*why = text;
	return -EBADMSG;
}

/* The last record says how many there are: one that is missing is not the last one. */
static int take_bye(struct l1_disk_answer *a, const char *count, const char **why)
{
	char expected[32], text[256];

	snprintf(expected, sizeof(expected), "%lu,", a->records + 1);
	if (record_check(a->line, a->len, text, sizeof(text)))
		return refuse_answer(why, "the last record's CRC is wrong");
	if (strncmp(count, expected, strlen(expected)))
		return refuse_answer(why, "records are missing");
	a->ended = true;
	return 0;
}

static int take_line(struct l1_disk_answer *a, struct mail *mail, const char **why)
{
	const char *bye;

	a->line[a->len] = '\0';
	if (strncmp(a->line, HEAD, sizeof(HEAD) - 1))
		return 0; /* a boot loader's, or a console's */
	bye = strstr(a->line, BYE);
	if (bye)
		return take_bye(a, bye + sizeof(BYE) - 1, why);
	if (a->len + 1 > MAIL_RECORDS_MAX - mail->len)
		return refuse_answer(why, "more records than a measurement has");
	memcpy(mail->records + mail->len, a->line, a->len);
	mail->len += (uint32_t)a->len;
	mail->records[mail->len++] = '\n';
	a->records++;
	return 0;
}

int l1_disk_take(struct l1_disk_answer *a, char byte, struct mail *mail, const char **why)
{
	int ret;

	if (byte == '\r')
		return 0;
	if (byte != '\n') {
		if (a->len == sizeof(a->line) - 1)
			return refuse_answer(why, "a line is longer than a record may be");
		a->line[a->len++] = byte;
		return 0;
	}
	ret = take_line(a, mail, why);
	a->len = 0;
	return ret;
}
