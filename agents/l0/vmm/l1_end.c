// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/l1_end.h"

#include <stdio.h>
#include <string.h>

#include "agents/l0/vm.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PANIC	 "Kernel panic"
#define SHOWN	 512 /* bytes of the console: a record's text has room for 1 KiB in all */

static const struct {
	const char *name;
	enum sink_class class;
	const char *remedy;
} ends[L1_END_COUNT] = {
	[L1_END_KILLED] = {"a killed VMM", SINK_HOST, L1_END_KILL_REMEDY},
	[L1_END_PANIC] = {"a panic", SINK_GUEST,
			  "Does it panic on --kernel baseline too, or with another --l1-kernel?"},
	[L1_END_RESET] = {"a triple fault", SINK_GUEST,
			  "Does it on --kernel baseline too, or with another --l1-kernel?"},
	[L1_END_SILENT] = {"silence", SINK_GUEST,
			   "Does it hang on --kernel baseline too, or with another --l1-kernel?"},
	[L1_END_REFUSED] = {"refused settings", SINK_HOST,
			    "Leave out what is named, or install a version that has it."},
	[L1_END_NO_MEMORY] = {"no memory", SINK_HOST,
			      "L0 has too little for it: give the host more."},
	[L1_END_NO_SPACE] =
		{"no space", SINK_HOST,
		 "L0's /tmp is full, which takes half of L0's memory; a saved L1 is of some "
		 "25 MB: give the host more memory."},
	[L1_END_OTHER] = {"another end", SINK_GUEST, ""},
};

/* In glibc's and in musl's words, and in QEMU's. */
static const struct {
	const char *words;
	enum l1_end end;
} limits[] = {
	{"Cannot allocate memory", L1_END_NO_MEMORY},
	{"Out of memory", L1_END_NO_MEMORY},
	{"No space left on device", L1_END_NO_SPACE},
};

static enum l1_end find_limit(const char *text, enum l1_end otherwise)
{
	for (size_t i = 0; text && i < COUNT(limits); i++)
		if (strstr(text, limits[i].words))
			return limits[i].end;
	return otherwise;
}

bool l1_end_is_panic(const char *console)
{
	return strstr(console, PANIC);
}

static const char *or_nothing(const char *text)
{
	return text[0] ? text : "(nothing)";
}

/* A panic's first line says more than its last ones. */
static const char *find_end(const char *console)
{
	const char *panic = strstr(console, PANIC);
	size_t len = strlen(console);

	if (panic || len <= SHOWN)
		return panic ? panic : console;
	return console + len - SHOWN;
}

int l1_end_report(struct sink *s, const char *who, enum l1_end end, const char *what,
		  const char *vmm, const char *console)
{
	char said[L1_END_MESSAGES + 32] = "";

	end = find_limit(what, find_limit(vmm, end));
	if (vmm)
		snprintf(said, sizeof(said), " Its VMM says: %.*s.", L1_END_MESSAGES,
			 or_nothing(vmm));
	sink_fail(s, ends[end].class, "records of the agent inside it", ends[end].name,
		  "%s did not answer: %.*s. %s%s Its console ends: %.*s", who, L1_END_WHAT, what,
		  ends[end].remedy, said, SHOWN, or_nothing(find_end(console)));
	return VM_SAID;
}
