/* SPDX-License-Identifier: GPL-2.0-only */
/* secret.h - a secret by a file or by systemd: in no argument, address, log or database. */
#ifndef ORCHESTRATOR_DAEMON_MAIL_SECRET_H
#define ORCHESTRATOR_DAEMON_MAIL_SECRET_H

/* The first line of @path, or (NULL) of systemd's credential @name (LoadCredential=, $CREDENTIALS_DIRECTORY/NAME), which
 * the caller frees. NULL: there is none. Read each time: a new one counts at once. */
char *secret_read(const char *path, const char *name);

#endif
