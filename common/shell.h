/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shell.h - command lines that people copy into a shell.
 */
#ifndef COMMON_SHELL_H
#define COMMON_SHELL_H

#include "common/strbuf.h"

/* Appends @word for a shell to take as it is, in quotes where it needs them. */
void shell_add_word(struct strbuf *out, const char *word);

/* How the user called this program, as a word for a shell: "nestlab" if it is in PATH, "build/bin/nestlab"
 * if not. What is printed for copying begins with it. "nestlab" until shell_set_program(). */
const char *shell_program(void);
void shell_set_program(const char *argv0);

#endif
