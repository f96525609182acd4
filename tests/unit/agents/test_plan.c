// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/wire/protocol.h"

#define MULTIPLEX                                                                            \
	"measure id=0 scenario=multiplex l1=micro-vmx memory=managed l2_vcpus=8 l1_vcpus=1 " \
	"ept=1 apic_pages=0 rounds=200 warmup=20"

static char msg[256];
static struct plan_measure m;

/* Reads a plan of one line: what is wrong with it is in msg, else it is m. */
static int parse(const char *line)
{
	struct plan_measure *measures;
	char text[2048];
	size_t n;
	int ret;

	msg[0] = '\0';
	snprintf(text, sizeof(text), "nestlab-plan 1\nrun seed=0\n%s\nend count=1\n", line);
	ret = plan_parse(text, &measures, &n, msg, sizeof(msg));
	if (ret)
		return ret;
	assert_int_equal(n, 1);
	m = measures[0];
	free(measures);
	return 0;
}

static void refused(const char *line, const char *why)
{
	assert_int_equal(parse(line), -EINVAL);
	if (!strstr(msg, why))
		fail_msg("\"%s\" is not in \"%s\"", why, msg);
}

TEST(a_line_is_read)
{
	assert_int_equal(
		parse("measure id=0 scenario=multiplex l1=micro-vmx memory=managed l2_vcpus=8 "
		      "l1_vcpus=1 ept=1 apic_pages=1 rounds=200 warmup=20 posted_interrupts=1 "
		      "parallel=1 seed=18446744073709551615"),
		0);
	assert_int_equal(m.id, 0);
	assert_int_equal(m.scenario, PLAN_MULTIPLEX);
	assert_int_equal(m.l1, PLAN_L1_VMX);
	assert_int_equal(m.memory, PLAN_MANAGED);
	assert_int_equal(m.l2_vcpus, 8);
	assert_int_equal(m.l1_vcpus, 1);
	assert_true(m.ept && m.apic_pages && m.posted_interrupts && m.parallel);
	assert_int_equal(m.rounds, 200);
	assert_int_equal(m.warmup, 20);
	assert_true(m.seed == UINT64_MAX);
}

TEST(scenarios_have_their_own_words)
{
	assert_int_equal(parse("measure id=0 scenario=kselftest test=vmx_apic_access_test"), 0);
	assert_string_equal(m.test, "vmx_apic_access_test");
	assert_int_equal(m.limit_s, 0);
	assert_string_equal(m.arguments, "");
	assert_int_equal(
		parse("measure id=0 scenario=kvm-unit-test test=vmx.flat limit_s=9 arguments=-x%0A"),
		0);
	assert_string_equal(m.test, "vmx.flat");
	refused("measure id=0 scenario=kvm-unit-test test=a memory=managed", "has no word memory");
	refused("measure id=0 scenario=kvm-unit-test test=a must_print=b",
		"has no word must_print");
	refused(MULTIPLEX " limit_s=5", "scenario multiplex has no word limit_s");
	refused("measure id=0 scenario=kselftest test=a limit_s=3601", "limit_s");
	refused(MULTIPLEX " arguments=5%0A", "scenario multiplex has no word arguments");
	assert_int_equal(
		parse("measure reason=rdmsr-passthrough id=0 scenario=exits l1=micro-evmcs "
		      "memory=unmanaged l2_vcpus=1 l1_vcpus=1 ept=0 apic_pages=1 rounds=1 "
		      "warmup=0"),
		0);
	assert_int_equal(m.reason, PLAN_REASON_RDMSR_PASSTHROUGH);
	assert_int_equal(m.l1, PLAN_L1_EVMCS);
	assert_int_equal(m.memory, PLAN_UNMANAGED);
	refused(MULTIPLEX " reason=vmcall", "scenario multiplex has no word reason");
	refused("measure id=0 scenario=kselftest test=a rounds=3", "has no word rounds");
}

#define KSELFTEST "measure id=0 scenario=kselftest test=a "

TEST(texts_and_lists_go_over_the_line_as_they_are)
{
	struct plan_measure want = {.scenario = PLAN_KSELFTEST, .test = "a"}, back;
	char line[PLAN_LINE_MAX], why[128];

	memset(want.arguments, '\xff', sizeof(want.arguments) - 2);
	want.arguments[sizeof(want.arguments) - 2] = '\n';
	memset(want.must_print, ' ', sizeof(want.must_print) - 1);
	memset(want.must_not_print, '%', sizeof(want.must_not_print) - 1);
	assert_int_equal(plan_measure_format(&want, line, sizeof(line)), 0);
	assert_int_equal(plan_measure_parse(line, &back, why, sizeof(why)), 0);
	assert_memory_equal(&back, &want, sizeof(want));
	assert_int_equal(parse(KSELFTEST "arguments=-n%0A%0A1%202%0A must_print=a=b"), 0);
	assert_string_equal(m.arguments, "-n\n\n1 2\n");
	assert_string_equal(m.must_print, "a=b");
	refused(KSELFTEST "arguments=", "arguments= is not lines of text");
	refused(KSELFTEST "arguments=5", "arguments=5 is not lines of text");
	refused(KSELFTEST "must_print=a%0A", "is not a line's text");
	refused(KSELFTEST "must_print=a%0", "% is not followed by a byte");
	refused(KSELFTEST "must_print=a%", "% is not followed by a byte");
	refused(KSELFTEST "must_print=a%00", "% is not followed by a byte");
	snprintf(line, sizeof(line), KSELFTEST "must_print=");
	memset(strchr(line, '\0'), 'x', sizeof(want.must_print));
	refused(line, "is longer than 95 bytes");
}

#define DISK(rest) \
	"measure id=0 l1=disk memory=managed ept=1 apic_pages=0 rounds=5 warmup=1 l1_vcpus=1 " rest

TEST(an_l1_on_a_disk_has_memory_and_decides_for_itself)
{
	assert_int_equal(parse(DISK("scenario=multiplex l2_vcpus=8")), 0);
	assert_int_equal(plan_l1_megabytes(&m), 512);
	assert_int_equal(parse(DISK("scenario=multiplex l2_vcpus=8 l1_megabytes=100")), 0);
	assert_int_equal(plan_l1_megabytes(&m), 100);
	refused(DISK("scenario=multiplex l2_vcpus=8 l1_megabytes=63"), "within 64..");
	refused(DISK("scenario=multiplex l2_vcpus=8 vmm=qemu"), "has no word vmm");
	refused(DISK("scenario=multiplex l2_vcpus=8 parallel=1"), "mode cooperative");
	refused(DISK("scenario=churn l2_vcpus=8 operation=memslot"),
		"multiplex, migrate and exits");
	refused(DISK("scenario=exits l2_vcpus=1 reason=interrupt"), "no local APIC");
	refused(MULTIPLEX " l1_megabytes=100", "of an L1 on a disk");
	m.l1 = PLAN_L1_HYPERV;
	m.l1_megabytes = 0;
	assert_int_equal(plan_l1_megabytes(&m), 4096);
}

#define LINUX(rest)                                                                                 \
	"measure id=0 l1=linux-kvm memory=managed ept=1 apic_pages=0 rounds=5 warmup=1 l1_vcpus=1 " \
	"l2_smp=1 " rest

TEST(a_linux_l1_has_a_vmm_and_less_to_choose)
{
	char line[PLAN_LINE_MAX];
	struct plan_measure back;
	char why[128];

	assert_int_equal(parse(LINUX("scenario=multiplex l2_vcpus=64 vmm=thin")), 0);
	assert_int_equal(m.l1, PLAN_L1_LINUX_KVM);
	assert_int_equal(m.vmm, PLAN_VMM_THIN);
	assert_int_equal(plan_measure_format(&m, line, sizeof(line)), 0);
	assert_non_null(strstr(line, " vmm=thin "));
	assert_int_equal(plan_measure_parse(line, &back, why, sizeof(why)), 0);
	assert_memory_equal(&back, &m, sizeof(m));
	assert_int_equal(plan_measure_parse("begin", &back, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "no measure line"));
	refused(MULTIPLEX " vmm=thin", "has no word vmm (of a Linux L1 alone)");
	refused(LINUX("scenario=exits l2_vcpus=1 reason=interrupt"), "no local APIC");
	refused(LINUX("scenario=exits l2_vcpus=8 reason=cpuid parallel=1"), "mode parallel");
	refused("measure id=0 l1=linux-kvm memory=managed ept=1 apic_pages=0 rounds=5 warmup=1 "
		"l2_smp=1 l1_vcpus=2 scenario=exits reason=cpuid l2_vcpus=8",
		"l1_vcpus 1");
	refused("measure id=0 l1=linux-kvm memory=managed ept=1 apic_pages=0 rounds=5 warmup=1 "
		"l2_smp=1 l1_vcpus=9 scenario=multiplex l2_vcpus=9",
		"l1_vcpus of 8 at most");
	refused("measure id=0 l1=linux-kvm memory=managed ept=0 apic_pages=0 rounds=5 warmup=1 "
		"l2_smp=1 l1_vcpus=1 scenario=multiplex l2_vcpus=8",
		"ept and apic_pages");
	refused(LINUX("scenario=churn l2_vcpus=8 operation=dontneed"), "has to stay what it is");
	refused(LINUX("scenario=multiplex l2_vcpus=8 threads=1 parallel=1"), "threads are for");
	refused(LINUX("scenario=exits l2_vcpus=1 reason=cpuid threads=1"), "threads are for");
	refused(LINUX("scenario=l2-work l2_vcpus=2 work=ipi threads=1"), "an even l2_smp");
	refused("measure id=0 l1=linux-kvm memory=managed ept=1 apic_pages=0 rounds=5 warmup=1 "
		"l2_smp=3 l1_vcpus=1 scenario=multiplex l2_vcpus=8",
		"no multiple of l2_smp");
	refused("measure id=0 scenario=l1-boot l1=micro-vmx memory=managed l1_vcpus=1 rounds=1 "
		"warmup=0",
		"of a Linux L1");
}

TEST(a_fault_is_of_a_linux_l1_that_can_have_it)
{
	char why[256];

	assert_int_equal(plan_measure_parse(LINUX("scenario=multiplex l2_vcpus=8 fault=panic"), &m,
					    why, sizeof(why)),
			 0);
	assert_int_equal(m.fault, PLAN_FAULT_PANIC);
	refused(MULTIPLEX " fault=panic", "a fault is of a Linux L1");
	refused(LINUX("scenario=multiplex l2_vcpus=8 fault=disk-full"), "of l1-save-restore");
	refused(LINUX("scenario=l1-save-restore l2_vcpus=8 vmm=qemu fault=panic"), "multiplex");
	refused(LINUX("scenario=multiplex l2_vcpus=8 vmm=thin fault=refused"), "qemu or libvirt");
	refused(LINUX("scenario=exits l2_vcpus=1 reason=cpuid fault=panic"), "fault");
}

TEST(what_is_done_to_a_linux_l1_is_for_who_can)
{
	refused(LINUX("scenario=l1-snapshot-storm l2_vcpus=8 vmm=libvirt"), "is vmm qemu");
	refused(LINUX("scenario=l1-balloon l2_vcpus=8 vmm=thin"), "is vmm qemu");
	refused("measure id=0 l1=linux-kvm vmm=qemu memory=unmanaged ept=1 apic_pages=0 rounds=5 warmup=1 "
		"l2_smp=1 l1_vcpus=1 scenario=l1-balloon l2_vcpus=8",
		"takes managed memory");
	refused(LINUX("scenario=l1-unplug l2_vcpus=8 vmm=libvirt"), "is vmm qemu");
	refused("measure id=0 l1=linux-kvm vmm=qemu memory=managed backing=hugetlb ept=1 apic_pages=0 rounds=5 "
		"warmup=1 l2_smp=1 l1_vcpus=1 scenario=l1-unplug l2_vcpus=8",
		"plain or memfd");
	refused("measure id=0 scenario=l2-boot l1=linux-kvm vmm=qemu memory=managed l1_vcpus=1 rounds=1 "
		"warmup=0",
		"is vmm thin");
	refused("measure id=0 scenario=churn l1=micro-vmx memory=managed l2_vcpus=8 l1_vcpus=1 ept=1 "
		"apic_pages=0 rounds=5 warmup=1 operation=merge",
		"share and merge");
}

#define MIGRATE "scenario=l1-live-migrate l2_vcpus=8 vmm=libvirt"
TEST(an_l1_goes_from_one_libvirt_to_another)
{
	struct plan_measure other;
	char why[256];

	assert_int_equal(plan_measure_parse(LINUX(MIGRATE " tunnelled=1 fault=destination-killed"),
					    &m, why, sizeof(why)),
			 0);
	assert_true(m.tunnelled);
	assert_int_equal(m.fault, PLAN_FAULT_THERE_KILLED);
	assert_true(plan_measure_has_peers(&m));
	assert_int_equal(plan_measure_parse(LINUX(MIGRATE), &m, why, sizeof(why)), 0);
	assert_int_equal(
		plan_measure_parse(LINUX("scenario=l1-save-restore l2_vcpus=8 vmm=libvirt"), &other,
				   why, sizeof(why)),
		0);
	assert_false(plan_measure_has_peers(&other));
	assert_true(plan_measure_shares_l1(&m, &m));
	assert_false(plan_measure_shares_l1(&m, &other)); /* one libvirt is not two */
	refused(LINUX("scenario=l1-live-migrate l2_vcpus=8 vmm=qemu tunnelled=1"), "vmm libvirt");
	refused(LINUX("scenario=l1-live-migrate l2_vcpus=8 vmm=qemu fault=destination-refuses"),
		"vmm libvirt");
	refused(LINUX(MIGRATE " fault=panic"), "destination-...");
	refused(LINUX("scenario=multiplex l2_vcpus=8 vmm=libvirt fault=destination-killed"),
		"l1-live-migrate");
	refused(LINUX("scenario=l1-save-restore l2_vcpus=8 vmm=libvirt fault=destination-killed"),
		"disk-full alone");
	refused("measure id=0 l1=linux-kvm memory=unmanaged ept=1 apic_pages=0 rounds=5 warmup=1 "
		"l2_smp=1 l1_vcpus=1 " MIGRATE,
		"managed memory");
	refused("measure id=0 l1=linux-kvm memory=managed backing=hugetlb ept=1 apic_pages=0 rounds=5 "
		"warmup=1 l2_smp=1 l1_vcpus=1 " MIGRATE,
		"plain or memfd");
}

TEST(an_l1_goes_to_another_host_once_and_by_qemu)
{
	assert_int_equal(
		plan_measure_parse("measure id=0 scenario=l1-live-migrate l1=linux-kvm vmm=qemu "
				   "memory=managed l2_vcpus=8 l1_vcpus=1 ept=1 apic_pages=0 "
				   "l2_smp=1 rounds=1 warmup=0 destination=mine",
				   &m, msg, sizeof(msg)),
		0);
	assert_string_equal(m.destination, "mine");
	assert_true(plan_measure_crosses(&m));
	assert_false(plan_measure_shares_l1(&m, &m));
	refused(LINUX("scenario=l1-live-migrate l2_vcpus=8 vmm=qemu destination=a"), "once");
	refused(LINUX("scenario=l1-live-migrate l2_vcpus=8 vmm=libvirt source=a"), "by vmm qemu");
	refused(LINUX("scenario=multiplex l2_vcpus=8 vmm=qemu destination=a"),
		"multiplex has no word destination");
}

TEST(what_is_wrong_is_named)
{
	refused("begin id=0", "expected \"measure ...\"");
	refused("measure id=0", "scenario= is missing");
	refused("measure id=0 scenario=dance", "scenario=dance is not known");
	refused("measure id=0 scenario=multiplex l1=micro-vmx", "memory= is missing");
	refused(MULTIPLEX " color=red", "\"color\"");
	refused(MULTIPLEX " ept=1", "ept= is there twice");
	refused(MULTIPLEX " parallel=2", "parallel=2 is neither 0 nor 1");
	refused(MULTIPLEX " ", "\"\" is not a word=value");
	refused("measure  id=0", "\"\" is not a word=value");
	refused(MULTIPLEX " seed", "\"seed\" is not a word=value");
	refused(MULTIPLEX " seed=18446744073709551616",
		"seed=18446744073709551616 is not a number");
	refused(MULTIPLEX " seed=-1", "seed=-1 is not a number");
	refused(MULTIPLEX " seed=", "seed= is not a number");
}

TEST(ranges_are_kept)
{
	static const char *const rest = "scenario=multiplex l1=micro-vmx memory=managed ept=1 "
					"apic_pages=0 rounds=200 warmup=20";
	static const struct {
		const char *l2, *l1, *why;
	} cases[] = {
		{"0", "1", "l2_vcpus=0 is not a number within 1..256"},
		{"257", "1", "l2_vcpus=257"},
		{"4294967297", "1", "l2_vcpus=4294967297"},
		{"8", "0", "l1_vcpus=0 is not a number within 1..24"},
		{"8", "25", "l1_vcpus=25"},
		{"2", "4", "l2_vcpus cannot be spread evenly over l1_vcpus"},
		{"9", "2", "l2_vcpus cannot be spread evenly over l1_vcpus"},
	};
	char line[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "measure id=0 l2_vcpus=%s l1_vcpus=%s %s", cases[i].l2,
			 cases[i].l1, rest);
		refused(line, cases[i].why);
	}
	refused("measure id=0 scenario=multiplex l1=micro-vmx memory=managed l2_vcpus=8 l1_vcpus=1 "
		"ept=1 apic_pages=0 warmup=0 rounds=1000001",
		"rounds=1000001 is not a number within 1..1000000");
	snprintf(line, sizeof(line), "measure id=0 l2_vcpus=256 l1_vcpus=8 %s", rest);
	assert_int_equal(parse(line), 0);
}

/* A test's name becomes a path. */
TEST(a_test_stays_in_its_folder)
{
	refused("measure id=0 scenario=kselftest test=../bin/sh", "is not a plain file name");
	refused("measure id=0 scenario=kselftest test=.hidden", "is not a plain file name");
	refused("measure id=0 scenario=kselftest test=a..b", "is not a plain file name");
	refused("measure id=0 scenario=kselftest test=a/b", "is not a plain file name");
	refused("measure id=0 scenario=kselftest test=", "is not a plain file name");
	refused("measure id=0 scenario=kselftest "
		"test=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
		"is longer than 63 bytes");
}

/* The same rules as for a scenario file. */
TEST(what_cannot_be_measured_is_refused)
{
#define REST "l1=micro-vmx memory=managed l2_vcpus=2 l1_vcpus=1 rounds=1 warmup=0 "
	refused("measure id=0 scenario=migrate " REST "ept=1 apic_pages=0",
		"migrating needs l1_vcpus of 2 or more");
	refused("measure id=0 scenario=multiplex " REST "ept=1 apic_pages=0 posted_interrupts=1",
		"posted_interrupts need apic_pages");
	refused("measure id=0 scenario=exits " REST "ept=0 apic_pages=0 reason=ept-violation",
		"needs ept");
	refused("measure id=0 scenario=exits " REST "ept=1 apic_pages=0 reason=tpr-threshold",
		"needs apic_pages");
	refused("measure id=0 scenario=churn " REST "ept=1 apic_pages=0 operation=apic-page",
		"needs apic_pages");
	refused("measure id=0 scenario=multiplex " REST "ept=1 apic_pages=0 backing=clean",
		"backing clean is a kind of unmanaged memory");
	refused("measure id=0 scenario=unrelated " REST "ept=1 apic_pages=0 backing=memfd",
		"change plain memory");
	assert_int_equal(
		parse("measure id=0 scenario=multiplex " REST "ept=1 apic_pages=0 backing=memfd"),
		0);
	assert_int_equal(m.backing, PLAN_BACKING_MEMFD);
	assert_int_equal(
		parse("measure id=0 scenario=multiplex " REST "ept=1 apic_pages=0 backing=plain"),
		0);
}

TEST(what_l1_lacks_for_a_reason_is_named)
{
	const struct plan_measure apic = {.scenario = PLAN_EXITS,
					  .reason = PLAN_REASON_APIC_ACCESS};
	const struct plan_measure cpuid = {.scenario = PLAN_EXITS, .reason = PLAN_REASON_CPUID};
	const struct plan_measure page = {.scenario = PLAN_CHURN,
					  .operation = PLAN_OPERATION_APIC_PAGE};
	/* the same numbers in the fields that its scenario does not use */
	const struct plan_measure other = {.scenario = PLAN_MULTIPLEX,
					   .reason = PLAN_REASON_APIC_ACCESS,
					   .operation = PLAN_OPERATION_APIC_PAGE};

	assert_non_null(strstr(plan_measure_lacks(&apic, L1_FEATURE_EPT | L1_FEATURE_TPR_SHADOW),
			       "an APIC-access page"));
	assert_null(plan_measure_lacks(&apic, L1_FEATURE_APIC_ACCESS));
	assert_null(plan_measure_lacks(&cpuid, 0));
	assert_non_null(strstr(plan_measure_lacks(&page, L1_FEATURE_EPT), "a TPR shadow"));
	assert_null(plan_measure_lacks(&other, 0));
}

TEST(format_is_the_inverse_of_parse)
{
	static const char *const lines[] = {
		MULTIPLEX " seed=3 parallel=1",
		"measure id=0 scenario=churn l1=micro-evmcs memory=unmanaged l2_vcpus=256 "
		"l1_vcpus=8 "
		"ept=0 apic_pages=1 posted_interrupts=1 rounds=9 warmup=0 operation=memslot",
		"measure id=0 scenario=kselftest test=x limit_s=90 arguments=7%0A must_not_print=%25 "
		"seed=18446744073709551615",
	};
	char text[512], again[512];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct plan_measure first;

		assert_int_equal(parse(lines[i]), 0);
		first = m;
		assert_int_equal(plan_measure_format(&m, text, sizeof(text)), 0);
		assert_int_equal(parse(text), 0);
		assert_memory_equal(&first, &m, sizeof(m));
		assert_int_equal(plan_measure_format(&m, again, sizeof(again)), 0);
		assert_string_equal(text, again);
		for (size_t len = 0; len <= strlen(text); len++)
			assert_int_equal(plan_measure_format(&m, again, len), -ENOSPC);
	}
}

static int plan(const char *text, struct plan_measure **out, size_t *n)
{
	msg[0] = '\0';
	return plan_parse(text, out, n, msg, sizeof(msg));
}

TEST(a_plan_is_read)
{
	struct plan_measure *measures;
	size_t n;

	assert_int_equal(plan("nestlab-plan 1\nrun seed=5 mode=parallel\n" MULTIPLEX "\n"
			      "measure id=1 scenario=kselftest test=t seed=9\nend count=2\n",
			      &measures, &n),
			 0);
	assert_int_equal(n, 2);
	assert_int_equal(measures[0].seed, 5);
	assert_true(measures[0].parallel);
	assert_int_equal(measures[1].seed, 9);
	assert_false(measures[1].parallel);
	free(measures);
}

TEST(a_bad_plan_names_its_line)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "line 1: expected \"nestlab-plan 1\", found \"\""},
		{"nestlab-plan 2\n", "line 1: expected \"nestlab-plan 1\""},
		{"nestlab-plan 1\n", "line 2: expected the line \"run ...\""},
		{"nestlab-plan 1\nrun mode=fast\nend count=0\n", "line 2: mode=fast"},
		{"nestlab-plan 1\nrun seed\nend count=0\n", "line 2: \"seed\" is not a word"},
		{"nestlab-plan 1\nrun color=red\nend count=0\n", "line 2: color= is not a word"},
		{"nestlab-plan 1\nrun seed=x\nend count=0\n", "line 2: seed=x"},
		{"nestlab-plan 1\nrun seed=1\n", "the plan ends without \"end count=0\""},
		{"nestlab-plan 1\nrun seed=1\n" MULTIPLEX "\n", "without \"end count=1\""},
		{"nestlab-plan 1\nrun seed=1\nend count=1\n",
		 "line 3: the plan says that it has 1"},
		{"nestlab-plan 1\nrun seed=1\n" MULTIPLEX "\n" MULTIPLEX "\nend count=2\n",
		 "line 4: id=0 is out of order: the next id is 1"},
		{"nestlab-plan 1\nrun seed=1\nend count=0\nend count=0\n",
		 "line 4: unexpected text after"},
		{"nestlab-plan 1\nrun seed=1\n\nend count=0\n", "line 3: expected \"measure"},
		{"nestlab-plan 1\nrun seed=1\nmeasure id=x scenario=multiplex\n", "line 3: id=x"},
	};
	struct plan_measure *measures;
	size_t n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(plan(cases[i].text, &measures, &n), -EINVAL);
		if (!strstr(msg, cases[i].why))
			fail_msg("case %zu: \"%s\" is not in \"%s\"", i, cases[i].why, msg);
	}
}

TEST(a_long_line_is_refused)
{
	char text[4096] = "nestlab-plan 1\nrun seed=1\n";
	struct plan_measure *measures;
	size_t n;

	memset(text + strlen(text), 'x', 3000);
	assert_int_equal(plan(text, &measures, &n), -EINVAL);
	assert_non_null(strstr(msg, "line 3: a line of 3000 bytes is too long"));
}

UNIT_MAIN("plan", NULL, NULL)
