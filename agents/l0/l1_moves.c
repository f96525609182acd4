// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/l1_moves.h"

#include <stddef.h>
#include <stdio.h>

#include "agents/guest/mail.h"
#include "agents/l0/clock.h"
#include "agents/l0/vm.h"
#include "common/clock.h"
#include "common/splitmix.h"

#define LOOK_MS	 5     /* between two looks at what L1 has done */
#define LIMIT_MS 60000 /* for one round of all L2s */
#define STRAY_MS 32 /* a move comes up to so much later, so that each finds L1 at another point */

/* Until L1 has done @rounds more, each of which is a turn of all L2s. */
static int wait_for_rounds(const struct l1_vmm *how, void *vmm, uint32_t rounds, struct sink *s,
			   bool *rung)
{
	int64_t deadline = clock_ms() + LIMIT_MS;
	uint32_t first, now;
	int ret = how->peek(vmm, offsetof(struct mail, progress), &first, sizeof(first));

	while (!ret && !*rung) {
		ret = how->peek(vmm, offsetof(struct mail, progress), &now, sizeof(now));
		if (ret || now - first >= rounds)
			return ret;
		if (clock_ms() > deadline) {
			sink_fail(s, SINK_GUEST, "rounds of the L2s", "none",
				  "the Linux L1's L2s do not get on, for %d s of L0's clock",
				  LIMIT_MS / 1000);
			return VM_SAID;
		}
		ret = how->wait(vmm, LOOK_MS, rung);
	}
	return ret;
}

static void add_move(struct l1_moves *moves, const struct l1_moved *one)
{
	uint64_t per_ms = host_clock.tsc_khz;

	histogram_add(&moves->downtime, clock_units(one->downtime_us * per_ms / 1000));
	histogram_add(&moves->duration, clock_units(one->duration_us * per_ms / 1000));
	moves->count++;
	moves->bytes += one->bytes;
	moves->passes += one->passes;
	moves->in_l2 += one->in_l2;
}

int l1_moves_make(const struct l1_vmm *how, void *vmm, const struct plan_measure *m, struct sink *s,
		  struct l1_moves *moves, bool *rung)
{
	histogram_init(&moves->downtime);
	histogram_init(&moves->duration);
	*rung = false;
	for (uint32_t i = 0; i < m->rounds; i++) {
		struct l1_moved one = {0};
		uint32_t stray = (uint32_t)(splitmix(m->seed + i) % STRAY_MS);
		int ret = wait_for_rounds(how, vmm, m->l2_vcpus + 1, s, rung);

		if (!ret && !*rung && stray)
			ret = how->wait(vmm, stray, rung);
		if (ret || *rung)
			return ret;
		ret = how->move(vmm, m->scenario == PLAN_LIVE_MIGRATE, &one);
		if (ret)
			return ret;
		add_move(moves, &one);
		sink_alive(s);
	}
	return wait_for_rounds(how, vmm, m->l2_vcpus + 1, s, rung);
}

void l1_moves_tell(struct l1_moves *moves, const struct plan_measure *m, struct sink *s)
{
	const struct sink_counter counters[] = {
		{"l1_moves", (int64_t)moves->count},
		{"l1_bytes_moved", (int64_t)moves->bytes},
		{"l1_memory_passes", (int64_t)moves->passes},
		{"l1_stopped_in_l2", (int64_t)moves->in_l2}, /* the last: only a save can tell */
	};
	size_t n = sizeof(counters) / sizeof(counters[0]);

	sink_metric(s, "downtime", &moves->downtime);
	if (m->scenario == PLAN_LIVE_MIGRATE) {
		sink_metric(s, "duration", &moves->duration);
		n--;
	}
	sink_counters(s, counters, n);
}
