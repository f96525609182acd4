// SPDX-License-Identifier: GPL-2.0-only
#include "common/json_keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

struct key {
	const char *text;
	size_t len;
	size_t object; /* number of the object that it is in */
};

struct scan {
	const char *at, *end;
	struct key *keys;
	size_t nkeys;
	size_t open[JSON_KEYS_DEPTH]; /* numbers of the open objects and arrays */
	size_t depth, nobjects;
};

/* Past the string that begins at s->at; *len is what is between its quotes. */
static void skip_string(struct scan *s, size_t *len)
{
	const char *start = ++s->at;

	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' ? 2 : 1;
	*len = s->at - start;
	s->at++;
}

static bool is_key(const struct scan *s)
{
	const char *next = s->at;

	while (next < s->end && *next && strchr(" \t\r\n", *next))
		next++;
	return next < s->end && *next == ':';
}

/* True if the key is there already. */
static bool add_key(struct scan *s, const char *text, size_t len)
{
	size_t object = s->depth ? s->open[s->depth - 1] : 0;

	for (size_t i = 0; i < s->nkeys; i++)
		if (s->keys[i].object == object && s->keys[i].len == len &&
		    !memcmp(s->keys[i].text, text, len))
			return true;
	s->keys = xrealloc(s->keys, s->nkeys + 1, sizeof(*s->keys));
	s->keys[s->nkeys++] = (struct key){text, len, object};
	return false;
}

static void close_object(struct scan *s)
{
	size_t object = s->open[--s->depth];

	while (s->nkeys && s->keys[s->nkeys - 1].object == object)
		s->nkeys--;
}

static const char *find_twice(struct scan *s)
{
	while (s->at < s->end) {
		const char *start = s->at;
		size_t len;

		if (*start == '"') {
			skip_string(s, &len);
			if (is_key(s) && add_key(s, start + 1, len))
				return start;
			continue;
		}
		if ((*start == '{' || *start == '[') && s->depth < JSON_KEYS_DEPTH)
			s->open[s->depth++] = ++s->nobjects;
		else if ((*start == '}' || *start == ']') && s->depth)
			close_object(s);
		s->at++;
	}
	return NULL;
}

const char *json_keys_find_twice(const char *text, size_t len)
{
	struct scan s = {.at = text, .end = text + len};
	const char *found = find_twice(&s);

	free(s.keys);
	return found;
}
