/* SPDX-License-Identifier: GPL-2.0-only */
/* start.S - the first byte of the image; stack and RDI (struct l2_page) are set by the agent. */
	.section .head, "ax"
	.globl l2_start
l2_start:
	call	l2_main
	ud2
	.section .note.GNU-stack, "", @progbits
