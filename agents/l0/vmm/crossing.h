/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crossing.h - the agent's end of the way from one L0 host to another (agents/wire/crossing.h). One that sends the ring
 * (the source), or receives it. Nothing here waits.
 */
#ifndef AGENTS_L0_VMM_CROSSING_H
#define AGENTS_L0_VMM_CROSSING_H

#include <stdbool.h>

#include "agents/l0/records/sink.h"
#include "agents/wire/crossing.h"

struct crossing {
	char *area;    /* NULL: none */
	uint32_t next; /* of the ring */
};

/* Maps the area in unmanaged memory, prepares it for the measurement of @s and says so by a record: as the source, or as the
 * destination. 0; VM_SAID: the sink was told what is missing; or a negative errno. */
int crossing_open(struct crossing *c, bool is_source, struct sink *s);
/* What was said last may still be carried: the area stays as it is, until a later measurement prepares it anew. */
void crossing_close(struct crossing *c);
/* Prepares @area, CROSSING_BYTES of any memory. */
void crossing_prepare(struct crossing *c, char *area, uint32_t id);

/* Where the bytes of the ring's next message go, CROSSING_ROOM of them; NULL: there is no room yet. crossing_put() sends it. */
char *crossing_room(const struct crossing *c);
void crossing_put(struct crossing *c, enum crossing_kind kind, size_t len);

/* The ring's next message, where it lies; NULL: none has come yet. Borrowed until crossing_drop(). *damaged: it is not what was
 * sent. */
const struct crossing_chunk *crossing_look(const struct crossing *c, bool *damaged);
void crossing_drop(struct crossing *c);

/* A message that is a text, in the ring; lost where there is no room: who waits for it is told by the orchestrator, then. */
void crossing_tell(struct crossing *c, enum crossing_kind kind, const char *text);

/* The way back, likewise. */
void crossing_answer(struct crossing *c, enum crossing_kind kind, const char *text);
/* 0: nothing has come; else the kind, and @text is what came with it. */
enum crossing_kind crossing_hear(struct crossing *c, char text[CROSSING_TEXT]);
/* The text of a message; what was damaged on the way says so. */
void crossing_read(const struct crossing_chunk *chunk, char text[CROSSING_TEXT]);

#endif
