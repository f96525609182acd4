/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * import.h - the parts of an import to each other: reading (import_read.c), trying (import_try.c), writing
 * (import.c).
 */
#ifndef KERNELS_IMPORT_H
#define KERNELS_IMPORT_H

#include "common/scratch.h"
#include "kernels/internal.h"
#include "kernels/thread.h"

struct import {
	const struct kernel_env *env;
	const struct kernel_import *what;
	struct scratch scratch; /* for temporary files */
	char *where;		/* what messages begin with: the mailbox */
	struct mailbox box;
	struct thread series;
	bool piped;	/* the mailbox came through a pipe, whose name (/dev/fd/63) says nothing */
	char *mbox;	/* the mailbox's file; NULL: patch files were given */
	bool merged;	/* some patch was merged with the base (git apply --3way) */
	char *tried_on; /* NULL: the base's sources are not at hand, so nothing was tried */
	char *base;	/* what the variant's "base" says */
};

/* Bytes of a mailbox that is read; 1 GiB, which a test lowers. */
extern size_t import_max_mbox;

/* Fills in where, box and series. */
int import_read(struct import *i, struct error *err);

/*
 * Applies the series to @base, without changing anything of it: -EBADMSG names the patch that does not
 * apply, or that git apply cannot read. @paths: the series' files. Where the base is a commit of a
 * repository here, a patch that does not apply as it is gets merged (git apply --3way) if the
 * repository has the files that it was made for; its mail's diff is then the merged one, and
 * i->merged is set.
 */
int import_try(struct import *i, const struct kernel_variant *base, char *const *paths,
	       struct error *err);

#endif
