// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/wire/protocol.h"
#include "common/json.h"

/* What the stream itself needs to know of a record. */
struct head {
	int64_t seq;
	const char *type;
	int64_t records; /* of a `bye` */
};

static int read_number(const struct json_node *root, const char *key, int64_t *out,
		       struct error *err)
{
	struct json_node member;
	int ret = json_member(root, key, true, &member, err);

	if (ret)
		return ret;
	return json_as_int(&member, 0, INT64_MAX, out, err);
}

static int read_head(struct json_object *doc, const char *where, struct head *head,
		     struct error *err)
{
	struct json_node root = {.value = doc, .file = where, .path = "$"}, member;

	if (json_as_object(&root, err) || read_number(&root, "seq", &head->seq, err))
		return -EBADMSG;
	if (json_member(&root, "type", true, &member, err) ||
	    json_as_string(&member, &head->type, err))
		return -EBADMSG;
	if (!strcmp(head->type, "bye") && read_number(&root, "records", &head->records, err))
		return -EBADMSG;
	return 0;
}

static int check_order(const struct record_stream *rs, const struct head *head, const char *where,
		       struct error *err)
{
	if (head->seq == 0 && rs->count && !strcmp(head->type, "hello"))
		return error_set(
			err, -ECONNRESET,
			"%s: a second hello: the machine restarted in the middle of the boot",
			where);
	if ((uint64_t)head->seq != rs->count)
		return error_set(err, -EBADMSG, "%s: is number %lld, number %llu is missing", where,
				 (long long)head->seq, (unsigned long long)rs->count);
	if (!strcmp(head->type, "bye") && (uint64_t)head->records != rs->count + 1)
		return error_set(err, -EBADMSG,
				 "%s: the stream has %llu records, its bye says %lld", where,
				 (unsigned long long)rs->count + 1, (long long)head->records);
	return 0;
}

static int parse_record(struct record_stream *rs, const char *line, size_t len, const char *where,
			struct error *err)
{
	struct json_object *doc = NULL;
	struct head head = {0};
	int ret;

	if (json_parse(line, len, where, &doc, err))
		return -EBADMSG;
	ret = read_head(doc, where, &head, err);
	if (ret)
		goto out;
	ret = check_order(rs, &head, where, err);
	if (ret)
		goto out;
	rs->count++;
	rs->ended += !strcmp(head.type, "end");
	rs->complete = !strcmp(head.type, "bye");
	if (rs->on_record)
		rs->on_record(doc, rs->arg);
out:
	json_object_put(doc);
	return ret;
}

static int check_line(struct record_stream *rs, const char *line, size_t len, struct error *err)
{
	char where[40], why[256];

	snprintf(where, sizeof(where), "record line %llu", (unsigned long long)rs->count + 1);
	if (rs->complete)
		return error_set(err, -EBADMSG,
				 "%s: a record after the bye, which must be the last", where);
	if (record_check(line, len, why, sizeof(why)))
		return error_set(err, -EBADMSG, "%s: %s", where, why);
	return parse_record(rs, line, len, where, err);
}

int record_stream_feed(struct record_stream *rs, const char *data, size_t len, struct error *err)
{
	while (len) {
		const char *newline = memchr(data, '\n', len);
		size_t used = len;
		int ret = 0;

		if (newline)
			used = newline - data;
		/* One byte too many is enough for check_line() to refuse it. */
		if (rs->partial.len <= PROTOCOL_LINE_MAX)
			strbuf_add(&rs->partial, data, used);
		if (newline || rs->partial.len > PROTOCOL_LINE_MAX) {
			ret = check_line(rs, rs->partial.buf, rs->partial.len, err);
			strbuf_reset(&rs->partial);
		}
		if (ret)
			return ret;
		if (newline)
			used++;
		data += used;
		len -= used;
	}
	return 0;
}

int record_stream_end(const struct record_stream *rs, struct error *err)
{
	unsigned long long n = rs->count;

	if (rs->partial.len)
		return error_set(err, -EBADMSG,
				 "record line %llu: breaks off after %zu bytes: the stream is "
				 "truncated",
				 n + 1, rs->partial.len);
	if (!rs->complete)
		return error_set(err, -EBADMSG,
				 "the record stream ends after line %llu without a bye: it is "
				 "truncated",
				 n);
	return 0;
}

void record_stream_release(struct record_stream *rs)
{
	strbuf_release(&rs->partial);
}
