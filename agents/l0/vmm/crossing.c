// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/crossing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "agents/l0/records/line.h"
#include "agents/l0/vm.h"

static struct crossing_chunk *chunk_at(const struct crossing *c, uint32_t i)
{
	return (void *)(c->area + (size_t)i * CROSSING_CHUNK);
}

static struct crossing_chunk *next_chunk(const struct crossing *c)
{
	return chunk_at(c, c->next % CROSSING_RING);
}

static bool is_in_state(const struct crossing_chunk *chunk, enum crossing_state state)
{
	return __atomic_load_n(&chunk->state, __ATOMIC_ACQUIRE) == (uint32_t)state;
}

static void set_state(struct crossing_chunk *chunk, enum crossing_state state)
{
	__atomic_store_n(&chunk->state, state, __ATOMIC_RELEASE);
}

static void send_chunk(struct crossing_chunk *chunk, enum crossing_kind kind, size_t len)
{
	chunk->kind = kind;
	chunk->len = (uint32_t)len;
	chunk->sum = crossing_sum(chunk + 1, len);
	set_state(chunk, CROSSING_FULL);
}

static bool is_damaged(const struct crossing_chunk *chunk)
{
	return chunk->len > CROSSING_ROOM || chunk->sum != crossing_sum(chunk + 1, chunk->len);
}

void crossing_prepare(struct crossing *c, char *area, uint32_t id)
{
	*c = (struct crossing){.area = area};
	for (uint32_t i = 0; i <= CROSSING_BACK; i++) {
		*chunk_at(c, i) =
			(struct crossing_chunk){.magic = CROSSING_MAGIC, .index = i, .id = id};
		set_state(chunk_at(c, i), CROSSING_FREE);
	}
}

int crossing_open(struct crossing *c, bool is_source, struct sink *s)
{
	struct line line;
	char *area;
	int ret = vm_memory_map_unmanaged(CROSSING_BYTES, &area, s);

	if (ret)
		return ret;
	crossing_prepare(c, area, s->id);
	line_start(&line, "crossing");
	line_addf(&line, ",\"id\":%" PRIu32, s->id);
	line_add_member(&line, "side", is_source ? "source" : "destination");
	sink_line(s, &line);
	return 0;
}

void crossing_close(struct crossing *c)
{
	if (c->area)
		munmap(c->area, CROSSING_BYTES);
	c->area = NULL;
}

char *crossing_room(const struct crossing *c)
{
	struct crossing_chunk *chunk = next_chunk(c);

	return is_in_state(chunk, CROSSING_FREE) ? (char *)(chunk + 1) : NULL;
}

void crossing_put(struct crossing *c, enum crossing_kind kind, size_t len)
{
	send_chunk(next_chunk(c), kind, len);
	c->next++;
}

const struct crossing_chunk *crossing_look(const struct crossing *c, bool *damaged)
{
	const struct crossing_chunk *chunk = next_chunk(c);

	*damaged = false;
	if (!is_in_state(chunk, CROSSING_FULL))
		return NULL;
	*damaged = is_damaged(chunk);
	return chunk;
}

void crossing_drop(struct crossing *c)
{
	set_state(next_chunk(c), CROSSING_FREE);
	c->next++;
}

static void send_text(struct crossing_chunk *chunk, enum crossing_kind kind, const char *text)
{
	size_t len = strnlen(text, CROSSING_TEXT - 1);

	memcpy(chunk + 1, text, len);
	send_chunk(chunk, kind, len);
}

void crossing_tell(struct crossing *c, enum crossing_kind kind, const char *text)
{
	if (!crossing_room(c))
		return;
	send_text(next_chunk(c), kind, text);
	c->next++;
}

void crossing_answer(struct crossing *c, enum crossing_kind kind, const char *text)
{
	struct crossing_chunk *chunk = chunk_at(c, CROSSING_BACK);

	if (is_in_state(chunk, CROSSING_FREE))
		send_text(chunk, kind, text);
}

void crossing_read(const struct crossing_chunk *chunk, char text[CROSSING_TEXT])
{
	if (is_damaged(chunk))
		snprintf(text, CROSSING_TEXT, "a message was damaged on the way");
	else
		snprintf(text, CROSSING_TEXT, "%.*s", (int)chunk->len, (const char *)(chunk + 1));
}

enum crossing_kind crossing_hear(struct crossing *c, char text[CROSSING_TEXT])
{
	struct crossing_chunk *chunk = chunk_at(c, CROSSING_BACK);
	enum crossing_kind kind = CROSSING_FAILED;

	if (!is_in_state(chunk, CROSSING_FULL))
		return 0;
	if (!is_damaged(chunk))
		kind = (enum crossing_kind)chunk->kind;
	crossing_read(chunk, text);
	set_state(chunk, CROSSING_FREE);
	return kind;
}
