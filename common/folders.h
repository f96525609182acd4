/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * folders.h - NAME.json in more than one folder: what the user has of his own comes before what nestlab
 * came with, and may have the same name.
 */
#ifndef COMMON_FOLDERS_H
#define COMMON_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct folders { /* either may be NULL, or not exist: then it has no files */
	char *own;
	char *shipped;
};

/* The path of NAME + @suffix in the first folder that has it, which the caller frees; NULL: none has, or
 * @name is no plain name (fs.h). */
char *folders_find(const struct folders *f, const char *name, const char *suffix);

/* Each name once, sorted, without @suffix. Free with fs_free_names(). */
int folders_list(const struct folders *f, const char *suffix, char ***names, size_t *count,
		 struct error *err);

/* "/home/me/.config/nestlab/kernels and /usr/share/nestlab/kernels", for messages; the caller frees. */
char *folders_words(const struct folders *f);

#endif
