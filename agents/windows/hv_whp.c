// SPDX-License-Identifier: GPL-2.0-only
/*
 * hv_whp.c - an L2 vCPU by the Windows Hypervisor Platform: each L2 is a partition with one virtual processor.
 *
 * The DLL is loaded at run time, so that the agent starts where the feature is not enabled, and says so. Two kinds of
 * exit are not there: a hypercall of L2's goes to Hyper-V, and what its RDMSR gives is Hyper-V's affair.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winhvplatform.h>

#include "agents/guest/hv.h"
#include "agents/l0/records/sink.h"
#include "agents/l0/vm.h"

/* ---- the DLL ---- */

#define FUNCTIONS(X)                       \
	X(WHvGetCapability)                \
	X(WHvCreatePartition)              \
	X(WHvSetPartitionProperty)         \
	X(WHvSetupPartition)               \
	X(WHvMapGpaRange)                  \
	X(WHvCreateVirtualProcessor)       \
	X(WHvSetVirtualProcessorRegisters) \
	X(WHvGetVirtualProcessorRegisters) \
	X(WHvRunVirtualProcessor)
#define POINTER(name) static __typeof__(name) *call_##name;
#define NAME(name)    #name,
#define PLACE(name)   (FARPROC *)&call_##name,
FUNCTIONS(POINTER)

static const char *const names[] = {FUNCTIONS(NAME)};
static FARPROC *const places[] = {FUNCTIONS(PLACE)};

static bool find_functions(struct sink *s)
{
	HMODULE dll = LoadLibraryA("WinHvPlatform.dll");

	if (!dll) {
		sink_skip(
			s,
			"no WinHvPlatform.dll here: enable the feature HypervisorPlatform (nestlab "
			"image prepare-windows)");
		return false;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		*places[i] = GetProcAddress(dll, names[i]);
		if (*places[i])
			continue;
		sink_skip(s, "WinHvPlatform.dll has no %s", names[i]);
		return false;
	}
	return true;
}

int hv_open_host(intptr_t *host, struct sink *s)
{
	WHV_CAPABILITY there = {0};
	UINT32 size;

	*host = 0;
	if (!find_functions(s))
		return VM_SAID;
	if (SUCCEEDED(call_WHvGetCapability(WHvCapabilityCodeHypervisorPresent, &there,
					    sizeof(there), &size)) &&
	    there.HypervisorPresent)
		return 0;
	sink_skip(
		s,
		"no hypervisor runs below this Windows: bcdedit /set hypervisorlaunchtype auto, and "
		"a host that gives it VMX");
	return VM_SAID;
}

/* ---- the partition ---- */

struct hv_cpu {
	WHV_PARTITION_HANDLE partition;
	WHV_RUN_VP_EXIT_CONTEXT exit;
	bool advance,
		answers; /* before it goes on: RIP past the instruction; RAX with the answer */
	uint32_t answer;
};

static int fail_call(const struct l2vm *l2, const char *what, HRESULT code)
{
	char found[24];

	snprintf(found, sizeof(found), "%#lx", (unsigned long)code);
	sink_fail(l2->sink, SINK_GUEST, "success", found, "%s in L1 (L2 %" PRIu32 ")", what,
		  l2->id);
	return VM_SAID;
}

void *hv_get_memory(size_t size)
{
	return VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
}

int hv_map(struct l2vm *l2, uint32_t slot, uint64_t at, void *memory, size_t size)
{
	HRESULT r = call_WHvMapGpaRange(l2->hv->partition, memory, at, size,
					WHvMapGpaRangeFlagRead | WHvMapGpaRangeFlagWrite |
						WHvMapGpaRangeFlagExecute);

	(void)slot;
	return FAILED(r) ? fail_call(l2, "WHvMapGpaRange", r) : 0;
}

int hv_renew(struct l2vm *l2, void *memory, size_t size)
{
	(void)l2, (void)memory, (void)size;
	return -ENOSYS; /* of works that are not for Windows: see main.c */
}

uint64_t hv_take_rings(const struct l2vm *l2)
{
	(void)l2;
	return 0;
}

int hv_create(struct l2vm *l2, const struct l2vm_recipe *recipe, const struct l2vm *before)
{
	const WHV_PARTITION_PROPERTY one = {.ProcessorCount = 1};
	const WHV_X64_CPUID_RESULT leaf = {.Function = L2_CPUID_LEAF, .Eax = L2VM_CPUID_ANSWER};
	HRESULT r;

	if (before || recipe->extras)
		return -ENOSYS;
	l2->hv = calloc(1, sizeof(*l2->hv));
	if (!l2->hv)
		return -ENOMEM;
	r = call_WHvCreatePartition(&l2->hv->partition);
	if (SUCCEEDED(r))
		r = call_WHvSetPartitionProperty(l2->hv->partition,
						 WHvPartitionPropertyCodeProcessorCount, &one,
						 sizeof(one.ProcessorCount));
	if (SUCCEEDED(r))
		r = call_WHvSetPartitionProperty(l2->hv->partition,
						 WHvPartitionPropertyCodeCpuidResultList, &leaf,
						 sizeof(leaf));
	if (SUCCEEDED(r))
		r = call_WHvSetupPartition(l2->hv->partition);
	return FAILED(r) ? fail_call(l2, "making a partition", r) : 0;
}

/* ---- the virtual processor ---- */

static WHV_REGISTER_VALUE segment(uint16_t selector, uint16_t attributes, uint64_t base)
{
	return (WHV_REGISTER_VALUE){.Segment = {.Base = base,
						.Limit = 0xffffffff,
						.Selector = selector,
						.Attributes = attributes}};
}

static HRESULT set_registers(const struct l2vm *l2, const struct l2_start *s)
{
	static const WHV_REGISTER_NAME which[] = {
		WHvX64RegisterRip,    WHvX64RegisterRsp,	 WHvX64RegisterRdi,
		WHvX64RegisterRflags, WHvX64RegisterCs,		 WHvX64RegisterDs,
		WHvX64RegisterEs,     WHvX64RegisterSs,		 WHvX64RegisterGs,
		WHvX64RegisterCr0,    WHvX64RegisterCr3,	 WHvX64RegisterCr4,
		WHvX64RegisterEfer,   WHvX64RegisterKernelGsBase};
	const WHV_REGISTER_VALUE values[] = {{.Reg64 = s->rip},
					     {.Reg64 = s->rsp},
					     {.Reg64 = s->rdi},
					     {.Reg64 = 2},
					     segment(8, 0xa09b, 0),
					     segment(0x10, 0xc093, 0),
					     segment(0x10, 0xc093, 0),
					     segment(0x10, 0xc093, 0),
					     segment(0x10, 0xc093, s->gs),
					     {.Reg64 = 0x80010031}, /* PG, WP, NE, ET, PE */
					     {.Reg64 = s->cr3},
					     {.Reg64 = 0x20},  /* PAE */
					     {.Reg64 = 0x500}, /* LMA, LME */
					     {.Reg64 = s->kernel_gs}};

	return call_WHvSetVirtualProcessorRegisters(l2->hv->partition, 0, which,
						    sizeof(which) / sizeof(which[0]), values);
}

int hv_add_cpu(struct l2vm *l2, const struct l2vm_recipe *recipe, const struct l2_start *start)
{
	HRESULT r = call_WHvCreateVirtualProcessor(l2->hv->partition, 0, 0);

	(void)recipe;
	if (SUCCEEDED(r))
		r = set_registers(l2, start);
	return FAILED(r) ? fail_call(l2, "making a virtual processor", r) : 0;
}

int hv_read_msr(const struct l2vm *l2, uint32_t msr, uint64_t *value)
{
	(void)l2, (void)msr;
	*value = 0; /* exits rdmsr is not for Windows: see main.c */
	return 0;
}

/* L2 has no registers and no TSC of which the platform would not say what they are. */
int hv_prove(struct l2vm *l2)
{
	(void)l2;
	return 0;
}

int hv_read_registers(const struct l2vm *l2, uint64_t regs[L2_REGISTERS], uint64_t *rip)
{
	static const WHV_REGISTER_NAME which[L2_REGISTERS + 1] = {
		WHvX64RegisterRax, WHvX64RegisterRbx, WHvX64RegisterRcx, WHvX64RegisterRdx,
		WHvX64RegisterRsi, WHvX64RegisterRdi, WHvX64RegisterR8,	 WHvX64RegisterR9,
		WHvX64RegisterR10, WHvX64RegisterR11, WHvX64RegisterR12, WHvX64RegisterR13,
		WHvX64RegisterR14, WHvX64RegisterRip};
	WHV_REGISTER_VALUE values[L2_REGISTERS + 1];
	HRESULT r = call_WHvGetVirtualProcessorRegisters(l2->hv->partition, 0, which,
							 L2_REGISTERS + 1, values);

	if (FAILED(r))
		return fail_call(l2, "WHvGetVirtualProcessorRegisters", r);
	for (uint32_t i = 0; i < L2_REGISTERS; i++)
		regs[i] = values[i].Reg64;
	*rip = values[L2_REGISTERS].Reg64;
	return 0;
}

/* ---- running it ---- */

/* The exits that L2 takes leave RIP at the instruction: Hyper-V says how long that is. A HLT it has passed. */
static HRESULT finish_instruction(struct hv_cpu *cpu)
{
	static const WHV_REGISTER_NAME which[] = {WHvX64RegisterRip, WHvX64RegisterRax};
	const WHV_REGISTER_VALUE values[] = {
		{.Reg64 = cpu->exit.VpContext.Rip + cpu->exit.VpContext.InstructionLength},
		{.Reg64 = cpu->answer}};
	UINT32 n = cpu->answers ? 2 : 1;

	cpu->advance = cpu->answers = false;
	return call_WHvSetVirtualProcessorRegisters(cpu->partition, 0, which, n, values);
}

int l2vm_enter(const struct l2vm *l2)
{
	struct hv_cpu *cpu = l2->hv;
	HRESULT r = S_OK;

	if (cpu->advance)
		r = finish_instruction(cpu);
	if (SUCCEEDED(r))
		r = call_WHvRunVirtualProcessor(cpu->partition, 0, &cpu->exit, sizeof(cpu->exit));
	if (FAILED(r))
		return -EIO;
	cpu->advance = cpu->exit.ExitReason == WHvRunVpExitReasonX64IoPortAccess ||
		       cpu->exit.ExitReason == WHvRunVpExitReasonMemoryAccess;
	return 0;
}

enum l2_exit hv_exit(const struct l2vm *l2)
{
	const WHV_RUN_VP_EXIT_CONTEXT *e = &l2->hv->exit;

	if (e->ExitReason == WHvRunVpExitReasonX64IoPortAccess &&
	    e->IoPortAccess.AccessInfo.IsWrite)
		switch (e->IoPortAccess.PortNumber) {
		case L1_PORT:
			return L2_EXIT_END;
		case L2_IO_PORT:
			return L2_EXIT_IO;
		}
	if (e->ExitReason == WHvRunVpExitReasonX64Halt)
		return L2_EXIT_HLT;
	if (e->ExitReason == WHvRunVpExitReasonMemoryAccess && e->MemoryAccess.Gpa == L2VM_HOLE &&
	    e->MemoryAccess.AccessInfo.AccessType == WHvMemoryAccessRead &&
	    e->VpContext.InstructionLength)
		return L2_EXIT_MMIO;
	return L2_EXIT_OTHER;
}

/* L2 reads 32 bits into EAX (agents/guest/l2/l2.c). */
void hv_answer(struct l2vm *l2, uint32_t value)
{
	l2->hv->answers = true;
	l2->hv->answer = value;
}

void hv_describe(const struct l2vm *l2, int entered, char *text, size_t len)
{
	const WHV_RUN_VP_EXIT_CONTEXT *e = &l2->hv->exit;

	if (entered)
		snprintf(text, len, "WHvRunVirtualProcessor: %s", strerror(-entered));
	else if (e->ExitReason == WHvRunVpExitReasonMemoryAccess)
		snprintf(text, len, "an access to memory at %#" PRIx64 " (instruction of %d bytes)",
			 (uint64_t)e->MemoryAccess.Gpa, e->VpContext.InstructionLength);
	else
		snprintf(text, len, "exit reason %#x", (unsigned int)e->ExitReason);
}
