/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * userland.h - the files that an L0 has on which QEMU runs L1s: QEMU as it is installed here, all shared libraries that
 * it loads (asked of the dynamic loader itself), its firmware.
 *
 * They go into the initramfs as they are (but for libicudata.so), under the names that they have here. Each is a part of the image's key
 * by its content (images.h): the same packages give the same image, whichever machine they are installed on.
 */
#ifndef IMAGES_USERLAND_H
#define IMAGES_USERLAND_H

#include "common/error.h"
#include "images/images.h"

/* Bits; all of them have QEMU. */
enum userland_set {
	USERLAND_QEMU = 1 << 0,	   /* machine microvm */
	USERLAND_PC = 1 << 1,	   /* machine q35 with its firmware */
	USERLAND_UEFI = 1 << 2,	   /* the same with UEFI */
	USERLAND_LIBVIRT = 1 << 3, /* libvirt's driver */
	USERLAND_PEERS = 1 << 4,   /* and its daemon, for two libvirts that talk to each other */
};

struct userland { /* free with userland_free() */
	struct image_file *files;
	size_t nfiles;
	char *version; /* "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)" */
};

/* What @sets need. @programs: the folder of nestlab's own. -ENOENT: something is not installed, and the message says which package has
 * it; else an error of a system call or of the loader (-EIO). */
int userland_collect(unsigned int sets, const char *programs, struct userland *out,
		     struct error *err);
/* The file @source as @path, besides, unless there is one of that name. */
void userland_add_file(struct userland *u, const char *path, const char *source, unsigned int mode);
void userland_free(struct userland *u);

#endif
