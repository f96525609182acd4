// SPDX-License-Identifier: GPL-2.0-only
/* What a field is called: in a table, on the command line, in a complaint. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/request/internal.h"

const struct request_field *request_find_field(const struct request_field *fields, const char *key)
{
	for (const struct request_field *f = fields; f->help; f++)
		if (f->key && !strcmp(f->key, key))
			return f;
	return NULL;
}

char *request_option_name(const struct request_field *f)
{
	char *name;

	if (f->option)
		return xstrdup(f->option);
	name = xstrdup(f->key);
	for (char *p = name; *p; p++)
		if (*p == '_')
			*p = '-';
	return name;
}

char *request_argument_name(const struct request_field *f)
{
	__cleanup_free char *option = NULL;

	if (f->place == REQUEST_OPERAND)
		return xstrdup(f->argname);
	if (f->place == REQUEST_NO_ARGUMENT)
		return xstrdup(f->key);
	option = request_option_name(f);
	return xasprintf("--%s", option);
}

int request_complain(const struct request_field *f, const char *name, struct error *err,
		     const char *fmt, ...)
{
	__cleanup_free char *argument = request_argument_name(f);
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (name)
		error_set(err, -EINVAL, "%s: $.%s: %s", name, f->key, text.buf);
	else
		error_set(err, -EINVAL, "%s: %s", argument, text.buf);
	strbuf_release(&text);
	return -EINVAL;
}
