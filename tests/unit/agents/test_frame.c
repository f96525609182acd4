// SPDX-License-Identifier: GPL-2.0-only
/* What travels between agent and orchestrator: codes, frames, what is asked for, tickets. */
#include "tests/unit/unit.h"

#include <errno.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "agents/wire/frame.h"
#include "agents/wire/hmac.h"
#include "agents/wire/ticket.h"

static const uint8_t key[HMAC_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const uint8_t other_key[HMAC_KEY_BYTES] = "another boot's";

TEST(codes_are_those_of_openssl)
{
	uint8_t data[300], ours[HMAC_BYTES], theirs[EVP_MAX_MD_SIZE];
	unsigned int n;

	for (size_t len = 0; len < sizeof(data); len++) {
		data[len] = (uint8_t)(len * 37);
		hmac_sha256(key, data, len, ours);
		HMAC(EVP_sha256(), key, sizeof(key), data, len, theirs, &n);
		assert_int_equal(n, sizeof(ours));
		assert_memory_equal(ours, theirs, n);
	}
}

static void returns(struct frame want)
{
	char line[FRAME_LINE_MAX];
	size_t len = frame_format(key, &want, line);
	struct frame got;

	assert_true(len <= sizeof(line));
	assert_int_equal(line[len - 1], '\n');
	assert_int_equal(frame_parse(key, line, len - 1, &got), 0);
	assert_int_equal(got.offset, want.offset);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.payload, want.payload, want.len);
	assert_int_equal(got.ends_record, want.ends_record);
	assert_int_equal(got.last, want.last);
}

TEST(a_frame_returns_as_it_was)
{
	static char full[FRAME_PAYLOAD_MAX];

	memset(full, 'x', sizeof(full));
	returns((struct frame){.offset = 0, .payload = "", .len = 0, .ends_record = true});
	returns((struct frame){.offset = UINT32_MAX, .payload = "{\"a\":1}", .len = 7});
	returns((struct frame){7, full, sizeof(full), true, true});
}

TEST(a_frame_with_any_bit_changed_is_refused)
{
	const struct frame f = {.offset = 4711, .payload = "{\"seq\":1}", .len = 9};
	char line[FRAME_LINE_MAX];
	size_t len = frame_format(key, &f, line) - 1;
	struct frame got;

	for (size_t bit = 0; bit < 8 * len; bit++) {
		line[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(frame_parse(key, line, len, &got), -EBADMSG);
		line[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(frame_parse(key, line, cut, &got), -EBADMSG);
	assert_int_equal(frame_parse(other_key, line, len, &got), -EBADMSG);
	assert_int_equal(frame_parse(key, line, len, &got), 0);
}

TEST(what_is_asked_for_is_authenticated_too)
{
	const struct frame_want w = {.from = 17, .upto = 4096};
	char line[FRAME_WANT_MAX];
	size_t len = frame_want_format(key, &w, line);
	struct frame_want got;

	assert_int_equal(len, FRAME_WANT_MAX);
	assert_int_equal(frame_want_parse(key, line, len - 1, &got), 0);
	assert_int_equal(got.from, 17);
	assert_int_equal(got.upto, 4096);
	assert_int_equal(frame_want_parse(other_key, line, len - 1, &got), -EBADMSG);
	line[4] ^= 1;
	assert_int_equal(frame_want_parse(key, line, len - 1, &got), -EBADMSG);
}

static struct ticket a_ticket(void)
{
	struct ticket t = {
		.nonce = "00112233445566778899aabbccddeeff",
		.channel = TICKET_LINE,
		.device = "/dev/ttyS1",
		.speed = 57600,
		.answers = true,
	};

	memcpy(t.key, key, sizeof(t.key));
	return t;
}

TEST(a_ticket_returns_as_it_was)
{
	const struct ticket want = a_ticket();
	char text[TICKET_BYTES];
	struct ticket got;

	assert_int_equal(ticket_format(&want, text), 0);
	assert_int_equal(ticket_parse(text, sizeof(text), &got), 0);
	assert_string_equal(got.nonce, want.nonce);
	assert_memory_equal(got.key, want.key, sizeof(got.key));
	assert_int_equal(got.channel, TICKET_LINE);
	assert_string_equal(got.device, "/dev/ttyS1");
	assert_int_equal(got.speed, 57600);
	assert_true(got.answers);
}

TEST(a_ticket_that_is_none_says_so)
{
	static const char *const texts[] = {
		"",
		"nestlab-ticket 2\n",
		"nestlab-ticket 1\n",
		"nestlab-ticket 1\nnonce=00\n",
		"nestlab-ticket 1\nnonce=00112233445566778899aabbccddeefg\n",
	};
	struct ticket t = a_ticket();
	char text[TICKET_BYTES];

	assert_int_equal(ticket_parse("nestlab-ticket 0\nplaceholder", 28, &t), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(ticket_parse(texts[i], strlen(texts[i]), &t), -EINVAL);
	t = a_ticket();
	assert_int_equal(ticket_format(&t, text), 0);
	for (size_t cut = 0; cut < strlen("nestlab-ticket 1\nnonce=") + 100; cut++)
		assert_int_equal(ticket_parse(text, cut, &t), -EINVAL);
	t = a_ticket();
	snprintf(t.device, sizeof(t.device), "a\nkey=");
	assert_int_equal(ticket_format(&t, text), -EINVAL);
}

UNIT_MAIN("frames", NULL, NULL)
