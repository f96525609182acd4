// SPDX-License-Identifier: GPL-2.0-only
#include "kernels/fragment.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

#define MAX_FRAGMENT_BYTES (1 << 20)
#define PREFIX		   "CONFIG_"
#define UNSET		   " is not set"

static void free_option(struct kernel_option *o)
{
	free(o->name);
	free(o->value);
	free(o->file);
}

void kernel_fragment_free(struct kernel_fragment *f)
{
	for (size_t i = 0; i < f->count; i++)
		free_option(&f->options[i]);
	free(f->options);
	*f = (struct kernel_fragment){0};
}

const struct kernel_option *kernel_fragment_find(const struct kernel_fragment *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->options[i].name, name))
			return &f->options[i];
	return NULL;
}

/* An option keeps its place when a later line changes it. Takes over the strings of @new. */
static void add_option(struct kernel_fragment *f, struct kernel_option new)
{
	const struct kernel_option *old = kernel_fragment_find(f, new.name);
	struct kernel_option *slot;

	if (old) {
		slot = &f->options[old - f->options];
		free_option(slot);
	} else {
		f->options = xrealloc(f->options, f->count + 1, sizeof(*f->options));
		slot = &f->options[f->count++];
	}
	*slot = new;
}

/* Length of the option's name that @s begins with; 0 if it begins with none. */
static size_t name_length(const char *s)
{
	size_t len = strlen(PREFIX);

	if (strncmp(s, PREFIX, len))
		return 0;
	while (isalnum((unsigned char)s[len]) || s[len] == '_')
		len++;
	if (len == strlen(PREFIX))
		return 0;
	return len;
}

/* The start of the value in @line, and the option's name: the first @len bytes at *name. NULL: the
 * line asks for nothing, or is wrong. */
static const char *split_line(const char *line, const char **name, size_t *len)
{
	*name = line;
	if (!strncmp(line, "# ", 2))
		*name = line + 2;
	*len = name_length(*name);
	if (!*len)
		return NULL;
	if (*name != line)
		return strcmp(*name + *len, UNSET) ? NULL : "n";
	if (line[*len] != '=' || !line[*len + 1])
		return NULL;
	return line + *len + 1;
}

int kernel_fragment_take(struct kernel_fragment *f, const char *line, const char *file, int number,
			 struct error *err)
{
	const char *name, *value;
	size_t len;

	value = split_line(line, &name, &len);
	if (value) {
		add_option(f, (struct kernel_option){strndup(name, len), xstrdup(value),
						     xstrdup(file), number});
		return 0;
	}
	if (!*line || *line == '#')
		return 0;
	return error_set(
		err, -EINVAL,
		"%s:%d: expected CONFIG_NAME=VALUE or \"# CONFIG_NAME is not set\", found \"%s\"",
		file, number, line);
}

static void trim_end(char *line)
{
	size_t len = strlen(line);

	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
}

int kernel_fragment_read(struct kernel_fragment *f, const char *path, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int number = 0, ret = fs_read_file(path, MAX_FRAGMENT_BYTES, &text, err);
	char *rest = text.buf, *line;

	while (!ret && (line = strsep(&rest, "\n"))) {
		trim_end(line);
		ret = kernel_fragment_take(f, line, path, ++number, err);
	}
	strbuf_release(&text);
	return ret;
}

void kernel_fragment_add_line(struct strbuf *out, const char *name, const char *value)
{
	if (strcmp(value, "n"))
		strbuf_addf(out, "%s=%s\n", name, value);
	else
		strbuf_addf(out, "# %s" UNSET "\n", name);
}
