/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emulated.h - an Intel VMX machine in software: the Bochs PC emulator, one process a boot.
 *
 * Its clock counts instructions (sync=none), so boots may run side by side, one per core. Bochs runs
 * in a session of its own under a pseudo-terminal, which its text display wants; the first serial
 * port is the console, the second the record channel, both written to files. Its exit status says
 * nothing (it ends like a failure when the machine is switched off): its log tells the two apart.
 *
 * emulated_config.c: its part of a host file. emulated_probe.c: can it run? emulated.c: a boot.
 * emulated_trace.c: its instructions, one by one.
 */
#ifndef ORCHESTRATOR_HOSTS_EMULATED_H
#define ORCHESTRATOR_HOSTS_EMULATED_H

#include "orchestrator/hosts/driver.h"

extern const struct host_driver host_emulated;

/* host_config.own of an emulated host. */
struct emulated_config {
	int64_t cpus;
	int64_t megabytes;	     /* RAM in all */
	int64_t unmanaged_megabytes; /* of it hidden from the kernel (mem=) for unmanaged L1 memory */
	int64_t ips;		     /* instructions per emulated second: the TSC's rate */
};

/* The driver's methods (driver.h) of these names. */
extern const char *const host_emulated_keys[];
int host_emulated_configure(const struct json_node *file, void **own, struct error *err);
char *host_emulated_cmdline(const struct host_config *cfg, enum host_purpose purpose);
const char *host_emulated_cannot_trace(const struct host_config *cfg);
int host_emulated_probe(const struct host_config *cfg, const struct places *places,
			struct host_found *found, struct error *err);

/* The CPU that Bochs plays: the first model of 2.7 with all that KVM's nested VMX can use there. */
#define HOST_EMULATED_CPU "corei7_skylake_x"

/* Where Bochs' BIOS files are: $BXSHARE, as for Bochs itself, else /usr/share/bochs. */
const char *host_emulated_share(void);
#define HOST_EMULATED_BIOS    "BIOS-bochs-latest"
#define HOST_EMULATED_VGABIOS "VGABIOS-lgpl-latest"

#endif
