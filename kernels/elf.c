// SPDX-License-Identifier: GPL-2.0-only
/* The GNU build-id of a vmlinux: a note in a PT_NOTE segment (System V ABI, "Note Section"). */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels/internal.h"

#define BUILD_ID_BYTES 20

/* True when @hex was filled in. */
static bool find_in_notes(Elf_Data *notes, char hex[41])
{
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while ((at = gelf_getnote(notes, at, &note, &name, &desc))) {
		const unsigned char *bytes = notes->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_descsz != BUILD_ID_BYTES ||
		    note.n_namesz != sizeof("GNU") || memcmp(bytes + name, "GNU", sizeof("GNU")))
			continue;
		for (int i = 0; i < BUILD_ID_BYTES; i++)
			snprintf(hex + 2 * i, 3, "%02x", bytes[desc + i]);
		return true;
	}
	return false;
}

void kernel_notes_build_id(const char *notes, size_t len, char hex[41])
{
	Elf_Data data = {
		.d_buf = (void *)(uintptr_t)notes,
		.d_type = ELF_T_NHDR,
		.d_version = EV_CURRENT,
		.d_size = len,
	};

	hex[0] = '\0';
	elf_version(EV_CURRENT);
	find_in_notes(&data, hex);
}

static int find_build_id(Elf *elf, char hex[41])
{
	size_t count;

	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &count))
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;
		Elf_Data *notes;

		if (!gelf_getphdr(elf, i, &segment))
			return -EINVAL;
		if (segment.p_type != PT_NOTE)
			continue;
		notes = elf_getdata_rawchunk(elf, segment.p_offset, segment.p_filesz, ELF_T_NHDR);
		if (notes && find_in_notes(notes, hex))
			return 0;
	}
	return 0;
}

int kernel_elf_build_id(const char *path, char hex[41], struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	Elf *elf;

	hex[0] = '\0';
	if (fd < 0)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	ret = find_build_id(elf, hex);
	if (ret)
		error_set(err, ret, "%s: not an ELF file: %s", path, elf_errmsg(-1));
	elf_end(elf);
	close(fd);
	return ret;
}
