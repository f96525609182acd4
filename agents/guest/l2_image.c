// SPDX-License-Identifier: GPL-2.0-only
/* l2_image.c - the flat binary of L2, in the agent's read-only data. */
#include "agents/guest/l2vm.h"

asm(".section .rodata\n"
    ".globl l2vm_image, l2vm_image_end\n"
    "l2vm_image:\n"
    ".incbin \"" L2_BIN "\"\n"
    "l2vm_image_end:\n"
    ".text\n");
