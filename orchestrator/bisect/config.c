// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

#define MAX_FRAGMENT_BYTES (1 << 20)

static struct bisect_difference *find_or_add(struct bisect_configs *c, const char *option,
					     size_t len)
{
	for (size_t i = 0; i < c->n; i++)
		if (strlen(c->items[i].option) == len && !strncmp(c->items[i].option, option, len))
			return &c->items[i];
	c->items = xrealloc(c->items, c->n + 1, sizeof(*c->items));
	c->items[c->n] = (struct bisect_difference){.option = strndup(option, len)};
	return &c->items[c->n++];
}

/* "CONFIG_X=y" or "# CONFIG_X is not set"; a line that is neither option nor comment is -EINVAL. */
static int parse_line(struct bisect_configs *c, const char *line, bool bad)
{
	const char *name = !strncmp(line, "# CONFIG_", 9) ? line + 2 : line;
	size_t len = strcspn(name, "= ");
	struct bisect_difference *d;
	char **value;

	if (!*line || (*line == '#' && (name == line || strcmp(name + len, " is not set"))))
		return 0;
	if (strncmp(name, "CONFIG_", 7) || (name == line && name[len] != '='))
		return -EINVAL;
	d = find_or_add(c, name, len);
	value = bad ? &d->bad : &d->good;
	free(*value);
	*value = xstrdup(name == line ? name + len + 1 : "n");
	return 0;
}

static int read_fragment(struct bisect_configs *c, const char *path, bool bad, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int number = 0, ret = fs_read_file(path, MAX_FRAGMENT_BYTES, &text, err);
	char *rest = text.buf, *line;

	while (!ret && (line = strsep(&rest, "\n"))) {
		size_t len = strlen(line);

		while (len && strchr(" \t\r", line[len - 1]))
			line[--len] = '\0';
		number++;
		if (parse_line(c, line, bad))
			ret = error_set(
				err, -EINVAL,
				"%s:%d: expected CONFIG_NAME=VALUE or \"# CONFIG_NAME is not set\", found \"%s\"",
				path, number, line);
	}
	strbuf_release(&text);
	return ret;
}

static void add_option(struct strbuf *out, const char *option, const char *value)
{
	if (!value)
		return;
	if (strcmp(value, "n"))
		strbuf_addf(out, "%s=%s\n", option, value);
	else
		strbuf_addf(out, "# %s is not set\n", option);
}

static void free_item(struct bisect_difference *d)
{
	free(d->option);
	free(d->good);
	free(d->bad);
	free(d->text);
}

/* An option that a fragment does not mention gets the value that Kconfig's own rules give it. */
static const char *value_name(const char *value)
{
	return value ? value : "default";
}

/* Moves what both have alike to the common lines. */
static void split_common(struct bisect_configs *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct bisect_difference *d = &c->items[i];

		if (d->good && d->bad && !strcmp(d->good, d->bad)) {
			add_option(&c->common, d->option, d->good);
			free_item(d);
			continue;
		}
		d->text = xasprintf("%s: %s -> %s", d->option, value_name(d->good),
				    value_name(d->bad));
		c->items[kept++] = *d;
	}
	c->n = kept;
}

int bisect_configs_read(const char *good, const char *bad, struct bisect_configs *out,
			struct error *err)
{
	int ret;

	*out = (struct bisect_configs){.common = STRBUF_INIT};
	ret = read_fragment(out, good, false, err);
	if (ret)
		goto fail;
	ret = read_fragment(out, bad, true, err);
	if (ret)
		goto fail;
	split_common(out);
	if (out->n)
		return 0;
	ret = error_set(err, -EINVAL,
			"%s and %s ask for the same configuration: there is nothing to search",
			good, bad);
fail:
	bisect_configs_free(out);
	return ret;
}

void bisect_configs_free(struct bisect_configs *c)
{
	for (size_t i = 0; i < c->n; i++)
		free_item(&c->items[i]);
	free(c->items);
	strbuf_release(&c->common);
	*c = (struct bisect_configs){.common = STRBUF_INIT};
}

void bisect_configs_mix(const struct bisect_configs *c, const bool *set, struct strbuf *out)
{
	strbuf_add(out, c->common.buf, c->common.len);
	for (size_t i = 0; i < c->n; i++)
		add_option(out, c->items[i].option, set[i] ? c->items[i].bad : c->items[i].good);
}
