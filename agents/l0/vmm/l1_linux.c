// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/l1_linux.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "agents/guest/mail.h"
#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/vmm/l1_end.h"

#include "agents/l0/vmm/l1_moves.h"
#include "agents/l0/vmm/l1_vmm.h"
#include "agents/l0/records/line.h"

#include "agents/l0/vm.h"
#include "agents/l0/vmm/vmap.h"

/* Seconds of L0's clock; on the emulated host L1 is up within one. */
#define BOOT_LIMIT_S	20
#define MEASURE_LIMIT_S 100

const char *l1_linux_kernel = "/l1/vmlinux";

static const struct l1_vmm *const vmms[] = {
	[PLAN_VMM_THIN] = &l1_vmm_thin,
	[PLAN_VMM_QEMU] = &l1_vmm_qemu,
	[PLAN_VMM_LIBVIRT] = &l1_vmm_libvirt,
};

static const struct l1_vmm *vmm_of(const struct plan_measure *m)
{
	return plan_l1_is_disk(m->l1) ? &l1_vmm_disk : vmms[m->vmm];
}

struct l1_linux {
	const struct l1_vmm *how;
	void *vmm;
	uint32_t turn;
	struct l1_records records;
	struct l1_moved arrived; /* where L1 came from another host */
};

size_t l1_linux_count(const struct plan_measure *m, size_t n)
{
	size_t count = 1;

	if (!plan_measure_boots_l1(m))
		return 0;
	while (count < n && plan_measure_shares_l1(m, &m[count]))
		count++;
	return count;
}

/* L1 rang: what it wrote. It may write on in another thread; so it is looked at just once. */
static int read_mail(struct l1_linux *l, struct sink *s)
{
	static char text[MAIL_RECORDS_MAX];
	uint32_t len;
	int ret = l->how->peek(l->vmm, offsetof(struct mail, len), &len, sizeof(len));

	if (ret)
		return ret;
	if (len > sizeof(text)) {
		sink_fail(s, SINK_INTEGRITY, "records that fit", "more",
			  "the Linux L1's mail page is not what it wrote");
		return VM_SAID;
	}
	ret = l->how->peek(l->vmm, offsetof(struct mail, records), text, len);
	if (ret)
		return ret;
	if (l->how->numbers_anew)
		l->records.next = 0;
	return l1_records_pass(&l->records, text, len, s);
}

/* *ticks: from L1's first instruction to its agent's first word. */
static int boot_l1(struct l1_linux *l, const struct plan_measure *m, struct sink *s,
		   uint64_t *ticks)
{
	int ret = l->how->open(m, l1_linux_kernel, s, &l->vmm);
	uint64_t begin;

	if (ret)
		return ret;
	begin = __builtin_ia32_rdtsc();
	/* One that arrives rang in another boot: its first words are in the mail. */
	if (m->source[0])
		ret = l->how->arrive(l->vmm, &l->arrived);
	else if (!plan_measure_arrives(m))
		ret = l->how->run(l->vmm, l->how->boot_limit_s ?: BOOT_LIMIT_S);
	if (ret)
		return ret;
	*ticks = __builtin_ia32_rdtsc() - begin;
	return read_mail(l, s);
}

/* The line first: L1 may look at any time whether it is its turn. */
static int write_mail(struct l1_linux *l, const struct plan_measure *m)
{
	char line[PLAN_LINE_MAX] = "";
	static const uint32_t not_yet[5]; /* progress, stop, stay, plugged and pages */
	int ret;

	plan_measure_format(m, line, sizeof(line)); /* a line always fits */
	ret = l->how->poke(l->vmm, offsetof(struct mail, plan), line, sizeof(line));
	if (ret)
		return ret;
	ret = l->how->poke(l->vmm, offsetof(struct mail, progress), not_yet, sizeof(not_yet));
	if (ret)
		return ret;
	l->turn++;
	return l->how->poke(l->vmm, offsetof(struct mail, turn), &l->turn, sizeof(l->turn));
}

/* It was measured in spite of its fault, and its numbers are none. */
static int fail_unharmed(const struct plan_measure *m, struct sink *s)
{
	sink_fail(s, SINK_GUEST, plan_fault_names[m->fault], "no failure",
		  "the fault that the plan wants did not happen to the Linux L1");
	return VM_SAID;
}

/* L1 has been moved enough: it proves what its L2s did, unless that is for another boot. */
static int end_moved(struct l1_linux *l, const struct plan_measure *m, bool rung, struct sink *s)
{
	const uint32_t stop = 1;
	int ret = 0;

	if (!rung && plan_measure_leaves(m))
		return l->how->leave(l->vmm);
	if (!rung)
		ret = l->how->poke(l->vmm, offsetof(struct mail, stop), &stop, sizeof(stop));
	if (!ret && !rung)
		ret = l->how->run(l->vmm, MEASURE_LIMIT_S);
	if (ret)
		return ret;
	return read_mail(l, s);
}

/* It did not get away. What its L2s did here is proved all the same. */
static int end_stayed(struct l1_linux *l, const struct plan_measure *m, enum l1_stay stay,
		      const char *why, struct sink *s)
{
	int ret = end_moved(l, m, false, s);

	if (ret)
		return ret;
	return l1_stay_report(s, stay, why);
}

static int run_departing(struct l1_linux *l, const struct plan_measure *m, struct sink *s)
{
	static struct l1_moves moves;
	char why[CROSSING_TEXT];
	bool rung;
	int ret = write_mail(l, m);

	if (!ret)
		ret = l1_moves_depart(l->how, l->vmm, m, s, &moves, &rung, why);
	if (ret)
		return ret;
	if (rung)
		return read_mail(l, s);
	if (why[0])
		return end_stayed(l, m, L1_STAY_ON_HOST, why, s);
	l1_moves_tell(&moves, m, s);
	return 0;
}

static int run_arrived(struct l1_linux *l, const struct plan_measure *m, struct sink *s)
{
	static struct l1_moves moves;
	bool rung;
	int ret = l1_moves_settle(l->how, l->vmm, m, s, &l->arrived, &moves, &rung);

	if (!ret)
		ret = end_moved(l, m, rung, s);
	if (!ret && !rung)
		l1_moves_tell(&moves, m, s);
	return ret;
}

/* L1 runs until it rings, and is moved meanwhile. */
static int run_moved(struct l1_linux *l, const struct plan_measure *m, struct sink *s)
{
	static struct l1_moves moves;
	bool rung;
	int ret = 0;

	if (!plan_measure_arrives(m)) /* it was told in the boot where it began */
		ret = write_mail(l, m);
	if (ret)
		return ret;
	ret = l1_moves_make(l->how, l->vmm, m, s, &moves, &rung);
	if (!ret && !rung && moves.stayed.stay)
		return end_stayed(l, m, moves.stayed.stay, moves.stayed.why, s);
	if (!ret && m->fault)
		return fail_unharmed(m, s);
	if (!ret)
		ret = end_moved(l, m, rung, s);
	if (!ret && !rung)
		l1_moves_tell(&moves, m, s);
	return ret;
}

/* With unmanaged memory what an entry of an L2 costs depends on all entries before, those of other measurements too. */
static void settle(const struct plan_measure *m, struct sink *s)
{
	vm_make_slack(m);
	sink_wait_quiet(s);
	if (m->memory == PLAN_UNMANAGED && !strcmp(host_clock.name, "emulated"))
		vmap_settle();
	vm_wait_for_phase(m);
}

/* KVM's statistics of L1 from before to after, as of vm_stats_begin(). */
static int run_one(struct l1_linux *l, const struct plan_measure *m, struct sink *s)
{
	struct kvm_stats *stats;
	int ret;

	settle(m, s);
	if (l->how->begin)
		l->how->begin(l->vmm, m);
	if (m->destination[0])
		return run_departing(l, m, s);
	if (m->source[0])
		return run_arrived(l, m, s);
	if (plan_measure_moves(m))
		return run_moved(l, m, s);
	stats = l->how->stats(l->vmm);
	ret = write_mail(l, m);
	if (!ret && m->fault == PLAN_FAULT_VMM_KILLED)
		l->how->kill(l->vmm);
	if (!ret)
		ret = l->how->run(l->vmm, MEASURE_LIMIT_S);
	kvm_stats_end(stats, ret || m->fault ? NULL : s);
	if (!ret && m->fault)
		return fail_unharmed(m, s);
	if (ret)
		return ret;
	if (l->how->end && l->how->end(l->vmm))
		return VM_SAID;
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
	bool wanted = !strcmp(l->records.nested, "evmcs"), found;

	if (!l->how->uses_evmcs)
		return;
	found = l->how->uses_evmcs(l->vmm);
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
	static const char *const hypervisors[PLAN_ENLIGHTENMENTS_COUNT] = {
		[PLAN_SEES_NONE] = "",
		[PLAN_SEES_KVM] = "KVMKVMKVM",
		[PLAN_SEES_HYPERV_BASIC] = "Microsoft Hv",
		[PLAN_SEES_HYPERV_FULL] = "Microsoft Hv",
	};

	l->records = (struct l1_records){.via = plan_vmm_names[m->vmm],
					 .nested = "vmcs",
					 .hypervisor = hypervisors[plan_measure_sees(m)]};
	if (plan_l1_is_disk(m->l1)) {
		l->records.via = plan_vmm_names[PLAN_VMM_QEMU];
		l->records.clock = host_clock.name;
	}
	if (m->l1 == PLAN_L1_LINUX_EVMCS)
		l->records.nested = "evmcs";
	if (m->l1 == PLAN_L1_HYPERV) /* nobody inside can see it */
		l->records.nested = "unknown";
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
			l->how->close(l->vmm);
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

static void report_error(struct sink *s, int code)
{
	enum sink_class class = SINK_GUEST;

	if (code == ENOMEM || code == ENOSPC) {
		l1_end_report(s, "the Linux L1", L1_END_OTHER, strerror(code), NULL, "");
		return;
	}
	if (code == EMFILE) /* says nothing of the kernel */
		class = SINK_HOST;
	sink_fail(s, class, "", strerror(code), "the Linux L1 could not be run");
}

void l1_linux_run(const struct plan_measure *m, size_t n, struct sink *s, int ack)
{
	static struct l1_linux l;
	int ret;

	l = (struct l1_linux){.how = vmm_of(m)};
	expect_hello(&l, m);
	if (m->scenario == PLAN_L1_BOOT)
		ret = measure_boots(&l, m, s);
	else
		ret = run_all(&l, m, n, s, ack);
	if (ret < 0)
		report_error(s, -ret);
	l.how->close(l.vmm);
}
