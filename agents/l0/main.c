// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestlab-agent: runs a plan on the L0 that it finds itself on, and reports the results, in the
 * records of agents/wire/protocol.h. As process 1 it is all of userspace: it prepares the machine, takes
 * /plan, answers where /ticket says (else on the second serial line) and powers off. Else it is a
 * program like any other; with --quiet it changes the machine it runs on and puts it back, whatever
 * becomes of the measuring process.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/guest/guest.h"
#include "agents/guest/mail.h"
#include "agents/l0/capability.h"
#include "agents/l0/records/channel.h"
#include "agents/l0/files.h"
#include "agents/l0/identity.h"
#include "agents/l0/init.h"
#include "agents/l0/clock.h"
#include "agents/l0/cpus.h"
#include "agents/l0/keeper.h"
#include "agents/l0/kmsg.h"
#include "agents/l0/lockdep.h"
#include "agents/l0/vmm/l1_disk.h"
#include "agents/l0/vmm/l1_linux.h"
#include "agents/l0/measure.h"
#include "agents/l0/runner.h"
#include "agents/l0/steady.h"
#include "agents/l0/watchdog.h"
#include "agents/wire/ticket.h"

#define PLAN_MAX (1u << 20)

#define EXIT_FATAL 128
#define EXIT_USAGE 129

struct agent {
	const char *plan_path, *records_path;
	const char *ticket_path; /* NULL: none */
	char nonce[TICKET_NONCE_DIGITS + 1];
	struct runner runner;
	struct plan_measure *measures;
	size_t count;
	int kvm; /* -1: not usable */
	struct quiet quiet;
};

static struct line line; /* too large for the stack to be nice */

/* Trouble of the machine, not of what was asked for. */
static void send_unfit(struct agent *a, const char *text)
{
	line_start(&line, "fatal");
	line_add_member(&line, "class", "infrastructure");
	line_add_member(&line, "text", text);
	channel_send_line(&a->runner.channel, &line);
	fprintf(stderr, "nestlab-agent: fatal: %s\n", text);
}

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

static bool has_real_clock(void)
{
	return strcmp(host_clock.name, "emulated") != 0;
}

/* Is the machine quiet, and its clock one? Else a `fatal` says why not. */
static bool check_steady(struct agent *a)
{
	struct steady s = {.tsc_khz = host_clock.tsc_khz};
	char why[1024] = "the machine is not quiet: ";
	size_t len = strlen(why);
	cpu_set_t set;
	int cpu = cpus_nth(0);

	if (!has_real_clock())
		return true;
	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((unsigned int)cpu, &set);
		sched_setaffinity(0, sizeof(set),
				  &set); /* and so are the measurements, its children */
	}
	steady_measure("", cpu < 0 ? 0 : cpu, &s);
	if (steady_judge(&s, why + len, sizeof(why) - len))
		return true;
	send_unfit(a, why);
	return false;
}

static void run_measures(struct agent *a)
{
	for (size_t i = 0; i < a->count;) {
		const struct plan_measure *m = &a->measures[i];
		size_t n = l1_linux_count(m, a->count - i);

		watchdog_feed();
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
	identity_find_clock(a->kvm);
	if (getpid() == 1 && a->kvm >= 0 && has_real_clock())
		quiet_begin(&a->quiet, no_kvm, sizeof(no_kvm)); /* nothing is to be put back */
	if (read_plan(a, bad_plan, sizeof(bad_plan)))
		fatal = bad_plan;
	else if (a->kvm < 0)
		fatal = no_kvm;
	identity_hello(&line, a->kvm, a->count, a->quiet.measuring.count ? &a->quiet : NULL,
		       a->nonce);
	channel_send_line(&a->runner.channel, &line);
	runner_send_complaints(&a->runner);
	if (fatal) {
		runner_send_text(&a->runner, "fatal", fatal);
		fprintf(stderr, "nestlab-agent: fatal: %s\n", fatal);
	} else if (!check_steady(a)) {
		fatal = "";
	}
	if (!fatal)
		run_measures(a);
	if (!a->runner.complaints && lockdep_is_off(""))
		runner_send_text(&a->runner, "console", "INFO: lockdep is turned off.");
	line_start(&line, "bye");
	line_addf(&line, ",\"records\":%" PRIu64, a->runner.channel.next + 1);
	channel_send_line(&a->runner.channel, &line);
	channel_finish(&a->runner.channel);
	return fatal ? EXIT_FATAL : 0;
}

/* Records go where the boot's ticket says, in an image that was served with one. */
static int open_channel(struct agent *a)
{
	char text[TICKET_BYTES + 1];
	ssize_t len = -ENOENT;
	struct ticket t;
	int ret;

	if (a->ticket_path)
		len = file_read(a->ticket_path, text, sizeof(text));
	if (len < 0)
		return channel_open(&a->runner.channel, a->records_path);
	ret = ticket_parse(text, (size_t)len, &t);
	if (ret == -ENOENT)
		return channel_open(&a->runner.channel, a->records_path);
	a->records_path = a->ticket_path;
	if (ret)
		return ret;
	snprintf(a->nonce, sizeof(a->nonce), "%s", t.nonce);
	return channel_open_ticket(&a->runner.channel, &t);
}

static int open_channel_and_run(void *arg)
{
	struct agent *a = arg;
	int ret = open_channel(a);

	if (ret) {
		fprintf(stderr, "nestlab-agent: cannot open the result channel %s: %s\n",
			a->records_path, strerror(-ret));
		return EXIT_FATAL;
	}
	return run_plan(a);
}

/* On the machine as it runs, made quiet for the time. */
static int run_quietly(struct agent *a)
{
	char why[1024] = "";
	int ret;

	a->runner.kmsg = kmsg_open(true);
	ret = keeper_run(&a->quiet, open_channel_and_run, a, why, sizeof(why));
	if (ret >= 0)
		return ret;
	fprintf(stderr, "nestlab-agent: %s\n", why);
	return EXIT_FATAL;
}

static int restore_machine(const char *journal)
{
	int ret = quiet_restore("", journal);

	if (!ret)
		return 0;
	if (ret == -EBUSY)
		fprintf(stderr, "nestlab-agent: %s: another run measures on this machine\n",
			journal);
	else
		fprintf(stderr, "nestlab-agent: %s: the machine is not as it was: %s\n", journal,
			strerror(-ret));
	return 1;
}

static void usage(FILE *to)
{
	fprintf(to,
		"usage: nestlab-agent [--plan FILE] [--records FILE | --ticket FILE] [--selftests DIR]\n"
		"                     [--quiet JOURNAL] [--l1-kernel FILE] [--l1-image FILE]\n"
		"       nestlab-agent --serve LINE\n"
		"       nestlab-agent --check\n"
		"       nestlab-agent --restore JOURNAL\n"
		"\n"
		"Runs the plan on this machine's KVM and writes records (agents/wire/protocol.h).\n"
		"    --plan FILE       default /plan\n"
		"    --records FILE    a file or a serial line; default /dev/stdout\n"
		"    --ticket FILE     says where records go instead (agents/wire/ticket.h)\n"
		"    --selftests DIR   the kernel's selftests; default /selftests\n"
		"    --l1-kernel FILE  the vmlinux of a Linux L1; default /l1/vmlinux\n"
		"    --l1-image FILE   the disk that an L1 boots from; default /l1/disk\n"
		"    --serve LINE      inside an L1 that boots from a disk: take plans from that serial line\n"
		"                      (/dev/ttyS1) and answer there, as a service\n"
		"    --quiet JOURNAL   make the machine quiet meanwhile; what it was is in JOURNAL\n"
		"    --restore JOURNAL put back what an agent that was killed left changed\n"
		"    --check           say what this machine lacks; exit status 1 if it lacks something\n"
		"As process 1 it also prepares the machine, answers where /ticket says, else on\n"
		"/dev/ttyS1, and powers off at the end.\n");
}

/* The options that are a path and do nothing else. */
static bool take_text(struct agent *a, int option, const char *text)
{
	const struct {
		int option;
		const char **at;
	} texts[] = {
		{'p', &a->plan_path},  {'r', &a->records_path},	 {'t', &a->ticket_path},
		{'s', &selftests_dir}, {'q', &a->quiet.journal}, {'k', &l1_linux_kernel},
		{'i', &l1_disk_image},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].option != option)
			continue;
		*texts[i].at = text;
		return true;
	}
	return false;
}

static void parse_options(struct agent *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"plan", required_argument, NULL, 'p'},
		{"records", required_argument, NULL, 'r'},
		{"ticket", required_argument, NULL, 't'},
		{"selftests", required_argument, NULL, 's'},
		{"quiet", required_argument, NULL, 'q'},
		{"l1-kernel", required_argument, NULL, 'k'},
		{"l1-image", required_argument, NULL, 'i'},
		{"serve", required_argument, NULL, 'S'},
		{"restore", required_argument, NULL, 'R'},
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'S':
			exit(guest_serve(optarg));
		case 'R':
			exit(restore_machine(optarg));
		case 'c':
			exit(capability_check() != 0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			if (take_text(a, c, optarg))
				break;
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
	static struct agent a = {
		.plan_path = "/plan",
		.runner = {.kmsg = -1, .measure = measure_run},
		.kvm = -1,
		.quiet.root = "",
	};

	if (getpid() == 1 && !strcmp(argv[0], MAIL_INIT))
		guest_main();
	if (getpid() != 1) {
		a.records_path = "/dev/stdout";
		parse_options(&a, argc, argv);
		if (a.quiet.journal)
			return run_quietly(&a);
		return open_channel_and_run(&a);
	}
	a.ticket_path = TICKET_PATH;
	a.records_path = "/dev/ttyS1"; /* the kernel passes its own words on as arguments */
	init_machine();
	a.runner.kmsg = kmsg_open(false);
	open_channel_and_run(&a);
	init_power_off();
}
