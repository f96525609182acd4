// SPDX-License-Identifier: GPL-2.0-only
#include "common/shell.h"

#include <stdlib.h>
#include <string.h>

static char *program;

void shell_add_word(struct strbuf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-+=:,./@%";

	if (*word && !word[strspn(word, plain)]) {
		strbuf_addstr(out, word);
		return;
	}
	strbuf_addch(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			strbuf_addstr(out, "'\\''");
		else
			strbuf_addch(out, *word);
	}
	strbuf_addch(out, '\'');
}

const char *shell_program(void)
{
	return program ? program : "nestlab";
}

void shell_set_program(const char *argv0)
{
	struct strbuf word = STRBUF_INIT;

	if (!argv0 || !*argv0)
		return;
	shell_add_word(&word, argv0);
	free(program);
	program = strbuf_detach(&word);
}
