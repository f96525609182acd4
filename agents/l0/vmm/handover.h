/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover.h - a saved L1 leaves this boot, or comes from another one, of another kernel: through the memory that
 * L0's kernel does not manage. Whoever owns the machine's memory takes the state out and puts it in while the
 * agent waits; on the emulated host that is tests/bench/l1-relay.py, which finds the chunks in the emulator's memory.
 *
 * The area is an array of chunks, each on a page boundary and in one piece wherever the emulator keeps it.
 *
 * Not to be confused with agents/wire/crossing.h, where both boots live at once and a stream of any length goes through a
 * ring, with a way back. Here the boot that sends is gone before the one that receives begins, so all of the state must
 * lie in the area at one time (65 MB at most), nobody can answer, and the bytes may rest in a file between two kernels: hence
 * a count, one state for all chunks and a CRC-32, for L1 is saved and nothing waits for the sum. The two would share a magic
 * number and an index; one format for both would have fields that half of its users must not touch.
 */
#ifndef AGENTS_L0_VMM_HANDOVER_H
#define AGENTS_L0_VMM_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include "agents/l0/records/sink.h"

#define HANDOVER_MAGIC	     0x7265766f646e6168ull /* "handover" */
#define HANDOVER_CHUNK	     0x10000u
#define HANDOVER_CHUNKS	     1024u
#define HANDOVER_CHUNK_BYTES (HANDOVER_CHUNK - sizeof(struct handover_chunk))

enum handover_state {
	HANDOVER_FULL = 1, /* by the agent: to be taken out */
	HANDOVER_TAKEN,	   /* by the owner, in chunk 0, when it has all */
	HANDOVER_EMPTY,	   /* by the agent: to be filled */
	HANDOVER_FILLED,   /* by the owner, in chunk 0 after all others */
};

struct handover_chunk {
	uint64_t magic;
	uint32_t index, count; /* of all chunks that are in use */
	uint32_t state;	       /* enum handover_state; written last */
	uint32_t len, crc;     /* of the bytes behind it (common/crc32.h) */
	uint32_t unused;
};

#define HANDOVER_BYTES	 ((size_t)HANDOVER_CHUNK * HANDOVER_CHUNKS)
#define HANDOVER_LIMIT_S 20000 /* of L0's clock, that they wait for the owner */

/* All return 0, VM_SAID when the sink was told why not, or a negative errno about which nothing was said: -EFBIG, the
 * area does not hold it. */

/* The contents of file @fd, from its start. */
int handover_send(int fd, struct sink *s);
/* What comes is written to file @fd. */
int handover_receive(int fd, struct sink *s);

/* The same through @area, HANDOVER_BYTES of any memory. */
int handover_send_through(int fd, char *area, struct sink *s);
int handover_receive_through(int fd, char *area, struct sink *s);

#endif
