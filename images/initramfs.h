/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * initramfs.h - the root file system that L0 boots into: a newc cpio archive (the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst), the same bytes for the same files.
 *
 * It holds /init (the agent), /plan, /ticket (a placeholder), /dev/console, and the request's further files with the
 * directories they need. It is not compressed: reading it from the disc costs the emulated machine
 * less than unpacking it would.
 */
#ifndef IMAGES_INITRAMFS_H
#define IMAGES_INITRAMFS_H

#include "common/error.h"
#include "images/images.h"

/* IMAGE_TICKET_BYTES bytes that are nowhere else in an image. */
void initramfs_placeholder(char *text);

int initramfs_write(const struct image_request *req, const char *path, struct error *err);

#endif
