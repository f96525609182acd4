// SPDX-License-Identifier: GPL-2.0-only
/*
 * An archive behind HTTP: its feed (new.atom, the newest first, older pages by ?t=) tells which mails there are,
 * and t.mbox.gz brings each new one with its whole thread, so that what it answers is here as well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/scratch.h"
#include "common/strbuf.h"
#include "kernels/mailinfo.h"
#include "kernels/unpack.h"
#include "orchestrator/daemon/watch/archive.h"
#include "orchestrator/daemon/watch/fetch.h"
#include "orchestrator/daemon/watch/keep.h"

#define FEED_MAX	 (4 << 20)
#define THREAD_MAX_BYTES (64 << 20)
#define PAGES_MAX	 40  /* of one look: about 1,000 mails */
#define ENTRIES		 256 /* of one page; public-inbox has 25 */
#define OLDEST		 5 /* a page's oldest entries; the newest of them says where the page ends */

struct entry {
	char *id; /* "x@y" */
	int64_t updated;
};

struct feed {
	const struct archive *a;
	int64_t until_ms; /* of this look */
	char *base;	  /* the archive's address with its / */
	struct entry *fresh;
	size_t nfresh;
	int64_t end; /* of the page */
};

static void free_entries(struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(entries[i].id);
}

static bool is_over(const struct feed *f)
{
	return clock_ms() > f->until_ms;
}

/* ---- the feed ---- */

static int from_hex(char c)
{
	const char *digits = "0123456789abcdef", *at = strchr(digits, c | 0x20);

	return c && at ? (int)(at - digits) : -1;
}

/* "a%40b" -> "a@b". NULL: not an id. */
static char *decode_id(const char *text, size_t len)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%' && i + 2 < len && from_hex(text[i + 1]) >= 0 &&
		    from_hex(text[i + 2]) >= 0) {
			c = (char)(from_hex(text[i + 1]) << 4 | from_hex(text[i + 2]));
			i += 2;
		}
		if (c <= ' ' || c > '~' || c == '<' || c == '>')
			break;
		strbuf_addch(&out, c);
	}
	if (out.len && out.len < LETTER_ID_MAX - 2)
		return strbuf_detach(&out);
	strbuf_release(&out);
	return NULL;
}

/* The id is the last part of the entry's address: http://HOST/LIST/ID/. Only the id is believed. */
static bool read_entry(char *text, struct entry *e)
{
	char *link = strstr(text, "<link"), *updated = strstr(text, "<updated>"), *from, *to;
	struct tm tm = {0};

	if (!link || !updated || !(from = strstr(link, "href=\"")))
		return false;
	from += strlen("href=\"");
	to = from + strcspn(from, "\"");
	while (to > from && to[-1] == '/')
		to--;
	for (char *c = from; c < to; c++)
		if (*c == '/')
			from = c + 1;
	if (!strptime(updated + strlen("<updated>"), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return false;
	e->updated = timegm(&tm);
	e->id = decode_id(from, to - from);
	return e->id;
}

static size_t read_page(char *text, struct entry entries[ENTRIES])
{
	size_t n = 0;
	char *at = strstr(text, "<entry>");

	while (at && n < ENTRIES) {
		char *next = strstr(at + 1, "<entry>");

		if (next)
			next[-1] = '\0';
		n += read_entry(at, &entries[n]);
		at = next;
	}
	return n;
}

static char *page_address(const struct feed *f)
{
	time_t end = f->end;
	char stamp[32];
	struct tm tm;

	if (!f->end)
		return xasprintf("%snew.atom", f->base);
	gmtime_r(&end, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", &tm);
	return xasprintf("%snew.atom?t=%s", f->base, stamp);
}

/* A mail may lie about its date; five beside each other hardly. */
static int64_t find_end(const struct entry *entries, size_t n)
{
	int64_t end = 0;

	for (size_t i = n > OLDEST ? n - OLDEST : 0; i < n; i++)
		if (entries[i].updated > end)
			end = entries[i].updated;
	return end;
}

/* Notes those that are new. *more: there may be others on the page behind. */
static int sift_page(struct feed *f, struct entry *entries, size_t n, bool *more, struct error *err)
{
	int64_t end = find_end(entries, n);
	bool fresh = false;

	for (size_t i = 0; i < n; i++) {
		__cleanup_free char *id = xasprintf("<%s>", entries[i].id);
		int known;

		if (entries[i].updated < f->a->since)
			continue;
		known = keep_has(f->a->night->queue, f->a->s->name, id, err);
		if (known < 0)
			return known;
		if (known)
			continue;
		fresh = true;
		f->fresh = xrealloc(f->fresh, f->nfresh + 1, sizeof(*f->fresh));
		f->fresh[f->nfresh++] = (struct entry){xstrdup(entries[i].id), entries[i].updated};
	}
	*more = fresh && end >= f->a->since && (!f->end || end < f->end);
	f->end = end;
	return 0;
}

static int read_feed(struct feed *f, struct error *err)
{
	bool more = true;
	int ret = 0;

	for (int page = 0; !ret && more && page < PAGES_MAX; page++) {
		__cleanup_free char *address = page_address(f);
		struct entry entries[ENTRIES];
		struct strbuf text = STRBUF_INIT;
		size_t n = 0;

		ret = fetch_text(address, FEED_MAX, &text, err);
		if (!ret && more && is_over(f))
			ret = error_set(err, -ETIMEDOUT, "%s: %d pages took longer than %d s",
					address, page + 1, ARCHIVE_LOOK_S);
		if (!ret) {
			n = read_page(text.buf, entries);
			ret = sift_page(f, entries, n, &more, err);
		}
		free_entries(entries, n);
		strbuf_release(&text);
	}
	return ret;
}

/* ---- threads ---- */

static int take_file(const struct feed *f, const char *path, const char *name, struct error *err)
{
	struct strbuf raw = STRBUF_INIT;
	struct archive_mail mail = {.name = name};
	int ret = fs_read_file(path, THREAD_MAX_BYTES, &raw, err);

	mail.raw = raw.buf;
	mail.len = raw.len;
	if (!ret)
		ret = archive_take(f->a, &mail, err);
	strbuf_release(&raw);
	return ret;
}

static int take_mbox(const struct feed *f, const char *dir, const char *packed, struct error *err)
{
	__cleanup_free char *plain = NULL, *mails = xasprintf("%s/mails", dir);
	int count = 0, ret = unpack_file(packed, dir, &plain, err);

	if (!ret)
		ret = fs_mkdir_p(mails, err);
	if (!ret)
		ret = mailinfo_split(plain, mails, "--mboxrd", &count, err);
	for (int i = 1; !ret && i <= count; i++) {
		__cleanup_free char *path = xasprintf("%s/%04d", mails, i);

		ret = take_file(f, path, "a mail of its thread", err);
	}
	return ret;
}

/* So that it is not asked for again. */
static int refuse_entry(const struct feed *f, const struct entry *e, const char *why,
			struct error *err)
{
	__cleanup_free char *id = xasprintf("<%s>", e->id);
	const struct archive_mail mail = {.name = id, .refused = why};

	return archive_take(f->a, &mail, err);
}

static int fetch_thread(const struct feed *f, const struct entry *e, const char *dir,
			struct error *err)
{
	__cleanup_free char *address = fetch_address(f->base, e->id, "/t.mbox.gz");
	__cleanup_free char *packed = xasprintf("%s/t.mbox.gz", dir);
	struct strbuf body = STRBUF_INIT;
	int ret = fetch_text(address, THREAD_MAX_BYTES, &body, err);

	if (ret == -ENOENT || ret == -EFBIG) {
		ret = refuse_entry(f, e, err->text, err);
		strbuf_release(&body);
		return ret;
	}
	if (!ret)
		ret = fs_write_file(packed, body.buf, body.len, err);
	strbuf_release(&body);
	if (ret)
		return ret;
	ret = take_mbox(f, dir, packed, err);
	if (ret == -EINVAL || ret == -EFBIG)
		return refuse_entry(f, e, err->text, err);
	return ret;
}

/* An earlier thread may have brought it. What its thread has not is refused: the feed will name it again. */
static int take_entry(const struct feed *f, const struct entry *e, struct error *err)
{
	__cleanup_free char *id = xasprintf("<%s>", e->id);
	struct scratch s;
	int ret = keep_has(f->a->night->queue, f->a->s->name, id, err);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = scratch_begin(NULL, NULL, &s, err);
	if (ret)
		return ret;
	ret = fetch_thread(f, e, s.dir, err);
	scratch_end(&s);
	if (!ret)
		ret = keep_has(f->a->night->queue, f->a->s->name, id, err);
	if (!ret)
		ret = refuse_entry(f, e, "it is not in its own thread, or of another list", err);
	if (ret == 1)
		return 0;
	return ret;
}

/* The oldest first: what is left is on the feed's first pages then, where the next look begins. */
static int take_entries(struct feed *f, bool *more, struct error *err)
{
	int ret = 0;

	f->until_ms = clock_ms() + ARCHIVE_LOOK_S * 1000;
	for (size_t i = f->nfresh; !ret && i-- > 0;) {
		ret = take_entry(f, &f->fresh[i], err);
		*more = i && is_over(f);
		if (*more)
			break;
	}
	return ret;
}

int archive_look_http(const struct archive *a, bool *more, struct error *err)
{
	const char *inbox = a->s->watch.inbox;
	struct feed f = {.a = a, .until_ms = clock_ms() + ARCHIVE_LOOK_S * 1000};
	int ret;

	f.base = xasprintf("%s%s", inbox, inbox[strlen(inbox) - 1] == '/' ? "" : "/");
	ret = read_feed(&f, err);
	if (!ret)
		ret = take_entries(&f, more, err);
	free_entries(f.fresh, f.nfresh);
	free(f.fresh);
	free(f.base);
	return ret;
}
