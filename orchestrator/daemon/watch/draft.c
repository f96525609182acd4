// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/draft.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/sha256.h"
#include "orchestrator/daemon/mail/mail.h"
#include "results/report/markup.h"

#define REFS_MAX    20 /* the first and the newest of more */
#define ADDRESS_MAX 254

struct draft {
	const struct outbox_setting *setting;
	const struct schedule *s;
	int64_t series;
	sqlite3_stmt *row;
	struct strbuf out;
	struct json_object *recipients;
};
enum { MESSAGE_ID, REFS, SUBJECT, AUTHOR, EMAIL, DATE, VERSION };

/* One mailbox and nothing else: what a mail says of its sender decides who is written to. */
static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');

	if (!at || at == text || !at[1] || strchr(at + 1, '@') || strlen(text) > ADDRESS_MAX)
		return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("@.!#$%&'*+/=?^_`{|}~-", *c))
			return false;
	return *text != '-';
}

static void add_recipient(struct draft *d, const char *address)
{
	json_object_array_add(d->recipients, json_object_new_string(address));
}

/* ---- headers ---- */

/* A name may have what a header takes for more than a name. (One that is not ASCII is encoded, quotes and all.) */
static void add_name(struct strbuf *out, const char *name)
{
	const char *quote = "\"";

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c >= 0x80)
			quote = "";
	strbuf_addstr(out, quote);
	for (const char *c = name; *c; c++)
		if (!strchr("\"\\\r\n<>", *c))
			strbuf_addch(out, *c);
	strbuf_addf(out, "%s ", quote);
}

static void add_author(struct draft *d)
{
	const char *name = database_column(d->row, AUTHOR), *email = database_column(d->row, EMAIL);
	struct strbuf text = STRBUF_INIT;

	if (!is_address(email))
		return;
	add_recipient(d, email);
	if (*name)
		add_name(&text, name);
	strbuf_addf(&text, "<%s>", email);
	markup_header(&d->out, "To: ", text.buf);
	strbuf_release(&text);
}

static void add_copies(struct draft *d)
{
	const struct schedule_names *cc = &d->s->watch.cc;
	size_t n = 0;

	for (size_t i = 0; i < cc->count; i++) {
		if (!is_address(cc->items[i]))
			continue;
		strbuf_addf(&d->out, "%s%s", n++ ? ",\n " : "Cc: ", cc->items[i]);
		add_recipient(d, cc->items[i]);
	}
	if (n)
		strbuf_addch(&d->out, '\n');
}

/* One a line: lines of a mail have a limit, and a thread may be long. */
static void add_references(struct draft *d)
{
	__cleanup_free char *copy = xstrdup(database_column(d->row, REFS));
	char *rest = copy, *id, *ids[REFS_MAX];
	size_t n = 0;

	while ((id = strsep(&rest, " "))) {
		if (!*id)
			continue;
		if (n == REFS_MAX) {
			memmove(ids + 1, ids + 2, (REFS_MAX - 2) * sizeof(*ids));
			n--;
		}
		ids[n++] = id;
	}
	strbuf_addstr(&d->out, "References:");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&d->out, " %s\n", ids[i]);
	strbuf_addf(&d->out, " %s\n", database_column(d->row, MESSAGE_ID));
}

static void add_subject(struct draft *d)
{
	const char *subject = database_column(d->row, SUBJECT);

	markup_header(&d->out,
		      strncasecmp(subject, "Re:", 3) ? "Subject: Re: " : "Subject: ", subject);
}

/* The same answer has the same id whenever it is written. */
static void add_message_id(struct draft *d)
{
	const char *domain = strchr(mail_from(d->setting), '@');
	__cleanup_free char *text =
		xasprintf("%s\n%d\n%lld", database_column(d->row, MESSAGE_ID),
			  sqlite3_column_int(d->row, VERSION), (long long)d->series);
	char hex[SHA256_HEX];

	sha256_bytes(text, strlen(text), hex);
	strbuf_addf(&d->out, "Message-ID: <nestlab.%.20s%s>\n", hex,
		    domain ? domain : "@localhost");
}

static void add_headers(struct draft *d)
{
	mail_add_date(&d->out);
	strbuf_addf(&d->out, "From: nestlab <%s>\n", mail_from(d->setting));
	add_author(d);
	add_copies(d);
	add_subject(d);
	add_message_id(d);
	strbuf_addf(&d->out, "In-Reply-To: %s\n", database_column(d->row, MESSAGE_ID));
	add_references(d);
	strbuf_addstr(&d->out, "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
			       "Content-Transfer-Encoding: 8bit\n\n");
}

static void add_quote(struct draft *d)
{
	const char *name = database_column(d->row, AUTHOR);

	strbuf_addstr(&d->out, "On ");
	markup_line(&d->out, database_column(d->row, DATE));
	strbuf_addstr(&d->out, ", ");
	markup_line(&d->out, *name ? name : database_column(d->row, EMAIL));
	strbuf_addstr(&d->out, " wrote:\n> ");
	markup_line(&d->out, database_column(d->row, SUBJECT));
	strbuf_addstr(&d->out, "\n\n");
}

static int put_away(struct daemon_db *db, struct draft *d, struct error *err)
{
	__cleanup_free char *dedupe = xasprintf("series-%lld", (long long)d->series);
	__cleanup_free char *recipients = json_canonical(d->recipients);
	__cleanup_free char *payload = mail_with_crlf(d->out.buf);
	bool nobody = !json_object_array_length(d->recipients);
	const struct outbox_item item = {
		.dedupe = dedupe,
		.kind = "mail",
		.recipients = recipients,
		.payload = payload,
		.series = d->series,
		.held = nobody || !d->s->watch.send,
	};

	return outbox_add(db, &item, err);
}

int draft_put(struct daemon_db *db, const struct outbox_setting *setting, const struct schedule *s,
	      int64_t series, const char *text, struct error *err)
{
	struct draft d = {.setting = setting, .s = s, .series = series, .out = STRBUF_INIT};
	int ret;

	d.row = database_query(
		db,
		"SELECT message_id, refs, subject, author, email, date, version FROM "
		"list_series WHERE id = ?1",
		"i", series);
	ret = database_row(db, d.row, err);
	if (ret != 1)
		return ret;
	d.recipients = json_object_new_array();
	add_headers(&d);
	add_quote(&d);
	strbuf_addstr(&d.out, text);
	strbuf_addstr(&d.out, "\n-- \nnestlab\n");
	sqlite3_reset(d.row);
	ret = put_away(db, &d, err);
	json_object_put(d.recipients);
	strbuf_release(&d.out);
	return ret;
}
