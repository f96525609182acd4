// SPDX-License-Identifier: GPL-2.0-only
/* The agent's parts that need no KVM: records' text, the sink, isolation, the kernel's log, memory. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <json-c/json.h>

#include "agents/wire/complaints.h"
#include "agents/l0/records/channel.h"
#include "agents/l0/clock.h"
#include "agents/l0/isolate.h"
#include "agents/l0/records/line.h"
#include "agents/l0/measure.h"
#include "agents/l0/regions.h"
#include "agents/l0/records/sink.h"

static struct line line;
static struct isolated out;

/* ---- line ---- */

static void is_string(const char *bytes, size_t len, const char *json)
{
	line_start(&line, "x");
	line_add_string(&line, bytes, len);
	assert_string_equal(line.buf + strlen("\"type\":\"x\""), json);
	assert_int_equal(line.len, strlen(line.buf));
}

TEST(strings_are_json_whatever_the_bytes)
{
	is_string("plain", 5, "\"plain\"");
	is_string("a\"b\\c\n\t\x7f\0d", 10, "\"a\\\"b\\\\c\\n\\u0009\\u007f\\u0000d\"");
	is_string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	is_string("\xff\xc3", 2, "\"\\ufffd\\ufffd\"");		   /* no lead byte; cut off */
	is_string("\xc0\xaf", 2, "\"\\ufffd\\ufffd\"");		   /* overlong */
	is_string("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
}

TEST(a_full_line_says_so_and_stays_whole)
{
	size_t before;

	line_start(&line, "x");
	while (!line.full) {
		before = line.len;
		line_addf(&line, "%0100d", 7);
	}
	assert_int_equal(line.len, before);
	assert_int_equal(strlen(line.buf), before);
	assert_true(line.len + LINE_ENVELOPE < PROTOCOL_LINE_MAX);
}

/* ---- sink: in a child, as in the agent ---- */

static int in_sink(void *arg, int fd)
{
	void (*fill)(struct sink * s) = *(void (**)(struct sink *))arg;
	struct sink s = {.fd = fd, .id = 3};

	fill(&s);
	return 0;
}

/* The one record that @fill gives, as JSON; the caller puts it. */
static struct json_object *record_of(void (*fill)(struct sink *s))
{
	struct json_object *rec;
	char *text;

	assert_int_equal(isolate_run(in_sink, &fill, 10, NULL, &out), 0);
	assert_int_equal(out.status, 0);
	assert_true(out.len > 0 && strchr(out.output, '\n') == out.output + out.len - 1);
	assert_true(asprintf(&text, "{%s}", out.output) > 0);
	rec = json_tokener_parse(text);
	assert_non_null(rec);
	free(text);
	free(out.output);
	return rec;
}

static const char *text_in(struct json_object *rec, const char *key)
{
	return json_object_get_string(json_object_object_get(rec, key));
}

static int64_t number_in(struct json_object *rec, const char *key)
{
	return json_object_get_int64(json_object_object_get(rec, key));
}

static int64_t samples_in(struct json_object *rec)
{
	struct json_object *hist = json_object_object_get(rec, "hist");
	int64_t n = 0;

	for (size_t i = 0; i < json_object_array_length(hist); i++)
		n += json_object_get_int64(
			json_object_array_get_idx(json_object_array_get_idx(hist, i), 1));
	return n;
}

static void fill_metric(struct sink *s)
{
	static struct histogram h;

	histogram_init(&h);
	for (int i = 0; i < 10; i++)
		histogram_add(&h, i < 9 ? 25461 : 30799);
	sink_metric(s, "switch", &h);
}

TEST(a_metric_has_its_histogram)
{
	struct json_object *rec;

	clock_init("console=ttyS0 nestlab.clock=emulated\n", 100000);
	rec = record_of(fill_metric);
	assert_string_equal(text_in(rec, "type"), "metric");
	assert_int_equal(number_in(rec, "id"), 3);
	assert_string_equal(text_in(rec, "unit"), "instructions");
	assert_int_equal(number_in(rec, "count"), 10);
	assert_int_equal(number_in(rec, "min"), 25461);
	assert_int_equal(number_in(rec, "max"), 30799);
	assert_string_equal(text_in(rec, "mean"), "25994.800000");
	assert_string_equal(text_in(rec, "hist"), "[ [ 5687, 9 ], [ 6020, 1 ] ]");
	assert_null(json_object_object_get(rec, "merged"));
	json_object_put(rec);
}

static void fill_wide_metric(struct sink *s)
{
	static struct histogram h;

	histogram_init(&h);
	for (uint32_t b = 0; b < HISTOGRAM_BUCKETS; b++)
		histogram_add(&h, histogram_bucket_low(b));
	sink_metric(s, "switch", &h);
}

TEST(a_wide_histogram_loses_resolution_not_samples)
{
	struct json_object *rec = record_of(fill_wide_metric);

	assert_int_equal(samples_in(rec), HISTOGRAM_BUCKETS);
	assert_int_equal(number_in(rec, "count"), HISTOGRAM_BUCKETS);
	assert_true(number_in(rec, "merged") > 1);
	json_object_put(rec);
}

static void fill_empty_metric(struct sink *s)
{
	static struct histogram h;

	histogram_init(&h);
	sink_metric(s, "switch", &h);
}

TEST(a_metric_without_samples_is_a_failure)
{
	struct json_object *rec = record_of(fill_empty_metric);

	assert_string_equal(text_in(rec, "type"), "fail");
	assert_string_equal(text_in(rec, "class"), "guest");
	json_object_put(rec);
}

static void fill_rate(struct sink *s)
{
	sink_rate(s, "switches-per-mclk", 1600, 1600 * 24800);
}

TEST(a_rate_is_in_thousandths)
{
	struct json_object *rec = record_of(fill_rate);

	assert_string_equal(text_in(rec, "unit"), "per-mclk");
	assert_int_equal(number_in(rec, "scale"), 1000);
	assert_int_equal(number_in(rec, "min"), 40323); /* 1e9 / 24800 */
	json_object_put(rec);
}

static void fill_fail(struct sink *s)
{
	sink_fail(s, SINK_INTEGRITY, "0x1234", NULL, "L2 vCPU %d: rbx", 7);
}

TEST(a_failure_says_what_was_expected)
{
	struct json_object *rec = record_of(fill_fail);

	assert_string_equal(text_in(rec, "class"), "integrity");
	assert_string_equal(text_in(rec, "expected"), "0x1234");
	assert_string_equal(text_in(rec, "found"), "");
	assert_string_equal(text_in(rec, "text"), "L2 vCPU 7: rbx");
	json_object_put(rec);
}

static void fill_long_test(struct sink *s)
{
	static char text[100000];

	memset(text, '\1', sizeof(text)); /* six bytes each in JSON */
	memcpy(text, "begin", 5);
	memcpy(text + sizeof(text) - 3, "end", 3);
	sink_test(s, "t", "fail", text, sizeof(text));
}

TEST(long_output_is_cut_in_its_middle_and_says_so)
{
	struct json_object *rec = record_of(fill_long_test);
	const char *text = text_in(rec, "text");

	assert_int_equal(strncmp(text, "begin\1", 6), 0);
	assert_non_null(strstr(text, "\1\n[91808 bytes are left out]\n\1"));
	assert_string_equal(text + strlen(text) - 3, "end");
	json_object_put(rec);
}

/* ---- files ---- */

static char file_path[] = "/tmp/test_agent.XXXXXX";

static void fill_file(struct sink *s)
{
	sink_file(s, "f", file_path);
}

TEST(a_file_is_told_whole_or_not_at_all)
{
	struct sink nowhere = {.fd = -1};
	struct json_object *rec;
	int fd = mkstemp(file_path);

	assert_int_equal(write(fd, "\x01z\xff\n", 4), 4);
	rec = record_of(fill_file);
	assert_string_equal(text_in(rec, "type"), "file");
	assert_string_equal(text_in(rec, "name"), "f");
	assert_string_equal(text_in(rec, "data"), "017aff0a");
	json_object_put(rec);
	assert_int_equal(ftruncate(fd, SINK_FILE_MAX), 0);
	rec = record_of(fill_file);
	assert_int_equal(strlen(text_in(rec, "data")), 2 * SINK_FILE_MAX);
	json_object_put(rec);
	assert_int_equal(ftruncate(fd, SINK_FILE_MAX + 1), 0);
	assert_int_equal(sink_file(&nowhere, "f", file_path), -EFBIG);
	close(fd);
	unlink(file_path);
	assert_int_equal(sink_file(&nowhere, "f", file_path), -ENOENT);
}

/* ---- clock ---- */

TEST(ticks_become_clock_units)
{
	clock_init("quiet nestlab.clock=emulated", 3500000);
	assert_string_equal(host_clock.name, "emulated");
	assert_int_equal(clock_units(25461), 25461);
	host_clock = (struct host_clock){.name = "tsc", .unit = "ns"};
	clock_init("xnestlab.clock=emulated nestlab.clock=emulatedx\n", 2500000);
	assert_string_equal(host_clock.name, "tsc");
	assert_int_equal(clock_units(2500), 1000);
	assert_int_equal(clock_units(4), 2); /* 1.6 ns */
	assert_true(clock_units(1ull << 60) == 461168601842738790ull);
}

/* ---- selftests ---- */

static void make_test(const char *name, const char *script)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", unit_dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

static char test_name[] = "selftest";

static struct plan_measure selftest = {.scenario = PLAN_KSELFTEST, .limit_s = 60};

static void run_selftest(struct sink *s)
{
	memcpy(selftest.test, test_name, sizeof(test_name));
	scenario_kselftest_run(&selftest, s);
}

static void selftest_gives(const char *script, const char *result, const char *text)
{
	struct json_object *rec;

	make_test(test_name, script);
	rec = record_of(run_selftest);
	assert_string_equal(text_in(rec, "type"), "test");
	assert_string_equal(text_in(rec, "name"), test_name);
	assert_string_equal(text_in(rec, "result"), result);
	assert_string_equal(text_in(rec, "text"), text);
	json_object_put(rec);
}

TEST(selftests_are_judged_by_exit_status)
{
	struct json_object *rec;

	assert_int_equal(unit_make_dir(NULL), 0);
	selftests_dir = unit_dir;
	rec = record_of(run_selftest);
	assert_string_equal(text_in(rec, "type"), "skip");
	json_object_put(rec);
	selftest_gives("echo fine; exit 0", "pass", "fine\n");
	selftest_gives("echo $#", "pass", "0\n");
	snprintf(selftest.arguments, sizeof(selftest.arguments), "-n\n\n1 2\n");
	selftest_gives("echo \"$#|$1|$2|$3\"", "pass", "3|-n||1 2\n");
	selftest.arguments[0] = '\0';
	selftest_gives("echo no APICv >&2; exit 4", "skip", "no APICv\n\nexit status 4");
	selftest_gives("exit 1", "fail", "exit status 1");
	selftest_gives("kill -ABRT $$", "fail", "signal 6 (Aborted)");
	selftest.limit_s = 1;
	selftest_gives("exec sleep 600", "fail", "no end within 1 s");
	selftest.limit_s = 60;
	assert_int_equal(unit_drop_dir(NULL), 0);
}

TEST(selftests_are_judged_by_what_they_print_too)
{
	assert_int_equal(unit_make_dir(NULL), 0);
	selftests_dir = unit_dir;
	snprintf(selftest.must_print, sizeof(selftest.must_print), "all 3 seen");
	selftest_gives("echo all 3 seen", "pass", "all 3 seen\n");
	selftest_gives("echo all 2 seen", "fail", "all 2 seen\n\nit did not print \"all 3 seen\"");
	selftest_gives("exit 4", "skip", "exit status 4");
	snprintf(selftest.must_not_print, sizeof(selftest.must_not_print), "stale");
	selftest_gives("echo all 3 seen, stale", "fail",
		       "all 3 seen, stale\n\nit printed \"stale\", which it must not");
	selftest_gives("echo stale; exit 1", "fail", "stale\n\nexit status 1");
	selftest.must_print[0] = selftest.must_not_print[0] = '\0';
	assert_int_equal(unit_drop_dir(NULL), 0);
}

/* ---- the kernel's log ---- */

TEST(complaints_are_known_by_file_and_function)
{
	static const char *const bad[] = {
		"WARNING: CPU: 0 PID: 1 at arch/x86/kvm/vmx/nested.c:300 vmx_vcpu_load+0x1/0x2",
		"WARNING: CPU: 0 PID: 0 at arch/x86/kernel/cpu/topology_common.c:57 "
		"other+0xaf/0xc0",
		"WARNING: CPU: 0 PID: 0 at kernel/other.c:57 parse_legacy+0xaf/0xc0",
		"BUG: KASAN: slab-use-after-free in nested_release+0x1/0x2",
		"Oops: general protection fault, probably for non-canonical address",
		"INFO: task nestlab-agent:1 blocked for more than 120 seconds.",
		"INFO: trying to register non-static key.",
		"INFO: lockdep is turned off.",
		"BUG kmalloc-192 (Tainted: G        W         ): Object already free",
	};
	static const char *const good[] = {
		"WARNING: CPU: 0 PID: 0 at arch/x86/kernel/cpu/topology_common.c:57 "
		"parse_legacy+0xaf/0xc0",
		"WARNING: CPU: 0 PID: 0 at arch/x86/kernel/fpu/xstate.c:605 "
		"fpu__init_system_xstate+0xa4f/0xbd0",
		"Linux version 6.12.117",
		"Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar",
		"in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 41, name: INFO: task ",
		"[Firmware Bug]: TSC_DEADLINE disabled due to Errata; please update microcode",
		"rcu: RCU calculated value of scheduler-enlistment delay is 100 jiffies.",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!complaints_has(bad[i]))
			fail_msg("missed: %s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (complaints_has(good[i]))
			fail_msg("made up: %s", good[i]);
}

/* ---- memory ---- */

static char params[REGIONS_BOOT_PARAMS];

static void put_e820(int i, uint64_t start, uint64_t size, uint32_t type)
{
	char *entry = params + 0x2d0 + 20 * i;

	memcpy(entry, &start, 8);
	memcpy(entry + 8, &size, 8);
	memcpy(entry + 16, &type, 4);
	params[0x1e8] = (char)(i + 1);
}

static void is_region(const struct region *r, uint64_t start, uint64_t size, bool managed)
{
	assert_true(r->start == start && r->size == size && r->managed == managed);
}

/* As the emulated host with mem=768M shows it. */
TEST(hidden_memory_is_found)
{
	static const char iomem[] = "00000000-00000fff : Reserved\n"
				    "00001000-0009efff : System RAM\n"
				    "0009f000-000fffff : Reserved\n"
				    "  000f0000-000fffff : System ROM\n"
				    "00100000-2fffffff : System RAM\n"
				    "  01000000-016fffff : Kernel code\n"
				    "  02000000-020fffff : System RAM\n"
				    "fec00000-fec003ff : IOAPIC 0\n";
	struct regions r;

	memset(params, 0, sizeof(params));
	put_e820(0, 0, 0x9f000, 1);
	put_e820(1, 0x9f000, 0x1000, 2);
	put_e820(2, 0x100000, 0x3fef0000, 1);
	put_e820(3, 0x3fff0000, 0x10000, 3);
	assert_int_equal(regions_parse(iomem, params, &r), 0);
	assert_int_equal(r.n, 3);
	is_region(&r.r[0], 0x1000, 0x9e000, true);
	is_region(&r.r[1], 0x100000, 0x2ff00000, true);
	is_region(&r.r[2], 0x30000000, 0xfff0000, false);
}

TEST(a_hole_between_managed_regions_is_found)
{
	static const char iomem[] = "00100000-0fffffff : System RAM\n"
				    "20000000-2fffffff : System RAM\n";
	struct regions r;

	memset(params, 0, sizeof(params));
	put_e820(0, 0x100000, 0x3ff00000, 1);
	assert_int_equal(regions_parse(iomem, params, &r), 0);
	assert_int_equal(r.n, 4);
	is_region(&r.r[2], 0x10000000, 0x10000000, false);
	is_region(&r.r[3], 0x30000000, 0x10000000, false);
}

TEST(nothing_hidden_is_nothing_unmanaged)
{
	struct regions r;

	memset(params, 0, sizeof(params));
	put_e820(0, 0x100000, 0xff00000, 1);
	assert_int_equal(regions_parse("00100000-0fffffff : System RAM\n", params, &r), 0);
	assert_int_equal(r.n, 1);
}

/* ---- channel ---- */

TEST(records_are_numbered_and_sealed)
{
	char path[] = "/tmp/nestlab-agent.XXXXXX", text[512], msg[128];
	int fd = mkstemp(path);
	struct channel c;
	char *end;
	ssize_t n;

	assert_int_equal(channel_open(&c, path), 0);
	assert_int_equal(channel_send(&c, "\"type\":\"a\"", 10), 0);
	line_start(&line, "b");
	assert_int_equal(channel_send_line(&c, &line), 0);
	line.full = true;
	assert_int_equal(channel_send_line(&c, &line), -EMSGSIZE);
	channel_drain(&c);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	end = strchr(text, '\n');
	assert_int_equal(strncmp(text, "{\"seq\":0,\"type\":\"a\",\"crc\":", 26), 0);
	assert_int_equal(strncmp(end + 1, "{\"seq\":1,\"type\":\"b\",\"crc\":", 26), 0);
	assert_int_equal(record_check(text, (size_t)(end - text), msg, sizeof(msg)), 0);
	assert_int_equal(record_check(end + 1, strlen(end + 1) - 1, msg, sizeof(msg)), 0);
	assert_int_equal(channel_open(&c, "/nowhere/file"), -ENOENT);
	unlink(path);
}

UNIT_MAIN("agent", NULL, NULL)
