/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slack.h - room in the caches that L0's kernel takes small objects from. A page of unmanaged memory that it maps costs it two: a memtype
 * (of 64 bytes) and a vm_struct (of 96), which it frees again as it unmaps the page. The kernels of the emulated host have SLUB_TINY, which
 * keeps no empty page of objects: if all pages of a cache happen to be full, each mapping makes one of 64 (42) objects, and each unmapping
 * frees it. Whether they are full is decided by all that was allocated before and is still there: the same switch was 22,090 and 23,432
 * instructions, and stayed so for as many measurements as nothing else took or gave an object.
 */
#ifndef AGENTS_L0_VMM_SLACK_H
#define AGENTS_L0_VMM_SLACK_H

#define SLACK_OBJECTS 64 /* of each size that are taken and given back */
#define SLACK_KEPT \
	16 /* every so many stays, so that the page that it is in does not become empty */

/*
 * Leaves free objects of both sizes in pages that are not empty, by files in @directory: a name that does not fit into a dentry is an
 * object of its own. What an earlier call left is replaced. The kernel frees the rest after a tick or two. What cannot be made is left
 * out: it is noise that is kept away, no more. 256 links made and removed.
 */
void slack_make(const char *directory);

#endif
