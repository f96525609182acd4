/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capabilities.h - what libvirt found out about QEMU, kept from one boot to the next.
 *
 * libvirt asks each QEMU that it meets what it can do, which takes more instructions than all else that it does here, and keeps
 * the answer in ROOT/cache/qemu/capabilities/NAME.xml. It takes that file again where host, kernel, libvirt and QEMU
 * are the same; the last two it knows by the times of their files. An image's files are as old as its
 * boot, so those times are set to what they are here; that the files are the same is the business of who puts
 * ours into an image (images/capabilities.h).
 *
 * Ours is that file behind a line with its name, compressed (gzip).
 */
#ifndef AGENTS_LIBVIRT_CAPABILITIES_H
#define AGENTS_LIBVIRT_CAPABILITIES_H

#include <time.h>

/* What libvirt takes for itself; a daemon takes the newer one of this and its own program. */
#define CAPABILITIES_DRIVER \
	"/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so"

struct capabilities {
	struct timespec given; /* when the file that libvirt was given was written; 0: none was */
};

/* Gives libvirt, whose driver's folder is @root, what is in our file @from. That it is not there, or is no such
 * file, is no error: libvirt finds out anew. @daemon: the program that has loaded the driver; NULL: this one. */
void capabilities_give(struct capabilities *c, const char *root, const char *from,
		       const char *daemon);

/* Gives the libvirt of @to what that of @from has found out, if it has nothing yet. */
void capabilities_share(const char *from, const char *to);

/* Once a domain was started: did libvirt find out anew? Then it is written to our file @to. 1: so it was; 0: libvirt took
 * what it was given; or a negative errno. */
int capabilities_take(const struct capabilities *c, const char *root, const char *to);

#endif
