/* SPDX-License-Identifier: GPL-2.0-only */
/* enter.S - from L1 to L2 and back. Offsets are those of struct l2 in l1.h (checked in guest.c). */
#define FRAME_SIZE 120
#define L1_RSP	   120

	.text
/* int l1_enter(struct l2 *l2, bool resume) */
	.globl l1_enter
	.type l1_enter, @function
l1_enter:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, L1_RSP(%rdi)
	test	%esi, %esi
	mov	0(%rdi), %r15
	mov	8(%rdi), %r14
	mov	16(%rdi), %r13
	mov	24(%rdi), %r12
	mov	32(%rdi), %r11
	mov	40(%rdi), %r10
	mov	48(%rdi), %r9
	mov	56(%rdi), %r8
	mov	64(%rdi), %rbp
	mov	80(%rdi), %rsi
	mov	88(%rdi), %rdx
	mov	96(%rdi), %rcx
	mov	104(%rdi), %rbx
	mov	112(%rdi), %rax
	mov	72(%rdi), %rdi
	jz	1f
	vmresume
	jmp	2f
1:	vmlaunch
2:	/* Only a refused entry comes here: CF is VMfailInvalid, ZF VMfailValid (SDM 31.2). */
	mov	$1, %eax
	jc	3f
	mov	$2, %eax
	jmp	3f

/* VM exits come here with RSP at the end of l2->frame. */
	.size l1_enter, . - l1_enter
	.globl l1_exit_entry
	.type l1_exit_entry, @function
l1_exit_entry:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	L1_RSP(%rsp), %rsp
	xor	%eax, %eax
3:	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size l1_exit_entry, . - l1_exit_entry
	.section .note.GNU-stack, "", @progbits
