// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest.c - the agent as the first process of a Linux L1. It never ends: L0 stops L1 when it has asked for
 * everything. What it cannot do it says on L1's console and rings; L0 then finds no records.
 */
#include "agents/guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/guest/crew.h"
#include "agents/guest/fault.h"
#include "agents/guest/mail.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/files.h"
#include "agents/l0/init.h"
#include "agents/l0/kmsg.h"
#include "agents/l0/runner.h"

#define TURN_LOOK_US 1000

struct guest {
	struct runner runner; /* its channel is a file in memory */
	struct mail *mail;
	bool is_l2; /* of an L1 that has the same agent */
	int port;
	long cpus;
};

/* stderr is the kernel's log: the console is a serial port whose interrupts nobody sends. */
static void give_up(const char *what, int code) __attribute__((noreturn));

static void give_up(const char *what, int code)
{
	fprintf(stderr, "nestlab-agent in L1: %s: %s\n", what, strerror(code));
	exit(1); /* process 1: L1's kernel panics, and L0 shows why */
}

static void open_log(void)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
	setvbuf(stderr, NULL, _IOLBF, 0);
}

/* ---- the conversation ---- */

static void map_mail(struct guest *g, const char *cmdline)
{
	const char *word = strstr(cmdline, MAIL_PARAMETER);
	int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	uint64_t at;

	if (!word)
		give_up(MAIL_PARAMETER " on the command line", ENOENT);
	if (fd < 0)
		give_up("/dev/mem (CONFIG_DEVMEM=y)", errno);
	at = strtoull(word + strlen(MAIL_PARAMETER), NULL, 16);
	g->mail = mmap(NULL, MAIL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);
	if (g->mail == MAP_FAILED)
		give_up("mapping the mail page", errno);
	g->is_l2 = g->mail->magic == MAIL_MAGIC_L2;
	if (g->mail->magic != MAIL_MAGIC && !g->is_l2)
		give_up("the mail page's content", EBADMSG);
	mail_page = g->mail;
	g->port = open("/dev/port", O_WRONLY | O_CLOEXEC);
	if (g->port < 0)
		give_up("/dev/port (CONFIG_DEVPORT=y)", errno);
}

static void open_records(struct guest *g)
{
	g->runner.channel = (struct channel){.fd = memfd_create("records", MFD_CLOEXEC)};
	if (g->runner.channel.fd < 0)
		give_up("memfd_create()", errno);
}

/* The agent's own VMM has written the plan's next line before OUT comes back; QEMU's OUT waits for nobody. */
static void wait_for_turn(const struct guest *g, uint32_t before)
{
	while (*(const volatile uint32_t *)&g->mail->turn == before)
		usleep(TURN_LOOK_US);
}

/* Moves what the channel was given to the mail, and lets L0 read it. */
static void ring(struct guest *g)
{
	int fd = g->runner.channel.fd;
	ssize_t len = pread(fd, g->mail->records, MAIL_RECORDS_MAX, 0);
	uint32_t turn = g->mail->turn;

	if (len < 0)
		give_up("reading the records back", errno);
	g->mail->len = (uint32_t)len;
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
		give_up("emptying the records", errno);
	if (pwrite(g->port, "", 1, MAIL_PORT) != 1)
		give_up("ringing", errno);
	wait_for_turn(g, turn);
}

static void send_hello(struct guest *g)
{
	char why[512];

	if (!guest_send_hello(&g->runner.channel, g->cpus, !g->is_l2, why, sizeof(why)))
		return;
	fprintf(stderr, "nestlab-agent in L1: %s\n", why);
	give_up("/dev/kvm", ENODEV);
}

static void run_line(struct guest *g)
{
	struct plan_measure m;
	char trouble[256];

	if (!memchr(g->mail->plan, '\0', sizeof(g->mail->plan)) ||
	    plan_measure_parse(g->mail->plan, &m, trouble, sizeof(trouble)))
		give_up("the plan's line in the mail page", EBADMSG);
	guest_fault_cause(&m);
	runner_run(&g->runner, &m);
}

void guest_main(void)
{
	static struct guest g;
	static char cmdline[4096];

	init_machine();
	g.cpus = sysconf(_SC_NPROCESSORS_ONLN); /* musl counts those that a thread may run on */
	crew_pin(0);				/* ringing is for vCPU 0 */
	open_log();
	file_read("/proc/cmdline", cmdline, sizeof(cmdline));
	map_mail(&g, cmdline);
	open_records(&g);
	g.runner.kmsg = kmsg_open(false);
	g.runner.measure = guest_measure;
	send_hello(&g);
	runner_send_complaints(&g.runner);
	for (;;) {
		ring(&g);
		run_line(&g);
	}
}
