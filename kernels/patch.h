/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * patch.h - what a patch says: where its diff is, and which files that is about. The one place that
 * reads either.
 *
 * A patch file is a diff, or a text with a diff below it: a mail as git format-patch writes it, a quilt
 * patch with its description. The text may quote diffs; they are not applied. Which part is the diff
 * is git mailinfo's decision, and within that part `git apply` decides what begins a file's diff; so
 * does patch_each_path(), which passes over the bodies of hunks and whatever stands between files.
 */
#ifndef KERNELS_PATCH_H
#define KERNELS_PATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/strbuf.h"

struct patch_path {
	const char *raw; /* as it stands there: "b/kernel/fork.c", or "kernel/fork.c" in a rename */
	const char *path; /* as `git apply` takes it: "kernel/fork.c"; within raw */
	bool old;	  /* "---", "rename from", "copy from": not the file's name afterwards */
};

/*
 * Appends the diff of the patch file @file to @diff: git mailinfo's patch part. CRs at the ends of lines
 * stay, unless the file's first line has one too. A file without a diff adds nothing, or text in which
 * patch_length() finds none. -EBADMSG: the file holds several mails, or a NUL byte.
 */
int patch_read(const char *file, struct strbuf *diff, struct error *err);

/*
 * Calls @each with each path that the diff names (/dev/null is not one), in order; most are named twice,
 * old and new. Stops when @each returns something other than 0, and returns that.
 */
int patch_each_path(const char *diff, int (*each)(const struct patch_path *p, void *arg),
		    void *arg);

/* Bytes of @diff up to the end of its last hunk (what follows is a signature or a list's footer); 0 if
 * no file's diff is in it. */
size_t patch_length(const char *diff);

#endif
