// SPDX-License-Identifier: GPL-2.0-only
/* A variant's "compiler": "gcc", "ccache gcc", "LLVM=1", "LLVM=-15", "ccache LLVM=1". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

#define LLVM  "LLVM="
#define CACHE "ccache "

const char *kernel_compiler_name(const char *compiler)
{
	if (!strncmp(compiler, CACHE, strlen(CACHE)))
		return compiler + strlen(CACHE);
	return compiler;
}

bool kernel_compiler_is_llvm(const char *compiler)
{
	return !strncmp(kernel_compiler_name(compiler), LLVM, strlen(LLVM));
}

/* "-15" of "LLVM=-15"; "" of "LLVM=1". */
static const char *find_suffix(const char *llvm)
{
	const char *value = llvm + strlen(LLVM);

	if (value[0] == '-')
		return value;
	return "";
}

int kernel_compiler_check(const char *compiler, const char **expected)
{
	const char *name = kernel_compiler_name(compiler);
	const char *suffix = "";
	bool valid = true;

	if (kernel_compiler_is_llvm(name))
		suffix = find_suffix(name);
	*expected =
		"one program's name, \"LLVM=1\" or \"LLVM=-VERSION\"; with \"ccache \" in front if you like";
	if (!kernel_compiler_is_llvm(name))
		valid = *name && *name != '-' && !strpbrk(name, " =\t\n$()'\"");
	else if (strcmp(name, LLVM "1"))
		valid = strlen(suffix) > 1 && !suffix[1 + strspn(suffix + 1, "0123456789.")];
	if (!valid)
		return -EINVAL;
	return 0;
}

/* "ld.lld-15", "clang-15" */
static char *name_tool(const char *tool, const char *compiler)
{
	return xasprintf("%s%s", tool, find_suffix(kernel_compiler_name(compiler)));
}

char *kernel_compiler_variable(const char *compiler)
{
	__cleanup_free char *clang = NULL;

	if (!kernel_compiler_is_llvm(compiler))
		return xasprintf("CC=%s", compiler);
	clang = name_tool("clang", compiler);
	return xasprintf("CC=" CACHE "%s", clang);
}

/* The first line of `PROGRAM --version`; the caller frees. */
static int find_version(const char *program, char **line, struct error *err)
{
	const char *argv[] = {program, "--version", NULL};
	struct strbuf out = STRBUF_INIT;
	struct subprocess sp = {.argv = argv, .out = &out};
	int ret;

	if (!subprocess_have(program))
		return error_set(err, -ENOENT, "%s: no such program in PATH", program);
	ret = subprocess_run(&sp, NULL, err);
	if (!ret)
		*line = strndup(out.buf, strcspn(out.buf, "\n"));
	strbuf_release(&out);
	return ret;
}

static int identify_llvm(const char *compiler, char **line, char **linker, struct error *err)
{
	__cleanup_free char *clang = name_tool("clang", compiler);
	__cleanup_free char *lld = name_tool("ld.lld", compiler);
	__cleanup_free char *version = NULL;
	int ret = find_version(clang, &version, err);

	if (ret)
		return ret;
	ret = find_version(lld, linker, err);
	if (ret)
		return ret;
	*line = xasprintf("%s, %s", version, *linker);
	return 0;
}

int kernel_compiler_identify(const char *compiler, char **line, char **linker, struct error *err)
{
	const char *name = kernel_compiler_name(compiler);
	int ret;

	if (name != compiler && !subprocess_have("ccache"))
		return error_set(err, -ENOENT, "ccache: no such program in PATH");
	if (kernel_compiler_is_llvm(name))
		return identify_llvm(name, line, linker, err);
	ret = find_version(name, line, err);
	if (ret)
		return ret;
	return find_version("ld", linker, err);
}
