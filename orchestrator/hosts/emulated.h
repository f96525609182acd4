/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emulated.h - an Intel VMX machine in software: the Bochs PC emulator, one process a boot.
 *
 * Its clock counts instructions (sync=none), so boots may run side by side, one per core. Bochs runs
 * in a session of its own under a pseudo-terminal, which its text display wants; the first serial
 * port is the console, the second the record channel, both written to files. Its exit status says
 * nothing (an ACPI power-off ends it like a failure does): its log tells the two apart.
 */
#ifndef ORCHESTRATOR_HOSTS_EMULATED_H
#define ORCHESTRATOR_HOSTS_EMULATED_H

#include "orchestrator/hosts/driver.h"

extern const struct host_driver host_emulated;

/* Can it run? A host_driver's probe(). */
int host_emulated_probe(const struct host_config *cfg, bool *ok, struct strbuf *report,
			struct strbuf *identity, struct error *err);

/* The CPU that Bochs plays: the first model of 2.7 with all that KVM's nested VMX can use there. */
#define HOST_EMULATED_CPU "corei7_skylake_x"

/* Where Bochs' BIOS files are: $BXSHARE, as for Bochs itself, else this. */
const char *host_emulated_share(void);
#define HOST_EMULATED_BIOS    "BIOS-bochs-latest"
#define HOST_EMULATED_VGABIOS "VGABIOS-lgpl-latest"

#endif
