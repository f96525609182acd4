/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * thin.h - a VMM of the agent's own: just what a Linux needs to come up as an L1 (docs/l1-guests.md).
 *
 * The kernel is an uncompressed vmlinux, entered by the 64-bit boot protocol (the kernel's
 * Documentation/arch/x86/boot.rst) in the state that it asks for; there is no firmware. Its initramfs is
 * this very program, as MAIL_INIT. Interrupt controllers and timer are KVM's own; besides, there is a serial
 * port (0x3f8) whose output is kept, a clock chip that always tells the same time, and the bell of
 * agents/guest/mail.h. All other ports read as ones, as on a bus without devices.
 *
 * Functions that return an int give 0, VM_SAID when the sink was told why not, or a negative errno about
 * which nothing was said. A VMM is always closed with thin_close().
 */
#ifndef AGENTS_L0_VMM_THIN_H
#define AGENTS_L0_VMM_THIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agents/guest/mail.h"
#include "agents/l0/records/sink.h"
#include "agents/wire/protocol.h"

struct kvm_run;

#define THIN_RAM      (128u << 20)
#define THIN_MAIL     (THIN_RAM - MAIL_SIZE)
#define THIN_MAX_CPUS PLAN_MAX_LINUX_VCPUS
#define THIN_CONSOLE  4096 /* bytes of the console's end that are kept */

/* What the ports hold; thin_devices.c. */
struct thin_devices {
	uint8_t uart[8];
	uint8_t cmos_index;
	char console[THIN_CONSOLE];
	size_t printed;	   /* bytes in all */
	bool rung;	   /* L1 rang the bell */
	bool wants_change; /* it asked for MAIL_CHANGE_PORT's */
};

struct thin_cpu {
	struct thin *thin;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread; /* of all but vCPU 0, which thin_run() runs */
};

struct thin {
	struct sink *sink;
	bool is_l2;	   /* this is L1, and what it runs an L2 */
	const char *inner; /* the kernel that L1 gets for its L2, or NULL */
	int kvm, vm;
	char *ram; /* THIN_RAM bytes, from guest-physical 0 on */
	struct thin_cpu cpus[THIN_MAX_CPUS];
	uint32_t ncpus;
	bool has_threads;
	pthread_mutex_t lock; /* devices and what follows: vCPUs exit at the same time */
	struct thin_devices devices;
	struct plan_measure measure; /* that runs */
	uint32_t changes;	     /* of its memory, that L1 asked for since that began */
	uint64_t merged;	     /* pages of it that KSM had made one with others, at most */
	pid_t sharer;		     /* a process that shares L1's memory; 0: none */
	int over;		     /* 0; or what ended another vCPU than 0, and so L1 */
	pthread_t runner;	     /* who is in thin_run() */
};

/* Makes the VM of @m with @kernel loaded; nothing runs yet. */
int thin_open(struct thin *t, const struct plan_measure *m, const char *kernel, struct sink *s);
/* The same inside L1: an ordinary guest of KVM's, without VMX, whose agent says who it is and no more. */
int thin_open_l2(struct thin *t, const struct plan_measure *m, const char *kernel, struct sink *s);
void thin_close(struct thin *t);

/* Runs L1 until it rings, which it does on vCPU 0. A death, a panic and @limit_s seconds of silence are failures, which the sink is told
 * with the end of L1's console. */
int thin_run(struct thin *t, unsigned int limit_s);

static inline struct mail *thin_mail(const struct thin *t)
{
	return (struct mail *)(t->ram + THIN_MAIL);
}

/* The file descriptors of VM and vCPU 0, for KVM's statistics: those of a vCPU that is in another thread cannot be
 * asked for while it runs. THIN_STATS_FDS. */
size_t thin_fds(const struct thin *t, int *fds);
#define THIN_STATS_FDS 2

/* Did L1's vCPU 0 enter its last L2 by an enlightened VMCS, by what L1 told L0 in its VP assist page? */
bool thin_uses_evmcs(const struct thin *t);

/* ---- thin_boot.c ---- */

/* Loads @kernel, command line, initramfs and tables; *entry is where vCPU 0 starts. */
int thin_load(struct thin *t, const char *kernel, uint64_t *entry);
#define THIN_GDT	 0x500ull
#define THIN_BOOT_PARAMS 0x7000ull
#define THIN_TABLES	 0x8000ull /* PML4, PDPT, PD */

/* ---- thin_churn.c ---- */

/* Has L1's memory begin at its address @at: at 0, but while churn moves it. */
int thin_set_slot(struct thin *t, uint64_t at);

/* L1's memory, all that it holds, is moved, copied or shared as the measurement that runs says; what it holds is the same
 * afterwards. L1's vCPU must not run. */
int thin_change_memory(struct thin *t);
/* The pages of L1 that are alike become one, by KSM, whose settings are what they were afterwards (thin_ksm.c). */
int thin_merge_pages(struct thin *t);
/* @m begins; it has ended: VM_SAID if L1 did not ask for a change in each of its rounds of churn. */
void thin_expect_changes(struct thin *t, const struct plan_measure *m);
int thin_check_changes(struct thin *t);
/* Ends what shares L1's memory. */
void thin_stop_sharing(struct thin *t);

/* ---- thin_devices.c ---- */

/* An access to a port; @data has @size * @count bytes. False: L1 asks to be reset. */
bool thin_port(struct thin_devices *d, uint16_t port, bool is_out, uint8_t *data, size_t size,
	       size_t count);
/* The last whole lines of the console, at most @len - 1 bytes of them. */
void thin_console_tail(const struct thin_devices *d, char *text, size_t len);

#endif
