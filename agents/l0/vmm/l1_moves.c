// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/l1_moves.h"

#include <stddef.h>
#include <stdio.h>

#include "agents/guest/mail.h"
#include "agents/l0/clock.h"
#include "agents/l0/vmm/qemu.h"
#include "agents/l0/vm.h"
#include "common/clock.h"
#include "common/splitmix.h"

#define LOOK_MS	 5     /* between two looks at what L1 has done */
#define LIMIT_MS 60000 /* for one round of all L2s */
#define TAKEN_MB 48    /* by the balloon: most of what L1 does not use */
#define SETTLES	 5     /* so often L1 may try to have its L2s lie in what was plugged in */
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

/* Until L1 stays outside of its L2s: what they changed last is L0's still. */
static int make_stay(const struct l1_vmm *how, void *vmm, struct sink *s, bool *rung)
{
	int64_t deadline = clock_ms() + LIMIT_MS;
	uint32_t stay = MAIL_STAY_ASKED;
	int ret = how->poke(vmm, offsetof(struct mail, stay), &stay, sizeof(stay));

	while (!ret && !*rung && stay != MAIL_STAY_IS) {
		if (clock_ms() > deadline) {
			sink_fail(
				s, SINK_GUEST, "an L1 outside of its L2s", "none",
				"the Linux L1 does not come out of its L2s, for %d s of L0's clock",
				LIMIT_MS / 1000);
			return VM_SAID;
		}
		ret = how->wait(vmm, LOOK_MS, rung);
		if (!ret && !*rung)
			ret = how->peek(vmm, offsetof(struct mail, stay), &stay, sizeof(stay));
	}
	return ret;
}

static int let_go(const struct l1_vmm *how, void *vmm)
{
	const uint32_t stay = MAIL_STAY_NOT;

	return how->poke(vmm, offsetof(struct mail, stay), &stay, sizeof(stay));
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
	moves->pages += one->pages;
}

/* What L1 does after the snapshot is thrown away. */
static int take_and_revert(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
			   struct l1_moved *one, bool *rung)
{
	struct l1_moved back = {0};
	int ret = how->snapshot(vmm, one);

	if (!ret)
		ret = how->wait(vmm, (unsigned int)(splitmix(m->seed + one->bytes) % STRAY_MS) + 1,
				rung);
	if (ret || *rung)
		return ret;
	ret = how->revert(vmm, &back);
	one->duration_us = back.duration_us;
	return ret;
}

/* What an L1 has while memory is taken from it, and else. */
static const struct taking {
	uint32_t less, all; /* MiB */
} takings[PLAN_SCENARIO_COUNT] = {
	[PLAN_L1_BALLOON] = {QEMU_MEGABYTES - TAKEN_MB, QEMU_MEGABYTES},
	[PLAN_L1_UNPLUG] = {QEMU_MEGABYTES, QEMU_MEGABYTES + QEMU_PLUGGED_MEGABYTES},
};

/* All L2s run with what is left. */
static int take(const struct l1_vmm *how, void *vmm, const struct plan_measure *m, struct sink *s,
		struct l1_moved *one, bool *rung)
{
	const struct taking *t = &takings[m->scenario];
	int ret = how->set_memory(vmm, t->less, &one->downtime_us, rung);

	if (!ret && !*rung)
		ret = wait_for_rounds(how, vmm, m->l2_vcpus + 1, s, rung);
	one->bytes = (uint64_t)(t->all - t->less) << 20;
	return ret;
}

static int take_and_give(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
			 struct sink *s, struct l1_moved *one, bool *rung)
{
	int ret = take(how, vmm, m, s, one, rung);

	if (ret || *rung)
		return ret;
	return how->set_memory(vmm, takings[m->scenario].all, &one->duration_us, rung);
}

/* How many pages of the L2s lie in memory that was plugged in, after all of them have run. */
static int count_plugged(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
			 struct sink *s, uint32_t *pages, bool *rung)
{
	int ret = wait_for_rounds(how, vmm, m->l2_vcpus + 1, s, rung);

	if (ret)
		return ret;
	return how->peek(vmm, offsetof(struct mail, pages), pages, sizeof(*pages));
}

/* L1 has it on line some time after it has taken it. */
static int settle(const struct l1_vmm *how, void *vmm, const struct plan_measure *m, struct sink *s,
		  uint32_t *pages, bool *rung)
{
	uint32_t times;
	int ret = how->peek(vmm, offsetof(struct mail, plugged), &times, sizeof(times));

	*pages = 0;
	for (int i = 0; i < SETTLES && !ret && !*rung && !*pages; i++) {
		times++;
		ret = how->poke(vmm, offsetof(struct mail, plugged), &times, sizeof(times));
		if (!ret)
			ret = count_plugged(how, vmm, m, s, pages, rung);
	}
	return ret;
}

static int fail_placement(struct sink *s, const char *expected, uint32_t pages)
{
	char found[16];

	snprintf(found, sizeof(found), "%u", pages);
	sink_fail(s, SINK_GUEST, expected, found,
		  "the pages of L2s in the memory that is unplugged from the Linux L1");
	return VM_SAID;
}

/* What the L2s have lies in it, and L1's kernel has to move that elsewhere. */
static int unplug_and_plug(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
			   struct sink *s, struct l1_moved *one, bool *rung)
{
	uint32_t pages, left;
	int ret = settle(how, vmm, m, s, &pages, rung);

	if (ret || *rung)
		return ret;
	one->pages = pages;
	ret = take(how, vmm, m, s, one, rung);
	if (!ret && !*rung)
		ret = count_plugged(how, vmm, m, s, &left, rung);
	if (ret || *rung)
		return ret;
	if (!pages)
		return fail_placement(s, "some", 0);
	if (left)
		return fail_placement(s, "0 once it is gone", left);
	return how->set_memory(vmm, takings[m->scenario].all, &one->duration_us, rung);
}

static int make_move(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
		     struct sink *s, struct l1_moved *one, bool *rung)
{
	if (m->scenario == PLAN_SNAPSHOT_STORM)
		return take_and_revert(how, vmm, m, one, rung);
	if (m->scenario == PLAN_L1_BALLOON)
		return take_and_give(how, vmm, m, s, one, rung);
	if (m->scenario == PLAN_L1_UNPLUG)
		return unplug_and_plug(how, vmm, m, s, one, rung);
	return how->move(vmm, m->scenario == PLAN_LIVE_MIGRATE, one);
}

/* The first save finds L1 outside of its L2s, where KVM has the most to save besides; from the third on wherever it is. */
static bool is_stay(const struct plan_measure *m, uint32_t move)
{
	return m->scenario == PLAN_SAVE_RESTORE && !move;
}

/* The second one finds it in an L2. */
static bool wants_l2(const struct plan_measure *m, uint32_t move)
{
	return m->scenario == PLAN_SAVE_RESTORE && move == 1;
}

/* A storm does not wait for the L2s. */
static int wait_for_next(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
			 uint32_t move, struct sink *s, bool *rung)
{
	uint32_t stray = (uint32_t)(splitmix(m->seed + move) % STRAY_MS);
	int ret = 0;

	if (!move || m->scenario != PLAN_SNAPSHOT_STORM)
		ret = wait_for_rounds(how, vmm, m->l2_vcpus + 1, s, rung);
	if (ret || *rung)
		return ret;
	if (is_stay(m, move))
		return make_stay(how, vmm, s, rung);
	return stray ? how->wait(vmm, stray, rung) : 0;
}

static void begin_moves(struct l1_moves *moves, bool *rung)
{
	*moves = (struct l1_moves){0};
	histogram_init(&moves->downtime);
	histogram_init(&moves->duration);
	*rung = false;
}

int l1_moves_make(const struct l1_vmm *how, void *vmm, const struct plan_measure *m, struct sink *s,
		  struct l1_moves *moves, bool *rung)
{
	begin_moves(moves, rung);
	for (uint32_t i = 0; i < m->rounds; i++) {
		struct l1_moved one = {.wants_l2 = wants_l2(m, i)};
		int ret = wait_for_next(how, vmm, m, i, s, rung);

		sink_alive(s); /* the L2s' rounds took their time, and so will the move */
		if (!ret && !*rung)
			ret = make_move(how, vmm, m, s, &one, rung);
		if (!ret && !*rung && is_stay(m, i))
			ret = let_go(how, vmm);
		if (ret || *rung)
			return ret;
		sink_alive(s);
		if (one.stay) {
			moves->stayed = one;
			break;
		}
		add_move(moves, &one);
	}
	return wait_for_rounds(how, vmm, m->l2_vcpus + 1, s, rung);
}

int l1_moves_depart(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
		    struct sink *s, struct l1_moves *moves, bool *rung, char why[CROSSING_TEXT])
{
	struct l1_moved one = {0};
	int ret;

	begin_moves(moves, rung);
	why[0] = '\0';
	ret = wait_for_next(how, vmm, m, 0, s, rung);
	if (!ret && !*rung)
		ret = how->depart(vmm, &one, rung, why);
	add_move(moves, &one);
	return ret;
}

int l1_moves_settle(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
		    struct sink *s, const struct l1_moved *moved, struct l1_moves *moves,
		    bool *rung)
{
	begin_moves(moves, rung);
	add_move(moves, moved);
	sink_alive(s);
	return wait_for_rounds(how, vmm, m->l2_vcpus + 1, s, rung);
}

static const struct names {
	const char *downtime, *duration; /* metrics */
	size_t first, counters;		 /* of those below */
} names_of[PLAN_SCENARIO_COUNT] = {
	[PLAN_SAVE_RESTORE] = {"downtime", NULL, 1, 4},
	[PLAN_LIVE_MIGRATE] = {"downtime", "duration", 1, 3},
	[PLAN_SNAPSHOT_STORM] = {"downtime", "revert", 1, 4},
	[PLAN_L1_BALLOON] = {"inflate", "deflate", 1, 2},
	[PLAN_L1_UNPLUG] = {"unplug", "plug", 0, 3},
};
/* Each host tells its own part, by its own clock. */
static const struct names names_at_source = {"departure", "duration", 1, 3},
			  names_at_destination = {"arrival", NULL, 1, 2};

static const struct names *find_names(const struct plan_measure *m)
{
	if (m->source[0])
		return &names_at_destination;
	return m->destination[0] ? &names_at_source : &names_of[m->scenario];
}

void l1_moves_tell(struct l1_moves *moves, const struct plan_measure *m, struct sink *s)
{
	const struct sink_counter counters[] = {
		{"l2_pages_moved", (int64_t)moves->pages},
		{"l1_moves", (int64_t)moves->count},
		{"l1_bytes_moved", (int64_t)moves->bytes},
		{"l1_memory_passes", (int64_t)moves->passes},
		{"l1_stopped_in_l2", (int64_t)moves->in_l2},
	};
	const struct names *names = find_names(m);

	sink_metric(s, names->downtime, &moves->downtime);
	if (names->duration)
		sink_metric(s, names->duration, &moves->duration);
	sink_counters(s, counters + names->first, names->counters);
}
