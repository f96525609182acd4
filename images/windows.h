/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * windows.h - the second medium of a Windows setup: it answers all questions, enables Hyper-V, and installs the agent
 * as a service (images/windows/). The Windows itself, and its licence, are the user's.
 */
#ifndef IMAGES_WINDOWS_H
#define IMAGES_WINDOWS_H

#include "common/error.h"

/* Writes the ISO image @path, which only its owner may read: it has the password of the machine's administrator,
 * drawn anew. @edition: as the Windows medium calls it ("Windows Server 2025 SERVERSTANDARD"); @agent: the program. */
int windows_write_medium(const char *edition, const char *agent, const char *path,
			 struct error *err);

#endif
