// SPDX-License-Identifier: GPL-2.0-only
/*
 * line.c - both ends of a machine's serial line, for tests of what lies between them.
 *
 *	line send PORT BYTES		the agent: records of so many bytes, until all have arrived
 *	line receive HOST RUN_DIR	the orchestrator, by the host's serial over LAN; prints what it counted
 *
 * The records are a bye at the end, and before it what a generator makes of each number: `line check FILE BYTES`
 * says whether they are all in FILE, once and in order.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agents/l0/records/channel.h"
#include "common/alloc.h"
#include "common/fs.h"
#include "orchestrator/hosts/hosts.h"
#include "orchestrator/hosts/ipmi/sol.h"

#define RECORD_MAX 1500

static const struct ticket ticket = {
	.nonce = "00112233445566778899aabbccddeeff",
	.key = "the key of the test's boot",
	.channel = TICKET_LINE,
	.speed = 115200,
	.answers = true,
};

/* The body of record @i. */
static size_t compose(unsigned int i, char *body)
{
	size_t fill = (size_t)i * 7919 % (RECORD_MAX - 100);
	int n = snprintf(body, RECORD_MAX, "\"type\":\"test\",\"id\":%u,\"text\":\"", i);

	memset(body + n, 'a' + i % 26, fill);
	body[n + fill] = '"';
	return n + fill + 1;
}

static int dial(const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(port)),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return -1;
	return fd;
}

/* Sends all records to where @c goes. */
static int send_records(struct channel *c, size_t bytes)
{
	char body[RECORD_MAX];
	int ret = 0;

	for (unsigned int i = 0; c->stream.len < bytes && !ret; i++)
		ret = channel_send(c, body, compose(i, body));
	return ret;
}

static int run_agent(const char *port, size_t bytes)
{
	struct channel c = {.way = &channel_framed, .ticket = ticket, .fd = dial(port)};

	if (c.fd < 0 || send_records(&c, bytes)) {
		perror("line send");
		return 1;
	}
	channel_finish(&c);
	return 0;
}

/* Nothing is sent: the stream is there to be compared with. */
static int push_nothing(struct channel *c)
{
	(void)c;
	return 0;
}

static int check_file(const char *path, size_t bytes)
{
	static const struct channel_way nowhere = {.push = push_nothing};
	struct channel c = {.way = &nowhere, .fd = -1};
	struct strbuf file = STRBUF_INIT;
	struct error err = {0};

	if (send_records(&c, bytes) || fs_read_file(path, 0, &file, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (file.len == c.stream.len && !memcmp(file.buf, c.stream.data, file.len)) {
		printf("%u records, %zu bytes: all there, once and in order\n",
		       (unsigned int)c.next, file.len);
		return 0;
	}
	printf("differs: %zu bytes of %zu\n", file.len, c.stream.len);
	return 1;
}

static int follow(struct channel *c)
{
	struct line_counts counts;
	struct strbuf why = STRBUF_INIT;
	enum channel_state state;
	unsigned int starts;

	do {
		poll(NULL, 0, 50);
		state = channel_state(c, NULL);
		channel_counts(c, &counts, &starts);
	} while (state != CHANNEL_FAILED && !counts.complete);
	channel_state(c, &why);
	printf("%s: opened %u times, %llu bytes came, %llu frames, %llu refused, %llu doubles, "
	       "asked %llu times, %llu bytes of records%s\n",
	       counts.complete ? "complete" : "failed", starts, (unsigned long long)counts.bytes,
	       (unsigned long long)counts.frames, (unsigned long long)counts.refused,
	       (unsigned long long)counts.doubles, (unsigned long long)counts.asked,
	       (unsigned long long)counts.records, why.buf);
	strbuf_release(&why);
	return counts.complete ? 0 : 1;
}

static int run_orchestrator(const char *host, const char *dir)
{
	__cleanup_free char *console = xasprintf("%s/console.log", dir);
	__cleanup_free char *records = xasprintf("%s/records.jsonl", dir);
	struct host_session s = {
		.run_dir = dir, .console_path = console, .records_path = records, .ticket = ticket};
	struct places places;
	struct host_config cfg;
	struct ipmi_tool tool;
	struct sol *sol;
	struct error err = {0};
	int ret;

	places_find(&places, NULL);
	ret = host_find(&places, host, &cfg, &err);
	if (!ret)
		ret = fs_mkdir_p(dir, &err);
	if (!ret)
		ret = ipmi_tool_open(&tool, cfg.own, &err);
	if (!ret)
		ret = sol_start(&tool, &s, &sol, &err);
	if (ret) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	ret = follow(sol_channel(sol));
	poll(NULL, 0, 300); /* for the answer to the agent to go */
	sol_stop(sol);
	return ret;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN); /* a machine's line has none; here its other end may go first */
	if (argc == 4 && !strcmp(argv[1], "send"))
		return run_agent(argv[2], strtoul(argv[3], NULL, 10));
	if (argc == 4 && !strcmp(argv[1], "check"))
		return check_file(argv[2], strtoul(argv[3], NULL, 10));
	if (argc == 4 && !strcmp(argv[1], "receive"))
		return run_orchestrator(argv[2], argv[3]);
	fputs("usage: line send PORT BYTES | receive HOST RUN_DIR | check FILE BYTES\n", stderr);
	return 129;
}
