// SPDX-License-Identifier: GPL-2.0-only
/* The GNU build-id of a vmlinux: a note in a PT_NOTE segment (System V ABI, "Note Section"). */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernels/internal.h"

/* Is [at, at + len) within the file? */
static bool within(const struct strbuf *file, uint64_t at, uint64_t len)
{
	return at <= file->len && len <= file->len - at;
}

/* Looks through the notes at @at for the build-id; true when @hex was filled in. */
static bool find_note(const struct strbuf *file, uint64_t at, uint64_t len, char hex[41])
{
	uint64_t end = at + len;

	while (at < end && within(file, at, sizeof(Elf64_Nhdr))) {
		Elf64_Nhdr note;
		uint64_t name = at + sizeof(note), desc;

		memcpy(&note, file->buf + at, sizeof(note));
		desc = name + ((note.n_namesz + 3ULL) & ~3ULL);
		if (!within(file, desc, note.n_descsz))
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(file->buf + name, "GNU", 4) && note.n_descsz == 20) {
			for (int i = 0; i < 20; i++)
				snprintf(hex + 2 * i, 3, "%02x", (uint8_t)file->buf[desc + i]);
			return true;
		}
		at = desc + ((note.n_descsz + 3ULL) & ~3ULL);
	}
	return false;
}

static int search(const struct strbuf *file, char hex[41])
{
	Elf64_Ehdr header;

	if (!within(file, 0, sizeof(header)))
		return -EINVAL;
	memcpy(&header, file->buf, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64)
		return -EINVAL;
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		uint64_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr segment;

		if (!within(file, at, sizeof(segment)))
			return -EINVAL;
		memcpy(&segment, file->buf + at, sizeof(segment));
		if (segment.p_type == PT_NOTE && within(file, segment.p_offset, segment.p_filesz) &&
		    find_note(file, segment.p_offset, segment.p_filesz, hex))
			return 0;
	}
	return 0;
}

int kernel_elf_build_id(const char *path, char hex[41], struct error *err)
{
	struct strbuf file = STRBUF_INIT;
	int ret = fs_read_file(path, 0, &file, err);

	hex[0] = '\0';
	if (!ret && search(&file, hex))
		ret = error_set(err, -EINVAL, "%s: not a 64-bit ELF file", path);
	strbuf_release(&file);
	return ret;
}
