/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * images.h - WHAT boots: a kernel, an initramfs with the agent and its plan -> one bootable ISO.
 *
 * The same inputs give the same bytes (fixed timestamps, owners, volume ids, order); the image is
 * cached by content in CACHE/images/HASH.iso. It boots by BIOS and by UEFI.
 */
#ifndef IMAGES_IMAGES_H
#define IMAGES_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/sha256.h"

struct image_file {	    /* a file of the initramfs */
	const char *path;   /* in the initramfs, e.g. "/selftests/vmx_apic_access_test" */
	const char *source; /* on this machine */
	unsigned int mode;  /* 0755 or 0644 */
	bool packed;	    /* an ELF program of which only what is loaded is wanted (elf_pack.h) */
};

struct image_request { /* borrowed strings */
	const char *cache_dir;
	const char *bzimage;
	const char *agent;		/* static ELF, becomes /init */
	const char *plan;		/* text, becomes /plan (agents/wire/protocol.h) */
	const char *cmdline;		/* the kernel's command line */
	const struct image_file *files; /* more files, or NULL */
	size_t nfiles;
};

struct image {
	char *path;		 /* the ISO; freed by image_free() */
	char sha256[SHA256_HEX]; /* of the ISO */
	char agent_sha256[SHA256_HEX], plan_sha256[SHA256_HEX];
};

/*
 * Errors: -ENOENT (an input or a tool is missing), -EINVAL (not a bzImage, or a path or command
 * line that cannot be used), -EIO (a tool failed: its last lines are in err), -ENOSPC, -ENOMEM,
 * -EMFILE, -ECANCELED. An unfinished image never gets into the cache.
 */
int image_build(const struct image_request *req, struct image *out, struct error *err);
void image_free(struct image *img);

/* -EINVAL: it is too long, or has a byte that means something to a boot loader. */
int image_check_cmdline(const char *cmdline, struct error *err);

/*
 * Each image has a placeholder in it, the file /ticket of the initramfs: what one boot has of its own is
 * written over it as the image is served (agents/wire/ticket.h), and the image in the cache stays the
 * same for all boots.
 */
#define IMAGE_TICKET_BYTES 1024

/* Where in the ISO at @path the placeholder is. -EINVAL: it has none, or more than one. */
int image_find_ticket(const char *path, uint64_t *offset, struct error *err);

/* Copies the ISO @from to @to (mode 0600), with @ticket (IMAGE_TICKET_BYTES) in the placeholder's place. */
int image_copy_with_ticket(const char *from, const char *to, const char *ticket, struct error *err);

#endif
