// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tags of a subject: "[PATCH v2 3/5] title" and what people make of it. "RESEND [PATCH ...]",
 * "[RFC][PATCH 1 of 2]", "[PATCHv2 1/2]", "[1/2]", "[PATCH 1.5/2]".
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "kernels/mail.h"

/* A number of one to four digits at *s, which moves past it; -1 if there is none. */
static int take_number(const char **s)
{
	int value = 0, digits = 0;

	for (; isdigit((unsigned char)**s) && digits < 4; (*s)++, digits++)
		value = value * 10 + (**s - '0');
	if (!digits || isdigit((unsigned char)**s))
		return -1;
	return value;
}

/* "/", or " of " as Mercurial writes it; *s moves past it. */
static bool take_separator(const char **s)
{
	const char *at = *s + strspn(*s, " \t");

	if (**s == '/') {
		(*s)++;
		return true;
	}
	if (at == *s || strncasecmp(at, "of", 2) || (at[2] != ' ' && at[2] != '\t'))
		return false;
	*s = at + 2 + strspn(at + 2, " \t");
	return true;
}

/* "3/5", "3 of 5", "3.5/5" at @s; *end is where it ends. A number alone ("6.12", "64") is none. */
static bool take_numbers(struct mail *mail, const char *s, const char **end)
{
	bool half = false;
	int n = take_number(&s), m;

	if (n >= 0 && *s == '.' && isdigit((unsigned char)s[1])) {
		s++;
		half = take_number(&s) >= 0;
	}
	if (n < 0 || !take_separator(&s))
		return false;
	m = take_number(&s);
	if (m <= 0)
		return false;
	mail->n = n;
	mail->m = m;
	mail->half = half;
	*end = s;
	return true;
}

/* "PATCH", "v2", and run together: "PATCHv2", "PATCH3/5". Returns where it ends: at @end unless a
 * number goes on beyond it ("1 of 2"). */
static const char *take_tag(struct mail *mail, const char *s, const char *end)
{
	const char *at;
	int version;

	if (end - s >= 5 && !strncasecmp(s, "PATCH", 5)) {
		mail->patch = true;
		s += 5;
	} else if (end - s == 3 && !strncasecmp(s, "RFC", 3)) {
		mail->patch = true;
		return end;
	}
	if (take_numbers(mail, s, &at))
		return at;
	if (*s != 'v' && *s != 'V')
		return end;
	at = s + 1;
	version = take_number(&at);
	if (version >= 0 && at == end)
		mail->version = version;
	return end;
}

static bool is_between_tags(char c)
{
	return c && strchr(" ,;:-\t]", c);
}

/* The tags between @s and @end, the inside of one [...]. */
static void take_tags(struct mail *mail, const char *s, const char *end)
{
	while (s < end) {
		size_t len = strcspn(s, " ,;:-\t]");
		struct mail before = *mail;
		const char *next = take_tag(mail, s, s + len);

		/* what goes on is not a number of ours: "1/2x", or beyond the bracket */
		if (next > end || !is_between_tags(*next)) {
			*mail = before;
			next = s + len;
		}
		s = next + 1;
	}
}

/* "RESEND [PATCH ...", "RESEND: [..": words before the bracket that do not make it another thing. */
static const char *skip_leading_words(const char *s)
{
	static const char *const words[] = {"RESEND", "RESENT", "RFC"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);
		const char *after = s + len;

		if (strncasecmp(s, words[i], len))
			continue;
		after += *after == ':';
		after += strspn(after, " \t");
		if (*after == '[')
			return after;
	}
	return s;
}

static bool begins_reply(const char *s)
{
	return !strncasecmp(s, "Re:", 3);
}

void mail_parse_subject(struct mail *mail)
{
	const char *s = mail->subject, *end;
	bool bracket = false;

	mail->patch = mail->half = false;
	mail->version = 1;
	mail->n = mail->m = 0;
	while (isspace((unsigned char)*s))
		s++;
	mail->reply = begins_reply(s);
	s = skip_leading_words(s);
	/* A reply's "Re:" is not a bracket, so a reply has no tags. */
	while (*s == '[' && (end = strchr(s, ']'))) {
		take_tags(mail, s + 1, end);
		s = end + 1;
		while (isspace((unsigned char)*s))
			s++;
		bracket = true;
	}
	/* "[list] Re: [PATCH]", but not "[PATCH] Re: x" of somebody who numbers it */
	if (bracket && begins_reply(s)) {
		mail->patch = false;
		mail->reply = true;
	}
	mail->title = s;
}
