/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbols.h - which function an address belongs to, and which source file: the symbol tables of the kernel,
 * the agent and L1.
 */
#ifndef ORCHESTRATOR_EXPLAIN_SYMBOLS_H
#define ORCHESTRATOR_EXPLAIN_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l1/marks.h"
#include "common/error.h"

struct explain_symbol {
	uint64_t begin, end;
	char *name; /* without what the compiler appends: ".cold", ".isra.0", ".part.0", ... */
	char *file; /* "nested.c", "arch/x86/kvm/vmx/nested.c", or "" */
	bool entry; /* where the kernel is interrupted: asm_sysvec_apic_timer_interrupt, ... */
	uint32_t function; /* explain_walk's (walk.h): 1 + its number; 0: none yet */
};

struct explain_image { /* free with explain_image_free() */
	struct explain_symbol *symbols;
	size_t nsymbols;
	struct l1_mark *marks; /* of L1 */
	size_t nmarks;
	size_t last; /* found last: the next address is near it */
};

/* Reads the functions and the marks of the ELF file @path. -EINVAL: it has no symbols. */
int explain_image_read(const char *path, struct explain_image *image, struct error *err);
void explain_image_free(struct explain_image *image);

/*
 * Says better where the functions are: @list has lines "FUNCTION PATH" (kernels/functions.c). Of several
 * functions of one name that one counts whose file has the name that the symbol table gives.
 */
void explain_image_place(struct explain_image *image, const char *list);

/* NULL: in none of its functions. */
struct explain_symbol *explain_image_find(struct explain_image *image, uint64_t address);
/* By name; NULL: there is none. */
struct explain_symbol *explain_image_named(const struct explain_image *image, const char *name);

#endif
