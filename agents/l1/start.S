/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.S - where L1 vCPUs begin: 64-bit mode, identity page tables, a stack of their own and
 * RDI = vCPU number, all set by the agent.
 */
	.section .head, "ax"
	.globl l1_start
l1_start:
	lgdt	l1_gdtr(%rip)
	lidt	l1_idtr(%rip)
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	push	$0x08
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:	call	l1_main
	ud2
	.section .note.GNU-stack, "", @progbits
