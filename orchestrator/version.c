// SPDX-License-Identifier: GPL-2.0-only
/* A file of its own: only this one is compiled again when the version changes. */
#include "orchestrator/version.h"

const char nestlab_version[] = NESTLAB_VERSION;
