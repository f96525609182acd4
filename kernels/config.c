// SPDX-License-Identifier: GPL-2.0-only
/* The .config: tinyconfig, the variant's fragments, olddefconfig; and whether each line took. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "kernels/internal.h"

#define MAX_FRAGMENT_BYTES (1 << 20)

/* One option that a fragment asks for. Later fragments override earlier ones. */
struct asked {
	char *name;  /* "CONFIG_KVM" */
	char *value; /* "y", "8", "\"text\""; "n" for "is not set" */
	const char *file;
	int line;
};

struct request {
	struct asked *items;
	size_t count;
};

static void request_free(struct request *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->items[i].name);
		free(r->items[i].value);
	}
	free(r->items);
}

static void ask(struct request *r, const char *name, size_t len, const char *value,
		const char *file, int line)
{
	struct asked new = {strndup(name, len), xstrdup(value), file, line};

	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->items[i].name, new.name))
			continue;
		free(r->items[i].name);
		free(r->items[i].value);
		r->items[i] = new;
		return;
	}
	r->items = xrealloc(r->items, r->count + 1, sizeof(*r->items));
	r->items[r->count++] = new;
}

/* Length of the option's name that @s begins with, 0 if none does. */
static size_t name_length(const char *s)
{
	size_t len = strlen("CONFIG_");

	if (strncmp(s, "CONFIG_", len))
		return 0;
	while (isalnum((unsigned char)s[len]) || s[len] == '_')
		len++;
	return len > strlen("CONFIG_") ? len : 0;
}

static int parse_line(struct request *r, const char *s, const char *file, int line,
		      struct error *err)
{
	size_t len;

	if (!strncmp(s, "# CONFIG_", 9)) {
		len = name_length(s + 2);
		if (len && !strcmp(s + 2 + len, " is not set"))
			ask(r, s + 2, len, "n", file, line);
		return 0;
	}
	if (!*s || *s == '#')
		return 0;
	len = name_length(s);
	if (!len || s[len] != '=' || !s[len + 1])
		return error_set(
			err, -EINVAL,
			"%s:%d: expected CONFIG_NAME=VALUE or \"# CONFIG_NAME is not set\", "
			"found \"%s\"",
			file, line, s);
	ask(r, s, len, s + len + 1, file, line);
	return 0;
}

static int parse_fragment(struct request *r, const char *file, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int number = 0, ret = fs_read_file(file, MAX_FRAGMENT_BYTES, &text, err);
	char *save = text.buf, *line;

	while (!ret && *save && (line = strsep(&save, "\n"))) {
		size_t len = strlen(line);

		while (len && isspace((unsigned char)line[len - 1]))
			line[--len] = '\0';
		ret = parse_line(r, line, file, ++number, err);
		if (!save)
			break;
	}
	strbuf_release(&text);
	return ret;
}

static int parse_fragments(const struct kernel_variant *v, struct request *r, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < v->nfragments; i++)
		ret = parse_fragment(r, v->fragments[i], err);
	return ret;
}

int kernel_config_hash_fragments(const struct kernel_variant *v, char hex[SHA256_HEX],
				 struct error *err)
{
	struct request r = {NULL, 0};
	struct strbuf all = STRBUF_INIT;
	int ret = parse_fragments(v, &r, err);

	for (size_t i = 0; i < r.count; i++)
		strbuf_addf(&all, "%s=%s\n", r.items[i].name, r.items[i].value);
	if (!ret)
		sha256_bytes(all.buf, all.len, hex);
	strbuf_release(&all);
	request_free(&r);
	return ret;
}

/* What @config (the text of a .config) has for @name: "n" when it is not set. Caller frees. */
static char *value_in(const char *config, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = config; (at = strstr(at, name)); at += len)
		if ((at == config || at[-1] == '\n') && at[len] == '=')
			return strndup(at + len + 1, strcspn(at + len + 1, "\n"));
	return xstrdup("n");
}

int kernel_config_check(const struct kernel_variant *v, const char *config, struct error *err)
{
	struct request r = {NULL, 0};
	struct strbuf text = STRBUF_INIT, missing = STRBUF_INIT;
	int ret = parse_fragments(v, &r, err);

	if (!ret)
		ret = fs_read_file(config, 0, &text, err);
	for (size_t i = 0; !ret && i < r.count; i++) {
		const struct asked *a = &r.items[i];
		__cleanup_free char *value = value_in(text.buf, a->name);

		if (strcmp(value, a->value))
			strbuf_addf(&missing,
				    "\n  %s=%s (%s:%d): the kernel's configuration has %s", a->name,
				    a->value, a->file, a->line, value);
	}
	if (missing.len)
		ret = error_set(err, -EDOM,
				"config options did not take (a dependency is "
				"missing, or the name is unknown to this kernel):%s",
				missing.buf);
	strbuf_release(&missing);
	strbuf_release(&text);
	request_free(&r);
	return ret;
}

static int make_target(const struct kernel_variant *v, const char *tree, const char *log,
		       const char *target, struct error *err)
{
	const char *const targets[] = {target, NULL};
	struct kernel_make m = {
		.tree = tree, .log = log, .compiler = v->compiler, .targets = targets};

	return kernel_make_run(&m, err);
}

/* Appends the fragments to the .config: of two lines for one option Kconfig takes the last. */
static int add_fragments(const struct kernel_variant *v, const char *config, struct error *err)
{
	struct request r = {NULL, 0};
	struct strbuf text = STRBUF_INIT;
	int ret = parse_fragments(v, &r, err);

	if (!ret)
		ret = fs_read_file(config, 0, &text, err);
	for (size_t i = 0; i < r.count; i++) {
		if (strcmp(r.items[i].value, "n"))
			strbuf_addf(&text, "%s=%s\n", r.items[i].name, r.items[i].value);
		else
			strbuf_addf(&text, "# %s is not set\n", r.items[i].name);
	}
	if (!ret)
		ret = fs_write_file(config, text.buf, text.len, err);
	strbuf_release(&text);
	request_free(&r);
	return ret;
}

int kernel_config_make(const struct kernel_variant *v, const char *tree, const char *log,
		       struct error *err)
{
	__cleanup_free char *config = xasprintf("%s/.config", tree);
	int ret = make_target(v, tree, log, "tinyconfig", err);

	if (!ret)
		ret = add_fragments(v, config, err);
	if (!ret)
		ret = make_target(v, tree, log, "olddefconfig", err);
	return ret ? ret : kernel_config_check(v, config, err);
}
