/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.S - the first byte of the image; stack, RDI and GS base (struct l2_page) are set by the agent. Then, where
 * L2VM_ON_INTERRUPT says, what the interrupt descriptor table leads to.
 */
#define INTERRUPTS 216 /* of struct l2_page: checked in l2.c */
#define X2APIC_EOI 0x80b

	.section .head, "ax"
	.globl l2_start
l2_start:
	call	l2_main
	ud2
	.org	0x20
	push	%rax
	push	%rcx
	push	%rdx
	incq	%gs:INTERRUPTS
	mov	$X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
	.section .note.GNU-stack, "", @progbits
