/* SPDX-License-Identifier: GPL-2.0-only */
/* cpus.h - sets of CPUs as the kernel writes them ("0-3,8"), and the ones that are measured on. */
#ifndef AGENTS_L0_CPUS_H
#define AGENTS_L0_CPUS_H

#include <stdbool.h>
#include <stddef.h>

#define CPUS_MAX 1024

struct cpus {
	bool has[CPUS_MAX];
	unsigned int count;
};

/* Reads a list; false if it is none or names a CPU beyond CPUS_MAX. An empty list is a list. */
bool cpus_parse(const char *list, struct cpus *out);
/* "0-3,8"; cut to fit. */
void cpus_format(const struct cpus *cpus, char *text, size_t size);
/* "ff,ffffffff": the same as a mask, as /proc/irq/default_smp_affinity wants it. */
void cpus_format_mask(const struct cpus *cpus, char *text, size_t size);

/*
 * The CPUs to measure on, and those for all the rest: the isolated ones of @isolated and the other ones
 * of @online. With none isolated the first CPU is for the rest; where there is one CPU, it is for both.
 */
void cpus_split(const struct cpus *online, const struct cpus *isolated, struct cpus *measuring,
		struct cpus *rest);

/* The CPU for the Nth thread that measures, from the measuring ones in turn; -1: anywhere, nothing
 * was split on this machine. Set once by cpus_use(), before the first measurement. */
int cpus_nth(unsigned int n);
void cpus_use(const struct cpus *measuring);

#endif
