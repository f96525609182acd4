// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/signature.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agents/wire/complaints.h"
#include "common/alloc.h"

/* How the engine puts its texts together: orchestrator/engine/boot_ending.c. */
#define PANIC	   "Kernel panic - not syncing: "
#define COMPLAINED "the kernel complained: "
#define BEFORE_IT  "; before it: "
#define PLACE	   " (RIP: "
#define LAST_LINE  "; the console's last line"

/* An address has no other digits, and is longer than the numbers that tell something. */
#define ADDRESS_DIGITS 8

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* ---- one word ---- */

static bool is_address(const char *word, size_t len)
{
	return len >= ADDRESS_DIGITS && strspn(word, "0123456789abcdefABCDEF") >= len;
}

/* "nested_vmx_run.isra.0.cold": what the compiler made of it differs from build to build. */
static size_t function_length(const char *word)
{
	static const char *const suffixes[] = {".isra.", ".constprop.", ".part.", ".cold"};
	size_t len = strcspn(word, "+");

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		const char *at = strstr(word, suffixes[i]);

		if (at && (size_t)(at - word) < len)
			len = at - word;
	}
	return len;
}

/* Digits that belong to a name ("x86", "kmalloc-64", "L2") stay. */
static bool is_in_name(const char *word, const char *digit)
{
	if (digit == word)
		return false;
	if (isalpha((unsigned char)digit[-1]) || digit[-1] == '_')
		return true;
	return digit[-1] == '-' && digit - word > 1 && isalpha((unsigned char)digit[-2]);
}

static size_t number_length(const char *at)
{
	if (has_prefix(at, "0x"))
		return 2 + strspn(at + 2, "0123456789abcdefABCDEF");
	return strspn(at, "0123456789");
}

/* ":3456" of a file, ":2:45" of a process, ":05f3a" of a page: the rest of a word. */
static bool is_position(const char *at, const char *end)
{
	if (*at != ':' || at + 1 == end)
		return false;
	return isdigit((unsigned char)at[1]) ||
	       strspn(at + 1, "0123456789abcdef") >= (size_t)(end - at - 1);
}

/* "CPU#0" becomes "CPU#N"; a file's line and column are left out. */
static void add_without_numbers(const char *word, size_t len, struct strbuf *out)
{
	const char *end = word + len;

	for (const char *p = word; p < end;) {
		if (is_position(p, end)) {
			p = end;
		} else if (!isdigit((unsigned char)*p)) {
			strbuf_addch(out, *p++);
		} else if (is_in_name(word, p)) {
			strbuf_add(out, p, strspn(p, "0123456789"));
			p += strspn(p, "0123456789");
		} else {
			strbuf_addch(out, 'N');
			p += number_length(p);
		}
	}
}

/* ---- one line ---- */

/* Of these only what follows is of one boot: a process. */
static const char *const before_process[] = {"task", "process", "atomic:"};

static bool is_before_process(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_process); i++)
		if (strlen(before_process[i]) == len && !strncmp(word, before_process[i], len))
			return true;
	return false;
}

/* A pair of words of one boot: "CPU: 0", "PID: 71". */
static bool is_label(const char *word, size_t len)
{
	return (len == 4 && (!strncmp(word, "CPU:", 4) || !strncmp(word, "PID:", 4)));
}

/* The text in parentheses or brackets that begins at @at is skipped whole, unless it is a function. */
static const char *skip_enclosed(const char *at)
{
	const char *end = strpbrk(at, *at == '(' ? ")" : "]");
	const char *offset = strstr(at, "+0x");

	if (!end || (offset && offset < end))
		return at;
	return end + 1 + strspn(end + 1, ":,.");
}

/* Adds one word; true if it was a function, which ends what two boots share. */
static bool add_word(const char *word, size_t len, struct strbuf *out)
{
	const char *offset = strstr(word, "+0x");
	size_t core = len;

	if (out->len && !strchr(" \n", out->buf[out->len - 1]))
		strbuf_addch(out, ' ');
	if (offset && offset < word + len) {
		word += strspn(word, "([");
		strbuf_addf(out, "%.*s", (int)function_length(word), word);
		return true;
	}
	while (core && ispunct((unsigned char)word[core - 1]))
		core--;
	if (!is_address(word, core))
		add_without_numbers(word, len, out);
	return false;
}

static void trim(struct strbuf *text)
{
	size_t len = text->len;

	while (len && strchr(" ,:;.!-", text->buf[len - 1]))
		len--;
	if (len == text->len)
		return;
	text->len = len;
	text->buf[len] = '\0';
}

/* Adds the line; true if a function is named in it. */
static bool add_line(const char *line, struct strbuf *out)
{
	const char *p = line + strspn(line, " ");
	bool found = false;

	while (*p && *p != '\n' && !found && !has_prefix(p, "[#")) {
		const char *next = p;
		size_t len;

		if (*p == '(' || *p == '[')
			next = skip_enclosed(p);
		len = strcspn(p, " \n");
		if (next == p && is_label(p, len)) {
			next = p + len + strspn(p + len, " ");
			next += strcspn(next, " \n");
		} else if (next == p) {
			found = add_word(p, len, out);
			next = p + len;
			if (is_before_process(p, len)) {
				next += strspn(next, " ");
				next += strcspn(next, " \n");
			}
		}
		p = next + strspn(next, " ");
	}
	trim(out);
	return found;
}

char *signature_of_line(const char *line)
{
	struct strbuf text = STRBUF_INIT;

	add_line(line, &text);
	return strbuf_detach(&text);
}

/* ---- the error of a boot ---- */

/* "RIP: 0010:nested_vmx_run+0x1f/0x200 [kvm_intel]": where it happened, if the line does not say so. */
static void add_place(const char *error, struct strbuf *out)
{
	const char *place = strstr(error, PLACE);
	const char *function;

	if (!place)
		return;
	function = strchr(place + strlen(PLACE), ':');
	if (function && strchr(function, '+'))
		strbuf_addf(out, " in %.*s", (int)function_length(function + 1), function + 1);
}

/* The text up to the first of what the engine puts behind it. */
static char *copy_part(const char *text)
{
	static const char *const ends[] = {"; ", PLACE, "\n"};
	size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const char *at = strstr(text, ends[i]);

		if (at && (size_t)(at - text) < len)
			len = at - text;
	}
	return strndup(text, len);
}

static void add_complaint(const char *text, const char *error, struct strbuf *out)
{
	__cleanup_free char *line = copy_part(text);

	if (!add_line(line, out))
		add_place(error, out);
	strbuf_addch(out, '\n');
}

/* All that is a complaint of what "; " separates. */
static void add_complaints(const char *text, struct strbuf *out)
{
	for (const char *p = text; p; p = strstr(p, "; ")) {
		if (has_prefix(p, "; "))
			p += 2;
		if (complaints_has(p))
			add_complaint(p, "", out);
	}
}

/* "hang after 12 records", and "hang": a hang may come at another moment in each boot. */
static void add_hang(const char *error, struct strbuf *out)
{
	const char *after = strstr(error, "; after ");

	if (after)
		strbuf_addf(out, "hang after %lu records\n",
			    strtoul(after + strlen("; after "), NULL, 10));
	strbuf_addstr(out, "hang\n");
}

/* How else a guest may end: the machine went off, a measurement of it failed. */
static void add_other(const char *error, struct strbuf *out)
{
	const char *end = strstr(error, LAST_LINE);
	__cleanup_free char *text = NULL;

	if (!end)
		end = error + strcspn(error, "\n");
	text = strndup(error, end - error);
	add_line(text, out);
	strbuf_addch(out, '\n');
}

static bool is_hang(const char *error)
{
	return has_prefix(error, "hangs: ") || has_prefix(error, "not done within ");
}

/* What came before a panic or a hang tells more than these. */
static void add_guest(const char *error, struct strbuf *out)
{
	const char *before = strstr(error, BEFORE_IT);

	if (has_prefix(error, COMPLAINED)) {
		add_complaints(error + strlen(COMPLAINED), out);
		return;
	}
	if (before)
		add_complaint(before + strlen(BEFORE_IT), error, out);
	if (has_prefix(error, PANIC)) {
		strbuf_addstr(out, "panic: ");
		add_complaint(error + strlen(PANIC), before ? "" : error, out);
	} else if (is_hang(error)) {
		add_hang(error, out);
	} else if (complaints_has(error)) {
		add_complaint(error, error, out);
	} else {
		add_other(error, out);
	}
}

void signature_list(enum results_class class, const char *error, enum results_class wanted,
		    struct strbuf *out)
{
	const char *besides;

	if (class == RESULTS_GUEST)
		add_guest(error, out);
	if (class != RESULTS_INTEGRITY)
		return;
	besides = strstr(error, RESULTS_BESIDES);
	if (wanted != RESULTS_GUEST) {
		strbuf_addstr(out, "integrity: ");
		add_complaint(error, "", out);
	}
	if (besides)
		add_guest(besides + strlen(RESULTS_BESIDES), out);
}

bool signature_is_listed(const char *list, const char *signature)
{
	size_t len = strlen(signature);

	for (const char *p = list; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!strncmp(p, signature, len) && (p[len] == '\n' || !p[len]))
			return true;
	return false;
}
