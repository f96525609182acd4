/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elf_pack.h - an ELF program without what nobody loads: symbols, sections, and the gaps that a vmlinux has
 * between its segments. A vmlinux of 14.7 MB becomes one of 8.4, and each MB of an image costs a boot of the
 * emulated host 1.8 million instructions.
 */
#ifndef IMAGES_ELF_PACK_H
#define IMAGES_ELF_PACK_H

#include "common/error.h"
#include "common/strbuf.h"

/* Replaces @elf, a 64-bit ELF program for x86-64, by what its loadable segments and notes are. @name stands for
 * it in messages. -EINVAL: it is none. */
int elf_pack(struct strbuf *elf, const char *name, struct error *err);

#endif
