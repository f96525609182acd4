// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/letter.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/strbuf.h"
#include "kernels/mail.h"
#include "results/report/markup.h"

#define SUBJECT_MAX 900

void letter_free(struct letter *l)
{
	for (size_t i = 0; i < l->nrefs; i++)
		free(l->refs[i]);
	free(l->refs);
	free(l->id);
	free(l->subject);
	free(l->refused);
	*l = (struct letter){0};
}

static size_t headers_length(const char *raw, size_t len)
{
	const char *end = memmem(raw, len, "\n\n", 2);
	const char *crlf = memmem(raw, len, "\n\r\n", 3);

	if (crlf && (!end || crlf < end))
		end = crlf;
	if (!end)
		return len;
	return end - raw + 1;
}

/* "<x@y>" and nothing but visible ASCII in it. */
static bool is_id(const char *id, size_t len)
{
	if (len < 3 || len > LETTER_ID_MAX || id[0] != '<' || id[len - 1] != '>')
		return false;
	for (size_t i = 0; i < len; i++)
		if (id[i] <= ' ' || id[i] > '~')
			return false;
	return true;
}

static bool has_ref(const struct letter *l, const char *id, size_t len)
{
	for (size_t i = 0; i < l->nrefs; i++)
		if (strlen(l->refs[i]) == len && !strncmp(l->refs[i], id, len))
			return true;
	return false;
}

/* Of more than LETTER_IDS_MAX the first ones stay, and the last is always the newest. */
static void add_ref(struct letter *l, const char *id, size_t len)
{
	if (!is_id(id, len) || has_ref(l, id, len))
		return;
	if (l->nrefs == LETTER_IDS_MAX)
		free(l->refs[--l->nrefs]);
	l->refs = xrealloc(l->refs, l->nrefs + 1, sizeof(*l->refs));
	l->refs[l->nrefs++] = strndup(id, len);
}

static void add_refs(struct letter *l, const char *text)
{
	for (const char *at = strchr(text, '<'); at; at = strchr(at + 1, '<')) {
		size_t len = strcspn(at + 1, "<> \t") + 1;

		if (at[len] == '>')
			add_ref(l, at, len + 1);
	}
}

static void find_refs(const char *headers, struct letter *l)
{
	__cleanup_free char *references = mail_header(headers, "References");
	__cleanup_free char *parent = mail_header(headers, "In-Reply-To");

	add_refs(l, references);
	add_refs(l, parent);
}

static char *find_subject(const char *headers)
{
	__cleanup_free char *text = mail_header(headers, "Subject");
	struct strbuf line = STRBUF_INIT;

	if (strlen(text) > SUBJECT_MAX)
		text[SUBJECT_MAX] = '\0';
	markup_line(&line, text);
	return strbuf_detach(&line);
}

static void take_id(const char *headers, const char *name, struct letter *l)
{
	__cleanup_free char *value = mail_header(headers, "Message-ID");
	const char *id = value + strspn(value, " \t");
	size_t len = strcspn(id, " \t");

	if (is_id(id, len)) {
		l->id = strndup(id, len);
		return;
	}
	l->id = xstrdup(name);
	if (!l->refused && !*value)
		l->refused = xstrdup("it has no Message-ID");
	else if (!l->refused)
		l->refused = xasprintf(
			"its Message-ID is none: expected <NAME@HOST> of at most %d bytes",
			LETTER_ID_MAX);
}

void letter_read(const char *raw, size_t len, const char *name, struct letter *out)
{
	size_t head = headers_length(raw, len);
	__cleanup_free char *headers =
		strndup(raw, head < LETTER_HEADERS_MAX ? head : LETTER_HEADERS_MAX);

	*out = (struct letter){0};
	if (len > LETTER_MAX)
		out->refused = xasprintf("it has %zu bytes; at most %d are read", len, LETTER_MAX);
	else if (head > LETTER_HEADERS_MAX)
		out->refused = xasprintf("its headers have %zu bytes; at most %d are read", head,
					 LETTER_HEADERS_MAX);
	else if (memchr(raw, '\0', len))
		out->refused = xstrdup("it has a NUL byte");
	out->subject = find_subject(headers);
	take_id(headers, name, out);
	if (!out->refused)
		find_refs(headers, out);
}

/* Letters of either case, and a dot for the @. */
static bool is_same(const char *text, const char *address, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char a = text[i] | ('A' <= text[i] && text[i] <= 'Z' ? 0x20 : 0);
		char b = address[i] | ('A' <= address[i] && address[i] <= 'Z' ? 0x20 : 0);

		if (a != b && !(a == '.' && b == '@'))
			return false;
	}
	return true;
}

static bool names_address(const char *text, const char *address)
{
	size_t len = strlen(address);

	for (; strlen(text) >= len; text++)
		if (is_same(text, address, len))
			return true;
	return false;
}

bool letter_is_to(const char *raw, const char *address)
{
	static const char *const names[] = {"To", "Cc", "List-Id"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		__cleanup_free char *value = mail_header(raw, names[i]);

		if (names_address(value, address))
			return true;
	}
	return false;
}
