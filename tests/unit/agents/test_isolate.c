// SPDX-License-Identifier: GPL-2.0-only
/* agents/l0/isolate.c: a measurement cannot hurt the next one. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "agents/l0/clock.h"
#include "agents/l0/isolate.h"
#include "agents/l0/measure.h"

static struct isolated out;

static int write_and_exit(void *arg, int fd)
{
	dprintf(fd, "%s", (const char *)arg);
	return 3;
}

static int crash(void *arg, int fd)
{
	(void)arg;
	dprintf(fd, "so far\n");
	signal(SIGSEGV, SIG_DFL); /* cmocka's and the sanitizers' handlers know better */
	raise(SIGSEGV);
	return 0;
}

static int hang_with_a_child(void *arg, int fd)
{
	(void)arg;
	(void)fd;
	fork();
	while (pause())
		;
	return 0;
}

/* The grandchild holds the pipe open for ever; the child ends. */
static int leave_a_child(void *arg, int fd)
{
	if (!fork())
		for (;;)
			pause();
	return write_and_exit(arg, fd);
}

static int flood(void *arg, int fd)
{
	static char chunk[1 << 20];

	(void)arg;
	for (int i = 0; i < 20; i++)
		for (size_t done = 0; done < sizeof(chunk);) {
			ssize_t n = write(fd, chunk + done, sizeof(chunk) - done);

			if (n <= 0)
				return 1;
			done += (size_t)n;
		}
	return 0;
}

static void described(const char *want)
{
	char text[128];

	isolate_describe(&out, 1, text, sizeof(text));
	assert_string_equal(text, want);
	free(out.output);
}

TEST(isolation_tells_how_it_ended)
{
	assert_int_equal(isolate_run(write_and_exit, "text", 300, NULL, &out), 0);
	assert_string_equal(out.output, "text");
	described("exit status 3");
	assert_int_equal(isolate_run(crash, NULL, 300, NULL, &out), 0);
	assert_string_equal(out.output, "so far\n");
	described("signal 11 (Segmentation fault)");
}

TEST(a_hang_ends_with_all_its_processes)
{
	struct pollfd last = {.events = POLLIN};
	int witness[2]; /* its other end is held by whoever is left */

	assert_int_equal(pipe(witness), 0);
	assert_int_equal(isolate_run(hang_with_a_child, NULL, 1, NULL, &out), 0);
	assert_true(out.timed_out);
	described("no end within 1 s");
	close(witness[1]);
	last.fd = witness[0];
	assert_int_equal(poll(&last, 1, 300000), 1);
	close(witness[0]);
	assert_int_equal(isolate_run(leave_a_child, "left", 300, NULL, &out), 0);
	assert_false(out.timed_out);
	assert_string_equal(out.output, "left");
	free(out.output);
}

TEST(a_flood_is_cut_and_counted)
{
	assert_int_equal(isolate_run(flood, NULL, 300, NULL, &out), 0);
	assert_int_equal(out.status, 0);
	assert_true(out.len < ISOLATE_OUTPUT_MAX);
	assert_int_equal(out.len + out.lost, 20 << 20);
	free(out.output);
}

struct heard {
	char text[64];
	size_t len;
	bool while_it_ran; /* before the process ended */
	int go;		   /* it waits for a byte from here before it ends */
};

static int speak_and_wait(void *arg, int fd)
{
	char byte;

	dprintf(fd, "soon\n");
	return read(*(int *)arg, &byte, 1) == 1 ? 0 : 1;
}

static void hear(void *arg, const char *data, size_t len)
{
	struct heard *h = arg;

	assert_true(h->len + len <= sizeof(h->text));
	memcpy(h->text + h->len, data, len);
	h->len += len;
	h->while_it_ran = write(h->go, "x", 1) == 1;
}

/* The process ends only once its output was given to us: nothing is held back until the end. */
TEST(output_comes_while_it_runs)
{
	struct heard heard = {.len = 0};
	const struct isolate_watch watch = {.on_output = hear, .arg = &heard};
	int go[2];

	assert_int_equal(pipe(go), 0);
	heard.go = go[1];
	assert_int_equal(isolate_run(speak_and_wait, &go[0], 30, &watch, &out), 0);
	assert_false(out.timed_out);
	assert_int_equal(out.status, 0);
	assert_true(heard.while_it_ran);
	assert_int_equal(heard.len, 5);
	assert_memory_equal(heard.text, "soon\n", 5);
	assert_int_equal(out.len, 0); /* and it is not kept besides */
	free(out.output);
	close(go[0]);
	close(go[1]);
}

static int three_seconds(void *arg, int fd)
{
	struct timespec t = {.tv_sec = 3};

	(void)arg;
	(void)fd;
	return nanosleep(&t, NULL);
}

static void count_beat(void *arg)
{
	++*(int *)arg;
}

TEST(a_pulse_beats_while_it_runs)
{
	int beats = 0;
	const struct isolate_watch watch = {.every_s = 1, .on_beat = count_beat, .arg = &beats};

	assert_int_equal(isolate_run(three_seconds, NULL, 30, &watch, &out), 0);
	assert_true(beats);
	assert_int_equal(out.status, 0);
	free(out.output);
	beats = 0;
	assert_int_equal(isolate_run(hang_with_a_child, NULL, 2, &watch, &out), 0);
	assert_true(out.timed_out);
	assert_true(beats);
	free(out.output);
}

UNIT_MAIN("isolate", NULL, NULL)
