// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hostile Linux L1 can write to: its mail, whose records the agent on L0 checks and passes on, and ports. The
 * input is a list of lines; each is a record's body, which is numbered and sealed here unless its first byte is '!', or
 * an access to a port if that is '@'. Whatever they are, what is passed on are lines of text, each of a type that an L1 may send.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/l0/records/channel.h"
#include "agents/l0/vmm/l1_linux.h"
#include "agents/l0/vmm/thin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void channel_drain(struct channel *c)
{
	(void)c;
}

static struct thin_devices devices;

static void touch_port(const uint8_t *p, size_t len)
{
	uint8_t buf[64] = {0};

	if (len < 4)
		return;
	memcpy(buf, p + 4, len - 4 < sizeof(buf) ? len - 4 : sizeof(buf));
	/* KVM gives sizes of 1, 2 and 4, and counts that fit its page */
	thin_port(&devices, (uint16_t)(p[0] << 8 | p[1]), p[2] & 1, buf, 1u << p[2] % 3,
		  1 + p[3] % 16);
}

/* Appends the record of a line to @text; its length. */
static size_t add_record(char *text, size_t room, uint64_t *seq, const uint8_t *p, size_t len)
{
	int n;

	if (len && *p == '!') { /* as it is */
		if (len > room)
			return 0;
		memcpy(text, p + 1, len - 1);
		text[len - 1] = '\n';
		return len;
	}
	n = snprintf(text, room, "{\"seq\":%llu,", (unsigned long long)*seq);
	if ((size_t)n + len + 32 > room)
		return 0;
	memcpy(text + n, p, len);
	n = record_seal(text, (size_t)n + len, room - 1);
	if (n < 0)
		return 0;
	text[n] = '\n';
	++*seq;
	return (size_t)n + 1;
}

static size_t make_mail(char *text, size_t room, const uint8_t *data, size_t size)
{
	size_t len = 0;
	uint64_t seq = 0;

	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t line = end ? (size_t)(end - data) : size;

		if (line && *data == '@')
			touch_port(data + 1, line - 1);
		else
			len += add_record(text + len, room - len, &seq, data, line);
		data += line + (end != NULL);
		size -= line + (end != NULL);
	}
	return len;
}

static void check_line(const char *line, size_t len)
{
	static const char *const types[] = {"l1", "metric", "counters", "skip", "fail", "console"};
	bool known = false;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char head[32];
		int n = snprintf(head, sizeof(head), "\"type\":\"%s\"", types[i]);

		known |= len >= (size_t)n && !memcmp(line, head, (size_t)n);
	}
	assert(known);
	assert(len + LINE_ENVELOPE <= PROTOCOL_LINE_MAX);
	for (size_t i = 0; i < len; i++)
		assert((unsigned char)line[i] >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char mail[1 << 18], out[1 << 18], tail[960];
	static int fd = -1;
	struct l1_records r = {.via = "thin", .nested = "vmcs", .hypervisor = "KVMKVMKVM"};
	struct sink s = {.id = 3};
	size_t len = make_mail(mail, sizeof(mail), data, size);
	ssize_t n;

	if (fd < 0)
		fd = memfd_create("sink", 0);
	s.fd = fd;
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
		abort();
	l1_records_pass(&r, mail, len, &s);
	thin_console_tail(&devices, tail, sizeof(tail));
	n = pread(fd, out, sizeof(out), 0);
	for (char *at = out; at < out + n;) {
		char *end = memchr(at, '\n', (size_t)(out + n - at));

		assert(end);
		check_line(at, (size_t)(end - at));
		at = end + 1;
	}
	return 0;
}
