/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvirt.h - libvirt as the manager of a Linux L1: its QEMU driver, embedded in a helper (agents/libvirt/main.c) or, where L1
 * goes from one libvirt to another, in two daemons, makes a domain (machine q35, the firmware of PCs) from an XML description. Mail page and bell are as under QEMU (qemu.h).
 */
#ifndef AGENTS_L0_VMM_LIBVIRT_H
#define AGENTS_L0_VMM_LIBVIRT_H

#include <stddef.h>
#include <sys/types.h>

#include "agents/l0/vmm/qemu.h"

#define LIBVIRT_HELPER "/usr/lib/nestlab/nestlab-l1-libvirt"
#define LIBVIRT_DAEMON "/usr/sbin/libvirtd" /* where two libvirts are to talk to each other */
#define LIBVIRT_ROOT   QEMU_DIRECTORY "/libvirt"
/* What libvirt found out about QEMU in an earlier boot of this kernel (images/capabilities.h), if there was one. */
#define LIBVIRT_CAPABILITIES "/usr/lib/nestlab/libvirt-capabilities.gz"
#define LIBVIRT_LINE_MAX     4096
#define LIBVIRT_LIMIT_MS \
	120000 /* of L0's clock, for one answer; probing QEMU alone takes some 12 s */

struct libvirt {
	struct qemu qemu;     /* sink, m, kernel; mail page and bell. libvirt runs it, pid is 0 */
	pid_t helper;	      /* 0: none */
	int orders, limit_ms; /* LIBVIRT_LIMIT_MS */
	struct lines answers;
	char line[LIBVIRT_LINE_MAX]; /* the last answer, without its first word */
	char stopped[64];	     /* what the event said; "": it has not come */
	int guest_fd;	 /* of the process that runs L1: readable when it has ended; -1: none */
	bool was_killed; /* that process, by SIGKILL */
	bool other_was_killed; /* some other of libvirt's */
	bool is_mute; /* the helper did not answer in time: it hangs, and is not asked again */
};

/* The domain's description. @bell: a FIFO. 0, or -E2BIG. */
struct libvirt_files {
	const char *kernel, *initramfs, *console, *bell;
	uint64_t phys; /* of unmanaged memory */
};
int libvirt_xml_make(char *xml, size_t size, const struct plan_measure *m,
		     const struct libvirt_files *f);

/* ---- l1_libvirt_helper.c. Functions that return an int are as of l1_vmm.h. ---- */

/* Its first answer is to being there. */
int libvirt_start_helper(struct libvirt *l);
/* It ends its domain when nobody gives orders any more. */
void libvirt_end_helper(struct libvirt *l);
/* An order; the answer is in l->line. The sink is told of an error. */
int libvirt_order(struct libvirt *l, const char *word, const char *argument);
/* The same; and the answer to an earlier one. The sink is told nothing. -EPROTO: it is an error; else an errno. */
int libvirt_give_order(struct libvirt *l, const char *word, const char *argument);
int libvirt_wait_for_answer(struct libvirt *l);
/* What came of an order is @ret: the sink is told, in libvirt's words, with its log and L1's console. "refused" are settings that this
 * libvirt does not take. */
int libvirt_report(struct libvirt *l, const char *order, int ret);
/* Events that have come, without waiting. */
int libvirt_read_events(struct libvirt *l);
/*
 * libvirt lets its QEMUs go, and waits for their ends by kill(2): somebody has to take note of them. Process 1 is busy, so this one
 * does (PR_SET_CHILD_SUBREAPER).
 */
void libvirt_reap(struct libvirt *l);
/* The domain's QEMU is process @pid: finds L1's mail page in it. */
int libvirt_find_mail(struct libvirt *l, int pid);
/* That process has ended; libvirt waits for it to be taken note of. */
void libvirt_note_end(struct libvirt *l);

/* ---- l1_libvirt_peer.c ---- */

/* To the other libvirt, while it runs. */
int libvirt_migrate(struct libvirt *l, struct l1_moved *out);
/* The answer to that order: @out and the process id of the new QEMU, or that it stayed. 0, or -EPROTO. */
int libvirt_read_moved(const char *line, struct l1_moved *out, int *pid);

#endif
