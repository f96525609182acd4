/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * records.h - the agent's record stream (agents/wire/protocol.h), read as it comes and trusted in nothing:
 * every line's CRC (of the text, before anything is parsed), the sequence and the closing count are
 * checked, and what is wrong is named by line. Each line is parsed once.
 */
#ifndef ORCHESTRATOR_ENGINE_RECORDS_H
#define ORCHESTRATOR_ENGINE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "common/error.h"
#include "common/strbuf.h"

struct record_stream { /* start with RECORD_STREAM_INIT, end with record_stream_release() */
	/* NULL, or called on each good record, parsed. It may keep it: json_object_get(). */
	void (*on_record)(struct json_object *record, void *arg);
	void *arg;
	struct strbuf partial; /* a line whose end has not come yet */
	uint64_t count;	       /* good records so far */
	uint64_t ended;	       /* measurements with an `end` */
	bool complete;	       /* the `bye` came, with the right count */
};
#define RECORD_STREAM_INIT             \
	{                              \
		.partial = STRBUF_INIT \
	}

/* Takes the next bytes. -EBADMSG: damaged; -ECONNRESET: another boot's `hello` in the middle of this
 * one. After an error the stream is to be read no further. */
int record_stream_feed(struct record_stream *rs, const char *data, size_t len, struct error *err);

/* No more will come: 0 if it is complete, else -EBADMSG and where it broke off. */
int record_stream_end(const struct record_stream *rs, struct error *err);

void record_stream_release(struct record_stream *rs);

#endif
