// SPDX-License-Identifier: GPL-2.0-only
/* The way of a saved L1 out of a boot and into another, with the owner of both machines' memory played by a thread. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "agents/l0/vmm/handover.h"
#include "agents/l0/vm.h"
#include "tests/unit/agents/sink_fixture.h"

#define STATE_BYTES (3 * HANDOVER_CHUNK_BYTES + 17)

static char *area; /* of the boot that L1 leaves, then of the other */
static char *taken;
static uint32_t ntaken;
static struct sink sink;
static bool spoil; /* one bit of the third chunk */

static struct handover_chunk *chunk_at(char *base, uint32_t i)
{
	return (void *)(base + (size_t)i * HANDOVER_CHUNK);
}

static void wait_for(uint32_t state)
{
	while (__atomic_load_n(&chunk_at(area, 0)->state, __ATOMIC_ACQUIRE) != state)
		sched_yield();
}

static void set_state(uint32_t state)
{
	__atomic_store_n(&chunk_at(area, 0)->state, state, __ATOMIC_RELEASE);
}

/* As tests/bench/l1-relay.py does it. */
static void *take_out(void *unused)
{
	wait_for(HANDOVER_FULL);
	ntaken = chunk_at(area, 0)->count;
	memcpy(taken, area, (size_t)ntaken * HANDOVER_CHUNK);
	set_state(HANDOVER_TAKEN);
	return unused;
}

/* All of it but its state. */
static void copy_chunk(struct handover_chunk *to, const struct handover_chunk *from)
{
	const size_t head = offsetof(struct handover_chunk, state),
		     rest = offsetof(struct handover_chunk, len);

	memcpy(to, from, head);
	memcpy((char *)to + rest, (const char *)from + rest, HANDOVER_CHUNK - rest);
}

static void *put_in(void *unused)
{
	wait_for(HANDOVER_EMPTY);
	if (spoil)
		*((char *)(chunk_at(taken, 2) + 1) + 5) ^= 1;
	for (uint32_t i = 0; i < ntaken; i++)
		copy_chunk(chunk_at(area, i), chunk_at(taken, i));
	set_state(HANDOVER_FILLED);
	return unused;
}

static char *map_area(void)
{
	char *at = mmap(NULL, HANDOVER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static int set_up(void **state)
{
	(void)state;
	area = map_area();
	taken = map_area();
	ntaken = 0;
	spoil = false;
	assert_int_equal(pipe(pipes), 0);
	sink.fd = pipes[1];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(area, HANDOVER_BYTES);
	munmap(taken, HANDOVER_BYTES);
	return 0;
}

static void fill(unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
}

static int make_file(const void *bytes, size_t len)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

/* Out of one boot and into the other; *to is what arrived. */
static int hand_over(int from, int *to)
{
	pthread_t owner;
	int ret;

	assert_int_equal(pthread_create(&owner, NULL, take_out, NULL), 0);
	assert_int_equal(handover_send_through(from, area, &sink), 0);
	assert_int_equal(pthread_join(owner, NULL), 0);

	memset(area, 0, HANDOVER_BYTES);
	*to = memfd_create("arrived", MFD_CLOEXEC);
	assert_int_equal(pthread_create(&owner, NULL, put_in, NULL), 0);
	ret = handover_receive_through(*to, area, &sink);
	assert_int_equal(pthread_join(owner, NULL), 0);
	return ret;
}

TEST(what_leaves_a_boot_arrives_in_the_other)
{
	static unsigned char bytes[STATE_BYTES], arrived[STATE_BYTES + 1];
	int from, to;

	fill(bytes, sizeof(bytes));
	from = make_file(bytes, sizeof(bytes));
	assert_int_equal(hand_over(from, &to), 0);
	assert_int_equal(ntaken, 4);
	assert_int_equal(pread(to, arrived, sizeof(arrived), 0), sizeof(bytes));
	assert_memory_equal(arrived, bytes, sizeof(bytes));
	assert_string_equal(read_sink(), "");
}

TEST(a_chunk_that_changed_on_the_way_is_refused)
{
	static unsigned char bytes[STATE_BYTES];
	int from, to;

	fill(bytes, sizeof(bytes));
	spoil = true;
	from = make_file(bytes, sizeof(bytes));
	assert_int_equal(hand_over(from, &to), VM_SAID);
	assert_non_null(
		strstr(read_sink(), "chunk 2 of a saved L1 is not what left the other boot"));
}

TEST(a_state_that_does_not_fit_is_refused)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, (off_t)(HANDOVER_CHUNKS * HANDOVER_CHUNK_BYTES) + 1), 0);
	assert_int_equal(handover_send_through(fd, area, &sink), -EFBIG);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(handover_send_through(fd, area, &sink), -EFBIG);
}

UNIT_MAIN_EACH("handover", set_up, tear_down)
