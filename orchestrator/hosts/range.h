/* SPDX-License-Identifier: GPL-2.0-only */
/* range.h - the Range header of an HTTP request (RFC 9110, section 14). */
#ifndef ORCHESTRATOR_HOSTS_RANGE_H
#define ORCHESTRATOR_HOSTS_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* What a Range header asks for. */
struct range {
	uint64_t from, length;
	bool partial;
};

/* "bytes=5-9", "bytes=5-", "bytes=-9", of @size bytes. What is not one range of bytes is left aside, as the
 * RFC has it, and so is NULL. False: it lies behind the end. */
bool range_read(const char *text, uint64_t size, struct range *r);

#endif
