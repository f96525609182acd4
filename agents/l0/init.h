/* SPDX-License-Identifier: GPL-2.0-only */
/* init.h - what the first process of a machine has to do. */
#ifndef AGENTS_L0_INIT_H
#define AGENTS_L0_INIT_H

/*
 * Mounts /proc, /sys, /dev, /tmp and, where the kernel has it, debugfs; stdin, stdout and stderr
 * become the console. What cannot be mounted is told on the console, and what needs it says so.
 *
 * "nestlab.watchdog=SECONDS" in the kernel's command line arms the watchdogs (watchdog.h): a boot that is not at
 * its end by then has hung, and the machine is reset.
 */
void init_machine(void);

/*
 * The emulator (Bochs) switches itself off when this word is written to this port, one byte at a
 * time. The emulated host's kernel has no ACPI: its reboot(RB_POWER_OFF) halts the CPU for ever.
 */
#define INIT_EMULATOR_OFF_PORT 0x8900
#define INIT_EMULATOR_OFF_WORD "Shutdown"

/* On the emulated host by the port, through /dev/port (CONFIG_DEVPORT); else by reboot(2). With
 * "nestlab.end=reboot" in the kernel's command line it is a reset: the machine boots its own system. */
void init_power_off(void) __attribute__((noreturn));

#endif
