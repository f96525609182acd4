/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * records.h - the way of an agent in Windows to the one on L0: plans come, and records go, through a file or a serial
 * port ("\\\\.\\COM2"). Functions that return an int give 0, or a negative errno.
 */
#ifndef AGENTS_WINDOWS_RECORDS_H
#define AGENTS_WINDOWS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "agents/l0/records/line.h"

struct records {
	void *plan, *out; /* handles; the same for a port */
	bool is_port;	  /* another plan may come */
	uint64_t next;
};

int records_open(struct records *r, const char *plan, const char *out);
/* The next plan, to its line "end ...". -ENODATA: there is none. @size bytes hold it with its NUL, or -EMSGSIZE. */
int records_read_plan(struct records *r, char *text, size_t size);
/* Sends a record, given its body: numbered and sealed. */
int records_send(struct records *r, const char *body, size_t len);
int records_send_line(struct records *r, const struct line *l);

#endif
