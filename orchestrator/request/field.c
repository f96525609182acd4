// SPDX-License-Identifier: GPL-2.0-only
/* One field of a request: set, test, free, name. */
#include "orchestrator/request/fields.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/utf8.h"
#include "orchestrator/request/internal.h"

void *request_at(const struct request *r, const struct request_field *f)
{
	if (f->at == REQUEST_NOWHERE)
		return NULL;
	return (char *)r + f->at;
}

/* ---- alternatives ---- */

/* The bit of the alternative that @r is; 0: not chosen yet, or the kind has none. */
static unsigned alternative_bit(const struct request *r)
{
	const char *key = request_tables[r->kind].alternatives;
	int chosen;

	if (!key)
		return 0;
	chosen = *(const int *)request_at(r,
					  request_find_field(request_tables[r->kind].fields, key));
	if (!chosen)
		return 0;
	return 1u << chosen;
}

bool request_has_field(const struct request *r, const struct request_field *f)
{
	return !f->when || (f->when & alternative_bit(r));
}

bool request_is_required(const struct request *r, const struct request_field *f)
{
	const struct request_field *fields = request_tables[r->kind].fields;

	if (f->unless && request_is_given(r, request_find_field(fields, f->unless)))
		return false;
	return f->required == REQUEST_ALWAYS || (f->required & alternative_bit(r));
}

bool request_is_given(const struct request *r, const struct request_field *f)
{
	const void *p = request_at(r, f);

	if (!p)
		return false;
	switch (f->type) {
	case REQUEST_TEXT:
		return *(char *const *)p;
	case REQUEST_INTEGER:
		/* an integer that was not given has its default, or 0 */
		return true;
	case REQUEST_REAL:
		/* request_init() sets NAN where a number has to be given */
		return !isnan(*(const double *)p);
	case REQUEST_FLAG:
		return *(const bool *)p;
	case REQUEST_LIST:
		return ((const struct request_list *)p)->count;
	case REQUEST_CHOICE:
		return *(const int *)p;
	}
	return false;
}

/* ---- values ---- */

/* A request is JSON, which has no other bytes. */
static int check_text(const char *text, struct error *err)
{
	if (!*text)
		return error_set(err, -EINVAL, "must not be empty");
	while (*text) {
		size_t n = utf8_length(text, UTF8_TO_NUL);

		if (!n)
			return error_set(err, -EINVAL, "must be UTF-8");
		text += n;
	}
	return 0;
}

int request_set_string(char **at, const char *text, struct error *err)
{
	int ret = check_text(text, err);

	if (ret)
		return ret;
	free(*at);
	*at = xstrdup(text);
	return 0;
}

void request_list_add(struct request_list *list, const char *text)
{
	list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = xstrdup(text);
}

static int add_text(struct request_list *list, const char *text, struct error *err)
{
	int ret = check_text(text, err);

	if (ret)
		return ret;
	request_list_add(list, text);
	return 0;
}

static int expected_integer(const struct request_field *f, struct error *err)
{
	error_set(err, -EINVAL, "expected a whole number from %.0f to %.0f", f->min, f->max);
	if (f->word)
		error_append(err, -EINVAL, ", or %s", f->word);
	return -EINVAL;
}

static int set_integer(int *at, const struct request_field *f, const char *text, struct error *err)
{
	char *end;
	long n;

	if (f->word && !strcmp(text, f->word)) {
		*at = 0;
		return 0;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < f->min || n > f->max)
		return expected_integer(f, err);
	*at = n;
	return 0;
}

/* "0.5" or "0.5%". */
static int set_real(double *at, const struct request_field *f, const char *text, struct error *err)
{
	char *end;
	double d = strtod(text, &end);

	if (end != text && *end == '%')
		end++;
	if (end == text || *end || !(d >= f->min && d <= f->max))
		return error_set(err, -EINVAL, "expected a number from %g to %g", f->min, f->max);
	*at = d;
	return 0;
}

int request_set_choice(int *at, const struct request_field *f, const char *text, struct error *err)
{
	__cleanup_free char *words = request_choice_words(f, ", ");

	for (size_t i = 0; f->choice(i); i++) {
		if (strcmp(f->choice(i), text))
			continue;
		*at = (int)i + 1;
		return 0;
	}
	return error_set(err, -EINVAL, "unknown value \"%s\"; expected one of: %s", text, words);
}

int request_set_text(struct request *r, const struct request_field *f, const char *text,
		     struct error *err)
{
	void *p = request_at(r, f);

	/* the option is only another spelling: giving it chooses an alternative */
	if (!p)
		return 0;
	switch (f->type) {
	case REQUEST_TEXT:
		return request_set_string(p, text, err);
	case REQUEST_INTEGER:
		return set_integer(p, f, text, err);
	case REQUEST_REAL:
		return set_real(p, f, text, err);
	case REQUEST_FLAG:
		*(bool *)p = true;
		return 0;
	case REQUEST_LIST:
		return add_text(p, text, err);
	case REQUEST_CHOICE:
		return request_set_choice(p, f, text, err);
	}
	return 0;
}

static void free_field(struct request *r, const struct request_field *f)
{
	struct request_list *list = request_at(r, f);
	char **text = request_at(r, f);

	if (f->type == REQUEST_TEXT) {
		free(*text);
		*text = NULL;
	}
	if (f->type != REQUEST_LIST)
		return;
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct request_list){0};
}

/* ---- whole requests ---- */

void request_init(struct request *r, enum request_kind kind)
{
	*r = (struct request){.kind = kind};
	for (const struct request_field *f = request_tables[kind].fields; f->help; f++) {
		if (f->otherwise)
			request_set_text(r, f, f->otherwise, NULL);
		else if (f->type == REQUEST_REAL && f->required)
			*(double *)request_at(r, f) = NAN;
	}
}

void request_free(struct request *r)
{
	for (const struct request_field *f = request_tables[r->kind].fields; f->help; f++)
		free_field(r, f);
	*r = (struct request){.kind = r->kind};
}

/* realpath() fails if the file does not exist. Its path is made absolute all the same. The caller frees. */
static char *absolute_path(const char *path)
{
	char *full = realpath(path, NULL);
	__cleanup_free char *cwd = NULL;

	if (full)
		return full;
	if (*path == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	return xasprintf("%s/%s", cwd ? cwd : ".", path);
}

/* The file's name stays, even if it is a link: a kernel or a host is called by it. */
static char *absolute_keeping_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	__cleanup_free char *folder = NULL, *full = NULL;

	if (!slash) {
		full = absolute_path(".");
		return xasprintf("%s/%s", full, path);
	}
	if (slash == path)
		return xstrdup(path);
	folder = strndup(path, slash - path);
	full = absolute_path(folder);
	return xasprintf("%s%s", full, slash);
}

static void make_absolute(const struct request_field *f, char **path)
{
	char *full;

	if (f->file == REQUEST_FILE)
		full = absolute_path(*path);
	else
		full = absolute_keeping_name(*path);
	free(*path);
	*path = full;
}

static bool is_path(const struct request_field *f, const char *text)
{
	if (f->file == REQUEST_FILE)
		return true;
	if (strchr(text, '/'))
		return true;
	/* "mine.json", a kernel with options on top of it ("mine.json+CONFIG_X=y"), entries of a scenario ("mine.json+3-5") */
	return f->file == REQUEST_JSON_FILE &&
	       (fs_has_suffix(text, ".json") || strstr(text, ".json+"));
}

/* Calls @act with each text that is a path, until one call says true. */
static bool visit_paths(const struct request *r,
			bool (*act)(const struct request_field *f, char **text, void *arg),
			void *arg)
{
	for (const struct request_field *f = request_tables[r->kind].fields; f->help; f++) {
		struct request_list *list = request_at(r, f);
		char **texts = request_at(r, f);
		size_t count = 1;

		if (f->file == REQUEST_NO_FILE || !request_has_field(r, f) ||
		    !request_is_given(r, f))
			continue;
		if (f->type == REQUEST_LIST) {
			texts = list->items;
			count = list->count;
		}
		for (size_t i = 0; i < count; i++)
			if (is_path(f, texts[i]) && act(f, &texts[i], arg))
				return true;
	}
	return false;
}

static bool make_one_absolute(const struct request_field *f, char **text, void *arg)
{
	(void)arg;
	make_absolute(f, text);
	return false;
}

void request_absolute(struct request *r)
{
	visit_paths(r, make_one_absolute, NULL);
}

static bool copy_path(const struct request_field *f, char **text, void *arg)
{
	(void)f;
	*(char **)arg = xstrdup(*text);
	return true;
}

char *request_find_path(const struct request *r)
{
	char *path = NULL;

	visit_paths(r, copy_path, &path);
	return path;
}

/* ---- names ---- */

char *request_choice_words(const struct request_field *f, const char *between)
{
	struct strbuf words = STRBUF_INIT;

	for (size_t i = 0; f->choice(i); i++)
		strbuf_addf(&words, "%s%s", i ? between : "", f->choice(i));
	return strbuf_detach(&words);
}
