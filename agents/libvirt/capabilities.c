// SPDX-License-Identifier: GPL-2.0-only
#include "agents/libvirt/capabilities.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT_MAX (4u << 20)
#define NAME_LEN (64 + sizeof(".xml") - 1) /* a SHA-256 of the emulator's path */

#define QEMU	"/usr/bin/qemu-system-x86_64"
#define SELF	"<selfctime>"
#define MODULES "/usr/lib/x86_64-linux-gnu/qemu"

/* The times by which libvirt 9 knows the files (virQEMUCapsIsValid() of its qemu_capabilities.c). */
static const struct {
	const char *tag, *path;
	bool of_contents; /* st_mtime; else st_ctime */
} times[] = {
	{"<qemuctime>", QEMU, false},
	{"<qemumoddirmtime>", MODULES, true},
	{SELF, CAPABILITIES_DRIVER, false},
};

/* ---- ours ---- */

/* The whole text, or NULL. */
static char *read_ours(const char *path)
{
	char *text = malloc(TEXT_MAX);
	gzFile f = gzopen(path, "rb");
	int n = -1;

	if (f && text)
		n = gzread(f, text, TEXT_MAX - 1);
	if (f && gzclose(f) != Z_OK) /* it is torn */
		n = -1;
	if (n <= 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

static int write_ours(const char *path, const char *name, const char *text)
{
	gzFile f = gzopen(path, "wb9");
	int ret = 0;

	if (!f)
		return -errno;
	if (gzprintf(f, "%s\n", name) <= 0 ||
	    gzwrite(f, text, (unsigned int)strlen(text)) != (int)strlen(text))
		ret = -ENOSPC;
	if (gzclose(f) != Z_OK && !ret)
		ret = -ENOSPC;
	return ret;
}

/* ---- libvirt's ---- */

static bool is_name(const char *name)
{
	return strlen(name) == NAME_LEN && strspn(name, "0123456789abcdef") == 64 &&
	       !strcmp(name + 64, ".xml");
}

static int make_folder(const char *root, char *dir, size_t size)
{
	static const char *const parts[] = {"/cache", "/qemu", "/capabilities"};
	size_t len = (size_t)snprintf(dir, size, "%s", root);

	for (size_t i = 0; i < COUNT(parts); i++) {
		len += (size_t)snprintf(dir + len, size - len, "%s", parts[i]);
		if (len >= size)
			return -ENAMETOOLONG;
		if (mkdir(dir, 0700) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static long long time_of(const char *path, bool of_contents)
{
	struct stat st;

	if (stat(path, &st))
		return 0;
	return of_contents ? st.st_mtime : st.st_ctime;
}

/* @text with the number behind @tag replaced; it is used up. NULL: no memory. */
static char *set_number(char *text, const char *tag, long long value)
{
	char *at = strstr(text, tag), *out = NULL;
	const char *rest;

	if (!at)
		return text;
	at += strlen(tag);
	rest = at + strcspn(at, "<");
	*at = '\0';
	/* what was behind the number's first digit is there still */
	if (rest == at || asprintf(&out, "%s%lld%s", text, value, rest) < 0)
		out = NULL;
	free(text);
	return out;
}

/* @daemon: NULL, or the program that has loaded the driver. */
static char *set_times(char *text, const char *daemon)
{
	long long driver = time_of(CAPABILITIES_DRIVER, false), program = 0;

	for (size_t i = 0; i < COUNT(times) && text; i++)
		text = set_number(text, times[i].tag, time_of(times[i].path, times[i].of_contents));
	if (daemon)
		program = time_of(daemon, false);
	if (text && program > driver)
		text = set_number(text, SELF, program);
	return text;
}

static void write_theirs(struct capabilities *c, const char *dir, const char *name,
			 const char *text)
{
	char path[512];
	struct stat st;
	bool is_whole;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		return;
	is_whole = fputs(text, f) >= 0;
	if (!fclose(f) && is_whole && !stat(path, &st))
		c->given = st.st_mtim;
}

/* libvirt writes another in its place. */
static bool is_given(const struct capabilities *c, const struct stat *st)
{
	return c->given.tv_sec == st->st_mtim.tv_sec && c->given.tv_nsec == st->st_mtim.tv_nsec;
}

void capabilities_give(struct capabilities *c, const char *root, const char *from,
		       const char *daemon)
{
	char *text = read_ours(from), *end, name[NAME_LEN + 1], dir[256];

	*c = (struct capabilities){0};
	end = text ? strchr(text, '\n') : NULL;
	if (!end || end - text != (ptrdiff_t)NAME_LEN)
		goto out;
	memcpy(name, text, NAME_LEN);
	name[NAME_LEN] = '\0';
	memmove(text, end + 1, strlen(end + 1) + 1);
	text = set_times(text, daemon);
	if (text && is_name(name) && !make_folder(root, dir, sizeof(dir)))
		write_theirs(c, dir, name, text);
out:
	free(text);
}

/* The first that is there: an L0 has one QEMU. */
static int find_theirs(const char *dir, char *name)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int ret = -ENOENT;

	if (!d)
		return -errno;
	while (ret && (e = readdir(d))) {
		if (!is_name(e->d_name))
			continue;
		memcpy(name, e->d_name, NAME_LEN + 1);
		ret = 0;
	}
	closedir(d);
	return ret;
}

static char *read_theirs(const char *path)
{
	char *text = calloc(1, TEXT_MAX);
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f && text)
		n = fread(text, 1, TEXT_MAX - 1, f);
	if (f)
		fclose(f);
	if (n)
		return text;
	free(text);
	return NULL;
}

int capabilities_take(const struct capabilities *c, const char *root, const char *to)
{
	char dir[256], name[NAME_LEN + 1], path[512], *text;
	struct stat st;
	int ret;

	snprintf(dir, sizeof(dir), "%s/cache/qemu/capabilities", root);
	ret = find_theirs(dir, name);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (stat(path, &st))
		return -errno;
	if (is_given(c, &st))
		return 0;
	text = read_theirs(path);
	if (!text)
		return -EIO;
	ret = write_ours(to, name, text);
	free(text);
	if (ret)
		return ret;
	return 1;
}

void capabilities_share(const char *from, const char *to)
{
	char source[256], dir[256], name[NAME_LEN + 1], path[512], *text;
	struct capabilities unused;

	snprintf(source, sizeof(source), "%s/cache/qemu/capabilities", from);
	if (find_theirs(source, name) || make_folder(to, dir, sizeof(dir)))
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!access(path, F_OK))
		return;
	snprintf(path, sizeof(path), "%s/%s", source, name);
	text = read_theirs(path);
	if (text)
		write_theirs(&unused, dir, name, text);
	free(text);
}
