// SPDX-License-Identifier: GPL-2.0-only
/* The .config: tinyconfig, the variant's fragments, olddefconfig; then the check that each line of
 * the fragments is in the result. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "kernels/fragment.h"
#include "kernels/internal.h"

static int read_fragments(const struct kernel_variant *v, struct kernel_fragment *f,
			  struct error *err)
{
	for (size_t i = 0; i < v->nfragments; i++) {
		int ret = kernel_fragment_read(f, v->fragments[i], err);

		if (ret)
			return ret;
	}
	for (size_t i = 0; i < v->noptions; i++) {
		int ret = kernel_fragment_take(f, v->options[i], v->name, (int)i + 1, err);

		if (ret)
			return ret;
	}
	return 0;
}

int kernel_config_hash_fragments(const struct kernel_variant *v, char hex[SHA256_HEX],
				 struct error *err)
{
	struct kernel_fragment f = {0};
	struct strbuf all = STRBUF_INIT;
	int ret = read_fragments(v, &f, err);

	for (size_t i = 0; i < f.count; i++)
		strbuf_addf(&all, "%s=%s\n", f.options[i].name, f.options[i].value);
	if (!ret)
		sha256_bytes(all.buf, all.len, hex);
	strbuf_release(&all);
	kernel_fragment_free(&f);
	return ret;
}

/* The value of @name in @config (the text of a .config): "n" when it is not set. The caller
 * frees. */
static char *value_in(const char *config, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = config; (at = strstr(at, name)); at += len)
		if ((at == config || at[-1] == '\n') && at[len] == '=')
			return strndup(at + len + 1, strcspn(at + len + 1, "\n"));
	return xstrdup("n");
}

/* One line for each option that @config does not have as asked. */
static void list_differences(const struct kernel_fragment *f, const char *config,
			     struct strbuf *out)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct kernel_option *o = &f->options[i];
		__cleanup_free char *value = value_in(config, o->name);

		if (strcmp(value, o->value))
			strbuf_addf(out, "\n  %s=%s (%s:%d): the kernel's configuration has %s",
				    o->name, o->value, o->file, o->line, value);
	}
}

int kernel_config_check(const struct kernel_variant *v, const char *config, struct error *err)
{
	struct kernel_fragment f = {0};
	struct strbuf text = STRBUF_INIT, differences = STRBUF_INIT;
	int ret = read_fragments(v, &f, err);

	if (ret)
		goto out;
	ret = fs_read_file(config, 0, &text, err);
	if (ret)
		goto out;
	list_differences(&f, text.buf, &differences);
	if (differences.len)
		ret = error_set(
			err, -EDOM,
			"the kernel did not accept these config options (they depend on options that are not set, or this kernel does not have them):%s",
			differences.buf);
out:
	strbuf_release(&differences);
	strbuf_release(&text);
	kernel_fragment_free(&f);
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
	struct kernel_fragment f = {0};
	struct strbuf text = STRBUF_INIT;
	int ret = read_fragments(v, &f, err);

	if (ret)
		goto out;
	ret = fs_read_file(config, 0, &text, err);
	if (ret)
		goto out;
	for (size_t i = 0; i < f.count; i++)
		kernel_fragment_add_line(&text, f.options[i].name, f.options[i].value);
	ret = fs_write_file(config, text.buf, text.len, err);
out:
	strbuf_release(&text);
	kernel_fragment_free(&f);
	return ret;
}

int kernel_config_make(const struct kernel_variant *v, const char *tree, const char *log,
		       struct error *err)
{
	__cleanup_free char *config = xasprintf("%s/.config", tree);
	int ret = make_target(v, tree, log, "tinyconfig", err);

	if (ret)
		return ret;
	ret = add_fragments(v, config, err);
	if (ret)
		return ret;
	ret = make_target(v, tree, log, "olddefconfig", err);
	if (ret)
		return ret;
	return kernel_config_check(v, config, err);
}

/*
 * Steps for each option that is set: 2.43 (490 options, 1193 steps), 2.59 (636, 1646), the emulated host's
 * configurations of 6.12. It serves until a build with the same .config was counted.
 */
#define STEPS_PER_OPTION 2.5

int kernel_config_expect_steps(const char *config, uint64_t *steps, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	size_t options = 0;
	int ret = fs_read_file(config, 0, &text, err);

	for (const char *at = text.buf; !ret && (at = strstr(at, "=y\n")); at++)
		options++;
	strbuf_release(&text);
	*steps = options * STEPS_PER_OPTION;
	return ret;
}
