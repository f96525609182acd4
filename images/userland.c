// SPDX-License-Identifier: GPL-2.0-only
#include "images/userland.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/strbuf.h"
#include "common/subprocess.h"

#define LOADER "/lib64/ld-linux-x86-64.so.2" /* where every program of x86-64 names it (psABI) */
#define QEMU   "/usr/bin/qemu-system-x86_64"

enum kind { PROGRAM, DATA };

/* What is named; what programs load comes besides. QEMU looks for its ROMs in the first of these folders that has them:
 * there they go, wherever this machine's package put them. */
static const struct {
	const char *path, *source, *package;
	enum kind kind;
} wanted[] = {
	{QEMU, QEMU, "qemu-system-x86", PROGRAM},
	/* the firmware of microvm, what starts a PVH kernel, and what each local APIC asks for */
	{"/usr/share/qemu/qboot.rom", "/usr/share/qemu/qboot.rom", "qemu-system-data", DATA},
	{"/usr/share/qemu/pvh.bin", "/usr/share/qemu/pvh.bin", "qemu-system-data", DATA},
	{"/usr/share/qemu/kvmvapic.bin", "/usr/share/qemu/kvmvapic.bin", "qemu-system-data", DATA},
};

/* nestlab's own, from the folder of its programs (agents/l0/qemu.h: QEMU_PRELOAD). */
#define PRELOAD	     "/usr/lib/nestlab/nestlab-devmem.so"
#define PRELOAD_NAME "nestlab-devmem.so"

static bool has_file(const struct userland *u, const char *path)
{
	for (size_t i = 0; i < u->nfiles; i++)
		if (!strcmp(u->files[i].path, path))
			return true;
	return false;
}

static void add_file(struct userland *u, const char *path, const char *source, unsigned int mode)
{
	if (has_file(u, path))
		return;
	u->files = xrealloc(u->files, u->nfiles + 1, sizeof(*u->files));
	u->files[u->nfiles++] = (struct image_file){
		.path = xstrdup(path),
		.source = xstrdup(source),
		.mode = mode,
	};
}

/* A line of the loader's list: "\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f...)". The loader itself has
 * no "=>", the kernel's vDSO no path. */
static int add_library(struct userland *u, const char *line, struct error *err)
{
	const char *arrow = strstr(line, "=> "), *end = strstr(line, " (0x");
	__cleanup_free char *path = NULL;

	if (!arrow)
		return 0;
	if (!end || arrow[3] != '/')
		return error_set(err, -ENOENT, "a library is not installed:%s", line);
	path = strndup(arrow + 3, (size_t)(end - arrow - 3));
	add_file(u, path, path, 0755);
	return 0;
}

static int add_libraries(struct userland *u, const char *program, struct error *err)
{
	const char *const argv[] = {LOADER, "--list", program, NULL};
	struct strbuf list = STRBUF_INIT;
	const struct subprocess sp = {.argv = argv, .out = &list};
	int ret = subprocess_run(&sp, NULL, err);
	char *at, *line;

	for (at = list.buf; !ret && (line = strsep(&at, "\n"));)
		ret = add_library(u, line, err);
	strbuf_release(&list);
	if (ret)
		return error_prefix(err, ret, "%s", program);
	return 0;
}

static int add_wanted(struct userland *u, size_t i, struct error *err)
{
	if (!fs_exists(wanted[i].source))
		return error_set(
			err, -ENOENT,
			"%s: not installed, and the plan's L1s are run by QEMU: apt-get install %s",
			wanted[i].source, wanted[i].package);
	add_file(u, wanted[i].path, wanted[i].source, wanted[i].kind == PROGRAM ? 0755 : 0644);
	if (wanted[i].kind != PROGRAM)
		return 0;
	add_file(u, LOADER, LOADER, 0755);
	return add_libraries(u, wanted[i].source, err);
}

static int ask_version(struct userland *u, struct error *err)
{
	static const char *const argv[] = {QEMU, "--version", NULL};
	struct strbuf text = STRBUF_INIT;
	const struct subprocess sp = {.argv = argv, .out = &text};
	int ret = subprocess_run(&sp, NULL, err);

	if (!ret)
		u->version = strndup(text.buf, strcspn(text.buf, "\n"));
	strbuf_release(&text);
	return ret;
}

int userland_collect(const char *programs, struct userland *out, struct error *err)
{
	__cleanup_free char *preload = xasprintf("%s/%s", programs, PRELOAD_NAME);
	int ret = 0;

	*out = (struct userland){0};
	for (size_t i = 0; i < ARRAY_SIZE(wanted) && !ret; i++)
		ret = add_wanted(out, i, err);
	if (!ret && !fs_exists(preload))
		ret = error_set(err, -ENOENT, "%s: not beside nestlab; run make", preload);
	if (!ret)
		add_file(out, PRELOAD, preload, 0755);
	if (!ret)
		ret = ask_version(out, err);
	if (!ret)
		return 0;
	userland_free(out);
	return error_prefix(err, ret, "userland of the image");
}

void userland_free(struct userland *u)
{
	for (size_t i = 0; i < u->nfiles; i++) {
		free((char *)u->files[i].path);
		free((char *)u->files[i].source);
	}
	free(u->files);
	free(u->version);
	*u = (struct userland){0};
}
