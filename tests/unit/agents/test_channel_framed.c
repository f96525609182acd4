// SPDX-License-Identifier: GPL-2.0-only
/* The agent's end of a line that loses bytes, against the orchestrator's (orchestrator/hosts/line.h). */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "agents/l0/records/channel.h"
#include "agents/l0/clock.h"
#include "common/strbuf.h"
#include "orchestrator/hosts/line.h"

#define RECORDS 120

static struct ticket ticket = {.key = "the key of this boot", .answers = true, .speed = 115200};
static struct error err;
static int ends[2];

/* Of very different lengths. */
static size_t compose(int i, char *body, size_t size)
{
	size_t fill = (size_t)(i * i % 1500);
	int n = snprintf(body, size, "\"type\":\"test\",\"id\":%d,\"text\":\"", i);

	memset(body + n, 'a' + i % 26, fill);
	body[n + fill] = '"';
	return n + fill + 1;
}

static void *run_agent(void *arg)
{
	struct channel *c = arg;
	char body[4096];

	for (int i = 0; i < RECORDS; i++)
		assert_int_equal(channel_send(c, body, compose(i, body, sizeof(body))), 0);
	channel_finish(c);
	shutdown(c->fd, SHUT_WR);
	return NULL;
}

/* Reads what the agent sends, loses every @lose'th read, answers. */
static void receive(struct line *l, int fd, unsigned int lose)
{
	char chunk[700], answer[FRAME_WANT_MAX];
	unsigned int reads = 0;
	size_t len;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		if (lose && ++reads % lose == 0)
			continue;
		assert_int_equal(line_feed(l, chunk, (size_t)n, &err), 0);
		if (line_take_answer(l, answer, &len))
			assert_int_equal(write(fd, answer, len), len);
	}
}

static void arrives(unsigned int lose)
{
	__cleanup_free char *records = unit_path("records.jsonl");
	const struct line_setting setting = {&ticket, NULL, records};
	struct channel c = {.way = &channel_framed, .ticket = ticket};
	struct strbuf text = STRBUF_INIT;
	struct line *l;
	pthread_t agent;

	framed_beat_s = 0.01;
	unlink(records);
	clock_init("", 1000);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	c.fd = ends[0];
	assert_int_equal(line_open(&setting, &l, &err), 0);
	pthread_create(&agent, NULL, run_agent, &c);
	receive(l, ends[1], lose);
	pthread_join(agent, NULL);
	assert_true(line_counts(l)->complete);
	assert_true(!lose || line_counts(l)->asked > 0);
	line_close(l);
	assert_int_equal(fs_read_file(records, 0, &text, &err), 0);
	assert_int_equal(text.len, c.stream.len);
	assert_memory_equal(text.buf, c.stream.data, text.len);
	strbuf_release(&text);
	free(c.stream.data);
	close(ends[0]);
	close(ends[1]);
}

TEST(all_arrives_on_a_good_line)
{
	arrives(0);
}

TEST(all_arrives_once_on_a_line_that_loses)
{
	arrives(13);
}

TEST(an_agent_that_is_not_answered_does_not_wait)
{
	struct channel c = {.way = &channel_framed, .ticket = ticket};
	char text[8192];

	c.ticket.answers = false;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	c.fd = ends[0];
	assert_int_equal(channel_send(&c, "\"type\":\"bye\"", 12), 0);
	channel_finish(&c);
	assert_true(read(ends[1], text, sizeof(text)) > 0);
	free(c.stream.data);
	close(ends[0]);
	close(ends[1]);
}

UNIT_MAIN("framed channel", unit_make_dir, unit_drop_dir)
