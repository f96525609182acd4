/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * output.h - stdout and stderr: how wide what shows them is, whether it has colours, and that what reads
 * them may go away (`nestlab ... | head`).
 */
#ifndef COMMON_OUTPUT_H
#define COMMON_OUTPUT_H

#include <stdbool.h>

/* Columns: $COLUMNS where it is a number from 20 on, else the width of the terminal at @fd, else
 * @otherwise. */
int output_columns(int fd, int otherwise);

/* May what is written to @fd have colour: a terminal that is not dumb, and no NO_COLOR? */
bool output_has_colour(int fd);

/* A terminal whose cursor can be moved? */
bool output_is_terminal(int fd);

/* To be called after a write to stderr: if it failed because nothing reads stderr any more, a cancel is
 * requested (cancel.h), so that the program cleans up and ends in output_finish(). */
void output_check_stderr(void);

/* Is nothing left that reads @fd, a pipe or a socket? */
bool output_is_abandoned(int fd);

/*
 * To be called at the end of the program, with its exit status. Flushes stdout. Returns @status, or
 * EXIT_FATAL and says so if the output could not be written. Where nothing reads stdout or stderr any more
 * and something was written to it, the program ends here by SIGPIPE, without a word, as all others in a
 * pipe do (a shell sees 141).
 */
int output_finish(int status);

#endif
