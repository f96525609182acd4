// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/explain/registers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

struct operand {
	int number; /* of the register; -1: it is none, but memory or a constant */
	bool whole; /* a name of 32 or 64 bits: writing to it leaves nothing of what was there */
};

/* "r8", "r8d", "r15w" */
static struct operand find_numbered(const char *name)
{
	char *end;
	unsigned long n = strtoul(name + 1, &end, 10);

	if (name[0] != 'r' || end == name + 1 || n < 8 || n >= REGISTERS)
		return (struct operand){-1, false};
	return (struct operand){(int)n, *end != 'w' && *end != 'b' && *end != 'l'};
}

/* @name, of @len bytes: one of a register's names. */
static struct operand find_register(const char *name, size_t len)
{
	static const char *const words[8] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
	static const char *const bytes[8] = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
	bool wide = len == 3 && (name[0] == 'r' || name[0] == 'e');

	for (int i = 0; i < 8; i++) {
		if (wide && !strncmp(name + 1, words[i], 2))
			return (struct operand){i, true};
		if (len >= 2 && len <= 3 && !strncmp(name, words[i], 2)) /* "si", "sil" */
			return (struct operand){i, false};
		if (len == 2 && !strncmp(name, bytes[i], 2))
			return (struct operand){i & 3, false};
	}
	return find_numbered(name);
}

/* ---- instructions ---- */

enum effect {
	EFFECT_ALL,   /* not understood */
	EFFECT_NONE,  /* no register, or only RSP and flags */
	EFFECT_FIRST, /* what is named first */
	EFFECT_MOVE,
	EFFECT_XOR,
};

/* The first that fits counts. */
static const struct {
	const char *begin;
	enum effect effect;
} effects[] = {
	{"mov cr", EFFECT_NONE},      {"mov ", EFFECT_MOVE},   {"movzx ", EFFECT_FIRST},
	{"movsx", EFFECT_FIRST},      {"xor ", EFFECT_XOR},    {"lea ", EFFECT_FIRST},
	{"add ", EFFECT_FIRST},	      {"sub ", EFFECT_FIRST},  {"and ", EFFECT_FIRST},
	{"or ", EFFECT_FIRST},	      {"shl ", EFFECT_FIRST},  {"shr ", EFFECT_FIRST},
	{"sar ", EFFECT_FIRST},	      {"inc ", EFFECT_FIRST},  {"dec ", EFFECT_FIRST},
	{"not ", EFFECT_FIRST},	      {"neg ", EFFECT_FIRST},  {"pop ", EFFECT_FIRST},
	{"set", EFFECT_FIRST},	      {"cmov", EFFECT_FIRST},  {"vmread ", EFFECT_FIRST},
	{"cmp ", EFFECT_NONE},	      {"test ", EFFECT_NONE},  {"push ", EFFECT_NONE},
	{"bt ", EFFECT_NONE},	      {"call", EFFECT_NONE},   {"ret", EFFECT_NONE},
	{"j", EFFECT_NONE},	      {"nop", EFFECT_NONE},    {"endbr", EFFECT_NONE},
	{"lfence", EFFECT_NONE},      {"mfence", EFFECT_NONE}, {"vmwrite ", EFFECT_NONE},
	{"xchg ax, ax", EFFECT_NONE}, {"swapgs", EFFECT_NONE}, {"clac", EFFECT_NONE},
	{"stac", EFFECT_NONE},	      {"bts ", EFFECT_FIRST},  {"btr ", EFFECT_FIRST},
	{"rol ", EFFECT_FIRST},	      {"ror ", EFFECT_FIRST},  {"adc ", EFFECT_FIRST},
	{"sbb ", EFFECT_FIRST},	      {"verw", EFFECT_NONE},   {"wrmsr", EFFECT_NONE},
	{"iret", EFFECT_NONE},	      {"pushf", EFFECT_NONE},  {"popf", EFFECT_NONE},
	{"cli", EFFECT_NONE},	      {"sti", EFFECT_NONE},
};

static enum effect effect_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
		if (!strncmp(text, effects[i].begin, strlen(effects[i].begin)))
			return effects[i].effect;
	return EFFECT_ALL;
}

/* What is written to, and what follows the comma. */
static struct operand read_operands(const char *text, const char **second)
{
	const char *first = text + strcspn(text, " "), *comma;

	first += strspn(first, " ");
	comma = strchr(first, ',');
	*second = "";
	if (!comma)
		return find_register(first, strlen(first));
	*second = comma + 1 + strspn(comma + 1, " ");
	return find_register(first, (size_t)(comma - first));
}

static void move(struct registers *r, int to, const char *operand)
{
	int from = find_register(operand, strlen(operand)).number;
	char *end;
	unsigned long long value = strtoull(operand, &end, 0);

	r->known[to] = false;
	if (from >= 0) {
		r->known[to] = r->known[from];
		r->value[to] = r->value[from];
	} else if (end != operand && !*end) {
		r->known[to] = true;
		r->value[to] = (uint32_t)value;
	}
}

void registers_follow(struct registers *r, const char *text)
{
	enum effect effect = effect_of(text);
	const char *second;
	struct operand to;

	if (effect == EFFECT_ALL)
		*r = (struct registers){0};
	if (effect == EFFECT_ALL || effect == EFFECT_NONE)
		return;
	to = read_operands(text, &second);
	if (to.number < 0)
		return;
	if (effect == EFFECT_MOVE && to.whole) {
		move(r, to.number, second);
		return;
	}
	r->known[to.number] = effect == EFFECT_XOR && to.whole &&
			      find_register(second, strlen(second)).number == to.number;
	r->value[to.number] = 0;
}

/* ---- MSRs ---- */

/* Those that KVM writes and reads around an entry; the names of the SDM, volume 4, without IA32_. */
static const struct {
	uint32_t number;
	const char *name;
} msrs[] = {
	{0x10, "TSC"},
	{0x48, "SPEC_CTRL"},
	{0x49, "PRED_CMD"},
	{0x10b, "FLUSH_CMD"},
	{0x174, "SYSENTER_CS"},
	{0x175, "SYSENTER_ESP"},
	{0x176, "SYSENTER_EIP"},
	{0x1d9, "DEBUGCTL"},
	{0x277, "PAT"},
	{0x38f, "PERF_GLOBAL_CTRL"},
	{0x6e0, "TSC_DEADLINE"},
	{0x80b, "X2APIC_EOI"},
	{0x830, "X2APIC_ICR"},
	{0xda0, "XSS"},
	{0xc0000080, "EFER"},
	{0xc0000081, "STAR"},
	{0xc0000082, "LSTAR"},
	{0xc0000084, "FMASK"},
	{0xc0000100, "FS_BASE"},
	{0xc0000101, "GS_BASE"},
	{0xc0000102, "KERNEL_GS_BASE"},
	{0xc0000103, "TSC_AUX"},
};

static const char *name_of_msr(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].number == number)
			return msrs[i].name;
	return "";
}

void registers_name_msr(const struct registers *r, const char *event, char *out, size_t size)
{
	uint32_t number = r->value[REGISTERS_RCX];
	const char *name = name_of_msr(number);

	if (!r->known[REGISTERS_RCX])
		snprintf(out, size, "%s (number not known)", event);
	else
		snprintf(out, size, "%s 0x%x%s%s", event, number, *name ? " " : "", name);
}
