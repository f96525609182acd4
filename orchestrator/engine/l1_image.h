/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_image.h - the disk image that L1s of `l1: disk` and `l1: hyperv` boot from: the user's, whose content is a part of
 * what was measured, as the kernel of a Linux L1 is.
 */
#ifndef ORCHESTRATOR_ENGINE_L1_IMAGE_H
#define ORCHESTRATOR_ENGINE_L1_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/sha256.h"
#include "scenarios/scenarios.h"

/* It travels in the initramfs, which is in L0's memory, except where the agent runs in place. */
#define L1_IMAGE_MAX (INT64_C(2) << 30)

struct l1_image {
	char *path;	  /* absolute; NULL: there is none. Freed by l1_image_free() */
	const char *name; /* its last part */
	char sha256[SHA256_HEX];
};

/*
 * The image @path (NULL: none was named) of a run with these @plans. @in_place: the host reads the file where it is.
 * -ENODEV: a plan measures nothing without one (a skip); -EINVAL: it is no disk image that QEMU boots, or
 * too large, and the message says what to do; else the error of a system call. One that no plan wants is not looked at.
 */
int l1_image_find(const char *path, bool in_place, const struct scenario_plan *plans, size_t n,
		  struct l1_image *out, struct error *err);
void l1_image_free(struct l1_image *image);

#endif
