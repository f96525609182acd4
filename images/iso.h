/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iso.h - kernel + initramfs + command line -> an ISO 9660 image that boots by BIOS and by UEFI.
 *
 * BIOS firmware starts ISOLINUX (El Torito, no emulation); UEFI firmware starts GRUB from a FAT image
 * beside it. Both load the same kernel and initramfs, with the same command line, and ask nothing.
 */
#ifndef IMAGES_ISO_H
#define IMAGES_ISO_H

#include "common/error.h"
#include "common/strbuf.h"

struct iso_request {	     /* borrowed strings */
	const char *id;	     /* plain name, part of the paths on the disc: tells discs apart */
	const char *bzimage; /* on this machine */
	const char *initramfs;
	const char *cmdline;
	const char *work_dir; /* exists, empty: for what is made on the way */
};

/* Writes the image to @path. */
int iso_write(const struct iso_request *req, const char *path, struct error *err);

/* Appends a line for each file of this machine's that becomes part of an image (boot loaders), with
 * its hash. -ENOENT names what is not installed, and the package that has it. */
int iso_describe_parts(struct strbuf *out, struct error *err);

#endif
