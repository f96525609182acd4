/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lines.h - what another process says, line by line: QEMU's monitor on a socket, libvirt's helper in a pipe. Bytes are taken as they
 * come, so that the descriptor can be waited for beside others.
 */
#ifndef AGENTS_L0_VMM_LINES_H
#define AGENTS_L0_VMM_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define LINES_MAX 16384 /* bytes of a line */

struct lines {
	int fd;
	size_t len;
	char buf[LINES_MAX];
};

/* More bytes, within @limit_ms: 0; -ETIMEDOUT; -EPIPE: whoever spoke is gone; -EMSGSIZE: there are LINES_MAX bytes, which
 * lines_take() has to make room in, or a line is longer than that; or another errno. */
int lines_read(struct lines *l, int limit_ms);

/* The first line, without its end, to @line; false: it is not all there. */
bool lines_take(struct lines *l, char *line, size_t size);

#endif
