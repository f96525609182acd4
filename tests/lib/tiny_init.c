// SPDX-License-Identifier: GPL-2.0-only
/*
 * tiny_init.c - an agent that goes wrong on demand, for the tests of images and hosts. /plan holds
 * one word, what to do; it is a static program without anything of nestlab's but the records.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "agents/l0/init.h"
#include "agents/wire/protocol.h"

static int channel;
static int seq;

static void send_bytes(const char *data, size_t len)
{
	if (write(channel, data, len) < 0)
		_exit(1);
	tcdrain(channel);
}

/* @rest: `"type":"hello",...` */
static size_t make_record(char *line, size_t size, const char *rest)
{
	int len = snprintf(line, size, "{\"seq\":%d,%s", seq++, rest);

	len = record_seal(line, len, size - 1);
	line[len] = '\n';
	return len + 1;
}

static void send_record(const char *rest)
{
	char line[512];
	size_t len = make_record(line, sizeof(line), rest);

	send_bytes(line, len);
}

/* As the agent does it. */
static void power_off(void)
{
	int fd = open("/dev/port", O_WRONLY);

	for (const char *p = INIT_EMULATOR_OFF_WORD; *p; p++)
		pwrite(fd, p, 1, INIT_EMULATOR_OFF_PORT);
	reboot(RB_POWER_OFF);
}

static void send_bye(void)
{
	char rest[64];

	snprintf(rest, sizeof(rest), "\"type\":\"bye\",\"records\":%d", seq + 1);
	send_record(rest);
}

static void do_done(void)
{
	send_bye();
}

/* Do sleeping and the TSC agree? */
static void do_clock(void)
{
	unsigned long long start = __rdtsc();
	char rest[96];

	sleep(1);
	snprintf(rest, sizeof(rest), "\"type\":\"console\",\"text\":\"second=%llu\"",
		 __rdtsc() - start);
	send_record(rest);
	send_bye();
}

static void do_panic(void)
{
	_exit(3); /* "Attempted to kill init!" */
}

static void do_hang(void)
{
	for (;;)
		pause();
}

static void do_spin(void)
{
	for (;;)
		__asm__ volatile("");
}

/* Never silent, never done. */
static void do_chatter(void)
{
	for (;;)
		send_record("\"type\":\"console\",\"text\":\"still here\"");
}

static void do_truncate(void)
{
	send_bytes("{\"seq\":1,\"type\":\"beg", 21);
}

static void do_no_bye(void)
{
}

static void do_flip(void)
{
	char line[512];
	size_t len = make_record(line, sizeof(line), "\"type\":\"console\",\"text\":\"flip\"");

	line[20] ^= 1;
	send_bytes(line, len);
	send_bye();
}

static void do_skip(void)
{
	seq++;
	send_record("\"type\":\"console\",\"text\":\"one too far\"");
}

static void do_reboot(void)
{
	reboot(RB_AUTOBOOT);
}

static void do_warn(void)
{
	int fd = open("/dev/kmsg", O_WRONLY);

	dprintf(fd, "<4>WARNING: CPU: 0 PID: 1 at arch/x86/kvm/vmx/nested.c:1234 foo+0x1/0x2\n");
	close(fd);
	send_bye();
}

/* Locked up, and telling of it every ten seconds. */
static void do_stall(void)
{
	int fd = open("/dev/kmsg", O_WRONLY);

	for (;;) {
		dprintf(fd, "<1>rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n");
		sleep(10);
	}
}

static const struct {
	const char *word;
	void (*run)(void);
} acts[] = {
	{"done", do_done},   {"clock", do_clock},   {"panic", do_panic},
	{"hang", do_hang},   {"spin", do_spin},	    {"chatter", do_chatter},
	{"flip", do_flip},   {"no-bye", do_no_bye}, {"truncate", do_truncate},
	{"skip", do_skip},   {"reboot", do_reboot}, {"warn", do_warn},
	{"stall", do_stall},
};

static void open_channel(const char *path)
{
	struct termios t;

	channel = open(path, O_RDWR | O_NOCTTY);
	tcgetattr(channel, &t);
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	tcsetattr(channel, TCSANOW, &t);
}

int main(void)
{
	char word[32] = "";
	FILE *plan = fopen("/plan", "r");

	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	if (!plan || !fgets(word, sizeof(word), plan))
		return 1;
	word[strcspn(word, "\n")] = '\0';
	if (!strcmp(word, "silent"))
		power_off();
	open_channel("/dev/ttyS1");
	send_record("\"type\":\"hello\",\"agent\":\"tiny\"");
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (!strcmp(word, acts[i].word))
			acts[i].run();
	power_off();
}
