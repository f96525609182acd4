// SPDX-License-Identifier: GPL-2.0-only
/* l1_qemu.c - QEMU as the VMM of a Linux L1. */
#include "agents/l0/vmm/l1_vmm.h"
#include "agents/l0/vmm/qemu.h"

static int qemu_prepare_arrival(struct qemu *q)
{
	int ret = qemu_check_program(q->sink);

	if (ret)
		return ret;
	return qemu_make_files(&q->m);
}

static int qemu_open(const struct plan_measure *m, const char *kernel, struct sink *s, void **vmm)
{
	static struct qemu q;

	qemu_init(&q, m, kernel, s);
	*vmm = &q;
	if (m->source[0])
		return qemu_prepare_arrival(&q);
	if (plan_measure_arrives(m))
		return qemu_enter(&q);
	return qemu_make(&q);
}

/* KVM tells a VM's statistics to the process alone whose VM it is. */
static struct kvm_stats *qemu_stats(void *vmm)
{
	(void)vmm;
	return NULL;
}

static void qemu_close(void *vmm)
{
	if (vmm)
		qemu_end(vmm);
}

const struct l1_vmm l1_vmm_qemu = {
	.open = qemu_open,
	.peek = qemu_peek,
	.poke = qemu_poke,
	.run = qemu_run,
	.wait = qemu_wait,
	.move = qemu_move,
	.leave = qemu_leave,
	.depart = qemu_depart,
	.arrive = qemu_arrive,
	.snapshot = qemu_snapshot,
	.revert = qemu_revert,
	.set_memory = qemu_set_memory,
	.stats = qemu_stats,
	.kill = qemu_kill,
	.close = qemu_close,
};
