// SPDX-License-Identifier: GPL-2.0-only
/* serve.c - the agent as a service of an L1 that boots from a disk of the user's. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "agents/guest/guest.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/kmsg.h"
#include "agents/l0/files.h"
#include "agents/l0/records/port.h"
#include "agents/l0/runner.h"

#define SPEED	 115200
#define PLAN_MAX (1u << 20)
#define HEAD	 "nestlab-plan " /* the first line of a plan */
#define END	 "end "		 /* its last one */

static struct runner runner = {.measure = guest_measure};

static int open_port(const char *device)
{
	int fd = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	tcflush(fd, TCIOFLUSH);
	ret = port_make_raw(fd, SPEED);
	if (!ret)
		ret = file_write_all(fd, PROTOCOL_READY "\n", sizeof(PROTOCOL_READY));
	if (ret) {
		close(fd);
		return ret;
	}
	runner.channel = (struct channel){.fd = fd, .tty = true};
	return 0;
}

/* A line with its newline. What is no line of a plan is left out: a firmware or boot loader may have spoken there. */
static int read_line(int fd, char *text, size_t size, size_t *len)
{
	for (*len = 0; *len + 1 < size;) {
		ssize_t n = read(fd, text + *len, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		if (text[*len] == '\r')
			continue;
		if (text[(*len)++] == '\n') {
			text[*len] = '\0';
			return 0;
		}
	}
	return -EMSGSIZE;
}

static int read_plan(int fd, char *text, size_t size)
{
	size_t used = 0, len;

	for (;;) {
		char *line = text + used;
		int ret = read_line(fd, line, size - used, &len);

		if (ret)
			return ret;
		if (used || !strncmp(line, HEAD, strlen(HEAD)))
			used += len;
		if (used && !strncmp(line, END, strlen(END)))
			return 0;
	}
}

static void send_bye(void)
{
	static struct line line;

	line_start(&line, "bye");
	line_addf(&line, ",\"records\":%" PRIu64, runner.channel.next + 1);
	channel_send_line(&runner.channel, &line);
}

static void run_plan(const char *text)
{
	struct plan_measure *measures = NULL;
	char trouble[512];
	size_t count = 0;

	runner.channel.next = 0;
	if (plan_parse(text, &measures, &count, trouble, sizeof(trouble)) ||
	    guest_send_hello(&runner.channel, sysconf(_SC_NPROCESSORS_ONLN), true, trouble,
			     sizeof(trouble)))
		runner_send_text(&runner, "fatal", trouble);
	else
		for (size_t i = 0; i < count; i++)
			runner_run(&runner, &measures[i]);
	free(measures);
	send_bye();
}

int guest_serve(const char *device)
{
	static char text[PLAN_MAX];
	int ret = open_port(device);

	runner.kmsg = kmsg_open(true);
	while (!ret) {
		ret = read_plan(runner.channel.fd, text, sizeof(text));
		if (!ret)
			run_plan(text);
	}
	fprintf(stderr, "nestlab-agent: %s: %s\n", device, strerror(-ret));
	return 1;
}
