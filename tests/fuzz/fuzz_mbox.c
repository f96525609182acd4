// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mailbox of any bytes: headers, subjects, diffs, and the choice of a series. Mails are cut at lines that
 * begin with "From ", and at the first "---" within them; git's part of the reading is not repeated here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/terminal.h"
#include "common/utf8.h"
#include "kernels/mail.h"
#include "kernels/patch.h"
#include "kernels/thread.h"

#define MAX_MAILS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check_path(const struct patch_path *p, void *arg)
{
	size_t *count = arg;

	if (p->path < p->raw || p->path > p->raw + strlen(p->raw))
		abort();
	(*count)++;
	return 0;
}

static void try_diff(const char *diff)
{
	__cleanup_free char *cut = NULL;
	size_t len = patch_length(diff), count = 0, again = 0;

	if (len > strlen(diff))
		abort();
	patch_each_path(diff, check_path, &count);
	cut = strndup(diff, len);
	patch_each_path(cut, check_path, &again);
	if (count != again) /* no file is named below the last hunk */
		abort();
}

static void try_terminal(const char *text)
{
	__cleanup_free char *line = terminal_line(text);

	for (const char *s = line; *s; s += utf8_length(s, UTF8_TO_NUL))
		if (!utf8_length(s, UTF8_TO_NUL) ||
		    terminal_is_control(s, utf8_length(s, UTF8_TO_NUL)))
			abort();
}

static void add_mail(struct mailbox *box, const char *raw, size_t len)
{
	__cleanup_free char *text = strndup(raw, len);
	const char *body = strstr(text, "\n\n");
	const char *diff = strstr(text, "\n---");
	struct mail mail = {.subject = mail_header(text, "Subject")};

	mail.author = xstrdup("");
	mail.email = xstrdup("");
	mail.date = xstrdup("");
	mail.body = xstrdup(body ? body : "");
	mail.diff = xstrdup(diff ? diff + 1 : "");
	mail.diff_len = patch_length(mail.diff);
	mail_parse_headers(&mail, text);
	mail_parse_subject(&mail);
	if (mail.title < mail.subject || mail.title > mail.subject + strlen(mail.subject))
		abort();
	try_terminal(mail.subject);
	try_diff(mail.diff);
	box->mails = xrealloc(box->mails, box->count + 1, sizeof(mail));
	box->mails[box->count++] = mail;
}

static void check_series(const struct thread *s)
{
	if (s->m < 1 || s->m > THREAD_MAX)
		abort();
	for (int i = 0; i < s->m; i++)
		if (!s->patches[i] || !s->patches[i]->diff_len || s->patches[i]->reply)
			abort();
}

static void try_series(const struct mailbox *box, int version)
{
	struct error err = {0};
	struct thread s;

	if (!thread_find(box, "x", version, &s, &err))
		check_series(&s);
	else if (!err.text[0])
		abort();
	thread_free(&s);
	if (!version && !thread_in_order(box, "x", &s, NULL))
		thread_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	__cleanup_free char *text = xcalloc(size + 1, 1);
	struct mailbox box = {.count = 0};

	memcpy(text, data, size);
	for (const char *at = text; at && *at && box.count < MAX_MAILS;) {
		const char *next = strstr(at + 1, "\nFrom ");
		size_t len = next ? (size_t)(next + 1 - at) : strlen(at);

		add_mail(&box, at, len);
		at = next ? next + 1 : NULL;
	}
	try_series(&box, 0);
	try_series(&box, 2);
	mailbox_free(&box);
	return 0;
}
