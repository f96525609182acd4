// SPDX-License-Identifier: GPL-2.0-only
/* vm_image.c - the micro-hypervisor's flat binary, in the agent's read-only data. */
#include "agents/l0/vm.h"

asm(".section .rodata\n"
    ".globl vm_image, vm_image_end\n"
    "vm_image:\n"
    ".incbin \"" L1_BIN "\"\n"
    "vm_image_end:\n"
    ".previous\n");
