/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_disk.h - an L1 that boots from a disk image which the user brings, a Linux or a Windows, in QEMU (machine q35, SeaBIOS; of
 * a Windows UEFI). Our agent runs there as a service, and talks by the second serial line (agents/guest/guest.h). The image
 * stays as it is: QEMU writes elsewhere (snapshot=on).
 *
 * For l1_linux.c it is one more VMM: what would be in the mail page is kept here, and goes by the line.
 */
#ifndef AGENTS_L0_VMM_L1_DISK_H
#define AGENTS_L0_VMM_L1_DISK_H

#include <stddef.h>

#include "agents/guest/mail.h"

/* The image, raw or qcow2: /l1/disk. */
extern const char *l1_disk_image;

/* QEMU's word for the format of the image @path. */
const char *l1_disk_format(const char *path);

/* ---- an answer: the records of one plan, up to their `bye` ---- */

struct l1_disk_answer {
	char line[PROTOCOL_LINE_MAX + 1]; /* the one that is coming */
	size_t len;
	unsigned long records;
	bool ended;
};

/* The next byte of the line. Whole records go to @mail, without the `bye`, whose count must be right; what is no record
 * is left out. 0, or -EBADMSG: it is damaged, with @why. */
int l1_disk_take(struct l1_disk_answer *a, char byte, struct mail *mail, const char **why);

#endif
