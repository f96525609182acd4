/* SPDX-License-Identifier: GPL-2.0-only */
/* pvh_kernel.h - a few instructions of 32-bit code as a kernel that QEMU starts as PVH: a file in the folder that unit_make_dir() makes. */
#ifndef TESTS_UNIT_AGENTS_PVH_KERNEL_H
#define TESTS_UNIT_AGENTS_PVH_KERNEL_H

#include "tests/unit/unit.h"

#include <elf.h>

#define PHYS32_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY: where a PVH kernel starts */
#define CODE_ADDRESS 0x100000u

struct kernel {
	Elf64_Ehdr e;
	Elf64_Phdr p[2];
	Elf64_Nhdr note;
	char name[4];
	uint64_t entry;
	uint8_t code[256];
};

/* Its path; the caller frees. */
static inline char *write_kernel(const void *code, size_t len)
{
	struct kernel k = {
		.e = {.e_type = ET_EXEC,
		      .e_machine = EM_X86_64,
		      .e_version = EV_CURRENT,
		      .e_ehsize = sizeof(k.e),
		      .e_phentsize = sizeof(k.p[0]),
		      .e_phnum = 2,
		      .e_phoff = offsetof(struct kernel, p),
		      .e_entry = CODE_ADDRESS},
		.p = {{.p_type = PT_LOAD,
		       .p_flags = PF_R | PF_W | PF_X,
		       .p_offset = offsetof(struct kernel, code),
		       .p_vaddr = CODE_ADDRESS,
		       .p_paddr = CODE_ADDRESS,
		       .p_filesz = sizeof(k.code),
		       .p_memsz = sizeof(k.code)},
		      {.p_type = PT_NOTE,
		       .p_offset = offsetof(struct kernel, note),
		       .p_filesz = offsetof(struct kernel, code) - offsetof(struct kernel, note),
		       .p_align = 4}},
		.note = {.n_namesz = 4, .n_descsz = 8, .n_type = PHYS32_ENTRY},
		.name = "Xen",
		.entry = CODE_ADDRESS,
	};
	char *path = unit_path("kernel");
	struct error err = {0};

	memcpy(k.e.e_ident, ELFMAG, SELFMAG);
	k.e.e_ident[EI_CLASS] = ELFCLASS64;
	k.e.e_ident[EI_DATA] = ELFDATA2LSB;
	k.e.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(k.code, code, len);
	assert_int_equal(fs_write_file(path, (const char *)&k, sizeof(k), &err), 0);
	return path;
}

#endif
