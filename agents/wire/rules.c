// SPDX-License-Identifier: GPL-2.0-only
/* What a measurement comes to with all its words, what it needs, and which ones there cannot be. */
#include <string.h>

#include "agents/wire/protocol.h"
#include "agents/wire/sets.h"
#include "agents/wire/words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define BACKS(id, name, memories)     [PLAN_BACKING_##id] = (memories),
#define REASON_NEEDS(id, name, needs) [PLAN_REASON_##id] = (needs),
#define PAGES_NEED(id, name, needs)   [PLAN_OPERATION_##id] = (needs),

static const uint32_t backing_memories[] = {PLAN_BACKINGS(BACKS)};
static const uint32_t reason_needs[] = {PLAN_REASONS(REASON_NEEDS)};
static const uint32_t operation_needs[] = {PLAN_OPERATIONS(PAGES_NEED)};

static const struct {
	uint32_t feature;
	const char *text;
} features[] = {
	{L1_FEATURE_EPT, "nested EPT (ept)"},
	{L1_FEATURE_TPR_SHADOW, "a TPR shadow with its virtual-APIC page (apic_pages)"},
	{L1_FEATURE_APIC_ACCESS,
	 "an APIC-access page (apic_pages, and l1 micro-vmx: version 1 of the enlightened VMCS has none)"},
};

/* ---- what it comes to ---- */

enum plan_enlightenments plan_measure_sees(const struct plan_measure *m)
{
	if (m->enlightenments != PLAN_SEES_OF_L1)
		return m->enlightenments;
	if (m->l1 == PLAN_L1_LINUX_EVMCS || m->l1 == PLAN_L1_HYPERV)
		return PLAN_SEES_HYPERV_FULL;
	return PLAN_SEES_KVM;
}

uint32_t plan_l1_megabytes(const struct plan_measure *m)
{
	if (m->l1_megabytes)
		return m->l1_megabytes;
	return m->l1 == PLAN_L1_HYPERV ? 4096 : 512;
}

bool plan_measure_moves(const struct plan_measure *m)
{
	return MOVES & ONLY(m->scenario);
}

bool plan_measure_arrives(const struct plan_measure *m)
{
	return m->handover == PLAN_HANDOVER_IN || m->handover == PLAN_HANDOVER_BOTH;
}

bool plan_measure_leaves(const struct plan_measure *m)
{
	return m->handover == PLAN_HANDOVER_OUT || m->handover == PLAN_HANDOVER_BOTH;
}

bool plan_measure_crosses(const struct plan_measure *m)
{
	return m->destination[0] || m->source[0];
}

bool plan_measure_has_peers(const struct plan_measure *m)
{
	return m->scenario == PLAN_LIVE_MIGRATE && m->vmm == PLAN_VMM_LIBVIRT &&
	       plan_l1_is_linux(m->l1);
}

/* ---- what it needs ---- */

static uint32_t needed_features(const struct plan_measure *m)
{
	switch (m->scenario) {
	case PLAN_EXITS:
		return reason_needs[m->reason];
	case PLAN_CHURN:
		return operation_needs[m->operation];
	default:
		return 0;
	}
}

const char *plan_measure_lacks(const struct plan_measure *m, uint32_t has)
{
	uint32_t lacks = needed_features(m) & ~has;

	for (size_t i = 0; i < COUNT(features); i++)
		if (lacks & features[i].feature)
			return features[i].text;
	return NULL;
}

/* ---- which there cannot be ---- */

static bool is_backing_of_other_memory(const struct plan_measure *m)
{
	return !(backing_memories[m->backing] >> m->memory & 1);
}

static bool is_backed(const struct plan_measure *m)
{
	return m->backing != PLAN_BACKING_PLAIN;
}

static bool is_uneven(const struct plan_measure *m)
{
	return m->l2_vcpus % m->l1_vcpus;
}

static bool is_migration_to_itself(const struct plan_measure *m)
{
	return m->l1_vcpus < 2;
}

static bool is_posted_without_apic(const struct plan_measure *m)
{
	return m->posted_interrupts && !m->apic_pages;
}

static bool lacks_ept(const struct plan_measure *m)
{
	return !m->ept && needed_features(m) & L1_FEATURE_EPT;
}

/* That an enlightened VMCS has no APIC-access page is for the agent to find: a later version may. */
static bool lacks_apic_pages(const struct plan_measure *m)
{
	return !m->apic_pages &&
	       needed_features(m) & (L1_FEATURE_TPR_SHADOW | L1_FEATURE_APIC_ACCESS);
}

static bool is_linux(const struct plan_measure *m)
{
	return plan_l1_is_linux(m->l1);
}

static bool is_disk(const struct plan_measure *m)
{
	return plan_l1_is_disk(m->l1);
}

static bool is_micro(const struct plan_measure *m)
{
	return !is_linux(m) && !is_disk(m);
}

/* All that a VMM of ours does to an L1, or L1's own KVM decides. */
static bool is_disk_by_hand(const struct plan_measure *m)
{
	return is_disk(m) && (!m->ept || m->apic_pages || is_backed(m) || m->parallel ||
			      m->memory != PLAN_MANAGED);
}

static bool is_disk_word_elsewhere(const struct plan_measure *m)
{
	return !is_disk(m) && m->l1_megabytes;
}

static bool is_linux_by_hand(const struct plan_measure *m)
{
	return is_linux(m) && (!m->ept || m->apic_pages);
}

/* What its VMM has words for. */
static bool is_linux_backed_otherwise(const struct plan_measure *m)
{
	bool is_of_vmm = m->vmm != PLAN_VMM_THIN &&
			 (m->backing == PLAN_BACKING_MEMFD || m->backing == PLAN_BACKING_HUGETLB);

	return is_linux(m) && is_backed(m) && !is_of_vmm;
}

static bool is_seen_elsewhere(const struct plan_measure *m)
{
	return m->enlightenments && (!is_linux(m) || m->vmm == PLAN_VMM_THIN || m->kvm_visible);
}

/* With all of Hyper-V's L1's KVM takes the enlightened VMCS, and with less it cannot. */
static bool is_seen_wrong(const struct plan_measure *m)
{
	return is_linux(m) &&
	       (plan_measure_sees(m) == PLAN_SEES_HYPERV_FULL) != (m->l1 == PLAN_L1_LINUX_EVMCS);
}

static bool is_linux_too_wide(const struct plan_measure *m)
{
	return !is_micro(m) && m->l1_vcpus > PLAN_MAX_LINUX_VCPUS;
}

static bool is_linux_of_many(const struct plan_measure *m)
{
	return !is_micro(m) && (m->parallel || (m->scenario != PLAN_MIGRATE && m->l1_vcpus > 1));
}

static bool is_kvm_shown_elsewhere(const struct plan_measure *m)
{
	return m->kvm_visible && m->l1 != PLAN_L1_LINUX_EVMCS;
}

static bool is_no_linux(const struct plan_measure *m)
{
	return !is_linux(m);
}

/* Words that are left out where L1 is none: a file that gives them there is mistaken. */
static bool is_linux_word_elsewhere(const struct plan_measure *m)
{
	return !is_linux(m) && (m->threads || m->l2_smp > 1);
}

static bool is_linux_boot_of_many(const struct plan_measure *m)
{
	return m->l1_vcpus > 1;
}

static bool is_threads_elsewhere(const struct plan_measure *m)
{
	return m->threads && (m->parallel || m->scenario == PLAN_EXITS ||
			      m->scenario == PLAN_MIGRATE || m->scenario == PLAN_CHURN);
}

static bool is_work_in_turn_on_many(const struct plan_measure *m)
{
	return m->parallel || (m->l1_vcpus > 1 && !m->threads);
}

static bool is_split_unevenly(const struct plan_measure *m)
{
	return m->l2_smp && m->l2_vcpus % m->l2_smp;
}

static bool is_ipi_to_nobody(const struct plan_measure *m)
{
	return m->work == PLAN_WORK_IPI && (!m->threads || !m->l2_smp || m->l2_smp % 2);
}

/* Dropped pages would be lost to L1's kernel; its own bitmaps and APIC pages are for its KVM to rewrite. */
static bool is_linux_unchurned(const struct plan_measure *m)
{
	return is_linux(m) && m->operation != PLAN_OPERATION_MEMSLOT &&
	       m->operation != PLAN_OPERATION_MIGRATE_PAGE &&
	       m->operation != PLAN_OPERATION_SHARE && m->operation != PLAN_OPERATION_MERGE;
}

/* Behind memory that L0 does not manage there are no other pages. */
static bool is_linux_unmovable(const struct plan_measure *m)
{
	return is_linux(m) && m->memory == PLAN_UNMANAGED && m->operation != PLAN_OPERATION_MEMSLOT;
}

static bool is_linux_not_thin(const struct plan_measure *m)
{
	return is_linux(m) && m->vmm != PLAN_VMM_THIN;
}

static bool is_micro_shared(const struct plan_measure *m)
{
	return is_micro(m) &&
	       (m->operation == PLAN_OPERATION_SHARE || m->operation == PLAN_OPERATION_MERGE);
}

/* L2's own local APIC is no device of the VMs that a Linux L1 makes. */
static bool is_linux_interrupt(const struct plan_measure *m)
{
	return !is_micro(m) && m->reason == PLAN_REASON_INTERRUPT;
}

static bool is_not_of_qemu(const struct plan_measure *m)
{
	return m->vmm != PLAN_VMM_QEMU;
}

/* L0 has no use for it, or not for a part of it. */
static bool is_untakeable(const struct plan_measure *m)
{
	return m->memory == PLAN_UNMANAGED || m->backing == PLAN_BACKING_HUGETLB;
}

/* The state goes through unmanaged memory. */
static bool is_handed_over_otherwise(const struct plan_measure *m)
{
	return m->handover != PLAN_HANDOVER_STAY &&
	       (m->vmm != PLAN_VMM_QEMU || m->memory != PLAN_MANAGED);
}

/* Once, and through unmanaged memory. */
static bool is_crossing_otherwise(const struct plan_measure *m)
{
	return plan_measure_crosses(m) &&
	       (m->vmm != PLAN_VMM_QEMU || m->memory != PLAN_MANAGED || m->rounds != 1);
}

static bool is_tunnelled_otherwise(const struct plan_measure *m)
{
	return m->tunnelled && !plan_measure_has_peers(m);
}

/* Both QEMUs would have the same unmanaged memory; and huge pages they do not have here. */
static bool is_peer_of_other_memory(const struct plan_measure *m)
{
	return plan_measure_has_peers(m) &&
	       (m->memory == PLAN_UNMANAGED || m->backing == PLAN_BACKING_HUGETLB);
}

static bool is_unmovable(const struct plan_measure *m)
{
	return !is_linux(m) || m->vmm == PLAN_VMM_THIN;
}

static bool is_fault_elsewhere(const struct plan_measure *m)
{
	return m->fault && !is_linux(m);
}

static bool is_save_fault(const struct plan_measure *m)
{
	return m->fault == PLAN_FAULT_DISK_FULL;
}

static bool is_peers_fault(const struct plan_measure *m)
{
	return m->fault == PLAN_FAULT_THERE_REFUSED || m->fault == PLAN_FAULT_THERE_KILLED ||
	       m->fault == PLAN_FAULT_THERE_ALONE;
}

static bool is_fault_of_moves(const struct plan_measure *m)
{
	return is_save_fault(m) || is_peers_fault(m);
}

static bool is_no_save_fault(const struct plan_measure *m)
{
	return m->fault && !is_save_fault(m);
}

static bool is_no_peers_fault(const struct plan_measure *m)
{
	return m->fault && !(is_peers_fault(m) && plan_measure_has_peers(m));
}

/* The agent as a VMM has no settings of its own. */
static bool is_refused_by_nobody(const struct plan_measure *m)
{
	return m->fault == PLAN_FAULT_REFUSED && m->vmm == PLAN_VMM_THIN;
}

/* Which L0 does not have either way. */
static bool is_unmanaged_lack(const struct plan_measure *m)
{
	return m->fault == PLAN_FAULT_NO_MEMORY && (m->memory == PLAN_UNMANAGED || m->backing);
}

static const struct {
	unsigned int scenarios;
	bool (*is_broken)(const struct plan_measure *m);
	const char *text;
} rules[] = {
	{ONLY(PLAN_L2_WORK) | BOOTS, is_no_linux, "this is of a Linux L1 (l1 linux-...)"},
	{WITH_L2, is_linux_word_elsewhere, "threads and l2_smp are of a Linux L1 (l1 linux-...)"},
	{WITH_L2, is_threads_elsewhere,
	 "threads are for multiplex and l2-work, where mode is cooperative: they run on all L1 CPUs at once"},
	{WITH_L2, is_split_unevenly, "l2_vcpus is no multiple of l2_smp, the vCPUs of each L2"},
	{ONLY(PLAN_L2_WORK), is_work_in_turn_on_many,
	 "l2-work on several L1 vCPUs needs threads, and mode cooperative"},
	{ONLY(PLAN_L2_WORK), is_ipi_to_nobody, "work ipi needs threads, and an even l2_smp"},
	{BOOTS, is_linux_boot_of_many, "l1-boot and l2-boot have l1_vcpus 1"},
	{ONLY(PLAN_L2_BOOT), is_linux_not_thin,
	 "who gives a Linux L1 the kernel of its L2 is vmm thin"},
	{ONLY(PLAN_CHURN), is_linux_unchurned,
	 "a Linux L1's memory has to stay what it is: churn is memslot, migrate-page, share or merge there"},
	{ONLY(PLAN_CHURN), is_linux_unmovable,
	 "unmanaged memory of a Linux L1 stays where it is: churn is memslot there"},
	{ONLY(PLAN_CHURN), is_micro_shared,
	 "churn share and merge are of a Linux L1 (l1 linux-...)"},
	{ONLY(PLAN_CHURN), is_linux_not_thin, "who changes a Linux L1's memory is vmm thin"},
	{WITH_L2, is_backing_of_other_memory,
	 "backing clean is a kind of unmanaged memory; thp, memfd, hugetlb and guest-memfd are of managed"},
	{ONLY(PLAN_CHURN) | ONLY(PLAN_UNRELATED), is_backed,
	 "churn and unrelated change plain memory: leave out backing"},
	{WITH_L1 & ~(ONLY(PLAN_MULTIPLEX) | ONLY(PLAN_MIGRATE) | ONLY(PLAN_EXITS)), is_disk,
	 "an L1 on a disk runs multiplex, migrate and exits"},
	{WITH_L1, is_disk_by_hand,
	 "an L1 on a disk has managed memory, mode cooperative, and decides by itself on ept and apic_pages: "
	 "leave them out"},
	{WITH_L1, is_disk_word_elsewhere, "l1_megabytes is of an L1 on a disk (l1 disk or hyperv)"},
	{ONLY(PLAN_UNRELATED), is_linux, "unrelated is of a micro-hypervisor (l1 micro-...)"},
	{MOVES, is_handed_over_otherwise, "handover is of vmm qemu, with managed memory"},
	{ONLY(PLAN_LIVE_MIGRATE), is_crossing_otherwise,
	 "an L1 goes to another host (destination) by vmm qemu, with managed memory, and once (rounds 1)"},
	{ONLY(PLAN_LIVE_MIGRATE), is_tunnelled_otherwise, "tunnelled is of vmm libvirt"},
	{ONLY(PLAN_LIVE_MIGRATE), is_peer_of_other_memory,
	 "between two libvirts an L1 has managed memory, plain or memfd"},
	{ONLY(PLAN_SNAPSHOT_STORM) | TAKES, is_not_of_qemu,
	 "who takes snapshots and memory of an L1 is vmm qemu"},
	{TAKES, is_untakeable, "who takes memory of an L1 takes managed memory, plain or memfd"},
	{MOVES, is_unmovable, "who moves an L1 is QEMU: l1 linux-..., and vmm qemu"},
	{ONLY(PLAN_EXITS) | ONLY(PLAN_MIGRATE) | ONLY(PLAN_CHURN) | MOVES, is_linux_of_many,
	 "mode parallel of a Linux L1 is for multiplex; exits and churn have l1_vcpus 1"},
	{WITH_L2, is_linux_by_hand,
	 "a Linux L1's KVM decides by itself on ept and apic_pages: leave them out"},
	{WITH_L2, is_linux_backed_otherwise,
	 "the memory of a Linux L1 is plain, or memfd or hugetlb by vmm qemu or libvirt"},
	{WITH_L1, is_seen_elsewhere,
	 "enlightenments are of a Linux L1 by vmm qemu or libvirt, without kvm_visible"},
	{WITH_L1, is_seen_wrong,
	 "linux-evmcs sees hyperv-full, and linux-kvm sees none, kvm or hyperv-basic"},
	{WITH_L1, is_linux_too_wide, "an L1 that is no micro-hypervisor has l1_vcpus of 8 at most"},
	{WITH_L1, is_kvm_shown_elsewhere, "kvm_visible is about l1 linux-evmcs"},
	{ONLY(PLAN_EXITS), is_linux_interrupt,
	 "the L2 has no local APIC to send interrupts where L1 is no micro-hypervisor"},
	{FAULTY, is_fault_elsewhere, "a fault is of a Linux L1 (l1 linux-...)"},
	{ONLY(PLAN_MULTIPLEX), is_fault_of_moves,
	 "fault disk-full is of l1-save-restore, and destination-... of l1-live-migrate"},
	{ONLY(PLAN_SAVE_RESTORE), is_no_save_fault,
	 "fault disk-full alone is of l1-save-restore, the others are of multiplex and l1-live-migrate"},
	{ONLY(PLAN_LIVE_MIGRATE), is_no_peers_fault,
	 "faults of l1-live-migrate are destination-..., and of vmm libvirt"},
	{FAULTY, is_refused_by_nobody, "fault refused is of vmm qemu or libvirt"},
	{FAULTY, is_unmanaged_lack, "fault no-memory is of managed memory, plain"},
	{WITH_L1, is_uneven, "l2_vcpus cannot be spread evenly over l1_vcpus"},
	{ONLY(PLAN_MIGRATE), is_migration_to_itself, "migrating needs l1_vcpus of 2 or more"},
	{WITH_L1, is_posted_without_apic, "posted_interrupts need apic_pages"},
	{WITH_L1, lacks_ept, "this reason or operation needs ept"},
	{WITH_L1, lacks_apic_pages, "this reason or operation needs apic_pages"},
};

const char *plan_measure_impossible(const struct plan_measure *m)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		if (rules[i].scenarios & ONLY(m->scenario) && rules[i].is_broken(m))
			return rules[i].text;
	return NULL;
}
