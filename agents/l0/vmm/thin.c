// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/thin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "agents/l0/vmm/hyperv.h"
#include "agents/l0/vmm/l1_end.h"
#include "agents/l0/vmm/l1_fault.h"
#include "agents/l0/vm.h"
#include "agents/l0/vcpu.h"

#define TSS_ADDRESS			 0xfffbd000ul /* three pages that KVM wants below 4 GiB, for real mode */
#define IDENTITY_PAGE			 0xfffbc000ull
#define HV_STATUS_INVALID_HYPERCALL_CODE 2 /* TLFS, appendix B */
#define BOOT_CS				 0x10
#define BOOT_DS				 0x18

/* Leaf 1, ECX, what KVM_GET_SUPPORTED_CPUID leaves to the VMM: the local APIC's timer takes TSC values; there
 * is a hypervisor, without which no guest looks for one. */
#define CPUID_VMX	   (1u << 5)
#define CPUID_TSC_DEADLINE (1u << 24)
#define CPUID_HYPERVISOR   (1u << 31)

static int fail_ioctl(struct thin *t, const char *what)
{
	sink_fail(t->sink, SINK_GUEST, "success", strerror(errno), "%s", what);
	return VM_SAID;
}

/* ---- making it ---- */

static int map_ram(struct thin *t, const struct plan_measure *m)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (m->memory == PLAN_UNMANAGED)
		return vm_memory_map_unmanaged(THIN_RAM, &t->ram, t->sink);
	if (!m->fault) /* fault no-memory is to be refused by L0 */
		flags |= MAP_NORESERVE;
	t->ram = mmap(NULL, l1_fault_megabytes(m, THIN_RAM >> 20) << 20, PROT_READ | PROT_WRITE,
		      flags, -1, 0);
	if (t->ram == MAP_FAILED)
		return -errno;
	/* Pages one by one, as the unmanaged ones are, whatever the host's default. */
	madvise(t->ram, THIN_RAM, MADV_NOHUGEPAGE);
	return 0;
}

static int create_vm(struct thin *t)
{
	const struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	uint64_t identity = IDENTITY_PAGE;

	t->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (t->kvm < 0)
		return fail_ioctl(t, "/dev/kvm");
	t->vm = ioctl(t->kvm, KVM_CREATE_VM, 0);
	if (t->vm < 0)
		return fail_ioctl(t, "KVM_CREATE_VM");
	if (ioctl(t->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) ||
	    ioctl(t->vm, KVM_SET_TSS_ADDR, TSS_ADDRESS))
		return fail_ioctl(t, "KVM_SET_TSS_ADDR");
	if (ioctl(t->vm, KVM_CREATE_IRQCHIP, 0))
		return fail_ioctl(t, "KVM_CREATE_IRQCHIP");
	if (ioctl(t->vm, KVM_CREATE_PIT2, &pit))
		return fail_ioctl(t, "KVM_CREATE_PIT2");
	return 0;
}

/* What depends on which vCPU it is. */
static void fit_cpuid(const struct thin *t, struct kvm_cpuid_entry2 *e, uint32_t number)
{
	if (e->function == 1) {
		if (t->is_l2)
			e->ecx &= ~CPUID_VMX;
		e->ebx = (e->ebx & 0xffffff) | number << 24;
		e->ecx |= CPUID_TSC_DEADLINE | CPUID_HYPERVISOR;
	} else if (e->function == 0xb || e->function == 0x1f) {
		e->edx = number;
	}
}

/* A guest of Hyper-V finds KVM's leaves only if the VMM forgot to hide them. */
static int add_hyperv(struct thin *t, const struct plan_measure *m, int vcpu,
		      struct cpuid_table *table)
{
	int ret = hyperv_enable_evmcs(vcpu, t->sink);

	if (ret)
		return ret;
	ret = hyperv_enable_synic(vcpu);
	if (ret)
		return ret;
	ret = hyperv_add_leaves(vcpu, table, m->kvm_visible);
	if (ret)
		return ret;
	hyperv_set_name(table);
	return 0;
}

static int set_cpuid(struct thin *t, const struct plan_measure *m, uint32_t number)
{
	static struct cpuid_table table;
	int ret;

	table.nent = CPUID_TABLE_MAX;
	if (ioctl(t->kvm, KVM_GET_SUPPORTED_CPUID, &table))
		return fail_ioctl(t, "KVM_GET_SUPPORTED_CPUID");
	for (uint32_t i = 0; i < table.nent; i++)
		fit_cpuid(t, &table.entries[i], number);
	if (m->l1 == PLAN_L1_LINUX_EVMCS) {
		ret = add_hyperv(t, m, t->cpus[number].fd, &table);
		if (ret)
			return ret;
	}
	if (ioctl(t->cpus[number].fd, KVM_SET_CPUID2, &table))
		return fail_ioctl(t, "KVM_SET_CPUID2");
	return 0;
}

static int open_cpu(struct thin *t, const struct plan_measure *m, uint32_t number)
{
	struct thin_cpu *cpu = &t->cpus[number];
	int size = ioctl(t->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	cpu->thin = t;
	cpu->fd = ioctl(t->vm, KVM_CREATE_VCPU, number);
	if (cpu->fd < 0)
		return fail_ioctl(t, "KVM_CREATE_VCPU");
	t->ncpus++;
	cpu->run_size = (size_t)size;
	cpu->run = mmap(NULL, cpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED)
		return fail_ioctl(t, "mapping struct kvm_run");
	return set_cpuid(t, m, number);
}

/* As the 64-bit boot protocol wants it: paging on, flat segments, RSI = boot_params. */
static int set_registers(const struct thin *t, uint64_t entry)
{
	const struct kvm_segment data = {.limit = ~0u,
					 .selector = BOOT_DS,
					 .type = 3,
					 .present = 1,
					 .db = 1,
					 .s = 1,
					 .g = 1};
	const struct kvm_regs regs = {.rip = entry, .rsi = THIN_BOOT_PARAMS, .rflags = 2};
	struct kvm_sregs s;

	if (ioctl(t->cpus[0].fd, KVM_GET_SREGS, &s))
		return -errno;
	s.ds = s.es = s.ss = s.fs = s.gs = data;
	s.cs = data;
	s.cs.selector = BOOT_CS;
	s.cs.type = 11;
	s.cs.db = 0;
	s.cs.l = 1;
	s.gdt = (struct kvm_dtable){.base = THIN_GDT, .limit = 4 * 8 - 1};
	s.cr0 = 0x80010031; /* PG, WP, NE, ET, PE */
	s.cr3 = THIN_TABLES;
	s.cr4 = 0x20;	/* PAE */
	s.efer = 0x500; /* LMA, LME */
	if (ioctl(t->cpus[0].fd, KVM_SET_SREGS, &s) || ioctl(t->cpus[0].fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

static int open_cpus(struct thin *t, const struct plan_measure *m)
{
	for (uint32_t i = 0; i < m->l1_vcpus; i++) {
		int ret = open_cpu(t, m, i);

		if (ret)
			return ret;
	}
	return 0;
}

static int fill(struct thin *t, const struct plan_measure *m, const char *kernel)
{
	uint64_t entry;
	int ret = map_ram(t, m);

	if (ret)
		return ret;
	ret = create_vm(t);
	if (ret)
		return ret;
	ret = thin_set_slot(t, 0);
	if (ret)
		return ret;
	ret = open_cpus(t, m);
	if (ret)
		return ret;
	ret = thin_load(t, kernel, &entry);
	if (ret)
		return ret;
	if (set_registers(t, entry))
		return fail_ioctl(t, "setting registers");
	return 0;
}

static int make(struct thin *t, const struct plan_measure *m, const char *kernel, struct sink *s,
		bool is_l2)
{
	*t = (struct thin){.sink = s, .is_l2 = is_l2, .kvm = -1, .vm = -1, .ram = MAP_FAILED};
	pthread_mutex_init(&t->lock, NULL);
	if (m->scenario == PLAN_L2_BOOT && !is_l2)
		t->inner = kernel;
	return fill(t, m, kernel);
}

int thin_open(struct thin *t, const struct plan_measure *m, const char *kernel, struct sink *s)
{
	return make(t, m, kernel, s, false);
}

int thin_open_l2(struct thin *t, const struct plan_measure *m, const char *kernel, struct sink *s)
{
	return make(t, m, kernel, s, true);
}

void thin_close(struct thin *t)
{
	thin_stop_sharing(t);
	/* the others' threads run on to the end of the process, and need theirs */
	if (t->ncpus == 1 && t->cpus[0].run != MAP_FAILED)
		munmap(t->cpus[0].run, t->cpus[0].run_size);
	for (uint32_t i = 0; i < t->ncpus; i++)
		close(t->cpus[i].fd);
	if (t->vm >= 0)
		close(t->vm);
	if (t->kvm >= 0)
		close(t->kvm);
	if (t->ram != MAP_FAILED)
		munmap(t->ram, THIN_RAM);
}

size_t thin_fds(const struct thin *t, int *fds)
{
	fds[0] = t->vm;
	fds[1] = t->cpus[0].fd;
	return THIN_STATS_FDS;
}

/* Where the VP assist page says that VM entries are enlightened, and by which VMCS (TLFS, 16.11.2). */
#define MSR_VP_ASSIST  0x40000073u
#define ASSIST_ENABLED 1u
#define ASSIST_ENTRY   40 /* a byte */
#define ASSIST_VMCS    48 /* a guest-physical address */

bool thin_uses_evmcs(const struct thin *t)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1, .entry.index = MSR_VP_ASSIST};
	uint64_t page, vmcs;

	if (ioctl(t->cpus[0].fd, KVM_GET_MSRS, &msr) != 1 || !(msr.entry.data & ASSIST_ENABLED))
		return false;
	page = msr.entry.data & ~0xfffull;
	if (page >= THIN_RAM)
		return false;
	memcpy(&vmcs, t->ram + page + ASSIST_VMCS, sizeof(vmcs));
	return t->ram[page + ASSIST_ENTRY] && vmcs;
}

/* ---- running it ---- */

static struct kvm_run *volatile alarmed;

/* Makes KVM_RUN return; and the next one, if this comes before that was entered (Documentation/virt/kvm/api.rst,
 * immediate_exit). */
static void on_alarm(int signal)
{
	(void)signal;
	alarmed->immediate_exit = 1;
}

static void set_alarm(unsigned int seconds)
{
	const struct itimerval timer = {.it_value.tv_sec = seconds};
	const struct sigaction act = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* What happened to L1 instead of a ring, with what its console says of it. */
static int report_end(struct thin *t, enum l1_end end, const char *what)
{
	char tail[L1_END_CONSOLE];

	thin_console_tail(&t->devices, tail, sizeof(tail));
	return l1_end_report(t->sink, t->is_l2 ? "the Linux L2" : "the Linux L1", end, what, NULL,
			     tail);
}

static int report_reset(struct thin *t)
{
	char tail[L1_END_CONSOLE];

	thin_console_tail(&t->devices, tail, sizeof(tail));
	if (l1_end_is_panic(tail))
		return report_end(t, L1_END_PANIC, "a panic of its kernel");
	return report_end(t, L1_END_RESET, "a reset without a panic: a triple fault");
}

static int report_error(struct thin *t, int code, unsigned int limit_s)
{
	char what[64];

	if (code != EINTR)
		return -code;
	snprintf(what, sizeof(what), "nothing within %u s", limit_s);
	return report_end(t, L1_END_SILENT, what);
}

/* Hyper-V's messages and events end here: no partition is at their other end. Of the synthetic interrupt
 * controller's registers KVM only tells. */
static void answer_hyperv(struct kvm_hyperv_exit *e)
{
	if (e->type == KVM_EXIT_HYPERV_HCALL)
		e->u.hcall.result = HV_STATUS_INVALID_HYPERCALL_CODE;
}

static int handle_locked(struct thin *t, struct kvm_run *run)
{
	char what[128];

	if (run->exit_reason == KVM_EXIT_IO) {
		uint8_t *data = (uint8_t *)run + run->io.data_offset;

		if (thin_port(&t->devices, run->io.port, run->io.direction == KVM_EXIT_IO_OUT, data,
			      run->io.size, run->io.count))
			return 0;
		return report_end(t, L1_END_OTHER, "a reset that its kernel asked for");
	}
	if (run->exit_reason == KVM_EXIT_MMIO) {
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data)); /* nobody is there */
		return 0;
	}
	if (run->exit_reason == KVM_EXIT_HYPERV) {
		answer_hyperv(&run->hyperv);
		return 0;
	}
	if (run->exit_reason == KVM_EXIT_SHUTDOWN)
		return report_reset(t);
	vcpu_describe_exit(0, run, "L1", what, sizeof(what));
	return report_end(t, L1_END_OTHER, what);
}

/* 0: L1 goes on. */
static int handle_exit(struct thin *t, struct kvm_run *run)
{
	int ret;

	pthread_mutex_lock(&t->lock);
	ret = t->over;
	if (!ret)
		ret = handle_locked(t, run);
	pthread_mutex_unlock(&t->lock);
	return ret;
}

/* A vCPU that waits for its startup IPI says EAGAIN. */
static int error_of_run(void)
{
	if (errno == EINTR || errno == EAGAIN)
		return 0;
	return -errno;
}

/* A vCPU that ends ends L1: vCPU 0's KVM_RUN is interrupted, as by the alarm. */
static void *run_other_cpu(void *arg)
{
	struct thin_cpu *cpu = arg;
	struct thin *t = cpu->thin;
	int ret = 0;

	while (!ret) {
		if (ioctl(cpu->fd, KVM_RUN, 0))
			ret = error_of_run();
		else
			ret = handle_exit(t, cpu->run);
	}
	pthread_mutex_lock(&t->lock);
	t->over = ret;
	pthread_mutex_unlock(&t->lock);
	pthread_kill(t->runner, SIGALRM);
	return NULL;
}

/* They run to the end of the process: idle vCPUs halt in KVM. The alarm is none of theirs. */
static int start_threads(struct thin *t)
{
	sigset_t alarm, before;

	t->has_threads = true;
	t->runner = pthread_self();
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, &before);
	for (uint32_t i = 1; i < t->ncpus; i++) {
		int ret = pthread_create(&t->cpus[i].thread, NULL, run_other_cpu, &t->cpus[i]);

		if (ret)
			return -ret;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return 0;
}

static int has_ended(struct thin *t)
{
	int ret;

	pthread_mutex_lock(&t->lock);
	ret = t->over;
	pthread_mutex_unlock(&t->lock);
	return ret;
}

int thin_run(struct thin *t, unsigned int limit_s)
{
	int ret;

	t->devices.rung = false;
	alarmed = t->cpus[0].run;
	alarmed->immediate_exit = 0;
	set_alarm(limit_s);
	if (t->has_threads)
		ret = has_ended(t); /* its alarm may have come before this */
	else
		ret = start_threads(t);
	while (!ret && !t->devices.rung) {
		if (!ioctl(t->cpus[0].fd, KVM_RUN, 0)) {
			ret = handle_exit(t, t->cpus[0].run);
			if (!ret && t->devices.wants_change)
				ret = thin_change_memory(t);
			continue;
		}
		int why = errno;

		ret = has_ended(t);
		if (!ret)
			ret = report_error(t, why, limit_s);
	}
	set_alarm(0);
	return ret;
}
