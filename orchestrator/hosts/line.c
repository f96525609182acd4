// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/strbuf.h"

#define HELD_MAX (64u << 20) /* bytes that wait for what is missing before them */

/* A piece of the stream that came before what is in front of it. */
struct piece {
	uint32_t offset;
	size_t len;
	char *data;
};

struct line {
	uint8_t key[HMAC_KEY_BYTES];
	bool answers;
	int console, records;  /* descriptors; console: or -1 */
	struct strbuf frame;   /* what came since the mark; empty: no mark */
	struct strbuf text;    /* console text of this feed */
	struct strbuf written; /* records of this feed */
	uint32_t next;	       /* of the stream: all before it is in the records file */
	uint32_t end;	       /* where the stream ends; 0: not known */
	struct piece *held;    /* in the order of their offsets, and none overlaps another */
	size_t nheld;
	char last;    /* of the console */
	bool newline; /* one more has come: of the console, or in front of a frame */
	bool listens; /* the agent waits for an answer */
	struct line_counts counts;
};

static int open_file(const char *path, int *fd, struct error *err)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (*fd < 0)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	return 0;
}

int line_open(const struct line_setting *setting, struct line **line, struct error *err)
{
	struct line *l = xcalloc(1, sizeof(*l));
	int ret = 0;

	l->console = l->records = -1;
	l->last = '\n';
	l->frame = l->text = l->written = (struct strbuf)STRBUF_INIT;
	memcpy(l->key, setting->ticket->key, sizeof(l->key));
	l->answers = setting->ticket->answers;
	if (setting->console_path)
		ret = open_file(setting->console_path, &l->console, err);
	if (!ret)
		ret = open_file(setting->records_path, &l->records, err);
	if (ret)
		line_close(l);
	else
		*line = l;
	return ret;
}

/* ---- the stream ---- */

/* Appends what @data has from l->next on. */
static void write_records(struct line *l, uint32_t offset, const char *data, size_t len)
{
	size_t known = l->next - offset;

	strbuf_add(&l->written, data + known, len - known);
	l->next = offset + len;
	l->counts.records = l->next;
}

static void drop_first_held(struct line *l)
{
	l->counts.held -= l->held[0].len;
	free(l->held[0].data);
	memmove(l->held, l->held + 1, --l->nheld * sizeof(*l->held));
}

/* What waited and follows now. On a line without answers nothing will fill the hole. */
static void write_held(struct line *l)
{
	while (l->nheld && (l->held[0].offset <= l->next || !l->answers)) {
		const struct piece *p = &l->held[0];

		if (p->offset > l->next) {
			l->counts.lost += p->offset - l->next;
			l->next = p->offset;
		}
		if (p->offset + p->len > l->next)
			write_records(l, p->offset, p->data, p->len);
		drop_first_held(l);
	}
}

/* Holds a piece, cut to what its neighbours do not have. False: they have all of it. */
static bool hold_piece(struct line *l, uint32_t offset, const char *data, size_t len)
{
	size_t at = l->nheld;
	const struct piece *before, *after;

	while (at && l->held[at - 1].offset > offset)
		at--;
	before = at ? &l->held[at - 1] : NULL;
	after = at < l->nheld ? &l->held[at] : NULL;
	if (before && before->offset + before->len > offset) {
		size_t known = before->offset + before->len - offset;

		if (known >= len)
			return false;
		offset += known;
		data += known;
		len -= known;
	}
	if (after && offset + len > after->offset)
		len = after->offset - offset;
	if (!len || l->counts.held + len > HELD_MAX)
		return false;
	l->held = xrealloc(l->held, l->nheld + 1, sizeof(*l->held));
	memmove(l->held + at + 1, l->held + at, (l->nheld++ - at) * sizeof(*l->held));
	l->held[at] = (struct piece){offset, len, xcalloc(1, len)};
	memcpy(l->held[at].data, data, len);
	l->counts.held += len;
	return true;
}

static void take_frame(struct line *l, const struct frame *f)
{
	char data[FRAME_PAYLOAD_MAX + 1];
	size_t len = frame_bytes(f);
	bool is_new = false;

	memcpy(data, f->payload, f->len);
	data[f->len] = '\n';
	l->counts.frames++;
	if (len > FRAME_STREAM_MAX - f->offset)
		return;
	if (f->last) {
		l->end = f->offset + len;
		l->listens = true;
	}
	if (f->offset + len > l->next)
		is_new = hold_piece(l, f->offset, data, len);
	l->counts.doubles += !is_new;
	write_held(l);
	l->counts.complete = l->end && l->next == l->end && !l->counts.lost;
}

/* ---- the line ---- */

/* The agent puts a newline in front of a frame, should a console line be open. Where none was, that
 * newline is left out. */
static void add_text(struct line *l, char c)
{
	if (l->newline)
		strbuf_addch(&l->text, '\n');
	l->newline = c == '\n' && l->last == '\n';
	if (!l->newline)
		strbuf_addch(&l->text, c);
	l->last = c;
}

/* What looked like a frame and is none: its mark is left out of the console, which people look at. */
static void refuse_frame(struct line *l)
{
	l->counts.refused++;
	for (size_t i = 1; i < l->frame.len; i++)
		add_text(l, l->frame.buf[i]);
}

static void end_frame(struct line *l)
{
	struct frame f;
	size_t len = l->frame.len;

	if (len && l->frame.buf[len - 1] == '\r')
		len--;
	if (frame_parse(l->key, l->frame.buf, len, &f)) {
		refuse_frame(l);
		add_text(l, '\n');
	} else {
		take_frame(l, &f);
	}
	strbuf_reset(&l->frame);
}

/* A frame is a line of its own. The kernel may say something in the middle of one: the frame is lost, and
 * what the kernel says is not. */
static void take_byte(struct line *l, char c)
{
	if (c == FRAME_MARK) {
		if (l->frame.len)
			refuse_frame(l);
		strbuf_reset(&l->frame);
		strbuf_addch(&l->frame, c);
		l->newline = false;
	} else if (!l->frame.len) {
		add_text(l, c);
	} else if (c == '\n') {
		end_frame(l);
	} else if (l->frame.len < FRAME_LINE_MAX) {
		strbuf_addch(&l->frame, c);
	} else {
		refuse_frame(l);
		strbuf_reset(&l->frame);
		add_text(l, c);
	}
}

static int write_out(int fd, struct strbuf *data, const char *what, struct error *err)
{
	int ret = 0;

	if (fd >= 0 && data->len && fs_write_all(fd, data->buf, data->len))
		ret = error_set(err, -errno, "cannot write the %s: %s", what, strerror(errno));
	strbuf_reset(data);
	return ret;
}

int line_feed(struct line *l, const char *data, size_t len, struct error *err)
{
	int ret;

	l->counts.bytes += len;
	for (size_t i = 0; i < len; i++)
		take_byte(l, data[i]);
	ret = write_out(l->console, &l->text, "console", err);
	if (ret)
		return ret;
	return write_out(l->records, &l->written, "records", err);
}

size_t line_answer(struct line *l, char *text)
{
	struct frame_want want = {l->next, l->next};

	if (l->nheld)
		want.upto = l->held[0].offset;
	else if (l->end)
		want.upto = l->end;
	l->counts.asked += want.upto > want.from;
	return frame_want_format(l->key, &want, text);
}

bool line_take_answer(struct line *l, char *text, size_t *len)
{
	if (!l->listens || !l->answers)
		return false;
	l->listens = false;
	*len = line_answer(l, text);
	return true;
}

const struct line_counts *line_counts(const struct line *l)
{
	return &l->counts;
}

void line_close(struct line *l)
{
	if (l->frame.len)
		refuse_frame(l);
	write_out(l->console, &l->text, "console", NULL);
	while (l->nheld)
		drop_first_held(l);
	free(l->held);
	strbuf_release(&l->frame);
	strbuf_release(&l->text);
	strbuf_release(&l->written);
	if (l->console >= 0)
		close(l->console);
	if (l->records >= 0)
		close(l->records);
	explicit_bzero(l->key, sizeof(l->key));
	free(l);
}
