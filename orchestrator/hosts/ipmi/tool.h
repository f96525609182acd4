/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tool.h - a BMC by ipmitool, executed: every make of BMC is tested with it, and FreeIPMI's libraries (GPL-3+)
 * cannot be linked.
 *
 * The password is in memory and in a descriptor that ipmitool reads it from (-f /dev/fd/N): neither on a
 * command line nor in a file.
 */
#ifndef ORCHESTRATOR_HOSTS_IPMI_TOOL_H
#define ORCHESTRATOR_HOSTS_IPMI_TOOL_H

#include "common/strbuf.h"
#include "orchestrator/hosts/ipmi/config.h"

struct ipmi_tool { /* closed by ipmi_tool_close() */
	const struct ipmi_config *cfg;
	char *user, *cipher, *password_path;
	int secret; /* memfd */
};

#define IPMI_TOOL_WORDS 8 /* of a command, at most */
#define IPMI_TOOL_ARGV	(16 + IPMI_TOOL_WORDS)

int ipmi_tool_open(struct ipmi_tool *t, const struct ipmi_config *cfg, struct error *err);
void ipmi_tool_close(struct ipmi_tool *t);

/* The argument vector of the command @words (NULL-terminated), to argv[IPMI_TOOL_ARGV]. */
void ipmi_tool_argv(const struct ipmi_tool *t, const char *const *words, const char **argv);

/* May a command be kept from running, or ended, by a cancel? */
enum ipmi_purpose { IPMI_DOES, IPMI_UNDOES };

/* Runs it to its end, again where that may help; what it says on stdout goes to @out. -EIO says what
 * ipmitool said. It waits: for threads of their own. */
int ipmi_tool_run(const struct ipmi_tool *t, enum ipmi_purpose purpose, const char *const *words,
		  struct strbuf *out, struct error *err);

#endif
