// SPDX-License-Identifier: GPL-2.0-only
#include "agents/wire/complaints.h"

#include <stddef.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* How such lines begin: lib/bug.c, kernel/panic.c, mm/kasan/report.c, mm/slub.c ("BUG kmalloc-64
 * (Not tainted): ..."), kernel/locking/lockdep.c, kernel/rcu/tree_stall.h, kernel/hung_task.c,
 * kernel/watchdog.c, ... Looked for at the start of a line
 * only. */
static const char *const marks[] = {
	"WARNING: ",
	"BUG: ",
	"BUG ",
	"kernel BUG at ",
	"Oops: ",
	"general protection fault",
	"unchecked MSR access error",
	"traps: PANIC: double fault",
	"INFO: task ",
	"INFO: rcu",
	"rcu: INFO: ",
	"INFO: possible ",
	"INFO: suspicious ",
	"INFO: trying to register",
	"INFO: lockdep is turned off",
	"watchdog: BUG: ",
	"UBSAN: ",
	"KCSAN: ",
	"refcount_t: ",
	"list_add corruption",
	"list_del corruption",
	"kvm: KVM_BUG",
	"Unable to handle kernel",
};

/* Bochs' corei7_skylake_x has a CPUID leaf 4 and an XSAVE size that Linux wonders about. */
static const struct {
	const char *file, *function;
} known[] = {
	{"arch/x86/kernel/cpu/topology_common.c:", " parse_legacy+"},
	{"arch/x86/kernel/fpu/xstate.c:", " fpu__init_system_xstate+"},
};

static bool is_known(const char *line)
{
	for (size_t i = 0; i < COUNT(known); i++)
		if (strstr(line, known[i].file) && strstr(line, known[i].function))
			return true;
	return false;
}

bool complaints_has(const char *line)
{
	for (size_t i = 0; i < COUNT(marks); i++)
		if (!strncmp(line, marks[i], strlen(marks[i])))
			return !is_known(line);
	return false;
}
