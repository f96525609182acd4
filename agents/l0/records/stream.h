/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.h - all records of this boot as one stream of bytes, kept to be sent again, and cut into frames
 * (agents/wire/frame.h).
 */
#ifndef AGENTS_L0_RECORDS_STREAM_H
#define AGENTS_L0_RECORDS_STREAM_H

#include <stddef.h>

#include "agents/wire/frame.h"

struct stream { /* starts zeroed */
	char *data;
	size_t len, room;
};

/* Appends a record and its newline. 0, -ENOMEM or -EMSGSIZE: longer than a stream may be. */
int stream_add(struct stream *s, const char *record, size_t len);

/* The frame that starts at @from, which is before the end. */
struct frame stream_frame(const struct stream *s, size_t from);

#endif
