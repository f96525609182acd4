/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kexec.h - a server that runs a Linux of its own and is reached by ssh: our kernel is loaded there, jumped to,
 * and measured; afterwards it boots its own system again, as after any reset. No BMC is needed.
 *
 *	check		root, kexec, no lock-down, room (config.c: a script that changes nothing)
 *	upload		kernel and initramfs, by their hashes: once; this boot's ticket behind them
 *	load, jump	kexec -l, kexec -e: the connection breaks
 *	measure		console and records come by a command whose output is the server's serial line
 *	come back	the agent reboots at its end (nestlab.end=reboot), a panic reboots (panic=), and a kernel
 *			that hangs is reset by the watchdog that the agent has armed (nestlab.watchdog=). What
 *			hangs before the agent runs only a BMC or a person can reset
 *	wait		until its own system answers by ssh again
 *
 * ssh is the user's own, with his configuration, keys and known hosts: BatchMode, and a host key that is
 * not known is refused. Words for the server's shell come from fixed scripts on its stdin, and from a
 * host file whose folder has no character that means something to a shell.
 */
#ifndef ORCHESTRATOR_HOSTS_KEXEC_H
#define ORCHESTRATOR_HOSTS_KEXEC_H

#include "orchestrator/hosts/console.h"
#include "orchestrator/hosts/driver.h"
#include "orchestrator/hosts/process.h"

extern const struct host_driver host_kexec;

struct kexec_config {		     /* host_config.own */
	char *ssh;		     /* destination, as ssh takes it */
	char **options;		     /* more of ssh's arguments, NULL-terminated; or NULL */
	struct host_console console; /* its command is needed */
	char *directory;	     /* on the server */
	char *cmdline;		     /* more words of the kernel's command line; NULL: none */
	int64_t watchdog_s, return_limit_s;
};

extern const char *const kexec_keys[];
int kexec_configure(const struct json_node *file, void **own, struct error *err);
void kexec_free_config(void *own);
char *kexec_cmdline(const struct host_config *cfg, enum host_purpose purpose);
int kexec_probe(const struct host_config *cfg, const struct places *places,
		struct host_found *found, struct error *err);

int kexec_rescue(const struct host_config *cfg, struct strbuf *did, struct error *err);

/* The script that says what the server lacks ("missing WHAT: REMEDY"), which boot it is in ("boot ID"), and what
 * it has already ("has HASH"). The caller frees. */
char *kexec_check_script(const struct kexec_config *c);
#define KEXEC_SSH_LOST 255 /* ssh's own exit status: the connection failed, or broke */

/* ssh's argument vector for @command in the server's shell; free() it, the strings are borrowed. */
const char **kexec_ssh_argv(const struct kexec_config *c, const char *command);

/* Takes kernel and initramfs out of the ISO @image, to two files. */
int kexec_extract(const char *image, const char *kernel, const char *initrd, struct error *err);
/* Writes an initramfs of one file, /ticket: one that follows another one replaces its files. */
int kexec_write_ticket(const char *path, const char *ticket, size_t len, struct error *err);

#endif
