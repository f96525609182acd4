/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crossing.h - an L1 crosses, while it runs, from one L0 host to another: the memory that the agents of both boots and the
 * orchestrator share for that.
 *
 * Each agent has an area of CROSSING_BYTES in memory that its kernel does not manage: chunks, each of them on a
 * boundary of CROSSING_CHUNK and in one piece wherever the machine's owner keeps it. It prepares all of them (FREE, with
 * the id of its measurement) and then sends the record `crossing` (protocol.h); the orchestrator looks for the chunks in
 * both machines' memory and carries what is in one over to the other (orchestrator/engine/carrier.h).
 *
 * The first CROSSING_RING chunks are a ring, from the source to the destination: QEMU's migration stream, in messages. The
 * last one is the way back, for one message at a time. A chunk has one owner at a time: FREE is the sender's, who writes it and makes it
 * FULL, which is the receiver's, who reads it and makes it FREE again. At the source the agent is the sender of the ring
 * and the orchestrator its receiver; at the destination it is the other way round.
 *
 *	destination -> source		READY
 *	source -> destination		DATA ... DATA STOPPED DATA ... DATA END, or FAILED at any point
 *	destination -> source		ARRIVED after END, or FAILED at any point
 *
 * FAILED comes from the orchestrator where the other host has ended or does not measure this any more.
 *
 * A saved L1 that goes from one boot to a later one takes another way, whole and at once: agents/l0/vmm/handover.h, which
 * says why the two are not one.
 */
#ifndef AGENTS_WIRE_CROSSING_H
#define AGENTS_WIRE_CROSSING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CROSSING_MAGIC 0x676e6973736f7263ull /* "crossing" */
#define CROSSING_CHUNK 0x10000u
#define CROSSING_RING  255u
#define CROSSING_BACK  CROSSING_RING /* index of the chunk of the way back */
#define CROSSING_BYTES ((size_t)CROSSING_CHUNK * (CROSSING_RING + 1))
#define CROSSING_TEXT  512 /* bytes of a reason, at most */
#define CROSSING_ROOM  (CROSSING_CHUNK - sizeof(struct crossing_chunk))
#define CROSSING_LIMIT_S \
	20000 /* of L0's clock, which is fast where a machine idles: who waits for the other host waits so long */

enum crossing_state { CROSSING_FREE = 1, CROSSING_FULL };

enum crossing_kind {
	CROSSING_DATA = 1, /* of QEMU's stream */
	CROSSING_STOPPED,  /* L1 stands still: all that follows was sent meanwhile */
	CROSSING_END,	   /* of the stream, which is whole */
	CROSSING_READY,	   /* the destination takes what comes */
	CROSSING_ARRIVED,  /* L1 runs there */
	CROSSING_FAILED,   /* the other side gave up: a text that says why */
};

struct crossing_chunk { /* its bytes follow */
	uint64_t magic;
	uint32_t index, id; /* of the chunk; of the measurement */
	uint32_t state;	    /* enum crossing_state; written last */
	uint32_t kind;	    /* enum crossing_kind, of FULL ones */
	uint32_t len, sum;  /* of the bytes: crossing_sum() */
};

/*
 * Are the bytes those that were sent? That they come from memory to memory no hardware damages: this finds a chunk that was
 * carried in pieces of two messages. L1 stands still while the source computes it, so it takes half an
 * instruction a byte, where a CRC-32 takes fourteen.
 */
static inline uint32_t crossing_sum(const void *bytes, size_t len)
{
	const char *p = (const char *)bytes;
	uint64_t sum = len;

	for (; len >= sizeof(sum); p += sizeof(sum), len -= sizeof(sum)) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		sum = (sum << 5 | sum >> 59) + word;
	}
	for (; len; len--)
		sum = (sum << 5 | sum >> 59) + (unsigned char)*p++;
	return (uint32_t)(sum ^ sum >> 32);
}

#endif
