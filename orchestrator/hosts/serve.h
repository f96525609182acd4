/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serve.h - the HTTP server that hosts fetch their images from.
 *
 * Each boot has a folder of its own under a random name that nobody can guess:
 *
 *	http://ADDRESS:PORT/boot/TOKEN/nestlab.iso	the image
 *	http://ADDRESS:PORT/boot/TOKEN/nestlab.ipxe	a script for iPXE that boots it
 *	http://ADDRESS:PORT/boot/TOKEN/records		where the agent POSTs its records, if the boot takes any
 *
 * It is there from serve_open() to serve_close(); everything else is 404, and nothing is listed. What BMCs,
 * UEFI firmware and iPXE want of a server is there: HTTP/1.1, HEAD, Content-Length, single byte ranges,
 * ETag, a plain path that ends in .iso.
 *
 * The image on the disk is the same for many boots. What belongs to one boot alone (a nonce, a key) is
 * written over a placeholder in it while it is being sent: the overlay.
 *
 * One server per address to listen on, shared by all boots of this process, with a thread of its own. The
 * functions here may be called from any thread.
 */
#ifndef ORCHESTRATOR_HOSTS_SERVE_H
#define ORCHESTRATOR_HOSTS_SERVE_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "orchestrator/hosts/line.h"

struct serve_request { /* borrowed to the end of serve_open() */
	/* How the host reaches us: "http://192.0.2.1:8085"; without a port any free one. */
	const char *base_url;
	/* NULL, or the address to listen on where it is not that one: "0.0.0.0:8085". */
	const char *listen;
	const char *image; /* ISO */
	/* NULL, or @overlay_bytes bytes to be sent in the place of those that the image has from
	 * @overlay_at on; copied. They stay within the image. */
	const char *overlay;
	size_t overlay_bytes;
	uint64_t overlay_at;
};

/* One boot's part of a server. */
struct serve_boot;

/* -EINVAL: base_url, overlay or image cannot be used; -EADDRINUSE, -EADDRNOTAVAIL and what else sockets give. */
int serve_open(const struct serve_request *req, struct serve_boot **boot, struct error *err);
/* Takes the folder away; a transfer that goes on breaks off. NULL is fine. */
void serve_close(struct serve_boot *boot);

const char *serve_image_url(const struct serve_boot *boot);
const char *serve_script_url(const struct serve_boot *boot); /* for iPXE */

/* From here on the boot takes records; they become the files of @setting. */
int serve_take_records(struct serve_boot *boot, const struct line_setting *setting,
		       struct error *err);
/* The overlay, where serve_open() was given none because it has the boot's URLs in it; before the host is
 * told of the image. */
int serve_set_overlay(struct serve_boot *boot, const char *overlay, size_t bytes, uint64_t at,
		      struct error *err);
const char *serve_records_url(const struct serve_boot *boot);
/* What has come to a boot that takes records. @heard_at: when the last good frame came, clock_seconds(). */
void serve_tell_records(struct serve_boot *boot, struct line_counts *counts, double *heard_at);

/* Who fetched the image, and how much of it. */
struct serve_tally {
	uint64_t requests;
	uint64_t bytes; /* of the image, sent so far; more than its size if it was read twice */
	char who[64];	/* address of the last one; "" */
	char agent[64]; /* its User-Agent, printable characters only; "" */
};
void serve_tell(struct serve_boot *boot, struct serve_tally *tally);

#endif
