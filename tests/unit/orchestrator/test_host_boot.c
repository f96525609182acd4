// SPDX-License-Identifier: GPL-2.0-only
/* The boot engine, with a host that does what a script says: no emulator, no waiting. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/wire/protocol.h"
#include "orchestrator/engine/boot_state.h"
#include "orchestrator/engine/loop.h"
#include "orchestrator/engine/outcome.h"

/* What the host does: at each look one step more, then it stays on or goes off. */
static struct {
	const char *console[6]; /* what each step adds, up to NULL */
	const char *records[6];
	bool goes_off;
	int postmortem;
	const char *machine_fault; /* what its event log has; NULL: nothing */
	int fail_in;		   /* 1: provision, 2: open_channel, 3: power */
	double starved_s;	   /* waited for a processor */
	/* seen */
	int step, powered_off, released, examined;
} script;

static void append(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int step_or_fail(int which, struct error *err)
{
	return script.fail_in == which ? error_set(err, -EIO, "step %d", which) : 0;
}

static int fake_provision(struct host_session *s, struct error *err)
{
	s->priv = &script;
	s->poll_ms = 1; /* for the next step of the script */
	return step_or_fail(1, err);
}

static int fake_open_channel(struct host_session *s, struct error *err)
{
	append(s->console_path, "");
	return step_or_fail(2, err);
}

static int fake_power(struct host_session *s, enum host_power want, struct error *err)
{
	(void)s;
	script.powered_off += want == HOST_POWER_OFF;
	return want == HOST_POWER_ON ? step_or_fail(3, err) : 0;
}

static bool fake_is_on(struct host_session *s)
{
	int i = script.step;

	s->starved_s = script.starved_s;

	if (script.console[i])
		append(s->console_path, script.console[i]);
	if (script.records[i])
		append(s->records_path, script.records[i]);
	if (!script.console[i] && !script.records[i])
		return !script.goes_off;
	script.step++;
	return true;
}

static int fake_postmortem(struct host_session *s, struct strbuf *why)
{
	(void)s;
	strbuf_addstr(why, script.postmortem ? "it broke" : "it went off");
	return script.postmortem;
}

/* As if it had to ask a BMC: not at the first time. */
static int fake_examine(struct host_session *s, struct strbuf *trouble, struct error *err)
{
	(void)s;
	assert_int_equal(script.powered_off, 1);
	if (!script.examined++)
		return HOST_GOES_ON;
	if (script.machine_fault && !strcmp(script.machine_fault, "?"))
		return error_set(err, -EIO, "the BMC is silent");
	if (script.machine_fault)
		strbuf_addstr(trouble, script.machine_fault);
	return 0;
}

static int fake_release(struct host_session *s, struct error *err)
{
	(void)err;
	s->priv = NULL;
	script.released++;
	return 0;
}

static const struct host_driver fake = {
	.name = "fake",
	.help = "",
	.provision = fake_provision,
	.open_channel = fake_open_channel,
	.power = fake_power,
	.is_on = fake_is_on,
	.postmortem = fake_postmortem,
	.examine = fake_examine,
	.release = fake_release,
};

static int calls;

static void count_record(struct json_object *record, void *arg)
{
	(void)record;
	++*(int *)arg;
}

static struct boot_result result;
static struct error err;
static struct host_config cfg = {.driver = &fake};

static int boot(void)
{
	struct boot_request b = {
		.image = "x", .run_dir = unit_dir, .on_record = count_record, .arg = &calls};
	int ret;

	calls = 0;
	memset(&err, 0, sizeof(err));
	ret = boot_once(&cfg, &b, &result, &err);
	assert_int_equal(script.released, 1);
	return ret;
}

static void expect(enum boot_outcome outcome, const char *text)
{
	assert_int_equal(boot(), 0);
	assert_string_equal(boot_outcome_name(result.outcome), boot_outcome_name(outcome));
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
	assert_int_equal(script.powered_off, 1);
	assert_int_equal(calls, result.records);
	boot_result_free(&result);
}

static int fresh(void **state)
{
	__cleanup_free char *console = unit_path("console.log");
	__cleanup_free char *records = unit_path("records.jsonl");

	(void)state;
	remove(console);
	remove(records);
	memset(&script, 0, sizeof(script));
	cfg.wall_limit_s = 60;
	cfg.progress_limit_s = 60;
	return 0;
}

/* A sealed record with its newline, good for one test. */
static const char *record(int seq, const char *rest)
{
	static char lines[4][256];
	char *line = lines[seq % 4];
	int len = snprintf(line, sizeof(lines[0]), "{\"seq\":%d,\"type\":%s", seq, rest);

	len = record_seal(line, len, sizeof(lines[0]) - 1);
	line[len] = '\n';
	line[len + 1] = '\0';
	return line;
}

#define HELLO "\"hello\""
#define BYE2  "\"bye\",\"records\":2"

TEST_WITH(done, fresh, NULL)
{
	script.console[0] = "booting\n";
	script.records[0] = record(0, HELLO);
	script.records[1] = record(1, BYE2);
	script.goes_off = true;
	expect(BOOT_DONE, "");
	assert_int_equal(script.examined, 0);
	assert_string_equal(err.text, "");
}

TEST_WITH(complained, fresh, NULL)
{
	script.console[0] = "WARNING: CPU: 0 PID: 1 at mm/slub.c:1 f+0x1/0x2\nBUG: bad page\n";
	script.records[0] = record(0, HELLO);
	script.records[1] = record(1, BYE2);
	script.goes_off = true;
	expect(BOOT_GUEST_COMPLAINED, "mm/slub.c:1 f+0x1/0x2; BUG: bad page");
}

TEST_WITH(panicked, fresh, NULL)
{
	script.records[0] = record(0, HELLO);
	script.console[0] = "BUG: kernel NULL pointer dereference\nRIP: 0010:f+0x1/0x2\n";
	script.console[1] = "Kernel panic - not syncing: Fatal exception\n";
	script.console[2] = "---[ end Kernel panic - not syncing: Fatal exception ]---\n";
	expect(BOOT_GUEST_PANIC,
	       "not syncing: Fatal exception; before it: BUG: kernel NULL pointer "
	       "dereference (RIP: 0010:f+0x1/0x2)");
}

TEST_WITH(a_panic_on_a_machine_that_logged_a_fault_of_its_own, fresh, NULL)
{
	script.console[0] = "Kernel panic - not syncing: Fatal exception\n";
	script.goes_off = true;
	script.machine_fault = "the event log has \"machine check\"";
	expect(BOOT_HOST_FAILED,
	       "the machine itself failed: the event log has \"machine check\"; what came of it: "
	       "Kernel panic - not syncing: Fatal exception");
	assert_int_equal(script.examined, 2);
}

TEST_WITH(a_log_that_cannot_be_read_changes_no_verdict, fresh, NULL)
{
	script.console[0] = "Kernel panic - not syncing: Fatal exception\n";
	script.goes_off = true;
	script.machine_fault = "?";
	expect(BOOT_GUEST_PANIC, "; its event log was not read: the BMC is silent");
}

TEST_WITH(flipped, fresh, NULL)
{
	__cleanup_free char *damaged = xstrdup(record(1, BYE2));

	damaged[20] ^= 4;
	script.records[0] = record(0, HELLO);
	script.records[1] = damaged;
	expect(BOOT_BROKEN_RECORDS, "record line 2: CRC");
}

TEST_WITH(truncated, fresh, NULL)
{
	script.records[0] = record(0, HELLO);
	script.records[1] = "{\"seq\":1,\"ty";
	script.goes_off = true;
	expect(BOOT_BROKEN_RECORDS,
	       "breaks off after 12 bytes: the stream is truncated; it went off");
}

TEST_WITH(no_bye, fresh, NULL)
{
	script.records[0] = record(0, HELLO);
	script.goes_off = true;
	expect(BOOT_BROKEN_RECORDS, "without a bye");
}

TEST_WITH(never_spoke, fresh, NULL)
{
	script.console[0] = "reboot: Power down\n";
	script.goes_off = true;
	expect(BOOT_GUEST_DIED, "it went off before the agent's first record; the console's last "
				"line: reboot: Power down");
}

TEST_WITH(reset, fresh, NULL)
{
	script.records[0] = record(0, HELLO);
	script.goes_off = true;
	script.postmortem = -ECONNRESET;
	expect(BOOT_GUEST_DIED, "it broke after 1 records");
}

TEST_WITH(started_anew, fresh, NULL)
{
	script.records[0] = record(0, HELLO);
	script.records[1] = record(0, HELLO);
	expect(BOOT_GUEST_DIED, "restarted in the middle");
}

TEST_WITH(host_failed, fresh, NULL)
{
	script.records[0] = record(0, HELLO);
	script.goes_off = true;
	script.postmortem = -EIO;
	expect(BOOT_HOST_FAILED, "it broke");
}

/* What we cannot read is no fault of the guest's. */
TEST_WITH(unreadable, fresh, NULL)
{
	__cleanup_free char *records = unit_path("records.jsonl");

	cfg.progress_limit_s = 1;
	script.console[0] = "booting\n";
	assert_int_equal(symlink(records, records), 0);
	expect(BOOT_HOST_FAILED, "records.jsonl: cannot read: ");
}

/* A limit of no time at all: nothing has to be waited for. */
TEST_WITH(no_progress, fresh, NULL)
{
	cfg.progress_limit_s = 0;
	script.records[0] = record(0, HELLO);
	expect(BOOT_HANG, "nothing came for 0 s");
}

TEST_WITH(too_long, fresh, NULL)
{
	cfg.wall_limit_s = 0;
	script.console[0] = "WARNING: at mm/slub.c:1\nthe last words\n";
	expect(BOOT_HANG, "not done within 0 s; after 0 records; the console's last line: the last "
			  "words; before it: WARNING: at mm/slub.c:1");
}

/* The machine was busy: that is no fault of the guest's. */
TEST_WITH(starved, fresh, NULL)
{
	cfg.wall_limit_s = 0;
	script.starved_s = 1000;
	script.records[0] = record(0, HELLO);
	script.records[1] = record(1, BYE2);
	script.goes_off = true;
	expect(BOOT_DONE, "");
}

TEST(only_the_time_since_the_last_news_is_forgiven)
{
	struct boot b = {.session.cfg = &cfg, .started = 10, .last_news = 500};

	cfg.progress_limit_s = 180;
	cfg.wall_limit_s = 7200;
	b.session.starved_s = 300;
	b.starved_s = 250;
	assert_float_equal(boot_silence_ends(&b), 730, 0.001);
	assert_float_equal(boot_wall_ends(&b), 7510, 0.001);
}

TEST_WITH(not_started, fresh, NULL)
{
	for (int i = 1; i <= 3; i++) {
		fresh(NULL);
		script.fail_in = i;
		assert_int_equal(boot(), -EIO);
		assert_null(result.console_path);
	}
}

/* ---- and what it comes to ---- */

static void collect_record(struct json_object *record, void *arg)
{
	collector_record(arg, record);
}

static struct scenario_measure measure = {.line = {.scenario = PLAN_KSELFTEST},
					  .params = (char[]){"{}"}};
static const struct scenario_plan plan = {.measures = &measure, .nmeasures = 1};

/* A boot of one selftest that goes by the script; @text is why it failed. */
static void comes_to(enum results_class class, const char *text)
{
	struct collector c;
	struct boot_request b = {
		.image = "x", .run_dir = unit_dir, .on_record = collect_record, .arg = &c};
	struct error why = {0};

	memset(&err, 0, sizeof(err));
	collector_init(&c, &plan);
	assert_int_equal(boot_once(&cfg, &b, &result, &err), 0);
	assert_int_equal(outcome_judge(result.outcome, &err, &c, &why), class);
	if (strcmp(why.text, text))
		fail_msg("\"%s\" is not \"%s\"", why.text, text);
	collector_release(&c);
	boot_result_free(&result);
}

#define ENDED(result, text) \
	"\"test\",\"id\":0,\"name\":\"t\",\"result\":\"" result "\",\"text\":\"" text "\""
#define FAILED ENDED("fail", "not ok 1 a\\n\\nexit status 1")

static void test_with_complaint(const char *test, const char *console, const char *first)
{
	fresh(NULL);
	script.console[0] = console;
	script.records[0] = record(0, first);
	script.records[1] = record(1, test);
	script.records[2] = record(2, "\"end\",\"id\":0");
	script.records[3] = record(3, "\"bye\",\"records\":4");
	script.goes_off = true;
}

#define KASAN "BUG: KASAN: slab-use-after-free in nested_release_vmcs12+0x1/0x2"

TEST_WITH(a_failed_test_hides_no_complaint, fresh, NULL)
{
	test_with_complaint(FAILED, KASAN "\n", HELLO);
	comes_to(RESULTS_INTEGRITY, "selftest t failed (exit status 1):\nnot ok 1 a; besides, the "
				    "kernel complained: " KASAN);
	test_with_complaint(ENDED("pass", ""), KASAN "\n", HELLO);
	comes_to(RESULTS_GUEST, "the kernel complained: " KASAN);
	test_with_complaint(FAILED, "booting\n", HELLO);
	comes_to(RESULTS_INTEGRITY, "selftest t failed (exit status 1):\nnot ok 1 a\n\n");
	/* what only the kernel's own log has */
	test_with_complaint(FAILED, "booting\n", "\"console\",\"text\":\"WARNING: early\"");
	comes_to(RESULTS_INTEGRITY,
		 "selftest t failed (exit status 1):\nnot ok 1 a; besides, WARNING: early");
}

UNIT_MAIN("host boot", unit_make_dir, unit_drop_dir)
