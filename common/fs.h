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

/*
 * ---- what appears whole ----
 *
 * Who opens the name sees the old or the new, never a part, also after a power cut: the bytes are synced before the
 * name is given, and the name's folder after it. A process that is killed before that leaves nothing where the
 * file system has O_TMPFILE, for the file has no name until it is whole; elsewhere, and if it is killed just as it
 * replaces an older file, it leaves "PATH.tmp.PID.N". Folders for work in progress: common/scratch.h. No other code
 * renames (tests/style/style.t).
 */

/* A link stays, and the file that it leads to is replaced. A device, a pipe or /dev/stdout is not: -EINVAL. */
int fs_write_file(const char *path, const void *data, size_t len, struct error *err);
int fs_copy_file(const char *from, const char *to, struct error *err); /* keeps the mode */

/* For bytes that come one after the other: open, write to @fd, close. @path is no link or device: see
 * fs_find_replaceable(). */
struct fs_new_file {
	int fd;
	char *name; /* NULL: none yet */
};
int fs_new_file_open(const char *path, mode_t mode, struct fs_new_file *f, struct error *err);
/* With @ret 0 the file takes the place of @path, else it is dropped and @ret returned. Always releases @f. */
int fs_new_file_close(struct fs_new_file *f, const char *path, int ret, struct error *err);

/* For what another program wrote, on the same file system: @from takes the name @to, as a rename does. Of a folder,
 * the files must have been synced, as those of fs_write_file() are. */
int fs_publish(const char *from, const char *to, struct error *err);
/* For a folder whose files nobody synced. A folder @to that exists takes the name @from. */
int fs_publish_tree(const char *from, const char *to, struct error *err);

/* ---- */

/* write(2) until all is written: 0, or -1 with errno set (never 0: a short write is no success). */
int fs_write_all(int fd, const void *data, size_t len);

int fs_mkdir_p(const char *path, struct error *err);	 /* as mkdir -p */
int fs_remove_tree(const char *path, struct error *err); /* as rm -rf; links are not followed */
/* What goes with it, in bytes of the disk; of a file with several names (built trees share their sources) its part. */
uint64_t fs_measure_tree(const char *path);
bool fs_exists(const char *path);

/* Is @name one path component that cannot lead elsewhere: [A-Za-z0-9][A-Za-z0-9._+-]*, no "..", at
 * most 64 bytes? Names that come from outside (variants, scenarios) have to pass this. */
bool fs_is_plain_name(const char *name);

/* The folder that the file is in: "." for a plain name; the caller frees. */
char *fs_folder_of(const char *path);

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
 * @wait false, a lock held by another is -EWOULDBLOCK, after two seconds: so long it may outlive a
 * process that was killed as it started a program. While waiting a cancel (common/cancel.h) gives
 * -ECANCELED. The lock dies with the process. */
int fs_lock(const char *path, bool wait, int *fd, struct error *err);

int fs_free_bytes(const char *path, uint64_t *bytes, struct error *err); /* for this user */

/* The folder of the running program, e.g. to find nestlab-agent beside it; the caller frees. */
char *fs_program_dir(void);

#endif
