// SPDX-License-Identifier: GPL-2.0-only
#include "images/capabilities.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "common/strbuf.h"

/* Where the agent looks for it (LIBVIRT_CAPABILITIES in agents/l0/vmm/libvirt.h). */
#define IN_IMAGE "/usr/lib/nestlab/libvirt-capabilities.gz"
/* Part of every key. Change it when the file's form changes. */
#define FORMAT "nestlab-capabilities 1\n"

/* nestlab's own files say nothing of what QEMU can do. */
static bool is_own(const char *path)
{
	static const char folder[] = "/usr/lib/nestlab/";

	return !strncmp(path, folder, sizeof(folder) - 1) || strstr(path, "/libicudata.so.");
}

/* The kernel's parameters that say where it writes, how it dies and which memory is where. Any other may change what KVM can do. */
static const char *const idle_parameters[] = {
	"console=", "loglevel=", "sysctl.", "panic", "nokaslr", "norandmaps", "nestlab.", "mem=",
};

static bool is_idle(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(idle_parameters); i++)
		if (!strncmp(word, idle_parameters[i], strlen(idle_parameters[i])))
			return true;
	return false;
}

static void describe_cmdline(const char *cmdline, struct strbuf *out)
{
	__cleanup_free char *words = xstrdup(cmdline);
	char *at = words, *word;

	while ((word = strsep(&at, " ")))
		if (*word && !is_idle(word))
			strbuf_addf(out, "parameter %s\n", word);
}

static int describe(const struct userland *u, const struct capabilities_below *below,
		    struct strbuf *out, struct error *err)
{
	char hex[SHA256_HEX];

	strbuf_addf(out, FORMAT "kernel %s\nhost %s\n", below->kernel, below->host);
	describe_cmdline(below->cmdline, out);
	for (size_t i = 0; i < u->nfiles; i++) {
		int ret;

		if (is_own(u->files[i].path))
			continue;
		ret = sha256_file(u->files[i].source, hex, err);
		if (ret)
			return ret;
		strbuf_addf(out, "%s %s\n", u->files[i].path, hex);
	}
	return 0;
}

int capabilities_find(const char *cache_dir, const struct userland *u,
		      const struct capabilities_below *below, char **path, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	char key[SHA256_HEX];
	int ret = describe(u, below, &text, err);

	if (!ret) {
		sha256_bytes(text.buf, text.len, key);
		*path = xasprintf("%s/capabilities/%s.gz", cache_dir, key);
	}
	strbuf_release(&text);
	return ret;
}

void capabilities_add(struct userland *u, const char *path)
{
	if (fs_exists(path))
		userland_add_file(u, IN_IMAGE, path, 0644);
}

static int read_hex(const char *hex, struct strbuf *out)
{
	static const char digits[] = "0123456789abcdef";

	for (; *hex; hex += 2) {
		const char *high = strchr(digits, hex[0]), *low = strchr(digits, hex[1]);

		if (!high || !hex[1] || !low)
			return -EBADMSG;
		strbuf_addch(out, (char)((high - digits) << 4 | (low - digits)));
	}
	return 0;
}

int capabilities_keep(const char *path, const char *hex, struct error *err)
{
	__cleanup_free char *copy = xstrdup(path);
	struct strbuf bytes = STRBUF_INIT;
	int ret = -EBADMSG;

	if (hex[0] && strlen(hex) <= 2 * CAPABILITIES_MAX)
		ret = read_hex(hex, &bytes);
	if (ret)
		error_set(err, ret, "what libvirt found out about QEMU came damaged");
	if (!ret)
		ret = fs_mkdir_p(dirname(copy), err);
	if (!ret)
		ret = fs_write_file(path, bytes.buf, bytes.len, err);
	strbuf_release(&bytes);
	return ret;
}
