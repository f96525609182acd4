/* SPDX-License-Identifier: GPL-2.0-only */
/* patch.h - the files that a patch names in its headers. This is the only reader of these
 * headers. */
#ifndef KERNELS_PATCH_H
#define KERNELS_PATCH_H

#include <stdbool.h>

#include "common/error.h"

struct patch_path {
	const char *raw; /* as it stands there: "b/kernel/fork.c", or "kernel/fork.c" in a rename */
	const char *path; /* as `patch -p1` takes it: "kernel/fork.c"; within raw */
	bool old;	  /* "---", "rename from", "copy from": not the file's name afterwards */
};

/* Calls @each with each path that the patch @text names (/dev/null is not one), in order; most are named
 * twice, old and new. Stops when @each returns something other than 0, and returns that. */
int patch_each_path(const char *text, int (*each)(const struct patch_path *p, void *arg),
		    void *arg);

/* The same for a file of at most 64 MiB; also a negative errno with @err set, if it cannot be read. */
int patch_file_each_path(const char *file, int (*each)(const struct patch_path *p, void *arg),
			 void *arg, struct error *err);

#endif
