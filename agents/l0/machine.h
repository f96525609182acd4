/* SPDX-License-Identifier: GPL-2.0-only */
/* machine.h - what makes the numbers of a machine with a real clock comparable, for the hello record. */
#ifndef AGENTS_L0_MACHINE_H
#define AGENTS_L0_MACHINE_H

#include "agents/l0/records/line.h"

/*
 * Adds ,"machine":{...}: strings, "" where this machine does not tell: vendor (DMI), board, bios (its
 * version), microcode, smt, turbo ("on", "off"), governor, driver (cpufreq's), clocksource, memory_mib,
 * numa_nodes, isolated, hypervisor ("yes": this is a virtual machine), halt_poll_ns, thp, ksm, numa_balancing;
 * and mitigations (an object of names, as /sys/devices/system/cpu/vulnerabilities has them).
 */
void machine_describe(const char *root, struct line *l);

#endif
