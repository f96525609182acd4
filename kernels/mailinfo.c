// SPDX-License-Identifier: GPL-2.0-only
#include "kernels/mailinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"

const char *const mailinfo_env[] = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
				    "GIT_CONFIG_COUNT",	     "GIT_CONFIG_PARAMETERS",
				    "GIT_DIR=/dev/null",     NULL};

int mailinfo_split(const char *path, const char *dir, const char *option, int *count,
		   struct error *err)
{
	__cleanup_free char *absolute = realpath(path, NULL);
	__cleanup_free char *out = xasprintf("-o%s", dir);
	const char *args[] = {"mailsplit", "-b", "-d4", out, NULL, NULL, NULL, NULL};
	struct git_command cmd = {.dir = dir, .args = args, .env = mailinfo_env};
	struct strbuf text = STRBUF_INIT;
	int n = 4, status, ret;

	*count = 0;
	if (!absolute)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	if (option)
		args[n++] = option;
	args[n++] = "--";
	args[n] = absolute;
	ret = git_run(&cmd, &status, &text, err);
	if (!ret && !status)
		*count = atoi(text.buf);
	strbuf_release(&text);
	if (!ret && *count < 1)
		return error_set(err, -EINVAL, "%s: git mailsplit finds no mail in it", path);
	return ret;
}

/* git's complaints as one line without "fatal: ". The caller frees. */
static char *join_complaints(const struct strbuf *complaints)
{
	const char *text = complaints->buf;
	char *line;

	if (!strncmp(text, "fatal: ", 7) || !strncmp(text, "error: ", 7))
		text += 7;
	line = strndup(text, strcspn(text, "\n"));
	if (*line)
		return line;
	free(line);
	return xstrdup("git printed no reason");
}

static int run_mailinfo(const char *path, const char *dir, const char *message, const char *patch,
			struct strbuf *info, bool *quoted_cr, struct error *err)
{
	/* UTF-8 is the default: with --encoding=UTF-8, git 2.39 converts nothing at all. In-body headers
	 * stay in the message: the series' numbers are in the mail's own subject. */
	const char *const args[] = {"mailinfo", "-k",  "-m", "--no-scissors", "--no-inbody-headers",
				    message,	patch, NULL};
	struct strbuf complaints = STRBUF_INIT;
	struct git_command cmd = {.dir = dir,
				  .args = args,
				  .env = mailinfo_env,
				  .stdin_path = path,
				  .complaints = &complaints};
	int status, ret = git_run(&cmd, &status, info, err);

	if (!ret && status) {
		__cleanup_free char *why = join_complaints(&complaints);

		ret = error_set(err, -ENOMSG, "git mailinfo cannot read it: %s", why);
	}
	*quoted_cr = strstr(complaints.buf, "quoted CRLF detected");
	strbuf_release(&complaints);
	return ret;
}

int mailinfo_read(const char *path, const char *dir, struct mailinfo *m, struct error *err)
{
	__cleanup_free char *message = xasprintf("%s/message", dir);
	__cleanup_free char *patch = xasprintf("%s/patch", dir);
	struct strbuf info = STRBUF_INIT, text = STRBUF_INIT;
	int ret;

	*m = (struct mailinfo){.patch = STRBUF_INIT};
	ret = run_mailinfo(path, dir, message, patch, &info, &m->quoted_cr, err);
	if (!ret)
		ret = fs_read_file(message, MAILINFO_MAX_BYTES, &text, err);
	if (!ret)
		ret = fs_read_file(patch, MAILINFO_MAX_BYTES, &m->patch, err);
	m->info = strbuf_detach(&info);
	m->message = strbuf_detach(&text);
	return ret;
}

void mailinfo_free(struct mailinfo *m)
{
	free(m->info);
	free(m->message);
	strbuf_release(&m->patch);
	*m = (struct mailinfo){.patch = STRBUF_INIT};
}

/* The line after @line, or NULL. */
static const char *next_line(const char *line)
{
	line = strchr(line, '\n');
	if (!line)
		return NULL;
	return line + 1;
}

char *mailinfo_value(const struct mailinfo *m, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = m->info; line; line = next_line(line))
		if (!strncmp(line, name, len) && !strncmp(line + len, ": ", 2))
			return strndup(line + len + 2, strcspn(line + len + 2, "\r\n"));
	return xstrdup("");
}
