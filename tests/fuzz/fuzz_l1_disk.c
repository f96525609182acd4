// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes by the serial line of an L1 on a disk, byte by byte: a boot loader's words, records, anything. What is kept
 * are whole lines that fit the mail page. A line that begins with '!' is sealed here, so that a `bye` can be right.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agents/l0/vmm/l1_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static union {
	struct mail mail;
	char bytes[MAIL_SIZE + 1];
} page;
static struct l1_disk_answer answer;

static int send_bytes(const char *bytes, size_t len)
{
	const char *why = NULL;
	int ret = 0;

	for (size_t i = 0; i < len && !ret && !answer.ended; i++)
		ret = l1_disk_take(&answer, bytes[i], &page.mail, &why);
	assert(!ret || why);
	return ret;
}

static int send_line(const uint8_t *p, size_t len)
{
	char line[PROTOCOL_LINE_MAX + 64];
	int n = (int)len;

	if (len > PROTOCOL_LINE_MAX)
		return send_bytes((const char *)p, len);
	memcpy(line, p, len);
	if (len && *p == '!') {
		n = snprintf(line, sizeof(line), "{\"seq\":0,%.*s", (int)len - 1,
			     (const char *)p + 1);
		n = record_seal(line, (size_t)n, sizeof(line) - 1);
		if (n < 0)
			return 0;
	}
	line[n] = '\n';
	return send_bytes(line, (size_t)n + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&page, 0, sizeof(page));
	memset(&answer, 0, sizeof(answer));
	while (size) {
		const uint8_t *newline = memchr(data, '\n', size);
		size_t len = newline ? (size_t)(newline - data) : size;

		if (send_line(data, len))
			break;
		data += len;
		size -= len;
		if (size) {
			data++;
			size--;
		}
	}
	assert(page.mail.len <= MAIL_RECORDS_MAX && !page.bytes[MAIL_SIZE]);
	assert(!page.mail.len || page.mail.records[page.mail.len - 1] == '\n');
	return 0;
}
