/* SPDX-License-Identifier: GPL-2.0-only */
/* port.h - serial lines and virtio ports. 0, or a negative errno. */
#ifndef AGENTS_L0_RECORDS_PORT_H
#define AGENTS_L0_RECORDS_PORT_H

#include <stddef.h>
#include <stdint.h>

/* Of @speed baud, every byte as it is. -EINVAL: no such speed. */
int port_make_raw(int fd, uint32_t speed);

/* The path of the virtio port of that name. */
int port_find(const char *name, char *path, size_t size);

#endif
