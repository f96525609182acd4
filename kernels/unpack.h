/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unpack.h - a file that may be compressed (gzip, bzip2, xz, zstd; told by its first bytes) as a plain
 * one. Archives give a thread as t.mbox.gz.
 */
#ifndef KERNELS_UNPACK_H
#define KERNELS_UNPACK_H

#include "common/error.h"

/* *plain is the path of the unpacked file in @dir, or a copy of @path if there was nothing to unpack. The
 * caller frees it. -EINVAL: damaged; -EFBIG: over 1 GiB. */
int unpack_file(const char *path, const char *dir, char **plain, struct error *err);

#endif
