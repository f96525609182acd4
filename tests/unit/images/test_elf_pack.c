// SPDX-License-Identifier: GPL-2.0-only
/* images/elf_pack.c: what is loaded stays, byte for byte; the rest goes. */
#include "tests/unit/unit.h"

#include <elf.h>
#include <errno.h>

#include "images/elf_pack.h"

static struct error err;

#define FAR 0x200000 /* as far apart as a vmlinux has its segments */

struct program {
	Elf64_Ehdr e;
	Elf64_Phdr p[3];
};

static struct strbuf make_program(uint64_t second)
{
	struct program prog = {
		.e = {.e_machine = EM_X86_64,
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = 3,
		      .e_phoff = sizeof(Elf64_Ehdr),
		      .e_shoff = 77,
		      .e_shnum = 5,
		      .e_entry = 0x1000123},
		.p = {{.p_type = PT_LOAD,
		       .p_offset = FAR,
		       .p_filesz = 5,
		       .p_memsz = 9,
		       .p_paddr = 0x1000000},
		      {.p_type = PT_GNU_STACK},
		      {.p_type = PT_NOTE,
		       .p_offset = second,
		       .p_filesz = 4,
		       .p_memsz = 4,
		       .p_align = 4}},
	};
	struct strbuf b = STRBUF_INIT;

	memcpy(prog.e.e_ident, ELFMAG, SELFMAG);
	prog.e.e_ident[EI_CLASS] = ELFCLASS64;
	strbuf_add(&b, (const char *)&prog, sizeof(prog));
	while (b.len < 2 * FAR)
		strbuf_add(&b, "#", 1);
	memcpy(b.buf + FAR, "first", 5);
	memcpy(b.buf + FAR + 0x100, "note", 4);
	return b;
}

TEST(only_what_is_loaded_stays)
{
	struct strbuf b = make_program(FAR + 0x100);
	Elf64_Ehdr e;
	Elf64_Phdr p[2];

	assert_int_equal(elf_pack(&b, "vmlinux", &err), 0);
	assert_true(b.len < 512);
	memcpy(&e, b.buf, sizeof(e));
	assert_int_equal(e.e_phnum, 2);
	assert_int_equal(e.e_shnum, 0);
	assert_int_equal(e.e_entry, 0x1000123);
	memcpy(p, b.buf + e.e_phoff, sizeof(p));
	assert_int_equal(p[0].p_type, PT_LOAD);
	assert_int_equal(p[0].p_paddr, 0x1000000);
	assert_int_equal(p[0].p_memsz, 9);
	assert_memory_equal(b.buf + p[0].p_offset, "first", 5);
	assert_int_equal(p[1].p_type, PT_NOTE);
	assert_int_equal(p[1].p_align, 4); /* by which QEMU goes from note to note */
	assert_memory_equal(b.buf + p[1].p_offset, "note", 4);
	strbuf_release(&b);
}

static void refused(struct strbuf *b, const char *why)
{
	size_t len = b->len;

	assert_int_equal(elf_pack(b, "vmlinux", &err), -EINVAL);
	assert_non_null(strstr(err.text, why));
	assert_int_equal(b->len, len); /* as it was */
	strbuf_release(b);
}

TEST(what_is_no_program_is_refused)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_addstr(&b, "MZ");
	refused(&b, "not an ELF file");
	b = make_program(0);
	b.buf[EI_CLASS] = ELFCLASS32;
	refused(&b, "not an ELF program for x86-64");
	b = make_program(UINT64_MAX - 1);
	refused(&b, "a segment is cut short");
	b = make_program(0);
	((struct program *)b.buf)->e.e_phoff = UINT64_MAX;
	refused(&b, "program headers are cut short");
}

UNIT_MAIN("elf_pack", NULL, NULL)
