// SPDX-License-Identifier: GPL-2.0-only
/*
 * l2_boot.c - L1's own kernel comes up as its L2, by the VMM that runs L1 on L0 (agents/l0/vmm/thin.h): L2 says who it
 * is, which proves that it is what was to boot.
 */
#include <string.h>

#include "agents/guest/scenarios.h"
#include "agents/l0/clock.h"
#include "agents/l0/identity.h"
#include "agents/l0/vmm/l1_boot.h"
#include "agents/l0/records/line.h"
#include "agents/l0/vmm/thin.h"
#include "agents/l0/vm.h"

#define LIMIT_S 40 /* of L1's clock */

/* The first line of what L2 wrote, "" if there is none. Looked at in a copy: other vCPUs of L2 may write on. */
static void copy_record(const struct thin *t, char record[PROTOCOL_LINE_MAX])
{
	const struct mail *mail = thin_mail(t);
	uint32_t len = *(const volatile uint32_t *)&mail->len;
	char *end;

	if (len >= PROTOCOL_LINE_MAX)
		len = PROTOCOL_LINE_MAX - 1;
	memcpy(record, mail->records, len);
	end = memchr(record, '\n', len);
	*(end ? end : record) = '\0';
}

/* An agent of the same kernel, on KVM: its first record has the words that this one has for itself. */
static int check_hello(const struct thin *t, struct sink *s)
{
	static struct line own;
	char record[PROTOCOL_LINE_MAX], why[128] = "no record";
	bool is_whole;

	copy_record(t, record);
	is_whole = record[0] && !record_check(record, strlen(record), why, sizeof(why));
	own.len = 0;
	own.full = false;
	identity_add_kernel(&own);
	line_add_member(&own, "hypervisor", "KVMKVMKVM");
	if (is_whole && strstr(record, own.buf))
		return 0;
	sink_fail(s, SINK_INTEGRITY, own.buf, is_whole ? record : why,
		  "the Linux L2 is not L1's kernel on KVM, by its own words");
	return VM_SAID;
}

static int boot_once(const struct plan_measure *m, struct sink *s, uint64_t *ticks)
{
	static struct thin t;
	uint64_t begin;
	int ret = thin_open_l2(&t, m, L1_L2_KERNEL, s);

	begin = __builtin_ia32_rdtsc();
	if (!ret)
		ret = thin_run(&t, LIMIT_S);
	*ticks = __builtin_ia32_rdtsc() - begin;
	if (!ret)
		ret = check_hello(&t, s);
	thin_close(&t);
	return ret;
}

int guest_l2_boot_run(const struct plan_measure *m, struct sink *s)
{
	static struct histogram boots;
	struct plan_measure inner = *m;
	int ret = 0;

	inner.l1 = PLAN_L1_LINUX_KVM;
	inner.memory = PLAN_MANAGED;
	histogram_init_zeroed(&boots);
	for (uint32_t i = 0; i < m->warmup + m->rounds && !ret; i++) {
		uint64_t ticks;

		ret = boot_once(&inner, s, &ticks);
		if (!ret && i >= m->warmup)
			histogram_add(&boots, clock_units(ticks));
	}
	if (!ret)
		sink_metric(s, "boot", &boots);
	return vm_result(ret);
}
