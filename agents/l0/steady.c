// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/steady.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agents/l0/files.h"

#define MSR_SMI_COUNT 0x34
#define MSR_MPERF     0xe7
#define MSR_APERF     0xe8
#define THROTTLE      "%s/sys/devices/system/cpu/cpu%d/thermal_throttle/%s"

static uint64_t read_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static uint64_t raw_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- counts ---- */

static int64_t read_msr(int fd, off_t msr)
{
	int64_t value;

	if (fd < 0 || pread(fd, &value, sizeof(value), msr) != sizeof(value))
		return -1;
	return value;
}

static int64_t read_number(const char *root, int cpu, const char *name)
{
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path), THROTTLE, root, cpu, name);
	if (file_read(path, text, sizeof(text)) <= 0)
		return -1;
	return strtoll(text, NULL, 10);
}

static void read_counts(const char *root, int cpu, struct steady_counts *c)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/dev/cpu/%d/msr", root, cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	c->smi = read_msr(fd, MSR_SMI_COUNT);
	c->aperf = read_msr(fd, MSR_APERF);
	c->mperf = read_msr(fd, MSR_MPERF);
	c->core_throttles = read_number(root, cpu, "core_throttle_count");
	c->package_throttles = read_number(root, cpu, "package_throttle_count");
	if (fd >= 0)
		close(fd);
}

/* ---- the loop ---- */

/* How many ticks a microsecond has, roughly: just enough to know a gap from a read. */
static uint64_t ticks_per_us(void)
{
	uint64_t from = read_tsc(), start = raw_ns();

	while (raw_ns() - start < 1000000)
		;
	return (read_tsc() - from) / 1000 + 1;
}

static void run_loop(struct steady *s)
{
	uint64_t us = ticks_per_us(), start_ns = raw_ns(), start = read_tsc();
	uint64_t before = start, end = start + us * 1000 * STEADY_MS, now;

	do {
		uint64_t gap;

		now = read_tsc();
		gap = now - before;
		before = now;
		if (gap <= us)
			continue;
		s->lost_ticks += gap;
		if (gap > s->worst_ticks)
			s->worst_ticks = gap;
	} while (now < end);
	s->raw_ns = raw_ns() - start_ns;
	s->ticks = read_tsc() - start;
}

static bool cpu_has(const char *root, const char *flag)
{
	static char text[65536];
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
	file_read(path, text, sizeof(text));
	return strstr(text, flag) != NULL;
}

void steady_measure(const char *root, int cpu, struct steady *s)
{
	s->cpu = cpu;
	s->ticks = s->raw_ns = s->lost_ticks = s->worst_ticks = 0;
	s->constant_tsc = cpu_has(root, " constant_tsc");
	s->nonstop_tsc = cpu_has(root, " nonstop_tsc");
	read_counts(root, cpu, &s->before);
	run_loop(s);
	read_counts(root, cpu, &s->after);
}

/* ---- the verdict ---- */

struct reasons {
	char *text;
	size_t len, size;
};

static void add_reason(struct reasons *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_reason(struct reasons *r, const char *fmt, ...)
{
	va_list args;
	int n = snprintf(r->text + r->len, r->size - r->len, "%s", r->len ? "; " : "");

	r->len += (size_t)n;
	if (r->len >= r->size)
		return;
	va_start(args, fmt);
	n = vsnprintf(r->text + r->len, r->size - r->len, fmt, args);
	va_end(args);
	r->len += (size_t)n;
	if (r->len >= r->size)
		r->len = r->size - 1;
}

static int64_t rise(int64_t before, int64_t after)
{
	return before < 0 || after < before ? 0 : after - before;
}

static void judge_clock(const struct steady *s, struct reasons *r)
{
	/* ticks per millisecond, by the kernel's clock */
	uint64_t khz =
		s->raw_ns ? (uint64_t)((unsigned __int128)s->ticks * 1000000 / s->raw_ns) : 0;
	uint64_t off = khz > s->tsc_khz ? khz - s->tsc_khz : s->tsc_khz - khz;

	if (!s->constant_tsc || !s->nonstop_tsc)
		add_reason(r,
			   "the TSC is no clock on this CPU (constant_tsc and nonstop_tsc are not "
			   "both in /proc/cpuinfo)");
	else if (!s->tsc_khz)
		add_reason(r, "KVM does not tell the TSC's rate");
	else if (off * 1000 > (uint64_t)s->tsc_khz * STEADY_CLOCK_PERMILLE)
		add_reason(r,
			   "the TSC counts %" PRIu64
			   " kHz by CLOCK_MONOTONIC_RAW, KVM says %" PRIu32
			   ": something scales or steps it",
			   khz, s->tsc_khz);
}

static void judge_noise(const struct steady *s, struct reasons *r)
{
	uint64_t worst_us = s->ticks ? s->worst_ticks * (s->raw_ns / 1000) / s->ticks : 0;
	uint64_t permille = s->ticks ? s->lost_ticks * 1000 / s->ticks : 0;

	if (permille >= STEADY_LOST_PERMILLE || worst_us >= STEADY_WORST_US)
		add_reason(r,
			   "an empty loop on CPU %d lost %" PRIu64 ".%" PRIu64
			   " %% of its time to others, up to %" PRIu64
			   " us at once: end what runs there, or keep CPUs free (isolcpus=)",
			   s->cpu, permille / 10, permille % 10, worst_us);
}

static void judge_counts(const struct steady *s, struct reasons *r)
{
	const struct steady_counts *a = &s->before, *b = &s->after;
	int64_t smi = rise(a->smi, b->smi), throttles = rise(a->core_throttles, b->core_throttles);
	int64_t aperf = rise(a->aperf, b->aperf), mperf = rise(a->mperf, b->mperf);

	throttles += rise(a->package_throttles, b->package_throttles);
	if (smi)
		add_reason(r,
			   "%" PRId64
			   " system management interrupts in %d ms: the firmware takes the "
			   "CPU away; switch its power management or legacy USB support off",
			   smi, STEADY_MS);
	if (throttles)
		add_reason(r, "CPU %d was throttled %" PRId64 " times: it is too hot", s->cpu,
			   throttles);
	if (mperf && aperf * 1000 / mperf < STEADY_RATE_PERMILLE)
		add_reason(r,
			   "CPU %d ran at %" PRId64
			   " %% of its rate: a limit of power or heat, or a "
			   "governor, holds it down",
			   s->cpu, aperf * 100 / mperf);
}

bool steady_judge(const struct steady *s, char *why, size_t len)
{
	struct reasons r = {.text = why, .size = len};

	why[0] = '\0';
	judge_clock(s, &r);
	judge_noise(s, &r);
	judge_counts(s, &r);
	return !r.len;
}
