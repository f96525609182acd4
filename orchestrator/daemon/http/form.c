// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/form.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/utf8.h"

#define BLANKS " \t\r\n"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_utf8(const char *text)
{
	size_t n = 1;

	for (; *text && n; text += n)
		n = utf8_length(text, UTF8_TO_NUL);
	return n;
}

/* In place: what is decoded is never longer. */
static int decode(char *text, struct error *err)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int high, low;

		if (*from != '%') {
			*to++ = *from == '+' ? ' ' : *from;
			continue;
		}
		high = hex_digit(from[1]);
		low = high < 0 ? -1 : hex_digit(from[2]);
		if (low < 0 || high + low == 0)
			return error_set(err, -EINVAL, "the form has a broken escape");
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	if (!is_utf8(text))
		return error_set(err, -EINVAL, "the form is no UTF-8");
	return 0;
}

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, BLANKS);
	n = strlen(text);
	while (n && strchr(BLANKS, text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static int take_field(struct form *f, char *pair, struct error *err)
{
	char *value = strchr(pair, '=');
	int ret;

	if (f->count == FORM_FIELDS)
		return error_set(err, -E2BIG, "the form has more than %d fields", FORM_FIELDS);
	if (value)
		*value++ = '\0';
	else
		value = pair + strlen(pair);
	ret = decode(pair, err);
	if (!ret)
		ret = decode(value, err);
	if (ret)
		return ret;
	f->fields[f->count].name = pair;
	f->fields[f->count++].value = trim(value);
	return 0;
}

int form_parse(const char *body, size_t len, struct form *out, struct error *err)
{
	char *rest, *pair;
	int ret = 0;

	*out = (struct form){0};
	if (!len)
		return 0; /* and @body may be NULL */
	if (memchr(body, '\0', len))
		return error_set(err, -EINVAL, "the form has a NUL in it");
	out->text = rest = xasprintf("%.*s", (int)len, body);
	while (!ret && (pair = strsep(&rest, "&")))
		if (*pair)
			ret = take_field(out, pair, err);
	if (ret)
		form_free(out);
	return ret;
}

void form_free(struct form *f)
{
	free(f->text);
	*f = (struct form){0};
}

const char *form_value(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->fields[i].name, name))
			return *f->fields[i].value ? f->fields[i].value : NULL;
	return NULL;
}
