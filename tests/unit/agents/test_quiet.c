// SPDX-License-Identifier: GPL-2.0-only
/* agents/l0: a machine is made quiet and put back, on a tree of /proc and /sys of our own; sets of CPUs;
 * what is no machine to measure on; what identifies one; whether its kernel still checks its locks. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agents/l0/keeper.h"
#include "agents/l0/lockdep.h"
#include "agents/l0/machine.h"
#include "agents/l0/steady.h"

static char *journal;

/* What a server's kernel has, as it stands after boot. */
static const struct {
	const char *path, *before, *quiet;
} tree[] = {
	{"sys/devices/system/cpu/smt/control", "on", "off"},
	{"sys/devices/system/cpu/intel_pstate/no_turbo", "0", "1"},
	{"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave", "performance"},
	{"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance", "performance"},
	{"proc/sys/kernel/numa_balancing", "1", "0"},
	{"sys/kernel/mm/ksm/run", "1", "0"},
	{"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never", "never"},
	{"proc/sys/kernel/nmi_watchdog", "1", "0"},
	{"proc/sys/kernel/watchdog", "1", "0"},
	{"sys/module/kvm/parameters/halt_poll_ns", "200000", "0"},
	{"sys/devices/virtual/workqueue/cpumask", "f", "1"},
	{"proc/irq/default_smp_affinity", "f", "1"},
	{"proc/irq/24/smp_affinity_list", "0-3", "0"},
	{"proc/irq/25/smp_affinity_list", "2", "0"},
};

static int make_tree(void **state)
{
	int ret = unit_make_dir(state);

	for (size_t i = 0; i < ARRAY_SIZE(tree); i++)
		unit_put(tree[i].path, tree[i].before);
	unit_put("sys/devices/system/cpu/online", "0-3\n");
	unit_put("sys/devices/system/cpu/isolated", "\n");
	unit_put("proc/sys/kernel/random/boot_id", "this-boot\n");
	unit_put("dev/cpu_dma_latency", "");
	journal = unit_path("journal");
	return ret;
}

static int drop_tree(void **state)
{
	free(journal);
	return unit_drop_dir(state);
}

static bool is_same_value(const char *path, const char *want)
{
	__cleanup_free char *full = unit_path(path);
	struct strbuf text = STRBUF_INIT;
	bool same;

	assert_int_equal(fs_read_file(full, 0, &text, NULL), 0);
	text.buf[strcspn(text.buf, "\n")] = '\0';
	same = !strcmp(text.buf, want);
	if (!same)
		print_message("%s is \"%s\", not \"%s\"\n", path, text.buf, want);
	strbuf_release(&text);
	return same;
}

static void assert_quiet(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tree); i++)
		assert_true(is_same_value(tree[i].path, tree[i].quiet));
}

/* "always [madvise] never" is a plain file here: what is written is what is read. */
static void assert_as_before(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tree); i++) {
		const char *before = tree[i].before;

		assert_true(is_same_value(tree[i].path, strchr(before, '[') ? "madvise" : before));
	}
	assert_false(fs_exists(journal));
}

static struct quiet quiet_here(void)
{
	return (struct quiet){.root = unit_dir, .journal = journal, .journal_fd = -1};
}

TEST(everything_is_set_and_put_back)
{
	struct quiet q = quiet_here();
	char why[256];

	if (quiet_begin(&q, why, sizeof(why)))
		fail_msg("%s", why);
	assert_quiet();
	assert_string_equal(q.not_set, "");
	assert_int_equal(q.measuring.count, 3);
	assert_false(q.measuring.has[0]);
	assert_int_equal(cpus_nth(0), 1);
	assert_int_equal(cpus_nth(4), 2);
	assert_int_equal(quiet_end(&q), 0);
	assert_as_before();
}

static int measure_and_crash(void *arg)
{
	(void)arg;
	assert_quiet();
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	return 0;
}

TEST(a_crash_of_the_measuring_process_puts_it_back)
{
	struct quiet q = quiet_here();
	char why[256];

	assert_int_equal(keeper_run(&q, measure_and_crash, NULL, why, sizeof(why)), 128 + SIGSEGV);
	assert_as_before();
}

/* Says so when it measures, and measures for ever. */
static int measure_for_ever(void *arg)
{
	const int *ready = arg;

	if (write(*ready, "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static int run_keeper(int *ready)
{
	struct quiet q = quiet_here();
	char why[256];

	return keeper_run(&q, measure_for_ever, ready, why, sizeof(why));
}

/* Starts a keeper that measures, and ends it with a signal. */
static void kill_keeper(int sig)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid)
		_exit(run_keeper(&ready[1]));
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(quiet_restore(unit_dir, journal), -EBUSY); /* it lives */
	assert_int_equal(kill(pid, sig), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0); /* the measuring process is gone, too */
	close(ready[0]);
}

TEST(a_signal_puts_it_back)
{
	kill_keeper(SIGTERM);
	assert_as_before();
}

TEST(what_a_kill_left_is_put_back_by_the_journal)
{
	struct quiet q = quiet_here();
	char why[256];

	kill_keeper(SIGKILL);
	assert_quiet();
	assert_int_equal(quiet_begin(&q, why, sizeof(why)), -EEXIST);
	assert_contains(why, "is not put back yet");
	assert_quiet();
	assert_int_equal(quiet_restore(unit_dir, journal), 0);
	assert_as_before();
	assert_int_equal(quiet_restore(unit_dir, journal), 0); /* nothing is left to do */
}

TEST(a_journal_of_another_boot_is_dropped)
{
	struct quiet q = quiet_here();
	char why[256];

	kill_keeper(SIGKILL);
	unit_put("proc/sys/kernel/random/boot_id", "next-boot\n");
	assert_int_equal(quiet_restore(unit_dir, journal), 0);
	assert_quiet(); /* of the test's making: a real boot would have reset it */
	assert_false(fs_exists(journal));
	assert_int_equal(quiet_begin(&q, why, sizeof(why)), 0);
	assert_int_equal(quiet_end(&q), 0);
}

/* A run that was killed while it wrote its journal has not changed what the line is about. */
TEST(half_a_line_of_a_journal_counts_for_nothing)
{
	__cleanup_free char *ksm = unit_path("sys/kernel/mm/ksm/run");
	__cleanup_free char *poll = unit_path("sys/module/kvm/parameters/halt_poll_ns");
	__cleanup_free char *text = xasprintf("boot\tthis-boot\n%s\t5\n%s\t77", ksm, poll);

	unit_put("journal", text);
	assert_int_equal(quiet_restore(unit_dir, journal), 0);
	assert_true(is_same_value("sys/kernel/mm/ksm/run", "5"));
	assert_true(is_same_value("sys/module/kvm/parameters/halt_poll_ns", "200000"));
	assert_false(fs_exists(journal));
}

TEST(what_the_machine_refuses_is_named)
{
	__cleanup_free char *ksm = unit_path("sys/kernel/mm/ksm/run");
	struct quiet q = quiet_here();
	char why[256];

	unlink(ksm);
	assert_int_equal(symlink("/proc/self/cmdline", ksm), 0); /* readable, not writable */
	assert_int_equal(quiet_begin(&q, why, sizeof(why)), 0);
	assert_string_equal(q.not_set, "ksm");
	quiet_end(&q);
	unlink(journal);
}

TEST(without_a_journal_nothing_is_changed)
{
	struct quiet q = quiet_here();
	char why[256];

	q.journal = "/nowhere/journal";
	assert_int_equal(quiet_begin(&q, why, sizeof(why)), -ENOENT);
	assert_contains(why, "/nowhere/journal");
	for (size_t i = 0; i < ARRAY_SIZE(tree); i++)
		assert_true(is_same_value(tree[i].path, tree[i].before));
}

/* ---- sets of CPUs ---- */

TEST(lists_of_cpus)
{
	static const char *const wrong[] = {"a", "1-", "3-1", "1024", "0,,1", "-1"};
	static struct cpus cpus;
	char text[64];

	assert_true(cpus_parse("0-2,7,33-34\n", &cpus));
	assert_int_equal(cpus.count, 6);
	cpus_format(&cpus, text, sizeof(text));
	assert_string_equal(text, "0-2,7,33-34");
	cpus_format_mask(&cpus, text, sizeof(text));
	assert_string_equal(text, "6,00000087");
	assert_true(cpus_parse("\n", &cpus));
	assert_int_equal(cpus.count, 0);
	cpus_format_mask(&cpus, text, sizeof(text));
	assert_string_equal(text, "0");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (cpus_parse(wrong[i], &cpus))
			fail_msg("\"%s\" is a list", wrong[i]);
}

TEST(isolated_cpus_are_measured_on)
{
	static struct cpus online, isolated, measuring, rest;

	cpus_parse("0-3", &online);
	cpus_parse("2-3", &isolated);
	cpus_split(&online, &isolated, &measuring, &rest);
	assert_true(measuring.count == 2 && measuring.has[2] && measuring.has[3]);
	assert_true(rest.count == 2 && rest.has[0] && rest.has[1]);
	cpus_parse("0", &online);
	cpus_parse("", &isolated);
	cpus_split(&online, &isolated, &measuring, &rest);
	assert_true(measuring.count == 1 && rest.count == 1 && measuring.has[0] && rest.has[0]);
}

/* ---- steady ---- */

/* 200 ms at 2 GHz, of which 0.1 % were lost; at the rate that it is sold with. */
static struct steady a_good_machine(void)
{
	const struct steady_counts before = {10, 1000, 1000, 3, 4};
	const struct steady_counts after = {10, 401000, 401000, 3, 4};

	return (struct steady){.cpu = 1,
			       .tsc_khz = 2000000,
			       .constant_tsc = true,
			       .nonstop_tsc = true,
			       .ticks = 400000000,
			       .raw_ns = 200000000,
			       .lost_ticks = 400000,
			       .worst_ticks = 20000,
			       .before = before,
			       .after = after};
}

TEST(a_machine_that_is_not_steady_says_why)
{
	char why[1024];
	struct steady s = a_good_machine();

	if (!steady_judge(&s, why, sizeof(why)))
		fail_msg("%s", why);
	s.before = s.after = (struct steady_counts){-1, -1, -1, -1, -1};
	assert_true(steady_judge(&s, why, sizeof(why)));

#define REFUSED(change, says)                             \
	s = a_good_machine();                             \
	change;                                           \
	assert_false(steady_judge(&s, why, sizeof(why))); \
	assert_contains(why, says)

	REFUSED(s.nonstop_tsc = false, "the TSC is no clock");
	REFUSED(s.tsc_khz = 0, "does not tell the TSC's rate");
	REFUSED(s.tsc_khz = 2003000, "counts 2000000 kHz by CLOCK_MONOTONIC_RAW, KVM says 2003000");
	REFUSED(s.lost_ticks = 8000000, "CPU 1 lost 2.0 % of its time");
	REFUSED(s.worst_ticks = 4000000, "up to 2000 us at once");
	REFUSED(s.after.smi = 12, "2 system management interrupts");
	REFUSED(s.after.core_throttles = 5, "throttled 2 times");
	REFUSED(s.after.package_throttles = 5, "throttled 1 times");
	REFUSED(s.after.aperf = 201000, "at 50 % of its rate");
	REFUSED(s.after.smi = 11; s.tsc_khz = 0, "; 1 system management");
}

/* Whatever this machine is: the loop ends, and its numbers fit each other. */
TEST(the_loop_measures_this_machine)
{
	struct steady s = {0};

	steady_measure("", 0, &s);
	assert_true(s.raw_ns > (uint64_t)STEADY_MS * 500000);
	assert_true(s.lost_ticks <= s.ticks && s.worst_ticks <= s.lost_ticks);
}

/* ---- identity ---- */

TEST(what_identifies_a_machine)
{
	static struct line l;

	unit_put("proc/cpuinfo",
		 "processor\t: 0\nmicrocode\t: 0xd0003d1\nflags\t\t: fpu vmx hypervisor\n");
	unit_put("proc/meminfo", "MemTotal:       32768000 kB\n");
	unit_put("sys/class/dmi/id/sys_vendor", "A \"vendor\"\n");
	unit_put("sys/devices/system/cpu/vulnerabilities/mds", "Mitigation: Clear\n");
	unit_put("sys/devices/system/cpu/vulnerabilities/l1tf", "Not affected\n");
	line_start(&l, "hello");
	machine_describe(unit_dir, &l);
	assert_contains(l.buf, "\"vendor\":\"A \\\"vendor\\\"\"");
	assert_contains(l.buf, "\"microcode\":\"0xd0003d1\"");
	assert_contains(l.buf, "\"smt\":\"on\"");
	assert_contains(l.buf, "\"turbo\":\"on\"");
	assert_contains(l.buf, "\"thp\":\"madvise\"");
	assert_contains(l.buf, "\"hypervisor\":\"yes\"");
	assert_contains(l.buf, "\"memory_mib\":\"32000\"");
	assert_contains(
		l.buf,
		"\"mitigations\":{\"l1tf\":\"Not affected\",\"mds\":\"Mitigation: Clear\"}}");
}

/* ---- what the kernel checks ---- */

/* Lines of 6.12's, as nested-context-debug has them. */
TEST(lockdep_that_is_off_is_noticed)
{
	static const char stats[] = " lock-classes:                          1163 [max: 8192]\n"
				    " hardirq-safe locks:                      34\n"
				    " debug_locks:                     %s\n"
				    "\n"
				    " zapped classes:                           0\n";
	char text[512];

	assert_false(lockdep_is_off(unit_dir)); /* a kernel without it */
	snprintf(text, sizeof(text), stats, "          1");
	unit_put("proc/lockdep_stats", text);
	assert_false(lockdep_is_off(unit_dir));
	snprintf(text, sizeof(text), stats, "          0");
	unit_put("proc/lockdep_stats", text);
	assert_true(lockdep_is_off(unit_dir));
}

UNIT_MAIN_EACH("quiet", make_tree, drop_tree)
