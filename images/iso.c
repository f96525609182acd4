// SPDX-License-Identifier: GPL-2.0-only
#include "images/iso.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "common/subprocess.h"
#include "images/images.h"

/* GRUB's and ISOLINUX's line buffers are larger; the kernel's COMMAND_LINE_SIZE on x86 is this. */
#define CMDLINE_MAX   2047
#define TOOL_LIMIT_MS 120000

#define GRUB_DIR "/usr/lib/grub/x86_64-efi"

/* Files of this machine that become part of every image. */
static const struct part {
	const char *path, *package;
} parts[] = {
	{"/usr/lib/ISOLINUX/isolinux.bin", "isolinux"},
	{"/usr/lib/syslinux/modules/bios/ldlinux.c32", "syslinux-common"},
	{GRUB_DIR "/kernel.img", "grub-efi-amd64-bin"},
	{GRUB_DIR "/linux.mod", "grub-efi-amd64-bin"},
};

static const struct tool {
	const char *name, *package;
} tools[] = {
	{"grub-mkimage", "grub-common"},
	{"mformat", "mtools"},
	{"mmd", "mtools"},
	{"mcopy", "mtools"},
	{"xorriso", "xorriso"},
};

/* Fixed times and ids in everything that the tools make (reproducible-builds.org's variable, which
 * all of them honour). Without MTOOLS_SKIP_CHECK mtools rejects a size that is not whole tracks. */
static const char *const tool_env[] = {"SOURCE_DATE_EPOCH=1700000000",
				       "MTOOLS_SKIP_CHECK=1",
				       "MTOOLSRC=/dev/null",
				       "TZ=UTC",
				       "LC_ALL=C",
				       NULL};

static int report_missing(const char *what, const char *package, struct error *err)
{
	return error_set(err, -ENOENT, "%s: not installed (apt-get install %s)", what, package);
}

int iso_describe_parts(struct strbuf *out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char hex[SHA256_HEX];
		int ret;

		if (!fs_exists(parts[i].path))
			return report_missing(parts[i].path, parts[i].package, err);
		ret = sha256_file(parts[i].path, hex, err);
		if (ret)
			return ret;
		strbuf_addf(out, "part %s %s\n", parts[i].path, hex);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (!subprocess_have(tools[i].name))
			return report_missing(tools[i].name, tools[i].package, err);
	return 0;
}

int image_check_cmdline(const char *cmdline, struct error *err)
{
	if (strlen(cmdline) > CMDLINE_MAX)
		return error_set(err, -EINVAL, "kernel command line: longer than %d bytes",
				 CMDLINE_MAX);
	/* they mean something in GRUB's scripts but not to ISOLINUX: the two would boot with
	 * different command lines */
	for (const char *p = cmdline; *p; p++)
		if (!isprint((unsigned char)*p) || strchr("'\"\\$`;&|<>{}#", *p))
			return error_set(
				err, -EINVAL,
				"kernel command line: byte %zu (0x%02x) has a special meaning to a boot loader; leave it out",
				(size_t)(p - cmdline), (unsigned char)*p);
	return 0;
}

static void keep_line(const char *line, void *arg)
{
	strbuf_addf(arg, "%s\n", line);
}

/* The last three lines of a tool's output. */
static const char *last_lines(const struct strbuf *text)
{
	const char *p = text->buf + text->len;

	for (int lines = 0; p > text->buf; p--)
		if (p[-1] == '\n' && ++lines > 3)
			break;
	return p;
}

/* A machine at its limits (a full disk) shows as the failure of a tool, so the output is searched
 * for that first. */
static int report_tool(const char *name, int status, const struct strbuf *said, struct error *err)
{
	int code = subprocess_find_limit(said->buf);

	if (!code)
		code = -EIO;
	return error_set(err, code, "%s failed with status %d: %s", name, status, last_lines(said));
}

static int run_tool(const char *const *argv, struct error *err)
{
	struct strbuf said = STRBUF_INIT;
	const struct subprocess sp = {
		.argv = argv,
		.env = tool_env,
		.on_line = keep_line,
		.arg = &said,
		.timeout_ms = TOOL_LIMIT_MS,
	};
	int status = 0, ret = subprocess_run(&sp, &status, err);

	if (!ret && status)
		ret = report_tool(argv[0], status, &said, err);
	strbuf_release(&said);
	return ret;
}

static int write_text(const char *path, char *text, struct error *err)
{
	int ret = fs_write_file(path, text, strlen(text), err);

	free(text);
	return ret;
}

/* A file under the work directory; the caller frees. */
static char *in_work(const struct iso_request *req, const char *name)
{
	return xasprintf("%s/%s", req->work_dir, name);
}

static int write_isolinux_config(const struct iso_request *req, struct error *err)
{
	__cleanup_free char *path = in_work(req, "isolinux.cfg");

	return write_text(path,
			  xasprintf("default l\nprompt 0\nlabel l\n kernel /%s/bzimage\n"
				    " append initrd=/%s/initrd %s\n",
				    req->id, req->id, req->cmdline),
			  err);
}

/* GRUB with its configuration inside. It looks for the disc by this image's id, so that another
 * nestlab disc in another drive is never taken for it. */
static int make_grub(const struct iso_request *req, const char *out, struct error *err)
{
	__cleanup_free char *config = in_work(req, "grub.cfg");
	// clang-format off
	const char *const argv[] = {"grub-mkimage", "-O", "x86_64-efi", "-d", GRUB_DIR, "-p", "/",
				    "-c", config, "-o", out,
				    "linux", "iso9660", "search_fs_file", "boot", NULL};
	// clang-format on
	int ret = write_text(config,
			     xasprintf("search.file /%s/bzimage root\n"
				       "linux /%s/bzimage %s\ninitrd /%s/initrd\nboot\n",
				       req->id, req->id, req->cmdline, req->id),
			     err);

	if (ret)
		return ret;
	return run_tool(argv, err);
}

/* The FAT image that UEFI firmware looks for its loader in. */
static int make_efi_image(const struct iso_request *req, struct error *err)
{
	__cleanup_free char *grub = in_work(req, "bootx64.efi");
	__cleanup_free char *fat = in_work(req, "efi.img");
	// clang-format off
	const char *const format[] = {"mformat", "-C", "-i", fat, "-f", "1440", "-N", "4e455354", "::",
				      NULL};
	// clang-format on
	const char *const dirs[] = {"mmd", "-i", fat, "::/EFI", "::/EFI/BOOT", NULL};
	const char *const copy[] = {"mcopy", "-i", fat, grub, "::/EFI/BOOT/BOOTX64.EFI", NULL};
	int ret = make_grub(req, grub, err);

	if (ret)
		return ret;
	ret = run_tool(format, err);
	if (ret)
		return ret;
	ret = run_tool(dirs, err);
	if (ret)
		return ret;
	return run_tool(copy, err);
}

static int make_iso(const struct iso_request *req, const char *path, struct error *err)
{
	__cleanup_free char *bzimage = xasprintf("/%s/bzimage=%s", req->id, req->bzimage);
	__cleanup_free char *initrd = xasprintf("/%s/initrd=%s", req->id, req->initramfs);
	__cleanup_free char *config = xasprintf("/isolinux.cfg=%s/isolinux.cfg", req->work_dir);
	__cleanup_free char *isolinux = xasprintf("/isolinux.bin=%s", parts[0].path);
	__cleanup_free char *ldlinux = xasprintf("/ldlinux.c32=%s", parts[1].path);
	__cleanup_free char *efi = xasprintf("/efi.img=%s/efi.img", req->work_dir);
	const char *const argv[] = {
		"xorriso", "-as", "mkisofs", "-quiet", "-o", path, "-V", "NESTLAB", "-r",
		/* SOURCE_DATE_EPOCH leaves the files' own times */
		"--set_all_file_dates", "2023111422132000",
		/* what BIOS boots */
		"-b", "isolinux.bin", "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4",
		"-boot-info-table",
		/* what UEFI boots */
		"-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot", "-graft-points", bzimage,
		initrd, config, isolinux, ldlinux, efi, NULL};

	return run_tool(argv, err);
}

int iso_write(const struct iso_request *req, const char *path, struct error *err)
{
	int ret = image_check_cmdline(req->cmdline, err);

	if (ret)
		return ret;
	ret = write_isolinux_config(req, err);
	if (ret)
		return ret;
	ret = make_efi_image(req, err);
	if (ret)
		return ret;
	return make_iso(req, path, err);
}
