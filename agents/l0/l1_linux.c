// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/l1_linux.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/line.h"
#include "agents/l0/thin.h"
#include "agents/l0/vm.h"

/* Seconds of L0's clock; on the emulated host L1 is up within one. */
#define BOOT_LIMIT_S	20
#define MEASURE_LIMIT_S 100

const char *l1_linux_kernel = "/l1/vmlinux";

struct l1_linux {
	struct thin thin;
	struct l1_records records;
};

size_t l1_linux_count(const struct plan_measure *m, size_t n)
{
	size_t count = 0;

	if (m->scenario == PLAN_KSELFTEST || !plan_l1_is_linux(m->l1) || m->vmm != PLAN_VMM_THIN)
		return 0;
	if (m->scenario == PLAN_L1_BOOT)
		return 1;
	while (count < n && plan_scenario_has_l2(m[count].scenario) && m[count].l1 == m->l1 &&
	       m[count].vmm == m->vmm && m[count].kvm_visible == m->kvm_visible &&
	       m[count].memory == m->memory && m[count].l1_vcpus == m->l1_vcpus)
		count++;
	return count;
}

/* L1 rang: what it wrote. It may write on in another thread; so it is looked at just once. */
static int read_mail(struct l1_linux *l, struct sink *s)
{
	static char text[MAIL_RECORDS_MAX];
	const struct mail *mail = thin_mail(&l->thin);
	uint32_t len = *(const volatile uint32_t *)&mail->len;

	if (len > sizeof(text)) {
		sink_fail(s, SINK_INTEGRITY, "records that fit", "more",
			  "the Linux L1's mail page is not what it wrote");
		return VM_SAID;
	}
	memcpy(text, mail->records, len);
	return l1_records_pass(&l->records, text, len, s);
}

/* *ticks: from L1's first instruction to its agent's first word. */
static int boot_l1(struct l1_linux *l, const struct plan_measure *m, struct sink *s,
		   uint64_t *ticks)
{
	int ret = thin_open(&l->thin, m, l1_linux_kernel, s);
	uint64_t begin;

	if (ret)
		return ret;
	begin = __builtin_ia32_rdtsc();
	ret = thin_run(&l->thin, BOOT_LIMIT_S);
	if (ret)
		return ret;
	*ticks = __builtin_ia32_rdtsc() - begin;
	return read_mail(l, s);
}

/* KVM's statistics of L1 from before to after, as of vm_stats_begin(). */
static int run_one(struct l1_linux *l, const struct plan_measure *m, struct sink *s)
{
	int fds[THIN_STATS_FDS], ret;
	struct kvm_stats *stats;

	plan_measure_format(m, thin_mail(&l->thin)->plan, PLAN_LINE_MAX); /* a line always fits */
	sink_wait_quiet(s);
	vm_wait_for_phase(m);
	l->thin.measure = m;
	l->thin.changes = 0;
	stats = kvm_stats_begin(fds, thin_fds(&l->thin, fds));
	ret = thin_run(&l->thin, MEASURE_LIMIT_S);
	kvm_stats_end(stats, ret ? NULL : s);
	if (ret)
		return ret;
	if (m->scenario == PLAN_CHURN && l->thin.changes != m->warmup + m->rounds) {
		sink_fail(s, SINK_INTEGRITY, "a change for each round", "another number",
			  "the Linux L1 asked %" PRIu32 " times for its memory to be changed",
			  l->thin.changes);
		return VM_SAID;
	}
	return read_mail(l, s);
}

static bool begin_next(struct sink *s, const struct plan_measure *next, int ack)
{
	static struct line line;
	char byte;

	line_start(&line, "end");
	line_addf(&line, ",\"id\":%" PRIu32, s->id);
	sink_line(s, &line);
	s->id = next->id;
	return read(ack, &byte, 1) == 1;
}

/* By what L0 was told at the last entry of an L2. */
static void check_interface(struct l1_linux *l, struct sink *s)
{
	bool wanted = !strcmp(l->records.nested, "evmcs"), found = thin_uses_evmcs(&l->thin);

	if (wanted != found)
		sink_fail(s, SINK_GUEST, l->records.nested, found ? "evmcs" : "vmcs",
			  "L0 saw another interface than the Linux L1 says that it used");
}

static int run_all(struct l1_linux *l, const struct plan_measure *m, size_t n, struct sink *s,
		   int ack)
{
	uint64_t ticks;
	int ret = boot_l1(l, m, s, &ticks);

	for (size_t i = 0; i < n && !ret; i++) {
		if (i && !begin_next(s, &m[i], ack))
			return 0; /* the agent is gone */
		ret = run_one(l, &m[i], s);
	}
	if (!ret)
		check_interface(l, s);
	return ret;
}

static void expect_hello(struct l1_linux *l, const struct plan_measure *m)
{
	l->records = (struct l1_records){.via = plan_vmm_names[m->vmm], .nested = "vmcs"};
	if (m->l1 == PLAN_L1_LINUX_EVMCS)
		l->records.nested = "evmcs";
}

/* Each boot's L1 says who it is; the next one waits until that is on its way. */
static int measure_boots(struct l1_linux *l, const struct plan_measure *m, struct sink *s)
{
	static struct histogram boots;

	histogram_init_zeroed(&boots);
	for (uint32_t i = 0; i < m->warmup + m->rounds; i++) {
		uint64_t ticks;
		int ret;

		if (i)
			thin_close(&l->thin);
		expect_hello(l, m);
		sink_wait_quiet(s);
		ret = boot_l1(l, m, s, &ticks);
		if (ret)
			return ret;
		if (i >= m->warmup)
			histogram_add(&boots, clock_units(ticks));
	}
	sink_metric(s, "boot", &boots);
	return 0;
}

void l1_linux_run(const struct plan_measure *m, size_t n, struct sink *s, int ack)
{
	static struct l1_linux l;
	int ret;

	expect_hello(&l, m);
	if (m->scenario == PLAN_L1_BOOT)
		ret = measure_boots(&l, m, s);
	else
		ret = run_all(&l, m, n, s, ack);
	if (ret < 0)
		sink_fail(s, SINK_GUEST, "", strerror(-ret), "the Linux L1 could not be run");
	thin_close(&l.thin);
}
