/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * channel.h - the way out: records are numbered, sealed (agents/wire/protocol.h) and written.
 */
#ifndef AGENTS_L0_CHANNEL_H
#define AGENTS_L0_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l0/line.h"

struct channel {
	int fd;
	bool tty;
	uint64_t next; /* sequence number of the next record */
};

/* A serial line is made raw, 115200 baud; a file is created or emptied. 0 or a negative errno. */
int channel_open(struct channel *c, const char *path);

/* Sends one record, given its body. 0 or a negative errno. */
int channel_send(struct channel *c, const char *body, size_t len);
int channel_send_line(struct channel *c, const struct line *l); /* likewise; -EMSGSIZE if full */

/* Waits until the last byte has left: before something is timed, and before power-off. */
void channel_drain(struct channel *c);

#endif
