// SPDX-License-Identifier: GPL-2.0-only
#include "images/elf_pack.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define ALIGNMENT 16

static int check_header(const struct strbuf *elf, const char *name, struct error *err)
{
	Elf64_Ehdr e;

	if (elf->len < sizeof(e))
		return error_set(err, -EINVAL, "%s: not an ELF file", name);
	memcpy(&e, elf->buf, sizeof(e));
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) || e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    e.e_machine != EM_X86_64 || e.e_phentsize != sizeof(Elf64_Phdr))
		return error_set(err, -EINVAL, "%s: not an ELF program for x86-64", name);
	if (e.e_phoff > elf->len || e.e_phnum * sizeof(Elf64_Phdr) > elf->len - e.e_phoff)
		return error_set(err, -EINVAL, "%s: its program headers are cut short", name);
	return 0;
}

static bool is_wanted(const Elf64_Phdr *p)
{
	return p->p_type == PT_LOAD || p->p_type == PT_NOTE;
}

static Elf64_Phdr segment_of(const struct strbuf *elf, const Elf64_Ehdr *e, size_t i)
{
	Elf64_Phdr p;

	memcpy(&p, elf->buf + e->e_phoff + i * sizeof(p), sizeof(p));
	return p;
}

static void pad(struct strbuf *out)
{
	while (out->len % ALIGNMENT)
		strbuf_add(out, "", 1);
}

/* Header and program headers, to be filled in when the segments' places are known. */
static void reserve_headers(const struct strbuf *elf, Elf64_Ehdr *e, struct strbuf *out)
{
	size_t wanted = 0;

	for (size_t i = 0; i < e->e_phnum; i++) {
		const Elf64_Phdr p = segment_of(elf, e, i);

		if (!is_wanted(&p))
			continue;
		wanted++;
	}
	for (size_t i = 0; i < sizeof(*e) + wanted * sizeof(Elf64_Phdr); i++)
		strbuf_add(out, "", 1);
}

static int add_segment(const struct strbuf *elf, Elf64_Phdr *p, const char *name,
		       struct strbuf *out, struct error *err)
{
	if (p->p_offset > elf->len || p->p_filesz > elf->len - p->p_offset)
		return error_set(err, -EINVAL, "%s: a segment is cut short", name);
	pad(out);
	strbuf_add(out, elf->buf + p->p_offset, p->p_filesz);
	p->p_offset = out->len - p->p_filesz;
	if (p->p_type == PT_LOAD) /* that of a note says how its pieces follow each other */
		p->p_align = ALIGNMENT;
	return 0;
}

static int add_segments(const struct strbuf *elf, const char *name, struct strbuf *out,
			struct error *err)
{
	Elf64_Ehdr e, packed;
	size_t at = sizeof(e);

	memcpy(&e, elf->buf, sizeof(e));
	reserve_headers(elf, &e, out);
	packed = e;
	packed.e_phoff = sizeof(e);
	packed.e_phnum = 0;
	packed.e_shoff = packed.e_shnum = packed.e_shstrndx = 0;
	for (size_t i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr p = segment_of(elf, &e, i);
		int ret;

		if (!is_wanted(&p))
			continue;
		ret = add_segment(elf, &p, name, out, err);
		if (ret)
			return ret;
		memcpy(out->buf + at, &p, sizeof(p));
		at += sizeof(p);
		packed.e_phnum++;
	}
	memcpy(out->buf, &packed, sizeof(packed));
	return 0;
}

int elf_pack(struct strbuf *elf, const char *name, struct error *err)
{
	struct strbuf out = STRBUF_INIT;
	int ret = check_header(elf, name, err);

	if (!ret)
		ret = add_segments(elf, name, &out, err);
	if (ret) {
		strbuf_release(&out);
		return ret;
	}
	strbuf_release(elf);
	*elf = out;
	return 0;
}
