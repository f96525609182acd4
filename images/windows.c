// SPDX-License-Identifier: GPL-2.0-only
#include "images/windows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/scratch.h"
#include "common/strbuf.h"
#include "common/subprocess.h"
#include "common/utf8.h"

/* The files as they are in the source tree. */
extern const char windows_answers[], windows_answers_end[];
extern const char windows_prepare[], windows_prepare_end[];
asm(".section .rodata\n"
    ".globl windows_answers, windows_answers_end, windows_prepare, windows_prepare_end\n"
    "windows_answers: .incbin \"images/windows/autounattend.xml\"\n"
    "windows_answers_end:\n"
    "windows_prepare: .incbin \"images/windows/prepare.cmd\"\n"
    "windows_prepare_end:\n"
    ".text\n");

#define PASSWORD_LEN 20

/* Letters and digits, none of which is like another; Windows wants three kinds of characters: "Aa1" goes before. */
static int draw_password(char password[PASSWORD_LEN + 4], struct error *err)
{
	static const char alphabet[33] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char bits[PASSWORD_LEN];

	if (getrandom(bits, sizeof(bits), 0) != sizeof(bits))
		return error_set(err, -EIO, "no random numbers");
	memcpy(password, "Aa1", 3);
	for (size_t i = 0; i < PASSWORD_LEN; i++)
		password[3 + i] = alphabet[bits[i] % 32];
	password[3 + PASSWORD_LEN] = '\0';
	return 0;
}

/* Setup would say no more than that its answers are wrong. */
static int check_edition(const char *edition, struct error *err)
{
	size_t len = strlen(edition), n;

	if (!len)
		return error_set(err, -EINVAL, "--edition: must not be empty");
	for (size_t i = 0; i < len; i += n) {
		n = utf8_length(edition + i, len - i);
		if (!n || (unsigned char)edition[i] < ' ' || edition[i] == 127)
			return error_set(err, -EINVAL,
					 "--edition: byte %zu (0x%02x) is no text: the medium's "
					 "file sources/install.wim has the names of its editions",
					 i + 1, (unsigned char)edition[i]);
	}
	return 0;
}

/* Text of an XML element. */
static void add_escaped(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			strbuf_addstr(out, "&amp;");
		else if (*text == '<')
			strbuf_addstr(out, "&lt;");
		else
			strbuf_addch(out, *text);
	}
}

static void fill_answers(struct strbuf *out, const char *edition, const char *password)
{
	const char *at = windows_answers;

	while (at < windows_answers_end) {
		size_t left = (size_t)(windows_answers_end - at);

		if (left > 9 && !memcmp(at, "@EDITION@", 9)) {
			add_escaped(out, edition);
			at += 9;
		} else if (left > 10 && !memcmp(at, "@PASSWORD@", 10)) {
			strbuf_addstr(out, password);
			at += 10;
		} else {
			strbuf_addch(out, *at++);
		}
	}
}

/* cmd.exe wants CR LF. */
static void fill_script(struct strbuf *out)
{
	for (const char *at = windows_prepare; at < windows_prepare_end; at++) {
		if (*at == '\n')
			strbuf_addch(out, '\r');
		strbuf_addch(out, *at);
	}
}

static int write_text(const char *dir, const char *name, const struct strbuf *text,
		      struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/%s", dir, name);

	return fs_write_file(path, text->buf, text->len, err);
}

static int write_files(const char *dir, const char *edition, const char *agent, struct error *err)
{
	__cleanup_free char *folder = xasprintf("%s/nestlab", dir);
	__cleanup_free char *exe = xasprintf("%s/nestlab-agent.exe", folder);
	struct strbuf answers = STRBUF_INIT, script = STRBUF_INIT;
	char password[PASSWORD_LEN + 4];
	int ret = draw_password(password, err);

	if (ret)
		return ret;
	fill_answers(&answers, edition, password);
	fill_script(&script);
	ret = fs_mkdir_p(folder, err);
	if (!ret)
		ret = write_text(dir, "Autounattend.xml", &answers, err);
	if (!ret)
		ret = write_text(folder, "prepare.cmd", &script, err);
	if (!ret)
		ret = fs_copy_file(agent, exe, err);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(answers.buf, answers.len);
	strbuf_release(&answers);
	strbuf_release(&script);
	return ret;
}

/* Joliet, which Windows reads, with names as long as they are. */
static int make_iso(const char *dir, const char *path, struct error *err)
{
	const char *const argv[] = {"xorriso", "-as",	       "mkisofs", "-quiet",
				    "-J",      "-joliet-long", "-V",	  "NESTLAB_ANSWERS",
				    "-o",      path,	       dir,	  NULL};
	const struct subprocess sp = {.argv = argv};

	if (!subprocess_have("xorriso"))
		return error_set(err, -ENOENT, "xorriso is not installed (package xorriso)");
	return subprocess_run(&sp, NULL, err);
}

int windows_write_medium(const char *edition, const char *agent, const char *path,
			 struct error *err)
{
	__cleanup_free char *dir = NULL, *iso = NULL;
	struct scratch s;
	int ret = check_edition(edition, err);

	if (ret)
		return ret;
	if (!fs_exists(agent))
		return error_set(err, -ENOENT,
				 "%s: no agent for Windows; build it: apt-get install "
				 "gcc-mingw-w64-x86-64-win32; make windows-agent",
				 agent);
	ret = scratch_begin(NULL, NULL, &s, err);
	if (ret)
		return ret;
	dir = xasprintf("%s/medium", s.dir);
	iso = xasprintf("%s/medium.iso", s.dir);
	ret = write_files(dir, edition, agent, err);
	if (!ret)
		ret = make_iso(dir, iso, err);
	if (!ret && chmod(iso, 0600))
		ret = error_set(err, -errno, "%s: %s", iso, strerror(errno));
	if (!ret)
		ret = fs_copy_file(iso, path, err);
	scratch_end(&s);
	return ret;
}
