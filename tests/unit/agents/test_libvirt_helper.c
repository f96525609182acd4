// SPDX-License-Identifier: GPL-2.0-only
/* The agent's side of libvirt's helper: answers among events, and a helper that does not answer. The helper is played. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agents/l0/vmm/libvirt.h"
#include "tests/unit/agents/sink_fixture.h"

/* Of qemu.c, which has processes. */
int qemu_report_end(struct qemu *q, enum l1_end end, const char *what)
{
	(void)q;
	(void)end;
	(void)what;
	return 1;
}

enum l1_end qemu_describe_status(int status, char *what, size_t size)
{
	(void)status;
	(void)what;
	(void)size;
	return L1_END_OTHER;
}

int qemu_open_memory(struct qemu *q, pid_t pid)
{
	(void)q;
	(void)pid;
	return 0;
}

static struct libvirt l;
static struct sink sink;
static int helper;

static void open_helper(int limit_ms)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(pipe(pipes), 0);
	sink.fd = pipes[1];
	l = (struct libvirt){.qemu.sink = &sink,
			     .orders = fds[0],
			     .answers.fd = fds[0],
			     .limit_ms = limit_ms,
			     .guest_fd = -1};
	helper = fds[1];
}

static void play(const char *text)
{
	assert_int_equal(send(helper, text, strlen(text), 0), strlen(text));
}

TEST(an_answer_comes_after_events)
{
	open_helper(LIBVIRT_LIMIT_MS);
	play("event stopped failed\nok 4711\n");
	assert_int_equal(libvirt_wait_for_answer(&l), 0);
	assert_string_equal(l.line, "4711");
	assert_string_equal(l.stopped, "failed");
	play("error refused no such CPU\n");
	assert_int_equal(libvirt_wait_for_answer(&l), -EPROTO);
	assert_string_equal(l.line, "refused no such CPU");
	close(helper);
	assert_int_equal(libvirt_wait_for_answer(&l), -EPIPE);
	close(l.orders);
}

TEST(an_order_that_is_no_line_is_not_given)
{
	static char path[2048];

	memset(path, 'x', sizeof(path) - 1);
	open_helper(LIBVIRT_LIMIT_MS);
	assert_int_equal(libvirt_give_order(&l, "create", path), -EMSGSIZE);
	assert_string_equal(read_sink(), "");
	close(helper);
	close(l.orders);
}

static pid_t start_idle_process(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* It reads no order, does not end with its pipe, and will not end L1. */
TEST(a_helper_that_hangs_is_asked_once_and_takes_l1_with_it)
{
	pid_t guest = start_idle_process();
	int status;

	open_helper(50);
	l.helper = start_idle_process();
	l.guest_fd = (int)syscall(SYS_pidfd_open, guest, 0);
	assert_int_equal(libvirt_give_order(&l, "wait", ""), -ETIMEDOUT);
	assert_true(l.is_mute);
	libvirt_end_helper(&l);
	assert_int_equal(l.helper, 0);
	assert_int_equal(waitpid(guest, &status, 0), guest);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(l.guest_fd);
	close(helper);
}

static atomic_bool played_enough;

static void *play_events(void *unused)
{
	static const char event[] = "event stopped crashed\n";
	static char many[2000 * (sizeof(event) - 1)];

	/* so many that the next ones are there before these are read */
	for (size_t i = 0; i < sizeof(many); i += sizeof(event) - 1)
		memcpy(many + i, event, sizeof(event) - 1);
	while (!atomic_load(&played_enough))
		if (send(helper, many, sizeof(many), MSG_NOSIGNAL) < 0)
			break;
	return unused;
}

TEST(events_are_no_answer_however_many_come)
{
	pthread_t thread;

	open_helper(200);
	assert_int_equal(pthread_create(&thread, NULL, play_events, NULL), 0);
	assert_int_equal(libvirt_wait_for_answer(&l), -ETIMEDOUT);
	atomic_store(&played_enough, true);
	shutdown(l.orders, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(helper);
	close(l.orders);
}

UNIT_MAIN("libvirt_helper", NULL, NULL)
