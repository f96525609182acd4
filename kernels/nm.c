// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which source file each function of a kernel comes from: vmlinux' symbol table knows the names of files, not
 * their folders, and of global functions nothing. The objects that it was linked from know both.
 */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

struct list {
	const char *tree;
	struct strbuf text;
	struct strbuf object; /* of the last line: its source is looked for once */
	char *source;
};

/* "arch/x86/kvm/vmx/nested.o" -> its .c or .S, whichever is there; the caller frees. */
static char *find_source(const char *tree, const char *object)
{
	int stem = (int)strlen(object) - 2;
	__cleanup_free char *assembly = xasprintf("%s/%.*s.S", tree, stem, object);

	return xasprintf("%.*s.%s", stem, object, fs_exists(assembly) ? "S" : "c");
}

/* "vmlinux.a:arch/x86/kvm/vmx/nested.o:0000000000000040 t handle_vmptrld" */
static void take_symbol(const char *line, void *arg)
{
	struct list *l = arg;
	const char *object = strchr(line, ':'), *end, *type;
	size_t len;

	end = object ? strchr(object + 1, ':') : NULL;
	type = end ? strchr(end, ' ') : NULL;
	if (!type || !type[1] || type[2] != ' ' || !strchr("TtWw", type[1]))
		return;
	object++;
	len = (size_t)(end - object);
	if (len < 3 || strncmp(end - 2, ".o", 2) || type[3] == '.')
		return;
	if (l->object.len != len || strncmp(l->object.buf, object, len)) {
		strbuf_reset(&l->object);
		strbuf_add(&l->object, object, len);
		free(l->source);
		l->source = find_source(l->tree, l->object.buf);
	}
	/* without what the compiler appends: ".isra.0", ".part.0", ... */
	strbuf_addf(&l->text, "%.*s %s\n", (int)strcspn(type + 3, "."), type + 3, l->source);
}

int kernel_functions_write(const char *tree, const char *path, struct error *err)
{
	static const char *const argv[] = {
		"nm", "-A", "--defined-only", "vmlinux.a", "lib/lib.a", "arch/x86/lib/lib.a", NULL};
	struct list l = {.tree = tree, .text = STRBUF_INIT, .object = STRBUF_INIT};
	const struct subprocess sp = {.argv = argv, .cwd = tree, .on_line = take_symbol, .arg = &l};
	int status, ret = subprocess_run(&sp, &status, err);

	if (!ret && l.text.len)
		ret = fs_write_file(path, l.text.buf, l.text.len, err);
	free(l.source);
	strbuf_release(&l.text);
	strbuf_release(&l.object);
	return ret;
}
