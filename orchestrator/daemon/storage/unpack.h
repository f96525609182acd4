/* SPDX-License-Identifier: GPL-2.0-only */
/* unpack.h - bytes that may be compressed, to a file; and a file to compressed bytes. */
#ifndef ORCHESTRATOR_DAEMON_STORAGE_UNPACK_H
#define ORCHESTRATOR_DAEMON_STORAGE_UNPACK_H

#include <stddef.h>

#include "common/error.h"
#include "common/strbuf.h"

/* Writes what @body stands for (gzip, xz, zstd, bzip2, or as it is) to the file. -EFBIG: more than @max. */
int unpack_to_file(const void *body, size_t len, const char *path, size_t max, struct error *err);
/* Appends the file, as gzip. */
int pack_file(const char *path, struct strbuf *out, struct error *err);

#endif
