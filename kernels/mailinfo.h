/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mailinfo.h - git's own reading of mails and of patch files with a text above the diff: where a
 * mailbox's mails begin (git mailsplit), and which part of a mail is its message and which its patch
 * (git mailinfo). `git am` does the same, with the same options.
 *
 * Only the patch part may reach anything that looks for a diff. A message may quote any number of them.
 */
#ifndef KERNELS_MAILINFO_H
#define KERNELS_MAILINFO_H

#include <stdbool.h>

#include "common/error.h"
#include "common/strbuf.h"

#define MAILINFO_MAX_BYTES (64 << 20) /* of one mail or patch file */

/* git's environment here: without the user's configuration (scissors, encodings), which must not change what
 * a mail says. NULL-terminated. */
extern const char *const mailinfo_env[];

struct mailinfo {
	char *info;	/* git's "Author: ...", "Email: ...", "Subject: ...", "Date: ..." lines */
	char *message;	/* UTF-8, as far as the mail says which charset it has */
	bool quoted_cr; /* lines in base64 or quoted-printable end with CR LF; git keeps the CR */
	struct strbuf
		patch; /* from the first line that git takes for a patch's; may have NUL bytes */
};

/*
 * Writes each mail of the mbox (or maildir, or single mail, or patch file) @path to a file of its own in
 * @dir, "0001" and on; *count is how many. @option: "--keep-cr" (else CRs at the ends of lines are dropped),
 * "--mboxrd" (as archives write it: ">From " stands for "From "), or NULL. -EINVAL: git finds no mail.
 */
int mailinfo_split(const char *path, const char *dir, const char *option, int *count,
		   struct error *err);

/* Reads the mail or patch file @path, with @dir for temporary files. -ENOMSG: git cannot read it; @err
 * ends with what git says. Free with mailinfo_free(), after an error too. */
int mailinfo_read(const char *path, const char *dir, struct mailinfo *m, struct error *err);
void mailinfo_free(struct mailinfo *m);

/* The value of a line of m->info; "" without. The caller frees. */
char *mailinfo_value(const struct mailinfo *m, const char *name);

#endif
