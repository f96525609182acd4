// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L1 that is not to leave after all. QEMU 7.2 looks at the state of a migration twice before it waits at the switch-over;
 * a cancel between the two leaves it there. That moment cannot be chosen in a real one (test_qemu_l1 met it once), so this
 * monitor plays it.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "agents/l0/clock.h"
#include "agents/l0/vm.h"
#include "agents/l0/vmm/qemu.h"
#include "common/fs.h"

#define PATIENCE 50 /* so often it says that it is about to end */

static struct crossing way; /* what the other host answers */
static int monitor[2];
static int asked;
static bool released, went_on;

static bool has_command(const char *line, const char *command)
{
	return strstr(line, command) != NULL;
}

static const char *say_status(void)
{
	if (released)
		return "{\"return\": {\"status\": \"cancelled\"}}\r\n";
	if (asked++ < PATIENCE)
		return "{\"return\": {\"status\": \"cancelling\"}}\r\n";
	return "{\"return\": {\"status\": \"failed\"}}\r\n";
}

static const char *answer_cancelled(const char *line)
{
	static const char well[] = "{\"return\": {}}\r\n";

	if (has_command(line, "query-migrate"))
		return say_status();
	if (has_command(line, "\"migrate-continue\"") && has_command(line, "\"cancelling\""))
		released = true;
	if (has_command(line, "\"cont\""))
		went_on = true;
	if (has_command(line, "\"migrate\""))
		crossing_answer(&way, CROSSING_FAILED, "it was killed");
	return well;
}

static const char *(*answer)(const char *line);

/* Keeps the stream that it is given open, as QEMU does. */
static void *play_monitor(void *unused)
{
	char line[4096], control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {line, sizeof(line) - 1};
	ssize_t n;

	for (;;) {
		struct msghdr m = {.msg_iov = &part,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		const char *text;

		n = recvmsg(monitor[1], &m, 0);
		if (n <= 0)
			return unused;
		line[n] = '\0';
		text = answer(line);
		send(monitor[1], text, strlen(text), 0);
	}
}

TEST(an_l1_that_stays_is_let_go_from_the_switch_over)
{
	char *area = mmap(NULL, CROSSING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct sink sink = {.fd = open("/dev/null", O_WRONLY)};
	static struct qemu q;
	struct l1_moved moved = {0};
	char why[CROSSING_TEXT];
	struct crossing c;
	bool rung = false;
	pthread_t thread;
	int bell[2];

	clock_init("nestlab.clock=emulated", 100000);
	answer = answer_cancelled;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, bell), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, monitor), 0);
	q = (struct qemu){.sink = &sink,
			  .bell = bell[0],
			  .monitor = {.lines.fd = monitor[0], .limit_ms = QMP_LIMIT_MS}};
	crossing_prepare(&c, area, 7);
	way = c;
	crossing_answer(&way, CROSSING_READY, "");
	assert_int_equal(pthread_create(&thread, NULL, play_monitor, NULL), 0);
	assert_int_equal(qemu_depart_through(&q, &c, &moved, &rung, why), 0);
	assert_string_equal(why, "it was killed");
	assert_true(released && went_on);
	assert_false(rung);
	close(monitor[0]);
	pthread_join(thread, NULL);
	close(monitor[1]);
	munmap(area, CROSSING_BYTES);
}

/* ---- a snapshot ---- */

#define EVENT(word, s) \
	"{\"timestamp\": {\"seconds\": " s ", \"microseconds\": 0}, \"event\": \"" word "\"}\r\n"

static bool tells_stop;

static const char *answer_snapshot(const char *line)
{
	if (has_command(line, "\"stop\"") && tells_stop)
		return EVENT("STOP", "10") "{\"return\": {}}\r\n";
	if (has_command(line, "query-migrate"))
		return "{\"return\": {\"status\": \"completed\"}}\r\n";
	if (has_command(line, "\"cont\""))
		return EVENT("RESUME", "12") "{\"return\": {}}\r\n";
	return "{\"return\": {}}\r\n";
}

static const char *(*stopping)(const char *line) = answer_snapshot;

static int take_snapshot(struct l1_moved *moved, pid_t pid)
{
	struct sink sink = {.fd = open("/dev/null", O_WRONLY)};
	static struct qemu q;
	pthread_t thread;
	int ret;

	answer = stopping;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, monitor), 0);
	q = (struct qemu){.sink = &sink,
			  .pid = pid,
			  .monitor = {.lines.fd = monitor[0], .limit_ms = QMP_LIMIT_MS}};
	assert_int_equal(pthread_create(&thread, NULL, play_monitor, NULL), 0);
	ret = qemu_snapshot(&q, moved);
	close(monitor[0]);
	pthread_join(thread, NULL);
	close(monitor[1]);
	return ret;
}

/* From 1970 to the resumption would be a number, too. */
TEST(a_downtime_without_a_beginning_is_none)
{
	struct l1_moved moved = {0};

	tells_stop = true;
	assert_int_equal(take_snapshot(&moved, 0), 0);
	assert_int_equal(moved.downtime_us, 2000000);
	tells_stop = false;
	assert_int_equal(take_snapshot(&moved, 0), VM_SAID);
}

/* What KVM would say of a VM of process 4711 is played, too. */
#define DEBUG	   "/sys/kernel/debug"
#define VCPU	   DEBUG "/kvm/4711-3/vcpu0"
#define GUEST_MODE VCPU "/guest_mode"

static unsigned int stops, enters_at; /* the stop that finds vCPU 0 in an L2 */

static void say_guest_mode(const char *text)
{
	struct error err = {0};

	assert_int_equal(fs_write_file(GUEST_MODE, text, strlen(text), &err), 0);
}

static const char *answer_stops(const char *line)
{
	if (has_command(line, "\"stop\"") && ++stops == enters_at)
		say_guest_mode("1\n");
	return answer_snapshot(line);
}

TEST(an_l1_is_stopped_until_it_is_in_an_l2)
{
	struct l1_moved moved = {.wants_l2 = true};
	struct error err = {0};

	if (mount("none", DEBUG, "tmpfs", 0, NULL)) {
		print_message("SKIP: nothing can be mounted at " DEBUG "\n");
		skip();
	}
	assert_int_equal(fs_mkdir_p(VCPU, &err), 0);
	say_guest_mode("0\n");
	tells_stop = true;
	enters_at = 5;
	stopping = answer_stops;
	assert_int_equal(take_snapshot(&moved, 4711), 0);
	assert_true(moved.in_l2);
	assert_int_equal(stops, 5);
	say_guest_mode("0\n");
	stops = 0;
	moved = (struct l1_moved){0};
	assert_int_equal(take_snapshot(&moved, 4711), 0);
	assert_int_equal(stops, 1);
	assert_false(moved.in_l2);
	stops = 0;
	enters_at = 0;
	moved.wants_l2 = true;
	assert_int_equal(take_snapshot(&moved, 4711), 0); /* it never is: then not */
	assert_int_equal(stops, 100);
	assert_false(moved.in_l2);
	umount(DEBUG);
}

/* As of test_qemu_l1: the folder's name is fixed. */
static int set_up(void **state)
{
	(void)state;
	mkdir(QEMU_DIRECTORY, 0700);
	if (!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		mount("none", QEMU_DIRECTORY, "tmpfs", 0, NULL);
	mkdir(QEMU_SAVED, 0700);
	return 0;
}

UNIT_MAIN("qemu_cross", set_up, NULL)
