// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/carrier.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agents/wire/crossing.h"
#include "common/alloc.h"

#define PAGE	4096u	   /* chunks begin on one */
#define PIECE	(4u << 20) /* of memory that is searched at once */
#define TICK_US 2000	   /* between two looks at what is to be carried */

/* Where a side's chunks are. */
struct way {
	struct host_memory memory;
	uint32_t id;
	uint64_t chunks[CROSSING_RING + 1]; /* 0: not found */
	uint32_t next;			    /* of the ring */
	bool found;
};

struct side { /* under the lock */
	bool joined, left;
	bool fresh; /* joined since the thread looked last */
	uint32_t id;
	struct host_memory memory; /* fd -1: the thread has it */
	char why[CROSSING_TEXT];   /* it left */
};

struct carrier {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	bool stop;
	struct side sides[2];
	struct way ways[2]; /* the thread's own */
	char chunk[CROSSING_CHUNK];
};

/* ---- in the machines' memory ---- */

static bool read_at(const struct way *w, uint64_t at, void *to, size_t len)
{
	return pread(w->memory.fd, to, len, (off_t)at) == (ssize_t)len;
}

static bool write_at(const struct way *w, uint64_t at, const void *from, size_t len)
{
	return pwrite(w->memory.fd, from, len, (off_t)at) == (ssize_t)len;
}

static bool is_chunk(const struct crossing_chunk *head, uint32_t id)
{
	return head->magic == CROSSING_MAGIC && head->id == id && head->index <= CROSSING_RING;
}

/* Each page's first bytes are looked at. */
static void search_piece(struct way *w, const char *piece, size_t len, uint64_t at)
{
	for (size_t i = 0; i + sizeof(struct crossing_chunk) <= len; i += PAGE) {
		struct crossing_chunk head;

		memcpy(&head, piece + i, sizeof(head));
		if (is_chunk(&head, w->id))
			w->chunks[head.index] = at + i;
	}
}

/* All of them, or none is of use: why they are not found, or NULL. Memory that the machine has not touched cannot be read in some
 * processes: it is passed over. Of a process that has ended nothing is left to read, which is no error. */
static const char *find_chunks(struct way *w)
{
	char *piece = xcalloc(1, PIECE);
	bool gone = false;

	memset(w->chunks, 0, sizeof(w->chunks));
	for (uint64_t at = w->memory.from; at < w->memory.upto && !gone; at += PIECE) {
		uint64_t left = w->memory.upto - at;
		ssize_t n = pread(w->memory.fd, piece, left < PIECE ? left : PIECE, (off_t)at);

		if (n > 0)
			search_piece(w, piece, n, at);
		gone = !n;
	}
	free(piece);
	w->found = true;
	for (size_t i = 0; i < ARRAY_SIZE(w->chunks); i++)
		w->found &= w->chunks[i] != 0;
	if (gone)
		return "the other host's machine is gone";
	return w->found ? NULL : "what the other host sends is not found in its memory";
}

/* Is chunk @i of @w there, still of this measurement, and in @state? */
static bool is_in_state(const struct way *w, uint32_t i, enum crossing_state state,
			struct crossing_chunk *head)
{
	return w->found && read_at(w, w->chunks[i], head, sizeof(*head)) && is_chunk(head, w->id) &&
	       head->state == (uint32_t)state;
}

static void set_state(const struct way *w, uint32_t i, uint32_t state)
{
	write_at(w, w->chunks[i] + offsetof(struct crossing_chunk, state), &state, sizeof(state));
}

/* The bytes, then what they are, then that they are there. */
static void fill_chunk(const struct way *w, uint32_t i, const struct crossing_chunk *head,
		       const void *bytes)
{
	size_t from = offsetof(struct crossing_chunk, kind);

	if (!write_at(w, w->chunks[i] + sizeof(*head), bytes, head->len) ||
	    !write_at(w, w->chunks[i] + from, (const char *)head + from, sizeof(*head) - from))
		return;
	set_state(w, i, CROSSING_FULL);
}

/* True: chunk @i was full on one side and free on the other, and has been carried over. */
static bool carry_chunk(struct carrier *c, enum carrier_side side, uint32_t i)
{
	const struct way *from = &c->ways[side], *to = &c->ways[!side];
	struct crossing_chunk head, there;

	if (!is_in_state(from, i, CROSSING_FULL, &head) ||
	    !is_in_state(to, i, CROSSING_FREE, &there))
		return false;
	if (head.len > CROSSING_ROOM) /* its receiver finds that the sum is not right */
		head.len = 0;
	if (!read_at(from, from->chunks[i] + sizeof(head), c->chunk, head.len))
		return false;
	fill_chunk(to, i, &head, c->chunk);
	set_state(from, i, CROSSING_FREE);
	return true;
}

static void carry(struct carrier *c)
{
	struct way *source = &c->ways[CARRIER_SOURCE], *destination = &c->ways[CARRIER_DESTINATION];

	while (carry_chunk(c, CARRIER_SOURCE, source->next % CROSSING_RING)) {
		source->next++;
		destination->next = source->next;
	}
	carry_chunk(c, CARRIER_DESTINATION, CROSSING_BACK);
}

/* What is carried to @side in the place of what the other one would have said. Again and again until there is room: its agent
 * hears it once, and then looks no more. */
static void tell(struct carrier *c, enum carrier_side side, const char *why)
{
	const struct way *w = &c->ways[side];
	struct crossing_chunk head;
	uint32_t i = side == CARRIER_SOURCE ? CROSSING_BACK : w->next % CROSSING_RING;
	size_t len = strlen(why);

	if (!is_in_state(w, i, CROSSING_FREE, &head))
		return;
	head.kind = CROSSING_FAILED;
	head.len = len;
	head.sum = crossing_sum(why, len);
	fill_chunk(w, i, &head, why);
}

/* ---- the thread ---- */

static void close_memory(struct host_memory *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

/* Takes over what has joined. */
static void take_news(struct carrier *c, struct side now[2])
{
	for (int i = 0; i < 2; i++) {
		struct side *s = &c->sides[i];
		struct way *w = &c->ways[i];

		now[i] = *s;
		if (!s->fresh)
			continue;
		close_memory(&w->memory);
		*w = (struct way){.memory = s->memory, .id = s->id};
		s->memory.fd = -1;
		s->fresh = false;
	}
}

/* Why @one waits for @other in vain; NULL: it does not, or not yet. */
static const char *find_reason(const struct side *one, const struct side *other)
{
	if (!one->joined || one->left)
		return NULL;
	if (other->left)
		return other->why;
	if (other->joined && other->id > one->id)
		return "the other host did not come to measure this";
	return NULL;
}

static void look(struct carrier *c, const struct side now[2])
{
	const char *source = find_reason(&now[CARRIER_SOURCE], &now[CARRIER_DESTINATION]),
		   *destination = find_reason(&now[CARRIER_DESTINATION], &now[CARRIER_SOURCE]);

	for (int i = 0; i < 2; i++) {
		const char *why = now[i].fresh ? find_chunks(&c->ways[i]) : NULL;

		if (why)
			carrier_leave(c, i, why);
	}
	if (source)
		tell(c, CARRIER_SOURCE, source);
	if (destination)
		tell(c, CARRIER_DESTINATION, destination);
	if (!source && !destination && now[0].joined && now[1].joined)
		carry(c);
}

static void wait_for_tick(struct carrier *c)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_US * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&c->news, &c->lock, &until);
}

static void *run_carrier(void *arg)
{
	struct carrier *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		struct side now[2];
		bool waits = c->sides[0].joined || c->sides[1].joined;

		take_news(c, now);
		pthread_mutex_unlock(&c->lock);
		if (waits)
			look(c, now);
		pthread_mutex_lock(&c->lock);
		if (c->stop)
			break;
		if (waits)
			wait_for_tick(c);
		else
			pthread_cond_wait(&c->news, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- from outside ---- */

int carrier_new(struct carrier **out, struct error *err)
{
	struct carrier *c = xcalloc(1, sizeof(*c));
	pthread_condattr_t attributes;
	int ret;

	for (int i = 0; i < 2; i++)
		c->sides[i].memory.fd = c->ways[i].memory.fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&c->news, &attributes);
	pthread_condattr_destroy(&attributes);
	ret = pthread_create(&c->thread, NULL, run_carrier, c);
	if (!ret) {
		*out = c;
		return 0;
	}
	pthread_cond_destroy(&c->news);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return error_set(err, -ret, "cannot start a thread that carries an L1: %s", strerror(ret));
}

void carrier_join(struct carrier *c, enum carrier_side side, uint32_t id,
		  const struct host_memory *memory)
{
	struct side *s = &c->sides[side];

	pthread_mutex_lock(&c->lock);
	close_memory(&s->memory);
	s->joined = s->fresh = true;
	s->id = id;
	s->memory = *memory;
	pthread_cond_signal(&c->news);
	pthread_mutex_unlock(&c->lock);
}

void carrier_leave(struct carrier *c, enum carrier_side side, const char *why)
{
	struct side *s = &c->sides[side];

	pthread_mutex_lock(&c->lock);
	s->left = true;
	snprintf(s->why, sizeof(s->why), "%s", why);
	pthread_cond_signal(&c->news);
	pthread_mutex_unlock(&c->lock);
}

void carrier_free(struct carrier *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->news);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	for (int i = 0; i < 2; i++) {
		close_memory(&c->sides[i].memory);
		close_memory(&c->ways[i].memory);
	}
	pthread_cond_destroy(&c->news);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
