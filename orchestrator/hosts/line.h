/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * line.h - one line carries console and records: what comes is told apart.
 *
 * A line is fed with bytes, wherever they come from: a command's output (channel.h), a libvirt stream,
 * the body of a POST. Frames (agents/wire/frame.h) that bear the boot's code become the records file, in
 * order and each byte once; all else becomes the console file. So the engine finds the two files that it
 * finds on every host (driver.h).
 *
 *	line_open(&setting, &line, err);
 *	... line_feed(line, data, len, err) as it comes ...
 *	if (line_take_answer(line, answer, &len))	// the agent asks what is missing
 *		... send that back, if the line goes both ways ...
 *	line_close(line);
 *
 * A line that loses bytes loses frames. If the agent can be answered, they are held until it sends again
 * what is missing, which it does after its `bye`; else they are passed on, and the engine sees from the
 * records' numbers that the stream is broken. Frames that were changed, made up, or recorded in another
 * boot are refused and counted; the boot goes on without them.
 *
 * Not thread-safe: one thread at a time.
 */
#ifndef ORCHESTRATOR_HOSTS_LINE_H
#define ORCHESTRATOR_HOSTS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/wire/frame.h"
#include "agents/wire/ticket.h"
#include "common/error.h"

struct line;

struct line_setting {		     /* borrowed for the call */
	const struct ticket *ticket; /* key, and whether the agent can be answered */
	const char *console_path;    /* NULL: what is no frame is dropped */
	const char *records_path;    /* both are made, or added to */
};

struct line_counts {
	uint64_t bytes;	  /* all that came */
	uint64_t frames;  /* good ones, doubles included */
	uint64_t refused; /* lines with the frames' mark and no right code */
	uint64_t doubles; /* good frames with nothing new in them */
	uint64_t asked;	  /* answers that asked for something again */
	uint64_t records; /* bytes of the stream that are in the records file */
	uint64_t held;	  /* bytes of the stream that wait for what is missing before them */
	uint64_t lost;	  /* bytes of the stream that nobody can be asked for */
	bool complete;	  /* all of the stream, to its last frame */
};

int line_open(const struct line_setting *setting, struct line **line, struct error *err);

/* Takes the next bytes. An error is of the files (-ENOSPC, ...); what comes is never one. */
int line_feed(struct line *line, const char *data, size_t len, struct error *err);

/* Is there something to tell the agent? Then @text (FRAME_WANT_MAX) has it, once for each time the agent
 * said that it listens. */
bool line_take_answer(struct line *line, char *text, size_t *len);
/* What is missing now, whether or not it was asked; for HTTP, where each answer says so. */
size_t line_answer(struct line *line, char *text);

const struct line_counts *line_counts(const struct line *line);

/* No more will come: console text that looked like the start of a frame is written. */
void line_close(struct line *line);

#endif
