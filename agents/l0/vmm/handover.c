// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/handover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/l0/files.h"
#include "agents/l0/vm.h"
#include "common/clock.h"
#include "common/crc32.h"

#define LOOK_US	 20000
#define ALIVE_MS 20000 /* of L0's clock, which runs fast while all wait */

static struct handover_chunk *chunk_at(char *area, uint32_t i)
{
	return (void *)(area + (size_t)i * HANDOVER_CHUNK);
}

static void set_state(struct handover_chunk *c, enum handover_state state)
{
	__atomic_store_n(&c->state, state, __ATOMIC_RELEASE);
}

static int wait_for(struct handover_chunk *first, enum handover_state state, struct sink *s)
{
	int64_t deadline = clock_ms() + HANDOVER_LIMIT_S * 1000ll, alive = clock_ms() + ALIVE_MS;

	while (__atomic_load_n(&first->state, __ATOMIC_ACQUIRE) != (uint32_t)state) {
		if (clock_ms() > deadline) {
			sink_fail(s, SINK_HOST, "the owner of the machine's memory", "nobody",
				  "a saved L1 was not handed over within %d s of L0's clock "
				  "(tests/bench/l1-relay.py does that)",
				  HANDOVER_LIMIT_S);
			return VM_SAID;
		}
		if (clock_ms() > alive) {
			sink_alive(s);
			alive = clock_ms() + ALIVE_MS;
		}
		usleep(LOOK_US);
	}
	return 0;
}

static int write_chunks(int fd, char *area, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct handover_chunk *c = chunk_at(area, i);
		ssize_t n;

		set_state(c, 0); /* whoever looks reads the rest once it says so */
		n = pread(fd, c + 1, HANDOVER_CHUNK_BYTES, (off_t)(i * HANDOVER_CHUNK_BYTES));
		if (n < 0)
			return -errno;
		c->magic = HANDOVER_MAGIC;
		c->index = i;
		c->count = count;
		c->len = (uint32_t)n;
		c->crc = crc32_update(0, c + 1, (size_t)n);
	}
	for (uint32_t i = count; i--;) /* the first one last: then all are there */
		set_state(chunk_at(area, i), HANDOVER_FULL);
	return 0;
}

int handover_send_through(int fd, char *area, struct sink *s)
{
	struct stat st;
	uint64_t count;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	count = ((uint64_t)st.st_size + HANDOVER_CHUNK_BYTES - 1) / HANDOVER_CHUNK_BYTES;
	if (!count || count > HANDOVER_CHUNKS)
		return -EFBIG;
	ret = write_chunks(fd, area, (uint32_t)count);
	if (ret)
		return ret;
	return wait_for(chunk_at(area, 0), HANDOVER_TAKEN, s);
}

static int refuse_chunk(uint32_t i, struct sink *s)
{
	sink_fail(s, SINK_HOST, "a chunk as it was sent", "another",
		  "chunk %" PRIu32 " of a saved L1 is not what left the other boot", i);
	return VM_SAID;
}

static int read_chunks(int fd, char *area, uint32_t count, struct sink *s)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct handover_chunk c = *chunk_at(area, i);
		const char *bytes = (const char *)(chunk_at(area, i) + 1);
		int ret;

		if (c.index != i || c.count != count || c.len > HANDOVER_CHUNK_BYTES ||
		    c.crc != crc32_update(0, bytes, c.len))
			return refuse_chunk(i, s);
		ret = file_write_all(fd, bytes, c.len);
		if (ret)
			return ret;
	}
	return 0;
}

int handover_receive_through(int fd, char *area, struct sink *s)
{
	struct handover_chunk *first = chunk_at(area, 0);
	int ret;

	for (uint32_t i = HANDOVER_CHUNKS; i--;) {
		struct handover_chunk *c = chunk_at(area, i);

		set_state(c, 0); /* as above */
		c->magic = HANDOVER_MAGIC;
		c->index = i;
		c->count = HANDOVER_CHUNKS;
		set_state(c, HANDOVER_EMPTY);
	}
	ret = wait_for(first, HANDOVER_FILLED, s);
	if (ret)
		return ret;
	if (first->count > HANDOVER_CHUNKS)
		return refuse_chunk(0, s);
	return read_chunks(fd, area, first->count, s);
}

static int with_area(int (*work)(int fd, char *area, struct sink *s), int fd, struct sink *s)
{
	char *area;
	int ret = vm_memory_map_unmanaged(HANDOVER_BYTES, &area, s);

	if (ret)
		return ret;
	ret = work(fd, area, s);
	for (uint32_t i = 0; i < HANDOVER_CHUNKS; i++)
		chunk_at(area, i)->magic = 0; /* nobody is to find it again */
	munmap(area, HANDOVER_BYTES);
	return ret;
}

int handover_send(int fd, struct sink *s)
{
	return with_area(handover_send_through, fd, s);
}

int handover_receive(int fd, struct sink *s)
{
	return with_area(handover_receive_through, fd, s);
}
