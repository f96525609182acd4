/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slice.h - how soon a thread that wakes gets a processor. Since Linux 6.12 an ordinary thread may ask for a short slice
 * (sched(7), sched_setattr(2): sched_runtime of SCHED_OTHER): it runs before those that compute, at the price of running for less
 * at a time. It needs no right, and the thread's share of the processors stays the same. Threads and processes that it
 * starts inherit it.
 */
#ifndef COMMON_SLICE_H
#define COMMON_SLICE_H

/* For a thread that does a little and then waits. Older kernels change nothing; nor does a thread of a real-time policy. */
void slice_shorten(void);
/* As all others again. */
void slice_restore(void);

#endif
