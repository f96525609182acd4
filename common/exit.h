/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exit.h - exit statuses of the programs, which are those of git and of `git bisect run`: 0 done, else
 * one of these.
 */
#ifndef COMMON_EXIT_H
#define COMMON_EXIT_H

#define EXIT_NO		 1   /* the answer is "no": a regression, a failed run */
#define EXIT_CANNOT_TELL 125 /* `git bisect run` skips the commit */
#define EXIT_FATAL	 128 /* it could not be done; `git bisect run` stops */
#define EXIT_USAGE	 129 /* the command line is wrong */

#endif
