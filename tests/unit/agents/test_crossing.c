// SPDX-License-Identifier: GPL-2.0-only
/* The way of an L1 from one machine to another: the ends of both agents, and the engine's carrier between two pieces of
 * memory. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "agents/l0/vmm/crossing.h"
#include "common/clock.h"
#include "orchestrator/engine/carrier.h"

#define ID	 7
#define MESSAGES (3 * CROSSING_RING + 5)

struct machine {
	int fd;	      /* its memory */
	char *memory; /* mapped: with the area somewhere in it */
	struct crossing end;
};

static struct machine machines[2]; /* by enum carrier_side */
static struct carrier *carrier;

#define MEMORY (CROSSING_BYTES + 3 * CROSSING_CHUNK)

static void prepare(enum carrier_side side, uint32_t id)
{
	struct machine *m = &machines[side];

	crossing_prepare(&m->end, m->memory + (side + 1) * 0x1000, id);
}

static void join(enum carrier_side side, uint32_t id)
{
	const struct host_memory memory = {.fd = dup(machines[side].fd), .upto = MEMORY};

	assert_true(memory.fd >= 0);
	carrier_join(carrier, side, id, &memory);
}

static int set_up(void **state)
{
	struct error err = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		machines[i].fd = memfd_create("machine", MFD_CLOEXEC);
		assert_int_equal(ftruncate(machines[i].fd, MEMORY), 0);
		machines[i].memory =
			mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, machines[i].fd, 0);
		assert_ptr_not_equal(machines[i].memory, MAP_FAILED);
		prepare(i, ID);
	}
	assert_int_equal(carrier_new(&carrier, &err), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	carrier_free(carrier);
	for (int i = 0; i < 2; i++)
		munmap(machines[i].memory, MEMORY);
	for (int i = 0; i < 2; i++)
		close(machines[i].fd);
	return 0;
}

static struct crossing *source(void)
{
	return &machines[CARRIER_SOURCE].end;
}

static struct crossing *destination(void)
{
	return &machines[CARRIER_DESTINATION].end;
}

static size_t length_of(uint32_t n)
{
	return n % 5 ? (n * 977) % CROSSING_ROOM : CROSSING_ROOM;
}

/* True: there was room. */
static bool send_one(uint32_t n)
{
	char *room = crossing_room(source());

	if (!room)
		return false;
	memset(room, (int)(n & 0x7f), length_of(n));
	crossing_put(source(), CROSSING_DATA, length_of(n));
	return true;
}

static bool receive_one(uint32_t n)
{
	bool damaged;
	const struct crossing_chunk *chunk = crossing_look(destination(), &damaged);
	const char *bytes = (const char *)(chunk + 1);

	if (!chunk)
		return false;
	assert_false(damaged);
	assert_int_equal(chunk->kind, CROSSING_DATA);
	assert_int_equal(chunk->len, length_of(n));
	if (chunk->len) {
		assert_int_equal(bytes[0], n & 0x7f);
		assert_int_equal(bytes[chunk->len - 1], n & 0x7f);
	}
	crossing_drop(destination());
	return true;
}

static enum crossing_kind hear(char text[CROSSING_TEXT])
{
	enum crossing_kind kind;

	while (!(kind = crossing_hear(source(), text)))
		sched_yield();
	return kind;
}

TEST(what_is_sent_comes_in_its_order)
{
	uint32_t sent = 0, received = 0;
	char text[CROSSING_TEXT];

	join(CARRIER_SOURCE, ID);
	while (send_one(sent)) /* nobody takes it yet */
		sent++;
	assert_int_equal(sent, CROSSING_RING);
	join(CARRIER_DESTINATION, ID);
	crossing_answer(destination(), CROSSING_READY, "");
	assert_int_equal(hear(text), CROSSING_READY);
	while (received < MESSAGES) {
		sent += sent < MESSAGES && send_one(sent);
		received += receive_one(received);
		sched_yield();
	}
	crossing_answer(destination(), CROSSING_ARRIVED, "");
	assert_int_equal(hear(text), CROSSING_ARRIVED);
	assert_string_equal(text, "");
}

TEST(the_last_word_is_heard_though_its_speaker_has_gone_on)
{
	char text[CROSSING_TEXT];

	crossing_answer(destination(), CROSSING_ARRIVED, "");
	crossing_close(destination());
	join(CARRIER_SOURCE, ID);
	join(CARRIER_DESTINATION, ID);
	assert_int_equal(hear(text), CROSSING_ARRIVED);
}

TEST(what_is_damaged_on_the_way_is_noticed)
{
	const struct crossing_chunk *chunk;
	bool damaged = false;

	crossing_put(source(), CROSSING_DATA, 100);
	((struct crossing_chunk *)(void *)source()->area)->sum ^= 1;
	join(CARRIER_SOURCE, ID);
	join(CARRIER_DESTINATION, ID);
	while (!(chunk = crossing_look(destination(), &damaged)))
		sched_yield();
	assert_true(damaged);
}

static void expect_told(const char *why)
{
	char text[CROSSING_TEXT];
	const struct crossing_chunk *chunk;
	bool damaged;

	while (!(chunk = crossing_look(destination(), &damaged)))
		sched_yield();
	assert_int_equal(chunk->kind, CROSSING_FAILED);
	crossing_read(chunk, text);
	assert_string_equal(text, why);
}

TEST(who_waits_for_a_boot_that_is_over_is_told)
{
	char text[CROSSING_TEXT];

	join(CARRIER_SOURCE, ID);
	carrier_leave(carrier, CARRIER_DESTINATION, "it was switched off");
	assert_int_equal(hear(text), CROSSING_FAILED);
	assert_string_equal(text, "it was switched off");
	prepare(CARRIER_SOURCE, ID + 1); /* and so is its next measurement */
	join(CARRIER_SOURCE, ID + 1);
	assert_int_equal(hear(text), CROSSING_FAILED);
	assert_string_equal(text, "it was switched off");
}

TEST(so_is_a_destination)
{
	carrier_leave(carrier, CARRIER_SOURCE, "it crashed");
	join(CARRIER_DESTINATION, ID);
	expect_told("it crashed");
}

/* Nothing can be said to the one itself then. */
TEST(so_is_one_whose_other_host_is_not_found)
{
	join(CARRIER_DESTINATION, ID);
	memset(machines[CARRIER_SOURCE].memory, 0, MEMORY);
	join(CARRIER_SOURCE, ID);
	expect_told("what the other host sends is not found in its memory");
}

/* The memory of a process that was killed after its agent had said that it comes. */
TEST(so_is_one_whose_other_host_was_killed)
{
	struct host_memory memory = {.upto = MEMORY};
	char path[64];
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory.fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(memory.fd >= 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	join(CARRIER_DESTINATION, ID);
	carrier_join(carrier, CARRIER_SOURCE, ID, &memory);
	expect_told("the other host's machine is gone");
}

TEST(who_measures_what_the_other_has_passed_by_is_told)
{
	uint32_t sent = 0;

	join(CARRIER_DESTINATION, ID);
	prepare(CARRIER_SOURCE, ID + 1);
	join(CARRIER_SOURCE, ID + 1);
	expect_told("the other host did not come to measure this");
	prepare(CARRIER_DESTINATION, ID + 1);
	join(CARRIER_DESTINATION, ID + 1);
	while (sent < 10)
		sent += send_one(sent);
	for (uint32_t n = 0; n < sent;)
		n += receive_one(n);
}

/* An area that is not in use any more is somebody else's memory. */
TEST(nothing_is_written_where_no_chunk_is_left)
{
	const struct crossing_chunk *first = (void *)destination()->area;
	char text[CROSSING_TEXT];

	join(CARRIER_SOURCE, ID);
	join(CARRIER_DESTINATION, ID);
	crossing_answer(destination(), CROSSING_ARRIVED, "");
	assert_int_equal(hear(text), CROSSING_ARRIVED);
	for (uint32_t i = 0; i <= CROSSING_BACK; i++)
		((struct crossing_chunk *)(void *)(destination()->area +
						   (size_t)i * CROSSING_CHUNK))
			->magic = 0;
	send_one(1);
	carrier_leave(carrier, CARRIER_SOURCE, "it ended");
	carrier_free(carrier); /* it has looked at least once */
	carrier = NULL;
	assert_int_equal(first->state, CROSSING_FREE);
}

UNIT_MAIN_EACH("crossing", set_up, tear_down)
