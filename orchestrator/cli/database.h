/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * database.h - what the commands that read results share: which file, and what a verdict's exit
 * status is.
 */
#ifndef ORCHESTRATOR_DATABASE_H
#define ORCHESTRATOR_DATABASE_H

#include <stdbool.h>

#include "results/store/store.h"

/* The value of --db, or the default: results/nestlab.db of the checkout, and for an installed
 * nestlab $XDG_DATA_HOME/nestlab/nestlab.db (~/.local/share). The caller frees. */
char *database_path(const char *option);

/* 0, EXIT_NO (a regression, or the new kernel failed boots that the base passed) or
 * EXIT_CANNOT_TELL. */
int database_exit_status(const struct results_comparison *c);

/* May stdout have colour: a terminal, and no NO_COLOR? */
bool database_colour(void);

#endif
