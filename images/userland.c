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

enum kind { PROGRAM, LIBRARY, DATA, FOLDER };

#define DRIVER "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so"
#define TCG    "/usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so"

/* What is named; what programs load comes besides. */
static const struct wanted {
	const char *path, *package;
	enum kind kind;
	unsigned int sets; /* that have it */
} wanted[] = {
	{QEMU, "qemu-system-x86", PROGRAM, ~0u},
	/* the firmware of microvm, what starts a PVH kernel, and what each local APIC asks for */
	{"/usr/share/qemu/qboot.rom", "qemu-system-data", DATA, USERLAND_QEMU | USERLAND_LIBVIRT},
	{"/usr/share/qemu/pvh.bin", "qemu-system-data", DATA, USERLAND_QEMU | USERLAND_LIBVIRT},
	{"/usr/share/qemu/kvmvapic.bin", "qemu-system-data", DATA, ~0u},
	/* libvirt's driver, with the CPUs that it knows; what writes a saved domain; the firmware of q35 */
	{DRIVER, "libvirt-daemon-driver-qemu", LIBRARY, USERLAND_LIBVIRT},
	{"/usr/share/libvirt/cpu_map", "libvirt0", FOLDER, USERLAND_LIBVIRT},
	{"/usr/lib/libvirt/libvirt_iohelper", "libvirt-daemon", PROGRAM, USERLAND_LIBVIRT},
	{"/usr/sbin/libvirtd", "libvirt-daemon", PROGRAM, USERLAND_PEERS},
	{"/usr/share/seabios/bios-256k.bin", "seabios", DATA, USERLAND_PC | USERLAND_LIBVIRT},
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf", DATA, USERLAND_UEFI},
	{"/usr/share/OVMF/OVMF_VARS_4M.fd", "ovmf", DATA, USERLAND_UEFI},
	/* it asks QEMU what it can do without KVM, too */
	{TCG, "qemu-system-x86", LIBRARY, USERLAND_LIBVIRT},
};

/* nestlab's own, from the folder of its programs (agents/l0/vmm/qemu.h, libvirt.h). */
#define OWN_FOLDER "/usr/lib/nestlab"
static const struct own {
	const char *name;
	enum kind kind;
	unsigned int sets;
	const char *remedy;
} own[] = {
	{"nestlab-devmem.so", LIBRARY, USERLAND_QEMU | USERLAND_LIBVIRT, "run make"},
	{"nestlab-l1-libvirt", PROGRAM, USERLAND_LIBVIRT,
	 "apt-get install libvirt-dev, and run make"},
};

static bool has_file(const struct userland *u, const char *path)
{
	for (size_t i = 0; i < u->nfiles; i++)
		if (!strcmp(u->files[i].path, path))
			return true;
	return false;
}

void userland_add_file(struct userland *u, const char *path, const char *source, unsigned int mode)
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
	userland_add_file(u, path, path, 0755);
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

static int add_folder(struct userland *u, const char *dir, struct error *err)
{
	char **names;
	size_t n;
	int ret = fs_list(dir, NULL, &names, &n, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++) {
		__cleanup_free char *path = xasprintf("%s/%s", dir, names[i]);

		userland_add_file(u, path, path, 0644);
	}
	fs_free_names(names, n);
	return 0;
}

/* The file @source as @path, and all that it loads. */
static int add(struct userland *u, enum kind kind, const char *path, const char *source,
	       struct error *err)
{
	if (kind == FOLDER)
		return add_folder(u, source, err);
	userland_add_file(u, path, source, kind == DATA ? 0644 : 0755);
	if (kind == DATA)
		return 0;
	userland_add_file(u, LOADER, LOADER, 0755);
	return add_libraries(u, source, err);
}

static int add_wanted(struct userland *u, const struct wanted *w, struct error *err)
{
	if (!fs_exists(w->path))
		return error_set(
			err, -ENOENT,
			"%s: not installed, and the plan's L1s are run by QEMU or libvirt: apt-get install %s",
			w->path, w->package);
	return add(u, w->kind, w->path, w->path, err);
}

static int add_own(struct userland *u, const struct own *o, const char *programs, struct error *err)
{
	__cleanup_free char *source = xasprintf("%s/%s", programs, o->name);
	__cleanup_free char *path = xasprintf(OWN_FOLDER "/%s", o->name);

	if (!fs_exists(source))
		return error_set(err, -ENOENT, "%s: not beside nestlab: %s", source, o->remedy);
	return add(u, o->kind, path, source, err);
}

/* 31 MB about the world's scripts, which libvirt does not ask for here: agents/preload/icudata.c. */
static void spare_icu_data(struct userland *u, const char *programs)
{
	for (size_t i = 0; i < u->nfiles; i++) {
		const char *name = strstr(u->files[i].path, "/libicudata.so.");
		char *ours;

		if (!name)
			continue;
		ours = xasprintf("%s/nestlab-%s", programs, name + strlen("/lib"));
		if (fs_exists(ours)) {
			free((char *)u->files[i].source);
			u->files[i].source = ours;
		} else {
			free(ours);
		}
	}
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

int userland_collect(unsigned int sets, const char *programs, struct userland *out,
		     struct error *err)
{
	int ret = 0;

	*out = (struct userland){0};
	for (size_t i = 0; i < ARRAY_SIZE(wanted) && !ret; i++)
		if (wanted[i].sets & sets)
			ret = add_wanted(out, &wanted[i], err);
	for (size_t i = 0; i < ARRAY_SIZE(own) && !ret; i++)
		if (own[i].sets & sets)
			ret = add_own(out, &own[i], programs, err);
	spare_icu_data(out, programs);
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
