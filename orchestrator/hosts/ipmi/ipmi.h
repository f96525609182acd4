/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ipmi.h - a server by its BMC's IPMI: power, one-time boot device, serial over LAN.
 *
 * IPMI cannot bring an image to a host. Either the host boots from the network (PXE, HTTP boot) what our
 * server (serve.h) has, by a boot script that is put where the site's TFTP or web server has it; or
 * something else serves the image from a file that we write (a virtual drive on NFS or SMB).
 *
 * config.c: its part of a host file. probe.c: can it run? tool.c: ipmitool. sol.c: the line. ipmi.c: a boot.
 */
#ifndef ORCHESTRATOR_HOSTS_IPMI_IPMI_H
#define ORCHESTRATOR_HOSTS_IPMI_IPMI_H

#include "orchestrator/hosts/driver.h"

extern const struct host_driver host_ipmi;

#endif
