// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/explain/steps.h"

#include <string.h>

#include "common/alloc.h"

static bool begins_with(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

/* The first that fits counts. */
static const struct {
	const char *begin;
	enum step_flow flow;
} flows[] = {
	{"call", STEP_CALL},	 {"syscall", STEP_CALL}, {"ret", STEP_RETURN},
	{"sysret", STEP_RETURN}, {"iret", STEP_IRETURN}, {"j", STEP_JUMP},
	{"loop", STEP_JUMP},
};

enum step_flow step_flow_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++)
		if (begins_with(text, flows[i].begin))
			return flows[i].flow;
	return STEP_NEXT;
}

static const struct {
	const char *begin, *event;
} events[] = {
	{"vmread", "VMREAD"},
	{"vmwrite", "VMWRITE"},
	{"vmptrld", "VMPTRLD"},
	{"vmclear", "VMCLEAR"},
	{"vmresume", "VMRESUME"},
	{"vmlaunch", "VMLAUNCH"},
	{"invept", "INVEPT"},
	{"invvpid", "INVVPID"},
	{"invpcid", "INVPCID"},
	{"invlpg", "INVLPG"},
	{"mov cr3,", "CR3 write"},
	{"mov cr4,", "CR4 write"},
	{"mov cr0,", "CR0 write"},
	{"wrmsr", "WRMSR"},
	{"rdmsr", "RDMSR"},
	{"lock ", "atomic operation"},
	{"cpuid", "CPUID"},
	{"mfence", "MFENCE"},
	{"hlt", "HLT"},
	{"out", "OUT"},
	{"syscall", "SYSCALL"},
	{"xsetbv", "XSETBV"},
	{"wbinvd", "WBINVD"},
};

const char *step_event_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (begins_with(text, events[i].begin))
			return events[i].event;
	/* With memory it is locked without saying so. */
	if (begins_with(text, "xchg") && strstr(text, "ptr"))
		return "atomic operation";
	return NULL;
}

const char *step_exit_of(const char *text)
{
	static const char *const words[] = {
		"vmcall", "vmresume", "vmlaunch", "vmptrld", "vmclear", "vmread", "vmwrite",
		"vmxon",  "vmxoff",   "vmptrst",  "invept",  "invvpid", "cpuid",  "rdmsr",
		"wrmsr",  "hlt",      "out",	  "in ",     "mov cr",	"xsetbv",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (begins_with(text, words[i]))
			return words[i];
	return NULL;
}
