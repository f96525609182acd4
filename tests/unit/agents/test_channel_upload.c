// SPDX-License-Identifier: GPL-2.0-only
/* Records by HTTP: the agent's end against the server that hosts fetch their images from. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "agents/l0/records/channel.h"
#include "common/strbuf.h"
#include "orchestrator/hosts/serve.h"

#define RECORDS 300

static struct ticket ticket = {
	.key = "the key of this boot", .channel = TICKET_HTTP, .answers = true};
static struct error err;

/* A server with a boot that takes records. */
struct end {
	char *records;
	struct serve_boot *boot;
};

static void open_end(struct end *e)
{
	__cleanup_free char *image = unit_write("image.iso", "an image");
	const struct serve_request request = {.base_url = "http://127.0.0.1", .image = image};
	struct line_setting setting = {.ticket = &ticket};

	e->records = unit_path("records.jsonl");
	unlink(e->records);
	setting.records_path = e->records;
	assert_int_equal(serve_open(&request, &e->boot, &err), 0);
	assert_int_equal(serve_take_records(e->boot, &setting, &err), 0);
	snprintf(ticket.device, sizeof(ticket.device), "%s", serve_records_url(e->boot));
}

static void close_end(struct end *e)
{
	serve_close(e->boot);
	free(e->records);
}

static void send_records(struct channel *c)
{
	char body[2048];

	for (int i = 0; i < RECORDS; i++) {
		size_t fill = (size_t)(i * i % 1500);
		int n = snprintf(body, sizeof(body), "\"type\":\"test\",\"text\":\"");

		memset(body + n, 'a' + i % 26, fill);
		body[n + fill] = '"';
		assert_int_equal(channel_send(c, body, n + fill + 1), 0);
	}
}

static void has_arrived(const struct end *e, const struct channel *c)
{
	struct strbuf text = STRBUF_INIT;

	assert_int_equal(fs_read_file(e->records, 0, &text, &err), 0);
	assert_int_equal(text.len, c->stream.len);
	assert_memory_equal(text.buf, c->stream.data, text.len);
	strbuf_release(&text);
}

TEST(records_arrive)
{
	struct line_counts counts;
	struct channel c;
	struct end e;
	double heard_at;

	open_end(&e);
	assert_int_equal(channel_open_ticket(&c, &ticket), 0);
	send_records(&c);
	channel_finish(&c);
	has_arrived(&e, &c);
	serve_tell_records(e.boot, &counts, &heard_at);
	assert_true(counts.complete);
	assert_int_equal(counts.refused, 0);
	assert_true(heard_at > 0);
	free(c.stream.data);
	close_end(&e);
}

/* ---- a way there that breaks ---- */

/* Passes connections on to the server, and breaks each off after so many bytes. */
struct breaker {
	int listening;
	struct sockaddr_in to;
	int after; /* bytes of a connection; then more for each one */
	int broken;
};

static void pass_on(struct breaker *b, int from)
{
	int to = socket(AF_INET, SOCK_STREAM, 0), left = b->after;
	char chunk[512];
	ssize_t n;

	connect(to, (struct sockaddr *)&b->to, sizeof(b->to));
	while (left > 0) {
		fd_set set;

		FD_ZERO(&set);
		FD_SET(from, &set);
		FD_SET(to, &set);
		if (select((from > to ? from : to) + 1, &set, NULL, NULL, NULL) < 0)
			break;
		if (FD_ISSET(from, &set)) {
			n = read(from, chunk, sizeof(chunk));
			if (n <= 0)
				break;
			if (send(to, chunk, (size_t)n, MSG_NOSIGNAL) < 0)
				break;
			left -= (int)n;
		}
		if (FD_ISSET(to, &set)) {
			n = read(to, chunk, sizeof(chunk));
			if (n <= 0 || send(from, chunk, (size_t)n, MSG_NOSIGNAL) < 0)
				break;
		}
	}
	b->broken += left <= 0;
	close(to);
	close(from);
}

static void *run_breaker(void *arg)
{
	struct breaker *b = arg;
	int from;

	while ((from = accept(b->listening, NULL, NULL)) >= 0) {
		pass_on(b, from);
		b->after += 20000;
	}
	return NULL;
}

static void start_breaker(struct breaker *b, pthread_t *thread)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(here);
	const char *path = strchr(ticket.device + strlen("http://"), '/');
	__cleanup_free char *rest = xstrdup(path);

	b->after = 5000;
	b->to = here;
	b->to.sin_port = htons((uint16_t)atoi(strrchr(ticket.device, ':') + 1));
	b->listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(b->listening, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(b->listening, 4), 0);
	getsockname(b->listening, (struct sockaddr *)&here, &len);
	snprintf(ticket.device, sizeof(ticket.device), "http://127.0.0.1:%d%s",
		 ntohs(here.sin_port), rest);
	pthread_create(thread, NULL, run_breaker, b);
}

TEST(a_way_that_breaks_again_and_again_loses_and_doubles_nothing)
{
	struct breaker b = {0};
	struct channel c;
	struct end e;
	pthread_t thread;

	open_end(&e);
	start_breaker(&b, &thread);
	assert_int_equal(channel_open_ticket(&c, &ticket), 0);
	send_records(&c);
	channel_finish(&c);
	has_arrived(&e, &c);
	shutdown(b.listening, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(b.listening);
	assert_true(b.broken >= 3);
	free(c.stream.data);
	close_end(&e);
}

TEST(what_a_stranger_posts_is_refused)
{
	struct line_counts counts;
	struct ticket right = ticket;
	struct channel stranger, c;
	struct end e;
	double heard_at;

	open_end(&e);
	right = ticket;
	ticket.key[0] ^= 1;
	assert_int_equal(channel_open_ticket(&stranger, &ticket), 0);
	assert_int_equal(channel_send(&stranger, "\"type\":\"hello\"", 14), 0);
	ticket.key[0] ^= 1;
	serve_tell_records(e.boot, &counts, &heard_at);
	assert_true(counts.refused > 0);
	assert_int_equal(counts.frames, 0);
	assert_true(heard_at == 0);
	assert_int_equal(channel_open_ticket(&c, &right), 0);
	send_records(&c);
	channel_finish(&c);
	has_arrived(&e, &c);
	free(stranger.stream.data);
	free(c.stream.data);
	close_end(&e);
}

TEST(without_a_token_there_is_nothing)
{
	struct channel c;
	struct end e;
	char *token;

	open_end(&e);
	token = strstr(ticket.device, "/boot/") + strlen("/boot/");
	*token ^= 1;
	assert_int_equal(channel_open_ticket(&c, &ticket), 0);
	assert_int_equal(channel_send(&c, "\"type\":\"hello\"", 14), 0);
	assert_int_equal(c.sent, 0);
	assert_true(c.retry_at > 0);
	free(c.stream.data);
	close_end(&e);
}

UNIT_MAIN("records by HTTP", unit_make_dir, unit_drop_dir)
