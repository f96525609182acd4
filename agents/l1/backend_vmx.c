// SPDX-License-Identifier: GPL-2.0-only
/* backend_vmx.c - VMCSs by the book: VMPTRLD, VMREAD, VMWRITE (SDM volume 3, chapter 31). */
#include "agents/l1/l1.h"

static uint64_t region_of(const struct l2 *l2)
{
	return l1_block(l2->id, L1_BLOCK_VMCS);
}

static void vmx_init(struct cpu *cpu)
{
	(void)cpu;
}

static void vmx_alloc(struct l2 *l2)
{
	*(uint32_t *)region_of(l2) = vmx_read_region_revision();
	vmx_clear_region(region_of(l2));
}

static void vmx_load(struct cpu *cpu, struct l2 *l2)
{
	uint64_t gpa = region_of(l2);
	uint8_t fail;

	asm volatile("vmptrld %1; setna %0" : "=qm"(fail) : "m"(gpa) : "cc", "memory");
	if (__builtin_expect(fail, 0))
		vmx_failed(L1_VMPTRLD, 2);
	cpu->loaded = l2;
}

static void vmx_clear(struct cpu *cpu, struct l2 *l2)
{
	vmx_clear_region(region_of(l2));
	l2->launched = false;
	if (cpu->loaded == l2)
		cpu->loaded = NULL;
}

static uint64_t vmx_read(struct l2 *l2, uint32_t field)
{
	uint64_t value;
	uint8_t fail;

	(void)l2;
	asm volatile("vmread %2, %1; setna %0"
		     : "=qm"(fail), "=r"(value)
		     : "r"((uint64_t)field)
		     : "cc");
	if (__builtin_expect(fail, 0))
		vmx_failed(L1_VMREAD, field);
	return value;
}

static void vmx_write(struct l2 *l2, uint32_t field, uint64_t value)
{
	uint8_t fail;

	(void)l2;
	asm volatile("vmwrite %1, %2; setna %0"
		     : "=qm"(fail)
		     : "r"(value), "r"((uint64_t)field)
		     : "cc", "memory");
	if (__builtin_expect(fail, 0))
		vmx_failed(L1_VMWRITE, 2);
}

static void vmx_touch(struct l2 *l2, uint32_t field)
{
	(void)l2; /* the processor looks at what fields point to at each VM entry (SDM 27.2) */
	(void)field;
}

static void vmx_exited(struct l2 *l2)
{
	(void)l2;
}

const struct vmcs_ops vmcs_ops_vmx = {
	.init = vmx_init,
	.alloc = vmx_alloc,
	.load = vmx_load,
	.clear = vmx_clear,
	.read = vmx_read,
	.write = vmx_write,
	.touch = vmx_touch,
	.exited = vmx_exited,
};
