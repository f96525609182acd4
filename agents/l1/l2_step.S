/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l2_step.S - the pattern that L2 carries over each switch: 13 registers, a copy of them in L2's
 * page, and a count. Offsets are those of struct l2_page in l2.h (checked in l2.c).
 */
#define STEPS	104
#define COMMAND 112
#define STRIDE	0x9e3779b97f4a7c15

	.macro each op
	\op	%rax, 0
	\op	%rbx, 1
	\op	%rcx, 2
	\op	%rdx, 3
	\op	%rsi, 4
	\op	%rdi, 5
	\op	%r8, 6
	\op	%r9, 7
	\op	%r10, 8
	\op	%r11, 9
	\op	%r12, 10
	\op	%r13, 11
	\op	%r14, 12
	.endm
	.macro load reg, n
	mov	8 * \n(%rbp), \reg
	.endm
	.macro check reg, n
	cmp	8 * \n(%rbp), \reg
	jne	bad_\n
	.endm
	.macro advance reg, n
	add	%r15, \reg
	mov	\reg, 8 * \n(%rbp)
	.endm
	.macro report reg, n
bad_\n:	mov	\reg, %r15
	mov	$(1 + \n), %eax
	jmp	done
	.endm

	.macro end_step
#ifdef L2_OF_LINUX
	out	%al, $0x4e /* L1_PORT */
#else
	vmcall
#endif
	.endm

	.text
/* uint64_t l2_step(struct l2_page *page, uint64_t *found) */
	.globl l2_step
	.type l2_step, @function
l2_step:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rsi
	mov	%rdi, %rbp
	movabs	$STRIDE, %r15
	each	load
again:	end_step
	each	check
	each	advance
	incq	STEPS(%rbp)
	cmpq	$0, COMMAND(%rbp)
	je	again
	xor	%eax, %eax
done:	pop	%rsi
	mov	%r15, (%rsi)
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	each	report
	.size l2_step, . - l2_step
	.section .note.GNU-stack, "", @progbits
