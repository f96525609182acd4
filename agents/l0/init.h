/* SPDX-License-Identifier: GPL-2.0-only */
/* init.h - what the first process of a machine has to do. */
#ifndef AGENTS_L0_INIT_H
#define AGENTS_L0_INIT_H

/* Mounts /proc, /sys, /dev, /tmp and, where the kernel has it, debugfs; stdin, stdout and stderr
 * become the console. What cannot be mounted is told on the console, and what needs it says so. */
void init_machine(void);

void init_power_off(void) __attribute__((noreturn)); /* by ACPI */

#endif
