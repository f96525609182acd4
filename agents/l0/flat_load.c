// SPDX-License-Identifier: GPL-2.0-only
/* flat_load.c - the Multiboot protocol: what is read of the file, and what is told to the guest. */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/l0/flat.h"

/* Multiboot Specification, version 0.6.96: 3.1 (header), 3.3 (information). */
#define HEADER_SEARCH  8192 /* bytes of the file in which the header is */
#define HEADER_MAGIC   0x1badb002u
#define HEADER_AOUT    (1u << 16) /* addresses follow, for files that are no ELF */
#define HEADER_VIDEO   (1u << 2)
#define INFO_MEMORY    (1u << 0)
#define INFO_CMDLINE   (1u << 2)
#define INFO_MODS      (1u << 3)
#define INFO_MMAP      (1u << 6)
#define INFO_NAME      (1u << 9)
#define MMAP_AVAILABLE 1
#define MMAP_RESERVED  2

#define LOW_MEMORY  0x9fc00u /* up to here: below are the 640 KiB, without the last one */
#define HIGH_MEMORY 0x100000u

struct header {
	uint32_t magic, flags, checksum;
};

struct info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr, drives[2], config, name, apm, vbe[4];
};

struct module {
	uint32_t start, end, string, reserved;
};

struct mmap_entry {
	uint32_t size; /* of what follows */
	uint64_t base, length;
	uint32_t type;
} __attribute__((packed));

static int refuse(char *why, size_t len, const char *what)
{
	snprintf(why, len, "%s", what);
	return -EINVAL;
}

static bool find_header(const uint8_t *file, size_t len, struct header *out)
{
	for (size_t at = 0; at + sizeof(*out) <= len && at + sizeof(*out) <= HEADER_SEARCH;
	     at += 4) {
		memcpy(out, file + at, sizeof(*out));
		if (out->magic == HEADER_MAGIC && !(out->magic + out->flags + out->checksum))
			return true;
	}
	return false;
}

static int load_segment(uint8_t *ram, size_t size, const uint8_t *file, size_t len,
			const Elf32_Phdr *p, char *why, size_t whylen)
{
	if (p->p_type != PT_LOAD || !p->p_memsz)
		return 0;
	if (p->p_offset > len || p->p_filesz > len - p->p_offset)
		return refuse(why, whylen, "a segment is not in the file as a whole");
	if (p->p_filesz > p->p_memsz)
		return refuse(why, whylen, "a segment is longer in the file than in memory");
	if (p->p_paddr < FLAT_INFO_END || p->p_paddr > size || p->p_memsz > size - p->p_paddr)
		return refuse(why, whylen, "a segment is not within the guest's memory");
	memcpy(ram + p->p_paddr, file + p->p_offset, p->p_filesz);
	memset(ram + p->p_paddr + p->p_filesz, 0, p->p_memsz - p->p_filesz);
	return 0;
}

static int check_file(const uint8_t *file, size_t len, Elf32_Ehdr *e, char *why, size_t whylen)
{
	struct header h;

	if (len < sizeof(*e))
		return refuse(why, whylen, "it is no ELF file");
	memcpy(e, file, sizeof(*e));
	if (memcmp(e->e_ident, ELFMAG, SELFMAG))
		return refuse(why, whylen, "it is no ELF file");
	if (e->e_ident[EI_CLASS] != ELFCLASS32 || e->e_machine != EM_386)
		return refuse(
			why, whylen,
			"it is no ELF file for i386: a .flat of kvm-unit-tests is, its .elf is not");
	if (!find_header(file, len, &h))
		return refuse(why, whylen, "it has no Multiboot header");
	if (h.flags & (HEADER_AOUT | HEADER_VIDEO))
		return refuse(why, whylen, "its Multiboot header asks for what is not built");
	if (e->e_phentsize != sizeof(Elf32_Phdr) || e->e_phoff > len ||
	    e->e_phnum > (len - e->e_phoff) / sizeof(Elf32_Phdr))
		return refuse(why, whylen, "its program headers are not in the file as a whole");
	return 0;
}

int flat_load(uint8_t *ram, size_t size, const void *file, size_t len, uint32_t *entry, char *why,
	      size_t whylen)
{
	Elf32_Ehdr e;
	int ret = check_file(file, len, &e, why, whylen);

	for (unsigned int i = 0; !ret && i < e.e_phnum; i++) {
		Elf32_Phdr p;

		memcpy(&p, (const uint8_t *)file + e.e_phoff + i * sizeof(p), sizeof(p));
		ret = load_segment(ram, size, file, len, &p, why, whylen);
	}
	if (!ret)
		*entry = e.e_entry;
	return ret;
}

/* ---- what it is told ---- */

/* Where the parts are: each after the one before. */
struct layout {
	struct info info;
	struct module module;
	struct mmap_entry map[3];
	char name[16];
	char environment[128];
	char cmdline[512];
};

static uint32_t address_of(size_t offset)
{
	return FLAT_INFO + (uint32_t)offset;
}

static int write_cmdline(char *to, size_t len, const char *name, const char *arguments)
{
	int n = snprintf(to, len, "%s %s", name, arguments);

	if (n < 0 || (size_t)n >= len)
		return -E2BIG;
	for (char *p = to; *p; p++)
		if (*p == '\n')
			*p = ' ';
	to[strlen(to) - 1] = '\0'; /* the last argument's, or the one after the name */
	return 0;
}

static struct mmap_entry map_entry(uint64_t base, uint64_t end, uint32_t type)
{
	return (struct mmap_entry){sizeof(struct mmap_entry) - 4, base, end - base, type};
}

int flat_write_info(uint8_t *ram, size_t size, const char *name, const char *arguments)
{
	struct layout l = {.name = "nestlab"};
	int n, ret = write_cmdline(l.cmdline, sizeof(l.cmdline), name, arguments);

	_Static_assert(sizeof(l) <= FLAT_INFO_END - FLAT_INFO, "a page");
	if (ret)
		return ret;
	n = snprintf(l.environment, sizeof(l.environment),
		     "NR_CPUS=1\nMEMSIZE=%zu\nTEST_DEVICE=1\nBOOTLOADER=0\n", size >> 20);
	l.map[0] = map_entry(0, LOW_MEMORY, MMAP_AVAILABLE);
	l.map[1] = map_entry(0xf0000, HIGH_MEMORY, MMAP_RESERVED);
	l.map[2] = map_entry(HIGH_MEMORY, size, MMAP_AVAILABLE);
	l.module.start = address_of(offsetof(struct layout, environment));
	l.module.end = l.module.start + (uint32_t)n;
	l.info = (struct info){
		.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODS | INFO_MMAP | INFO_NAME,
		.mem_lower = LOW_MEMORY >> 10,
		.mem_upper = (uint32_t)((size - HIGH_MEMORY) >> 10),
		.cmdline = address_of(offsetof(struct layout, cmdline)),
		.mods_count = 1,
		.mods_addr = address_of(offsetof(struct layout, module)),
		.mmap_length = sizeof(l.map),
		.mmap_addr = address_of(offsetof(struct layout, map)),
		.name = address_of(offsetof(struct layout, name)),
	};
	memcpy(ram + FLAT_INFO, &l, sizeof(l));
	return 0;
}
