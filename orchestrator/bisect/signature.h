/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * signature.h - the way in which a boot failed, in words that two boots of two kernels share: a
 * complaint's kind and function, without what differs from boot to boot and from commit to commit
 * (addresses, offsets, line numbers, processes, CPUs, times, the compiler's suffixes, module names).
 *
 *	WARNING: CPU: 0 PID: 71 at arch/x86/kvm/vmx/nested.c:3456 nested_vmx_run+0x3/0x10 [kvm_intel]
 *	WARNING: at arch/x86/kvm/vmx/nested.c nested_vmx_run
 *
 *	Kernel panic - not syncing: Fatal exception; before it: BUG: kernel NULL pointer dereference,
 *	address: 0000000000000008 (RIP: 0010:nested_vmx_run+0x1f/0x200)
 *	BUG: kernel NULL pointer dereference, address in nested_vmx_run
 *	panic: Fatal exception
 *
 *	hangs: nothing came for 600 s; after 12 records; the console's last line: ...
 *	hang after 12 records
 *	hang
 */
#ifndef ORCHESTRATOR_BISECT_SIGNATURE_H
#define ORCHESTRATOR_BISECT_SIGNATURE_H

#include <stdbool.h>

#include "common/strbuf.h"
#include "results/store/store.h"

/* A line of the kernel's log, without what is of one boot only; the caller frees. */
char *signature_of_line(const char *line);

/*
 * All ways in which a boot of class guest or integrity failed by its stored @error
 * (orchestrator/engine/outcome.h), a line each, the most telling first. Nothing is added for other classes. Where @wanted is RESULTS_GUEST,
 * what a failure of class integrity says of the integrity itself is left out. RESULTS_OK: all of it.
 */
void signature_list(enum results_class class, const char *error, enum results_class wanted,
		    struct strbuf *out);

/* Is @signature a line of @list? */
bool signature_is_listed(const char *list, const char *signature);

#endif
