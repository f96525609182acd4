// SPDX-License-Identifier: GPL-2.0-only
/*
 * whp.c - a stand-in WinHvPlatform.dll: it runs L2 for real, as a thread of the agent's own process. What would exit,
 * privileged instructions and accesses to memory that is not there, raises an exception here; the thread then waits in
 * the handler until its virtual processor is run again. CPUID does not trap: L2 sees the machine's own.
 *
 * L2's memory is where L2 believes it is, at its guest-physical address; all partitions share the place in turn, and
 * what is there is copied in and out. So one virtual processor runs at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winhvplatform.h>

#define MSR_KERNEL_GS_BASE 0xc0000102u
#define EXPORT		   __declspec(dllexport)

struct partition { /* with its only virtual processor */
	char *memory;
	uint64_t at, size;
	bool is_set_up, has_vp, runs;
	HANDLE go, exited;
	CONTEXT regs; /* while it waits */
	uint64_t kernel_gs;
	WHV_RUN_VP_EXIT_CONTEXT exit;
};

static __thread struct partition *mine; /* of a thread that is a virtual processor */

/* ---- exits ---- */

/* Ends WHvRunVirtualProcessor(); comes back in the next one, with what registers were set meanwhile. */
static LONG leave(struct partition *p, CONTEXT *c, WHV_RUN_VP_EXIT_REASON reason,
		  unsigned int length)
{
	p->exit.ExitReason = reason;
	p->exit.VpContext.Rip = c->Rip;
	p->exit.VpContext.InstructionLength = length & 15;
	p->regs = *c;
	SetEvent(p->exited);
	WaitForSingleObject(p->go, INFINITE);
	*c = p->regs;
	return EXCEPTION_CONTINUE_EXECUTION;
}

static LONG leave_by_out(struct partition *p, CONTEXT *c, uint16_t port, unsigned int length)
{
	p->exit.IoPortAccess.PortNumber = port;
	p->exit.IoPortAccess.AccessInfo.AsUINT32 = 0;
	p->exit.IoPortAccess.AccessInfo.IsWrite = 1;
	p->exit.IoPortAccess.AccessInfo.AccessSize = 1;
	return leave(p, c, WHvRunVpExitReasonX64IoPortAccess, length);
}

static LONG on_privileged(struct partition *p, CONTEXT *c)
{
	const uint8_t *at = (const uint8_t *)c->Rip;

	if (at[0] == 0xe6) /* OUT imm8 */
		return leave_by_out(p, c, at[1], 2);
	if (at[0] == 0xee) /* OUT DX */
		return leave_by_out(p, c, (uint16_t)c->Rdx, 1);
	if (at[0] == 0xf4) { /* HLT */
		c->Rip++;
		return leave(p, c, WHvRunVpExitReasonX64Halt, 1);
	}
	if (at[0] == 0x0f && at[1] == 0x32 && (uint32_t)c->Rcx == MSR_KERNEL_GS_BASE) {
		c->Rax = (uint32_t)p->kernel_gs;
		c->Rdx = p->kernel_gs >> 32;
		c->Rip += 2;
		return EXCEPTION_CONTINUE_EXECUTION;
	}
	return leave(p, c, WHvRunVpExitReasonUnsupportedFeature, 0);
}

/* MOV r32 from where a register points: the only access to a hole that L2 makes. */
static unsigned int length_of_read(const uint8_t *at)
{
	unsigned int rex = (at[0] & 0xf0) == 0x40;

	if (at[rex] != 0x8b || at[rex + 1] >> 6 || (at[rex + 1] & 7) == 4 || (at[rex + 1] & 7) == 5)
		return 0;
	return rex + 2;
}

static LONG WINAPI on_exception(EXCEPTION_POINTERS *e)
{
	const EXCEPTION_RECORD *r = e->ExceptionRecord;

	if (!mine)
		return EXCEPTION_CONTINUE_SEARCH;
	/* Wine says of some privileged instructions what Windows says of accesses without an address */
	if (r->ExceptionCode == EXCEPTION_PRIV_INSTRUCTION ||
	    (r->ExceptionCode == EXCEPTION_ACCESS_VIOLATION && r->ExceptionInformation[1] == ~0ull))
		return on_privileged(mine, e->ContextRecord);
	if (r->ExceptionCode != EXCEPTION_ACCESS_VIOLATION)
		return leave(mine, e->ContextRecord, WHvRunVpExitReasonUnrecoverableException, 0);
	mine->exit.MemoryAccess.Gpa = mine->exit.MemoryAccess.Gva = r->ExceptionInformation[1];
	mine->exit.MemoryAccess.AccessInfo.AsUINT32 = 0;
	mine->exit.MemoryAccess.AccessInfo.AccessType =
		r->ExceptionInformation[0] ? WHvMemoryAccessWrite : WHvMemoryAccessRead;
	return leave(mine, e->ContextRecord, WHvRunVpExitReasonMemoryAccess,
		     length_of_read((const uint8_t *)e->ContextRecord->Rip));
}

static DWORD WINAPI run_natively(void *arg)
{
	void (*enter)(uint64_t) __attribute__((sysv_abi));

	mine = arg;
	enter = (__typeof__(enter))(uintptr_t)mine->regs.Rip;
	enter(mine->regs.Rdi);
	return 0;
}

/* ---- the platform's functions ---- */

EXPORT HRESULT WINAPI WHvGetCapability(WHV_CAPABILITY_CODE code, VOID *buffer, UINT32 size,
				       UINT32 *written)
{
	WHV_CAPABILITY *c = buffer;

	(void)size;
	if (code != WHvCapabilityCodeHypervisorPresent)
		return E_INVALIDARG;
	c->HypervisorPresent = !getenv("NESTLAB_TEST_NO_HYPERVISOR");
	*written = sizeof(c->HypervisorPresent);
	return S_OK;
}

EXPORT HRESULT WINAPI WHvCreatePartition(WHV_PARTITION_HANDLE *out)
{
	struct partition *p = calloc(1, sizeof(*p));

	p->go = CreateEventA(NULL, FALSE, FALSE, NULL);
	p->exited = CreateEventA(NULL, FALSE, FALSE, NULL);
	*out = p;
	return S_OK;
}

EXPORT HRESULT WINAPI WHvSetPartitionProperty(WHV_PARTITION_HANDLE handle,
					      WHV_PARTITION_PROPERTY_CODE code, const VOID *buffer,
					      UINT32 size)
{
	const WHV_PARTITION_PROPERTY *property = buffer;

	(void)handle;
	if (code == WHvPartitionPropertyCodeProcessorCount)
		return size == sizeof(UINT32) && property->ProcessorCount == 1 ? S_OK
									       : E_INVALIDARG;
	return code == WHvPartitionPropertyCodeCpuidResultList ? S_OK : E_INVALIDARG;
}

EXPORT HRESULT WINAPI WHvSetupPartition(WHV_PARTITION_HANDLE handle)
{
	((struct partition *)handle)->is_set_up = true;
	return S_OK;
}

EXPORT HRESULT WINAPI WHvMapGpaRange(WHV_PARTITION_HANDLE handle, VOID *memory,
				     WHV_GUEST_PHYSICAL_ADDRESS at, UINT64 size,
				     WHV_MAP_GPA_RANGE_FLAGS flags)
{
	static void *place;
	struct partition *p = handle;

	(void)flags;
	if (!p->is_set_up || p->memory)
		return E_INVALIDARG;
	if (!place) {
		place = VirtualAlloc((void *)(uintptr_t)at, size, MEM_COMMIT | MEM_RESERVE,
				     PAGE_EXECUTE_READWRITE);
		AddVectoredExceptionHandler(1, on_exception);
	}
	if (place != (void *)(uintptr_t)at)
		return E_OUTOFMEMORY;
	p->memory = memory;
	p->at = at;
	p->size = size;
	return S_OK;
}

EXPORT HRESULT WINAPI WHvCreateVirtualProcessor(WHV_PARTITION_HANDLE handle, UINT32 index,
						UINT32 flags)
{
	(void)flags;
	((struct partition *)handle)->has_vp = true;
	return index ? E_INVALIDARG : S_OK;
}

static DWORD64 *find_register(struct partition *p, WHV_REGISTER_NAME name)
{
	if (name <= WHvX64RegisterR15) /* in the order of the encoding, as in CONTEXT */
		return &p->regs.Rax + name;
	if (name == WHvX64RegisterRip)
		return &p->regs.Rip;
	if (name == WHvX64RegisterKernelGsBase)
		return (DWORD64 *)&p->kernel_gs;
	return NULL;
}

EXPORT HRESULT WINAPI WHvSetVirtualProcessorRegisters(WHV_PARTITION_HANDLE handle, UINT32 index,
						      const WHV_REGISTER_NAME *names, UINT32 n,
						      const WHV_REGISTER_VALUE *values)
{
	struct partition *p = handle;

	if (index || !p->has_vp)
		return E_INVALIDARG;
	for (UINT32 i = 0; i < n; i++)
		if (find_register(p, names[i]))
			*find_register(p, names[i]) = values[i].Reg64;
	return S_OK;
}

EXPORT HRESULT WINAPI WHvGetVirtualProcessorRegisters(WHV_PARTITION_HANDLE handle, UINT32 index,
						      const WHV_REGISTER_NAME *names, UINT32 n,
						      WHV_REGISTER_VALUE *values)
{
	struct partition *p = handle;

	if (index || !p->has_vp)
		return E_INVALIDARG;
	for (UINT32 i = 0; i < n; i++) {
		if (!find_register(p, names[i]))
			return E_INVALIDARG;
		values[i].Reg64 = *find_register(p, names[i]);
	}
	return S_OK;
}

/* NESTLAB_TEST_SPOIL=N: the N-th run loses a register, as a hypervisor with a fault would. */
static void spoil(struct partition *p)
{
	static long runs;
	const char *when = getenv("NESTLAB_TEST_SPOIL");

	if (when && ++runs == atol(when))
		p->regs.R12 ^= 1;
}

EXPORT HRESULT WINAPI WHvRunVirtualProcessor(WHV_PARTITION_HANDLE handle, UINT32 index, VOID *exit,
					     UINT32 size)
{
	struct partition *p = handle;

	if (index || !p->has_vp || size < sizeof(p->exit))
		return E_INVALIDARG;
	memcpy((void *)(uintptr_t)p->at, p->memory, p->size);
	if (p->runs)
		SetEvent(p->go);
	else
		CreateThread(NULL, 0, run_natively, p, 0, NULL);
	p->runs = true;
	WaitForSingleObject(p->exited, INFINITE);
	memcpy(p->memory, (void *)(uintptr_t)p->at, p->size);
	spoil(p);
	memcpy(exit, &p->exit, sizeof(p->exit));
	return S_OK;
}
