/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * channel.h - the way out: records are numbered, sealed (agents/wire/protocol.h) and sent, plain on a line
 * of their own, or in frames (agents/wire/frame.h) on a line that is shared, a virtio port, or by HTTP.
 */
#ifndef AGENTS_L0_RECORDS_CHANNEL_H
#define AGENTS_L0_RECORDS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l0/records/line.h"
#include "agents/l0/records/stream.h"
#include "agents/wire/ticket.h"

struct channel;

/* How frames travel. */
struct channel_way {
	/* Sends what is new in the stream. An error that may pass is none: the rest is sent later. */
	int (*push)(struct channel *c);
	/* Until all has arrived, or nobody wants it any more. */
	void (*finish)(struct channel *c);
};

struct channel {
	int fd; /* HTTP: the connection, or -1 */
	bool tty;
	uint64_t next;		       /* sequence number of the next record */
	const struct channel_way *way; /* NULL: plain */
	struct ticket ticket;	       /* of framed ones */
	struct stream stream;
	size_t sent;	 /* bytes of the stream; HTTP: that have arrived */
	double retry_at; /* HTTP: no attempt before (clock_seconds()) */
};

/* Plain. A serial line is made raw, 115200 baud; a file is created or emptied. 0 or a negative errno. */
int channel_open(struct channel *c, const char *path);
/* Where the ticket says. 0 or a negative errno. */
int channel_open_ticket(struct channel *c, const struct ticket *t);

/* Sends one record, given its body. 0 or a negative errno. */
int channel_send(struct channel *c, const char *body, size_t len);
int channel_send_line(struct channel *c, const struct line *l); /* likewise; -EMSGSIZE if full */

/* Waits until the last byte has left: before something is timed, and before power-off. */
void channel_drain(struct channel *c);

/* After the last record: waits until all has arrived, where that can be known. */
void channel_finish(struct channel *c);

/* ---- for the ways ---- */

extern const struct channel_way channel_framed; /* framed.c: serial line, virtio port */
/* So often is the last frame repeated while the agent listens; a test need not wait that long. */
extern double framed_beat_s;
extern const struct channel_way channel_upload; /* upload.c: HTTP */

#endif
