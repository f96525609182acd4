/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fs.h - files and folders: whole-file reads, atomic writes, trees, locks.
 *
 * Paths are NUL-terminated bytes. All functions return 0 or a negative errno with @err set, naming
 * the path, unless noted.
 */
#ifndef COMMON_FS_H
#define COMMON_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/strbuf.h"

/* Appends the file's bytes to @out; more than @max bytes (0: 1 GiB) is -EFBIG. A pipe is read to its end; a
 * named one that nobody writes to is empty. -ECANCELED: a cancel came meanwhile. */
int fs_read_file(const char *path, size_t max, struct strbuf *out, struct error *err);

/*
 * The file that a rename onto @path may replace, which the caller frees: a link stays, and what it leads to is
 * written. No device or pipe is replaced: a regular file would stand where /dev/null was, say; nor
 * /dev/stdout, even if it leads to a regular file: -EINVAL.
 */
int fs_find_replaceable(const char *path, char **target, struct error *err);

/* Writes to a temporary, fsyncs, gives it the name: a reader sees the old file or the new one. A
 * link stays, and the file that it leads to is replaced. A device, a pipe or /dev/stdout is not: -EINVAL.
 * The temporary has no name until it is whole where the file system has O_TMPFILE; elsewhere a process that is
 * killed leaves "PATH.tmp.PID.N". */
int fs_write_file(const char *path, const void *data, size_t len, struct error *err);

/* write(2) until all is written: 0, or -1 with errno set (never 0: a short write is no success). */
int fs_write_all(int fd, const void *data, size_t len);

int fs_copy_file(const char *from, const char *to, struct error *err); /* atomic; keeps the mode */
int fs_mkdir_p(const char *path, struct error *err);		       /* as mkdir -p */
int fs_remove_tree(const char *path, struct error *err); /* as rm -rf; links are not followed */
/* What goes with it, in bytes of the disk; of a file with several names (built trees share their sources) its part. */
uint64_t fs_measure_tree(const char *path);
bool fs_exists(const char *path);

/* Is @name one path component that cannot lead elsewhere: [A-Za-z0-9][A-Za-z0-9._+-]*, no "..", at
 * most 64 bytes? Names that come from outside (variants, scenarios) have to pass this. */
bool fs_is_plain_name(const char *name);

bool fs_has_suffix(const char *path, const char *suffix); /* with something in front of it */
/* "a/b/quick.json", ".json": "quick", which the caller frees. NULL if @path has no such suffix. */
char *fs_stem(const char *path, const char *suffix);

/* Sorted names in @dir that end in @suffix (NULL: all), without "." and "..". Free with
 * fs_free_names(). */
int fs_list(const char *dir, const char *suffix, char ***names, size_t *count, struct error *err);
/* The same names in the same order, without @suffix: "quick" of quick.json. */
int fs_list_stems(const char *dir, const char *suffix, char ***names, size_t *count,
		  struct error *err);
void fs_free_names(char **names, size_t count);

/* Takes an exclusive advisory lock on @path (created if need be). *fd is closed to release it. With
 * @wait false, a lock held by another is -EWOULDBLOCK. While waiting a cancel (common/cancel.h)
 * gives -ECANCELED. The lock dies with the process. */
int fs_lock(const char *path, bool wait, int *fd, struct error *err);

int fs_free_bytes(const char *path, uint64_t *bytes, struct error *err); /* for this user */

/* The folder of the running program, e.g. to find nestlab-agent beside it; the caller frees. */
char *fs_program_dir(void);

#endif
