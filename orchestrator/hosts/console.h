/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console.h - the serial line of a host, as its file says: the key "console" of every driver that has one.
 *
 *	"console": "ttyS1,115200"		port and speed, as the kernel's console= has them
 *	"console": {
 *		"device": "ttyS1", "speed": 115200,
 *		"command": ["ssh", "bmc", "console"],	whose output is the line (channel.h)
 *		"answers": false,			what it reads does not reach the host
 *		"steal": true				take it from another session that has it
 *	}
 */
#ifndef ORCHESTRATOR_HOSTS_CONSOLE_H
#define ORCHESTRATOR_HOSTS_CONSOLE_H

#include "orchestrator/hosts/driver.h"

struct host_console { /* freed by host_console_release() */
	char *device; /* "ttyS0" */
	int64_t speed;
	char **command; /* NULL: none */
	bool answers, steal;
};

/* "ttyS0,115200" if @file says nothing. -EINVAL. */
int host_console_read(const struct json_node *file, struct host_console *c, struct error *err);
void host_console_release(struct host_console *c);

/* Tells @t that records go there. */
void host_console_ticket(const struct host_console *c, struct ticket *t);

#endif
