/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvirt.h - libvirt as the manager of a Linux L1: its QEMU driver, embedded in a helper (agents/libvirt/main.c), makes a
 * domain (machine q35, the firmware of PCs) from an XML description. Mail page and bell are as under QEMU (qemu.h).
 */
#ifndef AGENTS_L0_VMM_LIBVIRT_H
#define AGENTS_L0_VMM_LIBVIRT_H

#include <stddef.h>
#include <sys/types.h>

#include "agents/l0/vmm/qemu.h"

#define LIBVIRT_HELPER "/usr/lib/nestlab/nestlab-l1-libvirt"
#define LIBVIRT_ROOT   QEMU_DIRECTORY "/libvirt"
/* What libvirt found out about QEMU in an earlier boot of this kernel (images/capabilities.h), if there was one. */
#define LIBVIRT_CAPABILITIES "/usr/lib/nestlab/libvirt-capabilities.gz"
#define LIBVIRT_LINE_MAX     4096

struct libvirt {
	struct qemu qemu; /* sink, m, kernel; mail page and bell. libvirt runs it, pid is 0 */
	pid_t helper;	  /* 0: none */
	int orders, answers;
	char line[LIBVIRT_LINE_MAX]; /* the last answer, without its first word */
	char buf[LIBVIRT_LINE_MAX];  /* of what has come since */
	size_t len;
	char stopped[64]; /* what the event said; "": it has not come */
	int guest_fd;	  /* of the process that runs L1: readable when it has ended; -1: none */
	bool was_killed;  /* that process, by SIGKILL */
};

/* The domain's description. @bell: a FIFO. 0, or -E2BIG. */
struct libvirt_files {
	const char *kernel, *initramfs, *console, *bell;
	uint64_t phys; /* of unmanaged memory */
};
int libvirt_xml_make(char *xml, size_t size, const struct plan_measure *m,
		     const struct libvirt_files *f);

#endif
