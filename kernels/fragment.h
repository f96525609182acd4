/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fragment.h - fragments of a kernel configuration: reading them, and writing their lines.
 *
 *	CONFIG_KVM=y
 *	CONFIG_NR_CPUS=8
 *	# CONFIG_SMP is not set
 *
 * Empty lines and other comments are passed over; blanks and a CR at the end of a line too. Anything
 * else is an error that names file and line.
 */
#ifndef KERNELS_FRAGMENT_H
#define KERNELS_FRAGMENT_H

#include <stddef.h>

#include "common/error.h"
#include "common/strbuf.h"

struct kernel_option {
	char *name;  /* "CONFIG_KVM" */
	char *value; /* "y", "8", "\"text\""; "n" for "is not set" */
	char *file;  /* where it is asked for */
	int line;
};

/* What one or several fragments ask for; each option is in it once. Start with {0}. */
struct kernel_fragment {
	struct kernel_option *options; /* in the order in which they were first mentioned */
	size_t count;
};

/* Adds what @path asks for: of two lines for one option the later counts. -EINVAL: a line is wrong.
 * The lines before it are in @f then. */
int kernel_fragment_read(struct kernel_fragment *f, const char *path, struct error *err);
/* Adds one line; @file and @number say in errors where it is from. */
int kernel_fragment_take(struct kernel_fragment *f, const char *line, const char *file, int number,
			 struct error *err);
void kernel_fragment_free(struct kernel_fragment *f); /* it is {0} again */

/* NULL: @f does not mention it. */
const struct kernel_option *kernel_fragment_find(const struct kernel_fragment *f, const char *name);

/* Appends the line that asks for @value, with its newline. */
void kernel_fragment_add_line(struct strbuf *out, const char *name, const char *value);

#endif
