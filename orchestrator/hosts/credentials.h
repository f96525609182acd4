/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * credentials.h - user and password of a BMC: never in a host file, on a command line, in the environment, a
 * log, an error or the database.
 *
 * Where they are, as a host file names it:
 *
 *	file:/etc/nestlab/bmc/rack3.cred	a file that only its owner, us or root, can read
 *	systemd:rack3				a credential of our service: $CREDENTIALS_DIRECTORY/rack3
 *
 * Either has two lines: user=NAME and password=TEXT.
 */
#ifndef ORCHESTRATOR_HOSTS_CREDENTIALS_H
#define ORCHESTRATOR_HOSTS_CREDENTIALS_H

#include "common/error.h"

struct credentials { /* freed, and wiped, by credentials_release() */
	char *user, *password;
};

/* Is it one of the two forms? -EINVAL says what is expected. */
int credentials_check(const char *where, struct error *err);

/* From here on this process leaves no core dump, and no other one of the same user can look into it: what
 * libraries copy of a password is out of our hands. -ENOENT, -EACCES (others may read the file), -EINVAL. */
int credentials_read(const char *where, struct credentials *c, struct error *err);
void credentials_release(struct credentials *c);

#endif
