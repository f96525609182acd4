// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/l1_linux.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

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
	while (count < n && m[count].scenario != PLAN_KSELFTEST && m[count].l1 == m->l1 &&
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

static int boot_l1(struct l1_linux *l, const struct plan_measure *m, struct sink *s)
{
	int ret = thin_open(&l->thin, m, l1_linux_kernel, s);

	if (ret)
		return ret;
	ret = thin_run(&l->thin, BOOT_LIMIT_S);
	if (ret)
		return ret;
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
	stats = kvm_stats_begin(fds, thin_fds(&l->thin, fds));
	ret = thin_run(&l->thin, MEASURE_LIMIT_S);
	kvm_stats_end(stats, ret ? NULL : s);
	if (ret)
		return ret;
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
	int ret = boot_l1(l, m, s);

	for (size_t i = 0; i < n && !ret; i++) {
		if (i && !begin_next(s, &m[i], ack))
			return 0; /* the agent is gone */
		ret = run_one(l, &m[i], s);
	}
	if (!ret)
		check_interface(l, s);
	return ret;
}

void l1_linux_run(const struct plan_measure *m, size_t n, struct sink *s, int ack)
{
	static struct l1_linux l;
	int ret;

	l.records = (struct l1_records){.via = plan_vmm_names[m->vmm], .nested = "vmcs"};
	if (m->l1 == PLAN_L1_LINUX_EVMCS)
		l.records.nested = "evmcs";
	ret = run_all(&l, m, n, s, ack);
	if (ret < 0)
		sink_fail(s, SINK_GUEST, "", strerror(-ret), "the Linux L1 could not be run");
	thin_close(&l.thin);
}
