/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pair.h - two libvirts on one host, between which the domain goes by libvirt's own peer-to-peer migration. Each is a libvirtd
 * in a mount namespace where libvirt's folders are its own: ROOT/a/etc is its /etc/libvirt, and so on; ROOT/a/sock is
 * its socket, and ROOT/a/messages what it says. They differ by host_uuid, as two hosts do.
 */
#ifndef AGENTS_LIBVIRT_PAIR_H
#define AGENTS_LIBVIRT_PAIR_H

#include <pthread.h>
#include <stdint.h>

#include "agents/libvirt/lab.h"

#define PAIR_DAEMON "/usr/sbin/libvirtd"
#define PAIR_PATH   200

/* What the side that the domain goes to does to it, while it is on its way (the parameter `fault`). */
enum pair_fault {
	PAIR_FAULT_NONE,
	PAIR_FAULT_REFUSE,
	PAIR_FAULT_KILL_QEMU,
	PAIR_FAULT_KILL_LIBVIRT
};

struct pair_side {
	struct pair *pair;
	const char *name; /* "a" or "b" */
	char root[PAIR_PATH];
	pid_t daemon; /* 0: none */
	virConnectPtr conn;
	/* of its QEMU: when it stopped and resumed the domain last, in microseconds of QEMU's clock */
	uint64_t stop_us, resume_us;
	bool is_taking; /* a QEMU is there for a domain on its way here */
};

struct pair {
	struct pair_side side[2];
	int at; /* the one that has the domain */
	enum pair_fault fault;
	pthread_mutex_t lock; /* of what libvirt's events tell, and of fault */
	pthread_cond_t told;
};

/* Starts both, and connects @lab to the first one, which is given what is in our file @capabilities (capabilities.h), NULL
 * for none. 0; -1: libvirt has said why not; or a negative errno below -1. */
int pair_open(struct lab *lab, const char *root, const char *capabilities);
/* Ends both, and QEMUs that nobody looks after. Also after an error of pair_open(). */
void pair_close(struct lab *lab);
/* Has the libvirt of @s ended? Where it is about to, that is waited for. */
bool pair_has_ended(struct pair_side *s);
/* The QEMU that a domain of @s runs in, or is to come to, ends by SIGKILL. */
void pair_kill_qemu(const struct pair_side *s);

/*
 * The order `migrate WORDS`: the domain goes to the other libvirt while it runs. WORDS: "tunnelled", by the connection of
 * the two libvirts, else by a socket of QEMU's own; and one of "refuse", "kill-qemu", "kill-libvirt" for a fault.
 * The answer is "ok moved" with the process id of its new QEMU, the microseconds of its standing still, bytes, and
 * passes over its memory; or "ok stayed WHERE" and libvirt's words, if it runs on as before. WHERE: "libvirt", the other one
 * ended; "refused", there was no QEMU for it; "way", it broke off.
 */
void pair_migrate(struct lab *lab, const char *words);
/* What it needs to hear of @s. 0, or -1: libvirt has said why not. */
int pair_listen(struct pair_side *s);

#endif
