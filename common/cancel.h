/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cancel.h - Ctrl-C, SIGTERM and SIGHUP (unless ignored: nohup), as a flag and a file descriptor.
 *
 * cancel_install() once in main(). Work that waits polls cancel_fd() beside its own descriptors;
 * loops ask cancel_requested(). Code that notices returns -ECANCELED (via cancel_error()) and cleans
 * up on the way out; the handler never calls exit(). Writes to a pipe that nothing reads
 * and writes above a limit of file sizes fail (EPIPE, EFBIG) instead of ending the program.
 */
#ifndef COMMON_CANCEL_H
#define COMMON_CANCEL_H

#include <stdbool.h>

#include "common/error.h"

void cancel_install(void);
void cancel_request(void); /* as Ctrl-C does; before cancel_install() nothing but the flag */
bool cancel_requested(void);
int cancel_fd(void); /* readable for ever once a cancel was requested */
/*
 * What undoes something goes on after a cancel, and ends at a second Ctrl-C: then it says what is left undone.
 * SIGTERM and SIGHUP never count as the second one: timeout(1), shells and terminals send several at once.
 */
bool cancel_insisted(void);
int cancel_insisted_fd(void);	     /* readable for ever after a second Ctrl-C */
int cancel_error(struct error *err); /* sets "cancelled", returns -ECANCELED */

#endif
