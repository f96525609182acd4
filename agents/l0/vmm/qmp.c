// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/qmp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

/* ---- what is in a line ---- */

/* What follows "@key": and blanks, or NULL. */
static const char *find_value(const char *line, const char *key)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(line, quoted);
	if (!at)
		return NULL;
	at += strlen(quoted);
	return at + strspn(at, " ");
}

/* The string after "@key":, as it is written: QEMU escapes nothing in what is asked for here but line ends. */
static bool copy_string(const char *line, const char *key, char *text, size_t size)
{
	const char *at = find_value(line, key);

	if (!at || *at != '"')
		return false;
	snprintf(text, size, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
	return true;
}

bool qmp_number(const char *reply, const char *key, uint64_t *value)
{
	const char *at = find_value(reply, key);

	if (!at || *at < '0' || *at > '9')
		return false;
	*value = strtoull(at, NULL, 10);
	return true;
}

bool qmp_says(const char *reply, const char *key, const char *value)
{
	char text[64];

	return copy_string(reply, key, text, sizeof(text)) && !strcmp(text, value);
}

/* ---- lines ---- */

/* "timestamp": {"seconds": S, "microseconds": U} */
static uint64_t time_of(const char *line)
{
	uint64_t s = 0, us = 0;

	qmp_number(line, "seconds", &s);
	qmp_number(line, "microseconds", &us);
	return s * 1000000 + us;
}

static void note_event(struct qmp *q, const char *line)
{
	if (qmp_says(line, "event", "STOP"))
		q->stop_us = time_of(line);
	else if (qmp_says(line, "event", "RESUME"))
		q->resume_us = time_of(line);
	else if (qmp_says(line, "event", "SHUTDOWN") &&
		 !copy_string(line, "reason", q->shutdown, sizeof(q->shutdown)))
		snprintf(q->shutdown, sizeof(q->shutdown), "unknown");
}

/* What a line of QEMU's begins with, behind its brace. */
static bool begins_with(const char *line, const char *key)
{
	return line[0] == '{' && !strncmp(line + 1, key, strlen(key));
}

static bool is_answer(const char *line)
{
	return begins_with(line, "\"return\"") || begins_with(line, "\"error\"");
}

/* The next answer, or the greeting, events on the way noted; false: it has not come. */
static bool take_answer(struct qmp *q, char *line, size_t size)
{
	while (lines_take(&q->lines, line, size)) {
		if (is_answer(line) && q->owed)
			q->owed--; /* nobody waits for it */
		else if (is_answer(line) || begins_with(line, "\"QMP\""))
			return true;
		else
			note_event(q, line);
	}
	return false;
}

/* For the greeting, or for an answer. */
static int wait_for(struct qmp *q, bool is_greeting, char *line, size_t size)
{
	int64_t deadline = clock_ms() + q->limit_ms;
	int ret = 0;

	while (!ret) {
		int64_t left = deadline - clock_ms();

		while (take_answer(q, line, size))
			if (begins_with(line, "\"QMP\"") == is_greeting)
				return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		ret = lines_read(&q->lines, (int)left);
	}
	return ret;
}

int qmp_read_events(struct qmp *q)
{
	char line[LINES_MAX];
	int ret;

	do {
		ret = lines_read(&q->lines, 0);
		while (take_answer(q, line, sizeof(line)))
			; /* too late for whoever waited */
	} while (!ret);
	return ret == -ETIMEDOUT ? 0 : ret;
}

/* With @fd beside the first byte, unless that is -1. */
static int send_all(struct qmp *q, const char *text, size_t len, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};

	while (len) {
		struct iovec part = {(void *)(uintptr_t)text, len};
		struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
		ssize_t n;

		if (fd >= 0) {
			memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
			msg.msg_control = &control;
			msg.msg_controllen = sizeof(control.bytes);
		}
		n = sendmsg(q->lines.fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		fd = -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_command(struct qmp *q, const char *command, const char *arguments, int fd)
{
	char line[LINES_MAX];
	int n = snprintf(line, sizeof(line), "{\"execute\":\"%s\",\"arguments\":{%s}}\n", command,
			 arguments);

	if (n < 0 || (size_t)n >= sizeof(line))
		return -EMSGSIZE;
	return send_all(q, line, (size_t)n, fd);
}

static int execute_with(struct qmp *q, const char *command, const char *arguments, int fd,
			char *reply, size_t size)
{
	char line[LINES_MAX];
	int ret = send_command(q, command, arguments, fd);

	if (ret)
		return ret;
	ret = wait_for(q, false, line, sizeof(line));
	if (ret)
		return ret;
	if (begins_with(line, "\"error\"")) {
		if (!copy_string(line, "desc", q->error, sizeof(q->error)))
			snprintf(q->error, sizeof(q->error), "no reason given");
		return -EPROTO;
	}
	if (reply)
		snprintf(reply, size, "%s", line + sizeof("{\"return\":") - 1);
	return 0;
}

int qmp_execute(struct qmp *q, const char *command, const char *arguments, char *reply, size_t size)
{
	return execute_with(q, command, arguments, -1, reply, size);
}

int qmp_send(struct qmp *q, const char *command, const char *arguments)
{
	int ret = send_command(q, command, arguments, -1);

	if (!ret)
		q->owed++;
	return ret;
}

int qmp_give(struct qmp *q, const char *name, int fd)
{
	char arguments[64];

	snprintf(arguments, sizeof(arguments), "\"fdname\":\"%s\"", name);
	return execute_with(q, "getfd", arguments, fd, NULL, 0);
}

int qmp_wait_for_resume(struct qmp *q, int limit_ms)
{
	int64_t deadline = clock_ms() + limit_ms;
	char line[LINES_MAX];

	while (!q->resume_us) {
		int64_t left = deadline - clock_ms();
		int ret;

		if (left <= 0)
			return -ETIMEDOUT;
		ret = lines_read(&q->lines, (int)left);
		if (ret && ret != -ETIMEDOUT)
			return ret;
		while (take_answer(q, line, sizeof(line)))
			;
	}
	return 0;
}

int qmp_open(struct qmp *q, int fd)
{
	char line[LINES_MAX];
	int ret;

	*q = (struct qmp){.lines.fd = fd, .limit_ms = QMP_LIMIT_MS};
	ret = wait_for(q, true, line, sizeof(line));
	if (ret)
		return ret;
	return qmp_execute(q, "qmp_capabilities", "", NULL, 0);
}

/* "Host virtual address for 0x7800000 (microvm.ram) is 0x7f60ab800000\r\n", by HMP: QMP has no such command. */
int qmp_host_address(struct qmp *q, uint64_t gpa, uint64_t *address)
{
	char arguments[64], reply[512];
	const char *at;
	int ret;

	snprintf(arguments, sizeof(arguments), "\"command-line\":\"gpa2hva 0x%" PRIx64 "\"", gpa);
	ret = qmp_execute(q, "human-monitor-command", arguments, reply, sizeof(reply));
	if (ret)
		return ret;
	at = strstr(reply, ") is 0x");
	if (!at) {
		snprintf(q->error, sizeof(q->error), "gpa2hva: %.200s", reply);
		return -EPROTO;
	}
	*address = strtoull(at + sizeof(") is ") - 1, NULL, 16);
	return 0;
}
