/* SPDX-License-Identifier: GPL-2.0-only */
/* splitmix.h - splitmix64 (Steele, Lea, Flood, 2014): neighbouring numbers give unrelated ones. */
#ifndef COMMON_SPLITMIX_H
#define COMMON_SPLITMIX_H

#include <stdint.h>

static inline uint64_t splitmix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

#endif
