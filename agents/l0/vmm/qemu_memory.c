// SPDX-License-Identifier: GPL-2.0-only
/* qemu_memory.c - L0 takes memory from a running L1 and gives it back: virtio's balloon, by QEMU's monitor. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "agents/l0/vmm/qemu.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

#define LIMIT_S 30 /* of L0's clock */
#define LOOK_MS 2

static int read_memory(struct qemu *q, uint64_t *bytes)
{
	char reply[512] = "";
	int ret = qmp_execute(&q->monitor, "query-balloon", "", reply, sizeof(reply));

	if (!ret && !qmp_number(reply, "actual", bytes))
		ret = -EPROTO;
	if (ret)
		return qemu_report_command(q, "query-balloon", ret);
	return 0;
}

/* L1's kernel has to do it. */
static int report_stuck(struct qemu *q, uint64_t before, uint64_t now)
{
	if (now == before)
		sink_skip(q->sink, "the Linux L1's kernel has no balloon (CONFIG_VIRTIO_BALLOON, "
				   "CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES): --l1-kernel l1-virtio");
	else
		sink_fail(q->sink, SINK_GUEST, "the memory that was asked for", "another",
			  "the Linux L1's balloon stopped at %" PRIu64
			  " MiB, for %d s of L0's clock",
			  now >> 20, LIMIT_S);
	return VM_SAID;
}

int qemu_set_memory(void *vmm, uint32_t megabytes, uint64_t *us, bool *rung)
{
	struct qemu *q = vmm;
	uint64_t wanted = (uint64_t)megabytes << 20, before, now;
	double begin = clock_seconds();
	char argument[48];
	int ret = read_memory(q, &before);

	if (ret)
		return ret;
	snprintf(argument, sizeof(argument), "\"value\":%" PRIu64, wanted);
	ret = qmp_execute(&q->monitor, "balloon", argument, NULL, 0);
	if (ret)
		return qemu_report_command(q, "balloon", ret);
	for (now = before; now != wanted && !*rung;) {
		if (clock_seconds() > begin + LIMIT_S)
			return report_stuck(q, before, now);
		ret = qemu_wait(q, LOOK_MS, rung);
		if (!ret)
			ret = read_memory(q, &now);
		if (ret)
			return ret;
	}
	*us = (uint64_t)((clock_seconds() - begin) * 1e6);
	return 0;
}
