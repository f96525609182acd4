/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * channel.h - a line (line.h) that is a command's output: `ipmitool sol activate`, `ssh bmc`, `console -M
 * server`, `socat`, ... What the command is given on stdin goes the other way.
 *
 * The command runs under a pseudo-terminal (in raw mode, without echo), in a thread of the channel's
 * that feeds the line and writes back what the agent asks for. When it ends it is started again, with a
 * back-off; what was lost meanwhile the line asks for. After a silence the driver may be asked whether
 * the line is still ours: a BMC lets another session take it without a word.
 *
 *	channel_start(&setting, &c, err)	from here on the files grow
 *	channel_state(c, &why)			in open_channel() until CHANNEL_OPEN, then in is_on()
 *	channel_stop(c)				in release(), and before the driver's setting goes
 *
 * channel_fd() is readable when the state has changed since it was last asked for: for a session's
 * wake_fd, or for an epoll descriptor behind it.
 */
#ifndef ORCHESTRATOR_HOSTS_CHANNEL_H
#define ORCHESTRATOR_HOSTS_CHANNEL_H

#include "common/strbuf.h"
#include "orchestrator/hosts/driver.h"
#include "orchestrator/hosts/line.h"

struct channel;

enum channel_state {
	CHANNEL_OPENING,
	CHANNEL_OPEN,
	CHANNEL_LOST, /* the command has ended and will be started again */
	CHANNEL_FAILED, /* it was started in vain too often, or the line is another's, or a file cannot be
			   written */
};

/* What a driver says of a line that has been silent. */
enum channel_owner { CHANNEL_OURS, CHANNEL_CLOSED, CHANNEL_STOLEN };

struct channel_setting {
	struct line_setting line;
	const char *const *argv; /* copied */
	const char *log_path;	 /* stderr of the command is added to it; copied */
	/* NULL, or what the command says on stdout once the line is open; what came up to the end of that
	 * line is no console text. NULL: it is open when a byte comes, or after a second. Copied. */
	const char *ready;
	int secret_fd; /* 0: none; else a descriptor of ours that the command keeps: /dev/fd/N there */
	int ready_limit_s; /* it is ended and started anew if it says nothing for so long; 0: 20 */
	const char *goodbye; /* NULL, or what makes it end in good order; copied */
	int attempts;	     /* starts in a row that come to nothing, at most; 0: 10 */
	int silence_s;	     /* then owner() is asked, and again after as long; 0: never */
	/* NULL, or called in the channel's thread, where it may wait. CHANNEL_CLOSED: start the command
	 * again; CHANNEL_STOLEN: the line is another's, which @why explains: the channel has failed. */
	enum channel_owner (*owner)(void *arg, struct strbuf *why);
	/* NULL, or called in the channel's thread before each start of the command, and each time that the
	 * line has been opened. */
	void (*before)(void *arg);
	void (*opened)(void *arg);
	void *arg;
};

int channel_start(const struct channel_setting *setting, struct channel **c, struct error *err);
int channel_fd(const struct channel *c);
/* Appends to @why (or NULL) what is known of a channel that is lost or has failed. */
enum channel_state channel_state(struct channel *c, struct strbuf *why);
/* Counts of the line, and how often the command was started. */
void channel_counts(struct channel *c, struct line_counts *counts, unsigned int *starts);
/* For is_on(): tells the session what the line has heard. False: the channel has failed. */
bool channel_serves(struct channel *c, struct host_session *s);
void channel_stop(struct channel *c); /* NULL is allowed */

#endif
