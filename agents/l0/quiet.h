/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * quiet.h - a machine with a real clock made quiet: what would disturb or vary a measurement is switched
 * off, and put back afterwards. On the emulated clock none of it is needed, and none of it is done.
 *
 * Each setting is a file of /sys or /proc (quiet.c has the table). Before one is changed its old value
 * goes into a journal on the disk, so that it can be put back even if the agent is killed: by
 * quiet_restore() with that journal, in whichever process. A journal of another boot of the machine is
 * worth nothing, as the settings went with that boot: it is dropped. Not in the journal, because it
 * goes with the process: the limit on idle states (/dev/cpu_dma_latency).
 *
 * What stays as it is: other processes are not moved off the measuring CPUs (only interrupts and kernel
 * work are), and nothing of the firmware is touched.
 */
#ifndef AGENTS_L0_QUIET_H
#define AGENTS_L0_QUIET_H

#include <stddef.h>

#include "agents/l0/cpus.h"

#define QUIET_LIST_MAX 512

struct quiet {
	const char *root;    /* "", or where a test has its /proc, /sys and /dev */
	const char *journal; /* a file, or NULL: nothing is to be put back (process 1) */
	struct cpus measuring, rest;
	int journal_fd;		      /* -1: none */
	int latency_fd;		      /* holds /dev/cpu_dma_latency at 0, or -1 */
	char not_set[QUIET_LIST_MAX]; /* names of the settings that this machine refused, or "" */
};

/*
 * Makes the machine quiet. 0, or a negative errno with @why: the journal cannot be written or holds what
 * another run has to put back; then nothing was changed. What the machine does not have is passed over, what it refuses is
 * in not_set.
 */
int quiet_begin(struct quiet *q, char *why, size_t len);
/* Puts everything back, the last change first. What could not be put back is told on stderr, and
 * its journal stays. 0 or a negative errno. */
int quiet_end(struct quiet *q);
/* The same for what a killed agent left. 0 if there is nothing (left) to put back; -EBUSY: the agent that
 * keeps this journal is alive. */
int quiet_restore(const char *root, const char *journal);

#endif
