/* SPDX-License-Identifier: GPL-2.0-only */
/* console.h - what a kernel's console says went wrong: a panic, and complaints (agents/wire/complaints.h). */
#ifndef ORCHESTRATOR_ENGINE_CONSOLE_H
#define ORCHESTRATOR_ENGINE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/strbuf.h"

struct console {		  /* start with CONSOLE_INIT, end with console_release() */
	struct strbuf partial;	  /* a line whose end has not come yet */
	struct strbuf last;	  /* the last line that says something, for "where did it stop?" */
	struct strbuf panic;	  /* "Kernel panic - not syncing: ...", else empty */
	struct strbuf place;	  /* "RIP: ..." of the first complaint that has one */
	struct strbuf complaints; /* a line each, at most CONSOLE_COMPLAINTS */
	size_t ncomplaints;	  /* all of them */
	bool kernel_spoke;	  /* a Linux kernel has started */
	bool panic_told;	  /* the panic's last line came: nothing more will */
	bool wants_place;	  /* a complaint came and its RIP has not */
};
#define CONSOLE_INIT                                                               \
	{                                                                          \
		.partial = STRBUF_INIT, .last = STRBUF_INIT, .panic = STRBUF_INIT, \
		.place = STRBUF_INIT, .complaints = STRBUF_INIT                    \
	}
#define CONSOLE_COMPLAINTS 8

void console_feed(struct console *c, const char *data, size_t len); /* the next bytes */
void console_release(struct console *c);

#endif
