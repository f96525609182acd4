/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_boot.h - what a Linux L1 is given at its start, whatever VMM runs it: this very program as its first
 * process, in an initramfs, and a command line.
 */
#ifndef AGENTS_L0_VMM_L1_BOOT_H
#define AGENTS_L0_VMM_L1_BOOT_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes the initramfs takes, in whole pages: with the file @kernel in it as L1_L2_KERNEL, NULL for none. 0 or a
 * negative errno. */
int l1_initramfs_room(const char *kernel, size_t *room);
#define L1_L2_KERNEL "/l2/vmlinux"

/* Writes it to @start, all @room bytes. cpio's newc format (the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst): MAIL_INIT, and the console that the kernel opens
 * for it; @kernel as above. */
int l1_initramfs_write(const char *kernel, char *start, size_t room);

/* The command line of an L1 whose mail page is at @mail. A panic resets at once, by a triple fault: every VMM
 * sees that. */
#define L1_CMDLINE_MAX 1024
void l1_cmdline_format(uint64_t mail, char *line, size_t size);

#endif
