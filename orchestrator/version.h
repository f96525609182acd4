/* SPDX-License-Identifier: GPL-2.0-only */
/* version.h - which nestlab this is. */
#ifndef ORCHESTRATOR_VERSION_H
#define ORCHESTRATOR_VERSION_H

extern const char nestlab_version[]; /* what `git describe --always --dirty` said at the build */

#endif
