/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ticket.h - what one boot has of its own: a nonce, by which its `hello` is known; a key, by which its
 * records are; and where the records go.
 *
 * The ticket is the file /ticket of the initramfs, TICKET_BYTES long. In a cached image it is a
 * placeholder (images/images.h); whoever serves the image to a host overwrites that, so that the image
 * in the cache is the same for all boots. Text, lines of KEY=VALUE, filled up with newlines:
 *
 *	nestlab-ticket 1
 *	nonce=32 hex digits
 *	key=64 hex digits
 *	channel=line		one of enum ticket_channel
 *	device=/dev/ttyS0	line: the serial port; port: the virtio port's name; http: the URL
 *	speed=115200		line only
 *	answers=1		may the agent wait for what it is told? (frame.h)
 *	end
 *
 * With a placeholder, or without the file, the agent writes plain records to the second serial port.
 */
#ifndef AGENTS_WIRE_TICKET_H
#define AGENTS_WIRE_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/wire/hmac.h"

#define TICKET_BYTES	    1024
#define TICKET_PATH	    "/ticket"
#define TICKET_NONCE_DIGITS 32

enum ticket_channel {
	TICKET_PLAIN, /* a serial port of its own: plain records */
	TICKET_LINE,  /* a serial port that is the console as well: frames */
	TICKET_PORT,  /* a virtio-serial port: frames */
	TICKET_HTTP,  /* POSTs of frames */
};

struct ticket {
	char nonce[TICKET_NONCE_DIGITS + 1];
	uint8_t key[HMAC_KEY_BYTES];
	enum ticket_channel channel;
	char device[512];
	uint32_t speed;
	bool answers;
};

/* Writes all TICKET_BYTES. 0, or -EINVAL: a device that is too long, or has a newline in it. */
int ticket_format(const struct ticket *t, char text[TICKET_BYTES]);

/* 0; -ENOENT: a placeholder; -EINVAL: anything else. @text need not end in NUL. */
int ticket_parse(const char *text, size_t len, struct ticket *t);

#endif
