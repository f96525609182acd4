/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame.h - records on a way that they share or that loses and forges bytes: a serial line that is the
 * console as well, a virtio port, HTTP.
 *
 * The agent's records (protocol.h), newlines included, are one stream of bytes, counted from 0. It
 * travels in frames, each a line of its own:
 *
 *	RS f OOOOOOOO F payload MMMM...M LF		(no blanks)
 *
 *	RS	 the byte 0x1e, which no record, no kernel and no firmware sends
 *	O	 the offset of the payload in the stream, 8 hex digits
 *	F	 '+' the record goes on, '.' it ends here: a newline, which is not in the payload, counts
 *		 as its last byte; '!' it ends, and so does the stream: the agent now listens
 *	payload	 at most FRAME_PAYLOAD_MAX bytes of one record
 *	M	 the first 16 bytes of HMAC-SHA-256 of all bytes before it, RS included, by the key of the
 *		 boot (ticket.h); 32 hex digits
 *
 * Whatever else is on the line is console text. A line with RS whose code is not right was damaged, or
 * forged, or is another boot's: that cannot be told, and it is refused.
 *
 * When it has said all, the agent repeats its last frame once a second and listens for the one thing that
 * it can be told:
 *
 *	RS w OOOOOOOO UUUUUUUU MMMM...M LF	send what is from O to U; O = U = the end: all has come
 *
 * It listens at no other time: what a line receives costs interrupts, which would be measured. By HTTP
 * each answer to a POST is one of these.
 */
#ifndef AGENTS_WIRE_FRAME_H
#define AGENTS_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MARK	  '\x1e'
#define FRAME_PAYLOAD_MAX 512
#define FRAME_MAC_DIGITS  32
#define FRAME_LINE_MAX	  (11 + FRAME_PAYLOAD_MAX + FRAME_MAC_DIGITS + 1) /* the LF included */
#define FRAME_STREAM_MAX  UINT32_MAX /* bytes of a stream, at most */

struct frame {
	uint32_t offset;
	const char *payload; /* frame_parse(): in the line */
	size_t len;	     /* of the payload */
	bool ends_record;    /* a newline follows, which is part of the stream */
	bool last;	     /* of the stream; then ends_record as well */
};

/* How much of the stream a frame holds. */
static inline size_t frame_bytes(const struct frame *f)
{
	return f->len + f->ends_record;
}

/* Writes the line, with its LF, to @line (FRAME_LINE_MAX bytes); returns its length. */
size_t frame_format(const uint8_t *key, const struct frame *f, char *line);
/* Reads a line, from RS on and without its LF. 0, or -EBADMSG. */
int frame_parse(const uint8_t *key, const char *line, size_t len, struct frame *f);

/* What the agent is told. */
struct frame_want {
	uint32_t from, upto;
};

#define FRAME_WANT_MAX (2 + 16 + FRAME_MAC_DIGITS + 1)
size_t frame_want_format(const uint8_t *key, const struct frame_want *w, char *line);
int frame_want_parse(const uint8_t *key, const char *line, size_t len, struct frame_want *w);

#endif
