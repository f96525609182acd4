/* SPDX-License-Identifier: GPL-2.0-only */
/* vectors.S - L1's descriptor tables, and the entries of its own exceptions, which end the job. */

/* A stub for each of the 32 exceptions: every frame gets an error code and its vector. */
	.text
vector = 0
	.rept 32
	.balign 16
	.if vector == 0
	.globl l1_vectors
l1_vectors:
	.endif
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push	$0
	.endif
	push	$vector
	jmp	exception
vector = vector + 1
	.endr

exception:
	pop	%rdi		/* vector */
	pop	%rsi		/* error code */
	pop	%rdx		/* RIP */
	and	$-16, %rsp
	call	l1_exception
	ud2

	.data
	.balign 16
	.globl l1_gdt
l1_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data */
	/* TSS: at 0, which no one uses, for neither rings nor interrupt stacks are changed */
	.quad	0x00008b0000000067
	.quad	0
	.globl l1_gdtr
l1_gdtr:
	.word	l1_gdtr - l1_gdt - 1
	.quad	l1_gdt
	.globl l1_idtr
l1_idtr:
	.word	32 * 16 - 1
	.quad	l1_idt

	.bss
	.balign 16
	.globl l1_idt		/* l1_main() fills it */
l1_idt:
	.skip	32 * 16
	.section .note.GNU-stack, "", @progbits
