/* SPDX-License-Identifier: GPL-2.0-only */
/* lab.h - the domain that the helper works on, and how it answers (main.c). */
#ifndef AGENTS_LIBVIRT_LAB_H
#define AGENTS_LIBVIRT_LAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "agents/libvirt/capabilities.h"

struct pair;

/* The thread of libvirt's events looks at what is atomic. */
struct lab {
	const char *root;	     /* the driver's folder; of a pair, its first one's */
	const char *folder;	     /* of the driver that has the domain */
	_Atomic(virConnectPtr) conn; /* to it */
	virDomainPtr domain;
	atomic_bool expects_stop; /* an order is about to stop it */
	struct capabilities capabilities;
	struct pair *pair; /* NULL: the driver is a part of this process */
};

/* @text to the file @name of the folder @dir, which is made if it is not there; its parent is. 0 or a negative errno. */
int lab_write_file(const char *dir, const char *name, const char *text);
/* What the settings of each driver are: ROOT/etc/qemu.conf. 0 or a negative errno. */
int lab_make_root(const char *root);
/* The loop that all of libvirt's events come through. 0, or -1: libvirt has said why. */
int lab_run_events(void);
/* Hears what happens to the domains of @conn. Likewise. */
int lab_hear(struct lab *lab, virConnectPtr conn);

/* One line of an answer, whatever is in @text. */
void lab_say(const char *word, const char *text);
/* libvirt's last error, or this one. */
void lab_say_error(void);
void lab_say_why(const virError *e);
/* The process id of the domain's QEMU; 0: there is none. */
pid_t lab_find_qemu(const struct lab *lab);

#endif
