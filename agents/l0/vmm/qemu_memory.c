// SPDX-License-Identifier: GPL-2.0-only
/* qemu_memory.c - L0 takes memory from a running L1 and gives it back, by QEMU's monitor: virtio's balloon, or virtio-mem. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agents/l0/vmm/qemu.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

#define LIMIT_S 30 /* of L0's clock */
#define LOOK_MS 2

/* What L0 can order, in the words of QEMU's monitor. */
static const struct device {
	const char *query, *about,
		*key; /* what L1 has: the number after the key, or the whole answer */
	const char *order, *amount;
	uint32_t besides; /* MiB that L1 has without it */
	const char *name, *options;
} devices[PLAN_SCENARIO_COUNT] = {
	[PLAN_L1_BALLOON] = {.query = "query-balloon",
			     .about = "",
			     .key = "actual",
			     .order = "balloon",
			     .amount = "\"value\":",
			     .name = "balloon",
			     .options =
				     "CONFIG_VIRTIO_BALLOON, CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES"},
	[PLAN_L1_UNPLUG] = {.query = "qom-get",
			    .about = "\"path\":\"" QEMU_PLUGGED "\",\"property\":\"size\"",
			    .order = "qom-set",
			    .amount = "\"path\":\"" QEMU_PLUGGED
				      "\",\"property\":\"requested-size\",\"value\":",
			    .besides = QEMU_MEGABYTES,
			    .name = "memory that can be unplugged",
			    .options = "CONFIG_VIRTIO_MEM, CONFIG_VIRTIO_PCI"},
};

static bool find_number(const struct device *d, const char *reply, uint64_t *number)
{
	char *end;

	if (d->key)
		return qmp_number(reply, d->key, number);
	*number = strtoull(reply, &end, 10);
	return end != reply;
}

static int read_memory(struct qemu *q, const struct device *d, uint64_t *bytes)
{
	char reply[512] = "";
	int ret = qmp_execute(&q->monitor, d->query, d->about, reply, sizeof(reply));

	if (!ret && !find_number(d, reply, bytes))
		ret = -EPROTO;
	if (ret)
		return qemu_report_command(q, d->query, ret);
	*bytes += (uint64_t)d->besides << 20;
	return 0;
}

static int order_memory(struct qemu *q, const struct device *d, uint64_t bytes)
{
	char argument[160];
	int ret;

	snprintf(argument, sizeof(argument), "%s%" PRIu64, d->amount,
		 bytes - ((uint64_t)d->besides << 20));
	ret = qmp_execute(&q->monitor, d->order, argument, NULL, 0);
	if (ret)
		return qemu_report_command(q, d->order, ret);
	return 0;
}

static int skip_without(struct qemu *q, const struct device *d)
{
	sink_skip(q->sink, "the Linux L1's kernel has no %s (%s): --l1-kernel l1-virtio", d->name,
		  d->options);
	return VM_SAID;
}

/* L1's kernel has to do it. */
static int report_stuck(struct qemu *q, const struct device *d, uint64_t before, uint64_t now)
{
	if (now == before)
		return skip_without(q, d);
	sink_fail(q->sink, SINK_GUEST, "the memory that was asked for", "another",
		  "the Linux L1's %s stopped at %" PRIu64 " MiB, for %d s of L0's clock", d->name,
		  now >> 20, LIMIT_S);
	return VM_SAID;
}

static int wait_for_memory(struct qemu *q, const struct device *d, uint64_t before, uint64_t wanted,
			   bool *rung)
{
	double begin = clock_seconds();
	uint64_t now = before;

	while (now != wanted && !*rung) {
		int ret;

		if (clock_seconds() > begin + LIMIT_S)
			return report_stuck(q, d, before, now);
		ret = qemu_wait(q, LOOK_MS, rung);
		if (!ret)
			ret = read_memory(q, d, &now);
		if (ret)
			return ret;
	}
	return 0;
}

int qemu_set_memory(void *vmm, uint32_t megabytes, uint64_t *us, bool *rung)
{
	struct qemu *q = vmm;
	const struct device *d = &devices[q->m.scenario];
	uint64_t wanted = (uint64_t)megabytes << 20, before;
	double begin = clock_seconds();
	int ret = read_memory(q, d, &before);

	if (ret)
		return ret;
	if (before == wanted) /* what it was to have from its start it never took */
		return skip_without(q, d);
	ret = order_memory(q, d, wanted);
	if (!ret)
		ret = wait_for_memory(q, d, before, wanted, rung);
	*us = (uint64_t)((clock_seconds() - begin) * 1e6);
	return ret;
}
