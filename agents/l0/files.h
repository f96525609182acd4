/* SPDX-License-Identifier: GPL-2.0-only */
/* files.h - the small files of /proc and /sys, and writing to any. */
#ifndef AGENTS_L0_FILES_H
#define AGENTS_L0_FILES_H

#include <stddef.h>
#include <sys/types.h>

/* Reads up to @size - 1 bytes and adds a NUL. The length, or a negative errno (then @buf is ""). */
ssize_t file_read(const char *path, char *buf, size_t size);

/* Writes @text in one go, as settings want it. 0 or a negative errno. */
int file_write(const char *path, const char *text);

/* Writes all of it. 0 or a negative errno. */
int file_write_all(int fd, const char *buf, size_t len);

#endif
