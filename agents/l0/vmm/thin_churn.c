// SPDX-License-Identifier: GPL-2.0-only
/*
 * thin_churn.c - the memory of a Linux L1 is moved, copied and shared under it, and holds the same all the time:
 * what L0 keeps of the pages that L1's KVM gave it, VMCSs, bitmaps, APIC pages, it has to find anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/l0/vmm/thin.h"
#include "agents/l0/vm.h"

#define AWAY	    0x100000000ull /* where its memslot is meanwhile */
#define PIECE	    (2u << 20)
#define PIECE_PAGES (PIECE / L1_PAGE)

/* ---- the memslot ---- */

int thin_set_slot(struct thin *t, uint64_t at)
{
	const struct kvm_userspace_memory_region region = {.guest_phys_addr = at,
							   .memory_size = THIN_RAM,
							   .userspace_addr = (uintptr_t)t->ram};

	if (!ioctl(t->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return 0;
	sink_fail(t->sink, SINK_GUEST, "success", strerror(errno), "KVM_SET_USER_MEMORY_REGION");
	return VM_SAID;
}

static int move_slot(struct thin *t)
{
	int ret = thin_set_slot(t, AWAY);

	if (ret)
		return ret;
	return thin_set_slot(t, 0);
}

/* ---- other pages behind it ---- */

/* Copies what is there; pages that L1 never touched stay away. */
static void copy_pages(char *to, const char *from, const unsigned char *is_there)
{
	for (size_t i = 0; i < PIECE_PAGES; i++)
		if (is_there[i] & 1)
			memcpy(to + i * L1_PAGE, from + i * L1_PAGE, L1_PAGE);
}

static int replace_piece(char *piece)
{
	unsigned char is_there[PIECE_PAGES];
	char *copy;

	if (mincore(piece, PIECE, is_there))
		return -errno;
	copy = mmap(NULL, PIECE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (copy == MAP_FAILED)
		return -errno;
	madvise(copy, PIECE, MADV_NOHUGEPAGE);
	copy_pages(copy, piece, is_there);
	if (mremap(copy, PIECE, PIECE, MREMAP_MAYMOVE | MREMAP_FIXED, piece) == MAP_FAILED)
		return -errno;
	return 0;
}

static int replace_pages(struct thin *t)
{
	for (size_t at = 0; at < THIN_RAM; at += PIECE) {
		int ret = replace_piece(t->ram + at);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- shared with another process: L1's next write to a page copies it ---- */

void thin_stop_sharing(struct thin *t)
{
	if (!t->sharer)
		return;
	kill(t->sharer, SIGKILL);
	waitpid(t->sharer, NULL, 0);
	t->sharer = 0;
}

static int share_pages(struct thin *t)
{
	pid_t pid;

	thin_stop_sharing(t);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	t->sharer = pid;
	return 0;
}

/* ---- which ---- */

static int (*const changes[PLAN_OPERATION_COUNT])(struct thin *t) = {
	[PLAN_OPERATION_MEMSLOT] = move_slot,
	[PLAN_OPERATION_MIGRATE_PAGE] = replace_pages,
	[PLAN_OPERATION_SHARE] = share_pages,
	[PLAN_OPERATION_MERGE] = thin_merge_pages,
};

int thin_change_memory(struct thin *t)
{
	const struct plan_measure *m = &t->measure;

	t->devices.wants_change = false;
	t->changes++;
	if (m->scenario == PLAN_CHURN && changes[m->operation])
		return changes[m->operation](t);
	sink_fail(t->sink, SINK_GUEST, "a question that is asked in churn", "it",
		  "the Linux L1 asks for a change of its memory");
	return VM_SAID;
}

void thin_expect_changes(struct thin *t, const struct plan_measure *m)
{
	t->measure = *m;
	t->changes = 0;
	t->merged = 0;
}

int thin_check_changes(struct thin *t)
{
	const struct plan_measure *m = &t->measure;
	const struct sink_counter merged = {"l1_pages_merged", (int64_t)t->merged};

	if (t->merged)
		sink_counters(t->sink, &merged, 1);
	if (m->scenario != PLAN_CHURN || t->changes == m->warmup + m->rounds)
		return 0;
	sink_fail(t->sink, SINK_INTEGRITY, "a change for each round", "another number",
		  "the Linux L1 asked %" PRIu32 " times for its memory to be changed", t->changes);
	return VM_SAID;
}
