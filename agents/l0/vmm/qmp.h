/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qmp.h - QEMU's monitor (docs/interop/qmp-spec.rst of QEMU): commands, answers, and the one event that
 * ends an L1. There is no JSON parser on L0: QEMU writes each answer in one line, and what is wanted of it
 * is found by its key.
 */
#ifndef AGENTS_L0_VMM_QMP_H
#define AGENTS_L0_VMM_QMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l0/vmm/lines.h"

#define QMP_LIMIT_MS 60000 /* of L0's clock, for one answer */

struct qmp {
	struct lines lines; /* of its socket; what is written goes there, too */
	int limit_ms;	    /* QMP_LIMIT_MS */
	char shutdown[32];  /* the reason that the event SHUTDOWN gave; "" if it has not come */
	char error[256];    /* "desc" of the last command that was refused */
	unsigned int owed;  /* answers that nobody waits for: to qmp_send() */
	uint64_t stop_us,
		resume_us; /* when the guest stopped and ran on last, by L0's clock; 0: never */
};

/* Takes the greeting of the monitor on the socket @fd and ends its negotiation. */
int qmp_open(struct qmp *q, int fd);

/*
 * Sends {"execute":"@command","arguments":{@arguments}} (@arguments may be "") and waits for the answer, of which
 * @reply gets what follows {"return":. 0; -EPROTO: QEMU refused it, and q->error says why; -EPIPE: QEMU is
 * gone; -ETIMEDOUT; or another errno.
 */
int qmp_execute(struct qmp *q, const char *command, const char *arguments, char *reply,
		size_t size);

/* The same without waiting for an answer, which is dropped when it comes: QEMU cannot give it before somebody has read what it
 * writes elsewhere. */
int qmp_send(struct qmp *q, const char *command, const char *arguments);

/* Gives QEMU a descriptor of ours under a name: command getfd, with @fd beside it (SCM_RIGHTS). */
int qmp_give(struct qmp *q, const char *name, int fd);

/* Reads what has come without waiting, events alone. 0, or -EPIPE. */
int qmp_read_events(struct qmp *q);

/* The number after "@key": in @reply. */
bool qmp_number(const char *reply, const char *key, uint64_t *value);
/* Is "@key": "@value" in @reply? */
bool qmp_says(const char *reply, const char *key, const char *value);

/* Waits until the guest runs: the event RESUME, or until @limit_ms have passed (-ETIMEDOUT). */
int qmp_wait_for_resume(struct qmp *q, int limit_ms);

/* Where guest-physical @gpa is in QEMU's address space; as of qmp_execute(). */
int qmp_host_address(struct qmp *q, uint64_t gpa, uint64_t *address);

#endif
