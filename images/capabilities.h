/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capabilities.h - what libvirt found out about the QEMU of a userland (userland.h), kept for the next boots.
 *
 * libvirt asks QEMU anew in each boot what it can do, more than a thousand million instructions, unless it is given what
 * it found out before. The first boot of a kernel sends that back (a `file` record), and it goes into the images
 * of the later ones (agents/libvirt/capabilities.h). It depends on all files of the userland but nestlab's own, on the kernel below, on the
 * parameters of its command line that may change what KVM can do, and on the machine: those are its key. libvirt itself looks at
 * kernel, CPU and microcode once more, and finds out anew if they are others.
 */
#ifndef IMAGES_CAPABILITIES_H
#define IMAGES_CAPABILITIES_H

#include "common/error.h"
#include "images/userland.h"

#define CAPABILITIES_MAX 32000 /* bytes of such a file (SINK_FILE_MAX) */

/* What the userland runs on. */
struct capabilities_below {
	const char *kernel;  /* the SHA-256 of its bzImage */
	const char *cmdline; /* all of it */
	const char *host;    /* its name */
};

/* *path, which the caller frees: where it is kept in @cache_dir, or would be, for @u on @below.
 * An error is of reading the userland's files. */
int capabilities_find(const char *cache_dir, const struct userland *u,
		      const struct capabilities_below *below, char **path, struct error *err);

/* Puts the file @path into @u, if it is there. */
void capabilities_add(struct userland *u, const char *path);

/* Keeps as @path the bytes that @hex has. -EBADMSG: it is no such text. */
int capabilities_keep(const char *path, const char *hex, struct error *err);

#endif
