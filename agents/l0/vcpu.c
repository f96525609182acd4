// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vcpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int vcpu_start(int fd, uint64_t cr3, const struct kvm_regs *regs)
{
	const struct kvm_segment data = {
		.limit = ~0u, .selector = 0x10, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
	struct kvm_sregs s;

	if (ioctl(fd, KVM_GET_SREGS, &s))
		return -errno;
	s.ds = s.es = s.ss = s.fs = s.gs = data;
	s.cs = data;
	s.cs.selector = 8;
	s.cs.type = 11;
	s.cs.db = 0;
	s.cs.l = 1;
	s.tr = (struct kvm_segment){.limit = 0x67, .selector = 0x18, .type = 11, .present = 1};
	s.cr0 = 0x80010031; /* PG, WP, NE, ET, PE */
	s.cr3 = cr3;
	s.cr4 = 0x20;	/* PAE */
	s.efer = 0x500; /* LMA, LME */
	if (ioctl(fd, KVM_SET_SREGS, &s) || ioctl(fd, KVM_SET_REGS, regs))
		return -errno;
	return 0;
}

void vcpu_describe_exit(int ret, const struct kvm_run *run, const char *whose, char *text,
			size_t len)
{
	if (ret)
		snprintf(text, len, "%s", strerror(-ret));
	else if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		snprintf(text, len, "KVM_EXIT_INTERNAL_ERROR, suberror %u, data %#llx %#llx",
			 run->internal.suberror, run->internal.data[0], run->internal.data[1]);
	else if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		snprintf(text, len, "KVM_EXIT_FAIL_ENTRY, hardware reason %#llx",
			 run->fail_entry.hardware_entry_failure_reason);
	else if (run->exit_reason == KVM_EXIT_SHUTDOWN)
		snprintf(text, len, "KVM_EXIT_SHUTDOWN: %s had a triple fault", whose);
	else if (run->exit_reason == KVM_EXIT_MMIO)
		snprintf(text, len, "KVM_EXIT_MMIO at %#llx", run->mmio.phys_addr);
	else
		snprintf(text, len, "exit reason %u", run->exit_reason);
}
