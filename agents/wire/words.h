/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * words.h - the vocabulary of measurements: which scenarios, L1s, memories, exit reasons and churn
 * operations there are, which parameters a scenario takes, within which ranges, with which defaults,
 * and what cannot be combined.
 *
 * Plan lines (protocol.h), scenario files (docs/scenarios.md) and the params of a stored metric use
 * these words. L1 and the agent take their numbers from the lists below, so a list's row is the only
 * place where a word and its number meet.
 *
 * Each list is a macro that applies X to its rows: X(ID, "word", ...). The enum behind it has a
 * constant for each row, in that order, and words.c has the names.
 *
 * The header is freestanding, since L1 includes it. L1 links nothing of words.c.
 */
#ifndef AGENTS_WIRE_WORDS_H
#define AGENTS_WIRE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_MAX_L2_VCPUS     256 /* in all */
#define PLAN_MAX_L1_VCPUS     24
#define PLAN_MAX_LINUX_VCPUS  8 /* of a Linux L1 */
#define PLAN_MAX_L2_SMP	      8
#define PLAN_MAX_L1_MEGABYTES 1048576 /* of an L1 on a disk */
#define PLAN_MAX_MEASURES     65536   /* of a plan */

// clang-format off

/* What the agent asks L1 to use, as bits. */
enum l1_feature {
	L1_FEATURE_EVMCS       = 1 << 0, /* drive L0 through enlightened VMCSs */
	L1_FEATURE_EPT         = 1 << 1,
	L1_FEATURE_TPR_SHADOW  = 1 << 2, /* with virtual-APIC page */
	L1_FEATURE_APIC_ACCESS = 1 << 3,
	L1_FEATURE_POSTED      = 1 << 4, /* with virtual-interrupt delivery, which it needs */
};

/*
 * ID, function, word, then the defaults of l2_vcpus, l1_vcpus and rounds.
 *
 * A new scenario: a row here; scenario_FUNCTION_run() in agents/l0, guest_FUNCTION_run() in agents/guest, or both;
 * its metrics in scenarios/metrics.c. Who calls them finds them by this list.
 */
#define PLAN_SCENARIOS(X) \
	X(MULTIPLEX, multiplex, "multiplex", 8, 1, 200)  /* L2 vCPUs take turns on each L1 vCPU */ \
	X(MIGRATE,   migrate,   "migrate",   8, 2, 100)  /* L2 vCPUs move between L1 vCPUs */ \
	X(EXITS,     exits,     "exits",     1, 1, 1000) /* from L2 to L1 and back, by reason */ \
	X(CHURN,     churn,     "churn",     8, 1, 50)   /* pages that nested VMX uses change under L2 */ \
	X(UNRELATED, unrelated, "unrelated", 8, 1, 50)   /* pages that nested VMX does not use change beside L2 */ \
	X(SAVE_RESTORE, moved, "l1-save-restore", 8, 1, 3) /* a Linux L1 is saved and restored while its L2s run */ \
	X(LIVE_MIGRATE, moved, "l1-live-migrate", 8, 1, 1) /* it moves to another VMM of the same host meanwhile */ \
	X(SNAPSHOT_STORM, moved, "l1-snapshot-storm", 8, 1, 5) /* snapshots of it are taken, and it goes back to them */ \
	X(L1_BALLOON, moved, "l1-balloon", 8, 1, 5) /* L0 takes memory from it and gives it back meanwhile */ \
	X(L1_UNPLUG, moved, "l1-unplug", 8, 1, 5) /* L0 unplugs memory of it that L2s lie in, and plugs it in again */ \
	X(KSELFTEST, kselftest, "kselftest", 0, 0, 0)    /* one of the kernel's own selftests; no L1 of ours */ \
	X(KVM_UNIT_TEST, kvm_unit_test, "kvm-unit-test", 0, 0, 0) /* a flat binary of kvm-unit-tests, of the user's; no L1 of ours */ \
	X(L2_WORK,   l2_work,   "l2-work",   1, 1, 200)  /* what guests do all day, in the L2s of a Linux L1 */ \
	X(L1_BOOT,   l1_boot,   "l1-boot",   0, 1, 3)    /* a Linux L1 comes up */ \
	X(L2_BOOT,   l2_boot,   "l2-boot",   0, 1, 3)    /* the same Linux comes up as its L2 */

#define PLAN_L1S(X) \
	X(VMX,   "micro-vmx") /* L1 drives VMX itself */ \
	X(EVMCS, "micro-evmcs") /* L1 uses Hyper-V's enlightened VMCS, version 1 */ \
	X(LINUX_KVM, "linux-kvm") /* a Linux that sees KVM below it, and runs L2s with its own KVM */ \
	X(LINUX_EVMCS, "linux-evmcs") /* a Linux that sees Hyper-V below it: its KVM uses enlightened VMCSs */ \
	X(DISK, "disk") /* a Linux of the user's on a disk, with our agent as a service of its */ \
	X(HYPERV, "hyperv") /* the same of a Windows, whose Hyper-V runs the L2s */

/* What runs a Linux L1 on L0. */
#define PLAN_VMMS(X) \
	X(THIN, "thin") /* the agent itself (agents/l0/vmm/thin.h) */ \
	X(QEMU, "qemu") /* QEMU (agents/l0/vmm/qemu.h) */ \
	X(LIBVIRT, "libvirt") /* QEMU by libvirt (agents/l0/vmm/libvirt.h) */

/* What a Linux L1 sees of the hypervisor below it (by vmm qemu or libvirt). */
#define PLAN_ENLIGHTENMENTS(X) \
	X(OF_L1,        "of-l1")        /* kvm for linux-kvm, hyperv-full for linux-evmcs */ \
	X(NONE,         "none")         /* a hypervisor without a name */ \
	X(KVM,          "kvm")          /* KVM's leaves: clock, steal time, asynchronous faults, ... */ \
	X(HYPERV_BASIC, "hyperv-basic") /* Hyper-V's, as Windows guests had them first: no enlightened VMCS */ \
	X(HYPERV_FULL,  "hyperv-full")  /* all that the nested path can use */

#define PLAN_MEMORIES(X) \
	X(MANAGED,   "managed") /* L0's kernel maps L1's memory */ \
	X(UNMANAGED, "unmanaged") /* L0's kernel does not: it was hidden with mem= */

/* What L1's memory consists of: ID, word, the memory that it is a kind of. */
#define PLAN_BACKINGS(X) \
	X(PLAIN,        "plain",        ~0u) /* 4 KiB pages, anonymous; or of /dev/mem, with dirty PTEs */ \
	X(THP,          "thp",          1 << PLAN_MANAGED) /* anonymous, by huge pages */ \
	X(MEMFD,        "memfd",        1 << PLAN_MANAGED) /* shared memory, as QEMU's memory-backend-memfd */ \
	X(MEMFD_SHARED, "memfd-shared", 1 << PLAN_MANAGED) /* sealed, and another process maps it, too */ \
	X(HUGETLB,      "hugetlb",      1 << PLAN_MANAGED) \
	X(GUEST_MEMFD,  "guest-memfd",  1 << PLAN_MANAGED) /* KVM's own, where it can be mapped */ \
	X(CLEAN,        "clean",        1 << PLAN_UNMANAGED) /* /dev/mem; the VMM has written to none of it */

/* l1-save-restore: does L1 stay in this boot (agents/l0/vmm/handover.h)? */
#define PLAN_HANDOVERS(X) \
	X(STAY, "stay") \
	X(OUT,  "out")  /* after its moves it is saved, and leaves for another boot */ \
	X(IN,   "in")   /* it comes from another boot, saved there by `out` */ \
	X(BOTH, "both")

/*
 * What L2 does to exit, and what L1 must have for it (enum l1_feature).
 *
 * A new reason: a row here, L1's handler and its row in agents/l1/exits.c, what L2 does and its row
 * in agents/l1/l2.c.
 */
#define PLAN_REASONS(X) \
	X(VMCALL,            "vmcall",            0) \
	X(CPUID,             "cpuid",             0) \
	X(RDMSR,             "rdmsr",             0) /* intercepted */ \
	X(RDMSR_PASSTHROUGH, "rdmsr-passthrough", 0) /* takes no exit */ \
	X(HLT,               "hlt",               0) \
	X(IO,                "io",                0) \
	X(EPT_VIOLATION,     "ept-violation",     L1_FEATURE_EPT) \
	X(APIC_ACCESS,       "apic-access",       L1_FEATURE_APIC_ACCESS) \
	X(TPR_THRESHOLD,     "tpr-threshold",     L1_FEATURE_TPR_SHADOW) \
	X(INTERRUPT,         "interrupt",         0) /* external */

/*
 * What happens to the pages of an L2 vCPU, and what L1 must have for it.
 *
 * A new operation: a row here and a row in agents/l0/scenario_churn.c; for a Linux L1, in agents/l0/vmm/thin_churn.c.
 */
#define PLAN_OPERATIONS(X) \
	X(DONTNEED,     "dontneed",     0) /* L0's userspace drops them */ \
	X(MIGRATE_PAGE, "migrate-page", 0) /* other physical pages take their place */ \
	X(MEMSLOT,      "memslot",      0) /* their memslot is moved away and back */ \
	X(MSR_BITMAP,   "msr-bitmap",   0) /* L1 rewrites its MSR bitmap */ \
	X(APIC_PAGE,    "apic-page",    L1_FEATURE_TPR_SHADOW) /* L1 rewrites its APIC pages */ \
	X(SHARE,        "share",        0) /* L0's userspace shares them, so that writes copy: a Linux L1's */ \
	X(MERGE,        "merge",        0) /* L0's KSM does, those that are alike: a Linux L1's */

/*
 * What each L2 vCPU of a Linux L1 does, again and again.
 *
 * A new work: a row here, what L2 does and its row in agents/guest/l2/work.c, and what L1 has to do for it in
 * agents/guest/l2_work.c.
 */
#define PLAN_WORKS(X) \
	X(MEMORY,   "memory")   /* touches a page that L1 has to find memory for */ \
	X(SYSCALL,  "syscall")  /* SYSCALL to its own kernel and back: no exit */ \
	X(DOORBELL, "doorbell") /* a write that L1's kernel answers by an eventfd, as virtio's */ \
	X(TIMER,    "timer")    /* sleeps (HLT) until its local APIC's timer wakes it */ \
	X(IPI,      "ipi")      /* wakes the other vCPU of its pair, and sleeps until that wakes it */

/* What goes wrong with a Linux L1 on purpose (agents/l0/vmm/l1_fault.h). */
#define PLAN_FAULTS(X) \
	X(NONE,       "none") \
	X(VMM_KILLED, "vmm-killed") /* by SIGKILL, while L1 measures */ \
	X(TRIPLE,     "triple-fault") \
	X(PANIC,      "panic") /* of its kernel */ \
	X(SILENT,     "silent") /* its agent answers no more */ \
	X(REFUSED,    "refused") /* its VMM does not take a setting of it */ \
	X(NO_MEMORY,  "no-memory") /* it is to have more than L0 has */ \
	X(DISK_FULL,  "disk-full") /* L0 has no room for it when it is saved */ \
	X(THERE_REFUSED, "destination-refuses") /* the QEMU that it is to go to cannot make its CPU */ \
	X(THERE_KILLED,  "destination-killed") /* that QEMU is, by SIGKILL, while it is on its way */ \
	X(THERE_ALONE,   "destination-libvirt-killed") /* the libvirt there is */

// clang-format on

#define PLAN_SCENARIO_ID(id, ...)	PLAN_##id,
#define PLAN_L1_ID(id, ...)		PLAN_L1_##id,
#define PLAN_VMM_ID(id, ...)		PLAN_VMM_##id,
#define PLAN_ENLIGHTENMENTS_ID(id, ...) PLAN_SEES_##id,
#define PLAN_MEMORY_ID(id, ...)		PLAN_##id,
#define PLAN_BACKING_ID(id, ...)	PLAN_BACKING_##id,
#define PLAN_HANDOVER_ID(id, ...)	PLAN_HANDOVER_##id,
#define PLAN_REASON_ID(id, ...)		PLAN_REASON_##id,
#define PLAN_OPERATION_ID(id, ...)	PLAN_OPERATION_##id,
#define PLAN_WORK_ID(id, ...)		PLAN_WORK_##id,
#define PLAN_FAULT_ID(id, ...)		PLAN_FAULT_##id,

enum plan_scenario { PLAN_SCENARIOS(PLAN_SCENARIO_ID) PLAN_SCENARIO_COUNT };
enum plan_l1 { PLAN_L1S(PLAN_L1_ID) };
enum plan_vmm { PLAN_VMMS(PLAN_VMM_ID) };
enum plan_enlightenments { PLAN_ENLIGHTENMENTS(PLAN_ENLIGHTENMENTS_ID) PLAN_ENLIGHTENMENTS_COUNT };
enum plan_memory { PLAN_MEMORIES(PLAN_MEMORY_ID) };
enum plan_backing { PLAN_BACKINGS(PLAN_BACKING_ID) PLAN_BACKING_COUNT };
enum plan_handover { PLAN_HANDOVERS(PLAN_HANDOVER_ID) };
enum plan_reason { PLAN_REASONS(PLAN_REASON_ID) PLAN_REASON_COUNT };
enum plan_operation { PLAN_OPERATIONS(PLAN_OPERATION_ID) PLAN_OPERATION_COUNT };
enum plan_work { PLAN_WORKS(PLAN_WORK_ID) PLAN_WORK_COUNT };
enum plan_fault { PLAN_FAULTS(PLAN_FAULT_ID) PLAN_FAULT_COUNT };

/* The words of a list by its numbers, ended by NULL. */
extern const char *const plan_scenario_names[];
extern const char *const plan_reason_names[];
extern const char *const plan_operation_names[];
extern const char *const plan_work_names[];
extern const char *const plan_vmm_names[];
extern const char *const plan_fault_names[];
extern const char *const plan_enlightenment_names[];
extern const char *const plan_mode_names[]; /* of the flag parallel */

/* ---- parameters ---- */

struct plan_measure; /* protocol.h */

enum plan_word_kind {
	PLAN_WORD_NUMBER, /* min..max */
	PLAN_WORD_FLAG,	  /* 0 or 1 on a line; true or false, or one of two choices, in a file */
	PLAN_WORD_CHOICE, /* one of the choices; the field has its number */
	PLAN_WORD_NAME,	  /* any plain file name; the field is text */
	PLAN_WORD_TEXT,	  /* any text but a NUL or newline; not given: "" */
	PLAN_WORD_LIST,	  /* several such texts, a newline after each; an array in a file */
};

enum plan_word_role {
	PLAN_WORD_OF_LINE,  /* each boot sets it: scenario files do not have it */
	PLAN_WORD_SCENARIO, /* decides which of the other words there are */
	PLAN_WORD_VARIANT,  /* identifies the measurement, must be given */
	PLAN_WORD_AXIS,	    /* identifies the measurement, has a default */
	PLAN_WORD_AMOUNT,   /* how much is done: identifies nothing, takes no list in a file */
};

/* A parameter: a word of a plan line, most of them a key of scenario files too, and a field of struct
 * plan_measure. */
struct plan_word {
	const char *name; /* on plan lines */
	const char *key;  /* in scenario files and in params */
	enum plan_word_kind kind;
	enum plan_word_role role;
	uint16_t offset, size; /* of the field */
	unsigned int users;    /* bits: 1 << enum plan_scenario, the scenarios that take it */
	bool optional;	       /* a line may leave it out, or say 0; both mean "not given" */
	bool of_linux; /* says something of a Linux L1 alone; else left out of lines and params */
	bool of_disk;  /* the same of an L1 on a disk */
	bool silent; /* left out of lines and params where it is 0: what has it compares with what was
			* measured before there was such a word */
	uint64_t min, max; /* numbers */
	const char *const *choices;
};

/* In the order in which a line has them. */
extern const struct plan_word plan_words[];
extern const size_t plan_nwords;

static inline bool plan_word_is_used(const struct plan_word *w, enum plan_scenario s)
{
	return w->users >> s & 1;
}

/* Is it a program that others wrote, with a verdict of its own? It may hang, and it may end the boot. */
bool plan_scenario_is_selftest(enum plan_scenario s);
/* Has the scenario L2s, in an L1 of ours? */
bool plan_scenario_has_l2(enum plan_scenario s);
/* Is it an L1 that boots a kernel of nestlab's, and no micro-hypervisor? */
bool plan_l1_is_linux(enum plan_l1 l1);
/* Does it boot from a disk image that the user brings? */
bool plan_l1_is_disk(enum plan_l1 l1);
/* Does @w say anything of @m? What it says of a scenario it may not say of each L1; and a text that is
 * not given says nothing. */
bool plan_word_is_said(const struct plan_word *w, const struct plan_measure *m);

/* The number of @value in @choices (NULL-terminated), or -1. */
int plan_choice_find(const char *const *choices, const char *value);

/* Is the field of @w text: a name, a text or a list? */
bool plan_word_is_text(const struct plan_word *w);

/* May @name be a program's name in a folder? A letter or digit, then these and "._+-", no "..". */
bool plan_name_is_plain(const char *name);

/* ---- a measurement's words ---- */

/* The field of @w as a number; a name has none. */
uint64_t plan_word_get(const struct plan_word *w, const struct plan_measure *m);
void plan_word_set(const struct plan_word *w, struct plan_measure *m, uint64_t value);
/* The field of a name, text or list: @w->size bytes. On a line, what is no letter, digit or one of
 * "._+-/:,@" of a text or list is %XX, its byte in hexadecimal digits. */
char *plan_word_text(const struct plan_word *w, struct plan_measure *m);

/* A measurement of scenario @s with the defaults of all the words that it takes. What must be given
 * (PLAN_WORD_VARIANT) and what a line may leave out is 0. */
struct plan_measure plan_measure_default(enum plan_scenario s);
/* What warmup is when only rounds are given. */
uint32_t plan_warmup_default(uint32_t rounds);

/* ---- a measurement with all its words: rules.c ---- */

/* What the L1 of @m, no micro-hypervisor, is to see: never PLAN_SEES_OF_L1. */
enum plan_enlightenments plan_measure_sees(const struct plan_measure *m);
/* Is L1 moved while it runs, or its memory taken (agents/l0/vmm/l1_moves.h)? Then rounds says how often. */
bool plan_measure_moves(const struct plan_measure *m);
/* Does L1 come from another boot, and does it leave for one (handover)? */
bool plan_measure_arrives(const struct plan_measure *m);
bool plan_measure_leaves(const struct plan_measure *m);
/* Is it moved from one libvirt to another, by their peer-to-peer migration (agents/libvirt/pair.h)? */
bool plan_measure_has_peers(const struct plan_measure *m);
/* Does it go to, or come from, another L0 host while it runs (destination, source)? */
bool plan_measure_crosses(const struct plan_measure *m);
/* Why @m cannot be measured on any host, or NULL if it can. */
const char *plan_measure_impossible(const struct plan_measure *m);
/* What an L1 on a disk has of memory, in MiB, where @m does not say. */
uint32_t plan_l1_megabytes(const struct plan_measure *m);
/* What the reason or operation of @m needs of L1 and is not in @features (enum l1_feature), or NULL.
 * The text continues "... needs ". */
const char *plan_measure_lacks(const struct plan_measure *m, uint32_t features);

#endif
