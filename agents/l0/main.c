// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestlab-agent: runs a plan on the L0 that it finds itself on, and reports the results, in the
 * records of agents/wire/protocol.h. As process 1 it is all of userspace: it prepares the machine, takes
 * /plan, answers on the second serial line and powers off. Else it is a program like any other.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/guest/guest.h"
#include "agents/guest/mail.h"
#include "agents/l0/capability.h"
#include "agents/l0/channel.h"
#include "agents/l0/files.h"
#include "agents/l0/identity.h"
#include "agents/l0/init.h"
#include "agents/l0/kmsg.h"
#include "agents/l0/l1_linux.h"
#include "agents/l0/measure.h"
#include "agents/l0/runner.h"

#define PLAN_MAX   (1u << 20)
#define EXIT_FATAL 128
#define EXIT_USAGE 129

struct agent {
	const char *plan_path, *records_path;
	struct runner runner;
	struct plan_measure *measures;
	size_t count;
	int kvm; /* -1: not usable */
};

static struct line line; /* too large for the stack to be nice */

/* Reads the plan; 0, or -EINVAL with @why. */
static int read_plan(struct agent *a, char *why, size_t len)
{
	static char text[PLAN_MAX];
	char trouble[512];
	ssize_t n = file_read(a->plan_path, text, sizeof(text));

	if (n < 0) {
		snprintf(why, len, "%s: cannot read the plan: %s", a->plan_path, strerror((int)-n));
		return -EINVAL;
	}
	if (strlen(text) != (size_t)n)
		snprintf(trouble, sizeof(trouble), "the plan has a NUL byte in it");
	else if (!plan_parse(text, &a->measures, &a->count, trouble, sizeof(trouble)))
		return 0;
	snprintf(why, len, "%s: %s", a->plan_path, trouble);
	return -EINVAL;
}

static void run_measures(struct agent *a)
{
	for (size_t i = 0; i < a->count;) {
		const struct plan_measure *m = &a->measures[i];
		size_t n = l1_linux_count(m, a->count - i);

		if (n)
			runner_run_linux(&a->runner, m, n);
		else
			runner_run(&a->runner, m);
		i += n ? n : 1;
	}
}

/* From hello to bye; 0, or EXIT_FATAL after a `fatal` record. */
static int run_plan(struct agent *a)
{
	char bad_plan[1024] = "", no_kvm[512] = "";
	const char *fatal = NULL;

	a->kvm = capability_open_kvm(no_kvm, sizeof(no_kvm));
	if (read_plan(a, bad_plan, sizeof(bad_plan)))
		fatal = bad_plan;
	else if (a->kvm < 0)
		fatal = no_kvm;
	identity_hello(&line, a->kvm, a->count);
	channel_send_line(&a->runner.channel, &line);
	runner_send_complaints(&a->runner);
	if (fatal) {
		runner_send_text(&a->runner, "fatal", fatal);
		fprintf(stderr, "nestlab-agent: fatal: %s\n", fatal);
	}
	if (!fatal)
		run_measures(a);
	line_start(&line, "bye");
	line_addf(&line, ",\"records\":%" PRIu64, a->runner.channel.next + 1);
	channel_send_line(&a->runner.channel, &line);
	channel_drain(&a->runner.channel);
	return fatal ? EXIT_FATAL : 0;
}

static int open_channel_and_run(struct agent *a)
{
	int ret = channel_open(&a->runner.channel, a->records_path);

	if (ret) {
		fprintf(stderr, "nestlab-agent: cannot open the result channel %s: %s\n",
			a->records_path, strerror(-ret));
		return EXIT_FATAL;
	}
	return run_plan(a);
}

static void usage(FILE *to)
{
	fprintf(to,
		"usage: nestlab-agent [--plan FILE] [--records FILE] [--selftests DIR]\n"
		"                     [--l1-kernel FILE]\n"
		"\n"
		"Runs the plan on this machine's KVM and writes records (agents/wire/protocol.h).\n"
		"    --plan FILE       default /plan\n"
		"    --records FILE    a file or a serial line; default /dev/stdout\n"
		"    --selftests DIR   the kernel's selftests; default /selftests\n"
		"    --l1-kernel FILE  the vmlinux of a Linux L1; default /l1/vmlinux\n"
		"As process 1 it also prepares the machine, answers on /dev/ttyS1 and powers\n"
		"off at the end.\n");
}

static void parse_options(struct agent *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"plan", required_argument, NULL, 'p'},
		{"records", required_argument, NULL, 'r'},
		{"selftests", required_argument, NULL, 's'},
		{"l1-kernel", required_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			a->plan_path = optarg;
			break;
		case 'r':
			a->records_path = optarg;
			break;
		case 's':
			selftests_dir = optarg;
			break;
		case 'k':
			l1_linux_kernel = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind == argc)
		return;
	fprintf(stderr, "nestlab-agent: %s: there are no operands\n", argv[optind]);
	usage(stderr);
	exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	struct agent a = {.plan_path = "/plan", .kvm = -1};

	a.runner = (struct runner){.kmsg = -1, .measure = measure_run};
	if (getpid() == 1 && !strcmp(argv[0], MAIL_INIT))
		guest_main();
	if (getpid() != 1) {
		a.records_path = "/dev/stdout";
		parse_options(&a, argc, argv);
		return open_channel_and_run(&a);
	}
	a.records_path = "/dev/ttyS1"; /* the kernel passes its own words on as arguments */
	init_machine();
	a.runner.kmsg = kmsg_open();
	open_channel_and_run(&a);
	init_power_off();
}
