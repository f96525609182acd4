/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - time that only goes forward, for deadlines and durations. It stands still while the
 * machine sleeps, and is not the time of day. Freestanding: the agent uses it too.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Seconds since some moment in the past. */
static inline double clock_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* The same in whole milliseconds, rounded down. */
static inline int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

#endif
