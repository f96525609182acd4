// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/l0/vmm/l1_linux.h"
#include "agents/l0/records/line.h"
#include "agents/l0/vm.h"

#define CRC_LEN (sizeof(",\"crc\":\"01234567\"}") - 1)
#define HEAD	"{\"seq\":"
/* With "via" before it goes on, it must fit a line again. */
#define BODY_MAX (sizeof(((struct line *)0)->buf) - 64)

/* A record's members between its number and its CRC. */
struct body {
	const char *text;
	size_t len;
};

static int refuse_record(struct sink *s, const char *expected, const char *found, const char *why)
{
	sink_fail(s, SINK_INTEGRITY, expected, found,
		  "a record of the Linux L1 is not what it wrote: %s", why);
	return VM_SAID;
}

static int open_record(struct l1_records *r, const char *line, size_t len, struct body *b,
		       struct sink *s)
{
	char why[256], expected[24], found[24];
	uint64_t seq;
	char *end;

	if (record_check(line, len, why, sizeof(why)))
		return refuse_record(s, "its CRC", "another", why);
	seq = strtoull(line + sizeof(HEAD) - 1, &end, 10); /* a "," follows: record_check() */
	snprintf(expected, sizeof(expected), "%" PRIu64, r->next);
	snprintf(found, sizeof(found), "%" PRIu64, seq);
	if (seq != r->next)
		return refuse_record(s, expected, found, "one is missing");
	r->next++;
	b->text = end + 1;
	b->len = (size_t)(line + len - CRC_LEN - b->text);
	return 0;
}

/* Bytes that no record has: what goes on from here must be a line, and text to its end. */
static bool is_text(const struct body *b)
{
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->text[i] < 0x20)
			return false;
	return true;
}

static bool is_type(const struct body *b, const char *type)
{
	char start[32];
	int n = snprintf(start, sizeof(start), "\"type\":\"%s\"", type);

	return b->len >= (size_t)n && !memcmp(b->text, start, (size_t)n);
}

static bool starts_with(const struct body *b, const char *start)
{
	size_t len = strlen(start);

	if (b->len < len || memcmp(b->text, start, len))
		return false;
	return b->len == len || b->text[len] == ',';
}

/* What a measurement may say, all of it about the one that runs: `bye`, say, is not L1's to send. */
static bool is_of_measurement(const struct body *b, uint32_t id)
{
	static const char *const types[] = {"metric", "counters", "skip", "fail"};
	char start[64];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(start, sizeof(start), "\"type\":\"%s\",\"id\":%" PRIu32, types[i], id);
		if (starts_with(b, start))
			return true;
	}
	return is_type(b, "console");
}

static void pass_record(const struct l1_records *r, const struct body *b, const struct sink *s)
{
	static struct line line;

	line.len = 0;
	line.full = false;
	line_addf(&line, "%.*s", (int)b->len, b->text);
	line_add_member(&line, "via", r->via);
	sink_line(s, &line);
}

/* L1's `hello` becomes the record that says which L1 the measurements were made in. A kernel that silently
 * drives L0 otherwise than was asked for would give numbers of something else. */
static int pass_hello(const struct l1_records *r, const struct body *b, struct sink *s)
{
	static const char type[] = "\"type\":\"hello\"";
	static struct line line;
	const char *other = strcmp(r->nested, "vmcs") ? "vmcs" : "evmcs";
	char member[48];

	line_start(&line, "l1");
	line_addf(&line, ",\"id\":%" PRIu32, s->id);
	line_add_member(&line, "via", r->via);
	line_addf(&line, "%.*s", (int)(b->len - sizeof(type) + 1), b->text + sizeof(type) - 1);
	snprintf(member, sizeof(member), ",\"hypervisor\":\"%s\"", r->hypervisor);
	if (!strstr(line.buf, member)) {
		sink_fail(s, SINK_GUEST, r->hypervisor, "another",
			  "the Linux L1 sees another hypervisor below it than asked for");
		return VM_SAID;
	}
	sink_line(s, &line);
	snprintf(member, sizeof(member), ",\"clock\":\"%s\"", r->clock);
	if (r->clock && !strstr(line.buf, member)) {
		sink_fail(
			s, SINK_GUEST, r->clock, "another",
			"the clock of L1 is not that of L0: on the emulated host, L1's kernel has "
			"nestlab.clock=emulated in its command line, and else it has not");
		return VM_SAID;
	}
	snprintf(member, sizeof(member), ",\"nested\":\"%s\"", r->nested);
	if (strstr(line.buf, member))
		return 0;
	sink_fail(s, SINK_GUEST, r->nested, other,
		  "the Linux L1's KVM drives L0 by another interface than asked for");
	return VM_SAID;
}

static int pass_line(struct l1_records *r, const char *line, size_t len, struct sink *s)
{
	struct body b;
	uint64_t seq = r->next;
	int ret = open_record(r, line, len, &b, s);

	if (ret)
		return ret;
	if (!is_text(&b) || b.len > BODY_MAX)
		return refuse_record(s, "a line of text", "something else", "not a record");
	if (is_type(&b, "hello") && !seq)
		return pass_hello(r, &b, s);
	if (!seq && is_type(&b, "fatal")) {
		char text[256];

		snprintf(text, sizeof(text), "%.*s", (int)b.len, b.text);
		sink_fail(s, SINK_GUEST, "records", text, "the agent inside L1 cannot go on");
		return VM_SAID;
	}
	if (!seq)
		return refuse_record(s, "hello", "another record",
				     "it does not say which L1 it is");
	if (is_type(&b, "begin") || is_type(&b, "end"))
		return 0;
	if (!is_of_measurement(&b, s->id))
		return refuse_record(s, "one of the measurement that runs", "another",
				     "not of this measurement");
	pass_record(r, &b, s);
	return 0;
}

int l1_records_pass(struct l1_records *r, const char *text, size_t len, struct sink *s)
{
	if (!len)
		return refuse_record(s, "records", "none", "it rang without any");
	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t used;
		int ret;

		if (!newline)
			return refuse_record(s, "a line", "a piece of one", "it is cut short");
		used = (size_t)(newline - text);
		ret = pass_line(r, text, used, s);
		if (ret)
			return ret;
		text = newline + 1;
		len -= used + 1;
	}
	return 0;
}
