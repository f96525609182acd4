// SPDX-License-Identifier: GPL-2.0-only
/* orchestrator/bisect/signature.c: two boots that failed in one way have one signature, whatever else differs. */
#include "tests/unit/unit.h"

#include "orchestrator/bisect/signature.h"

/* Lines as kernels print them; what is of one boot or of one build differs from other[]. */
static const struct {
	const char *line, *other, *signature;
} lines[] = {
	{"WARNING: CPU: 0 PID: 71 at arch/x86/kvm/vmx/nested.c:3456 nested_vmx_run+0x3/0x10 [kvm_intel]",
	 "WARNING: CPU: 13 PID: 1204 at arch/x86/kvm/vmx/nested.c:3501 nested_vmx_run+0x8f/0x210",
	 "WARNING: at arch/x86/kvm/vmx/nested.c nested_vmx_run"},
	{"WARNING: arch/x86/kvm/vmx/nested.c:3456 at nested_vmx_run+0x3/0x10 [kvm_intel], CPU#0: qemu/71",
	 "WARNING: arch/x86/kvm/vmx/nested.c:99 at nested_vmx_run+0x30/0x10, CPU#3: kvm-vcpu:1/5",
	 "WARNING: arch/x86/kvm/vmx/nested.c at nested_vmx_run"},
	{"BUG: KASAN: slab-use-after-free in nested_vmx_run+0x1f/0x200 [kvm_intel]",
	 "BUG: KASAN: slab-use-after-free in nested_vmx_run.isra.0+0x2f/0x310 [kvm_intel]",
	 "BUG: KASAN: slab-use-after-free in nested_vmx_run"},
	{"BUG: KFENCE: use-after-free read in kvm_vcpu_reset+0x31/0x400",
	 "BUG: KFENCE: use-after-free read in kvm_vcpu_reset.cold+0x1/0x40 [kvm]",
	 "BUG: KFENCE: use-after-free read in kvm_vcpu_reset"},
	{"kernel BUG at arch/x86/kvm/mmu/mmu.c:1234!", "kernel BUG at arch/x86/kvm/mmu/mmu.c:1301!",
	 "kernel BUG at arch/x86/kvm/mmu/mmu.c"},
	{"BUG: unable to handle page fault for address: ffffc90000213008",
	 "BUG: unable to handle page fault for address: ffff888004a3c1f0",
	 "BUG: unable to handle page fault for address"},
	{"Oops: 0002 [#1] PREEMPT SMP KASAN", "Oops: 0002 [#3] SMP NOPTI", "Oops: N"},
	{"general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1] SMP",
	 "general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6b6b: 0000 [#1] PREEMPT",
	 "general protection fault, probably for non-canonical address N: N"},
	{"unchecked MSR access error: RDMSR from 0x1b1 at rIP: 0xffffffff8104f2b8 (native_read_msr+0x8/0x40)",
	 "unchecked MSR access error: RDMSR from 0x1b1 at rIP: 0xffffffff9a04f0b0 (native_read_msr+0xa/0x30)",
	 "unchecked MSR access error: RDMSR from N at rIP: N native_read_msr"},
	{"watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [qemu-system-x86:1234]",
	 "watchdog: BUG: soft lockup - CPU#7 stuck for 122s! [l1:9]",
	 "watchdog: BUG: soft lockup - CPU#N stuck for Ns"},
	{"INFO: task kworker/0:1:23 blocked for more than 120 seconds.",
	 "INFO: task l1-micro:71 blocked for more than 241 seconds.",
	 "INFO: task blocked for more than N seconds"},
	{"rcu: INFO: rcu_preempt self-detected stall on CPU",
	 "rcu: INFO: rcu_preempt self-detected stall on CPU { 0-....} (t=2100 jiffies g=1 q=2)",
	 NULL},
	{"UBSAN: shift-out-of-bounds in arch/x86/kvm/lapic.c:123:45",
	 "UBSAN: shift-out-of-bounds in arch/x86/kvm/lapic.c:130:9",
	 "UBSAN: shift-out-of-bounds in arch/x86/kvm/lapic.c"},
	{"BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580",
	 "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585",
	 "BUG: sleeping function called from invalid context at kernel/locking/mutex.c"},
	{"BUG kmalloc-64 (Not tainted): Redzone overwritten",
	 "BUG kmalloc-64 (Tainted: G    B   W): Redzone overwritten",
	 "BUG kmalloc-64 Redzone overwritten"},
	{"BUG: Bad page state in process swapper/0  pfn:05f3a",
	 "BUG: Bad page state in process l1  pfn:af000", "BUG: Bad page state in process pfn"},
	{"BUG: scheduling while atomic: swapper/0/1/0x00000002",
	 "BUG: scheduling while atomic: l1/77/0x00000003", "BUG: scheduling while atomic"},
	{"list_del corruption. prev->next should be ffff888004a3c1f0, but was dead000000000100. (prev=ffff888004a3c000).",
	 "list_del corruption. prev->next should be ffff888001111111, but was ffff888002222222. (prev=ffff888003333333).",
	 NULL},
	{"WARNING: possible circular locking dependency detected",
	 "WARNING: possible circular locking dependency detected",
	 "WARNING: possible circular locking dependency detected"},
	{"WARNING: suspicious RCU usage", "WARNING: suspicious RCU usage",
	 "WARNING: suspicious RCU usage"},
	{"refcount_t: underflow; use-after-free.", "refcount_t: underflow; use-after-free.", NULL},
};

TEST(a_line_has_one_signature_in_each_boot)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		__cleanup_free char *one = signature_of_line(lines[i].line);
		__cleanup_free char *two = signature_of_line(lines[i].other);

		if (lines[i].signature)
			assert_string_equal(one, lines[i].signature);
		if (strncmp(lines[i].line, "rcu:", 4))
			assert_string_equal(two, one);
	}
}

TEST(kinds_and_functions_tell_them_apart)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		for (size_t j = 0; j < i; j++) {
			__cleanup_free char *one = signature_of_line(lines[i].line);
			__cleanup_free char *two = signature_of_line(lines[j].line);

			assert_string_not_equal(one, two);
		}
	}
}

/* The errors that the engine stores, and the ways in which the boots failed. */
static const struct {
	enum results_class class;
	enum results_class wanted;
	const char *error, *list;
} errors[] = {
	{RESULTS_OK, RESULTS_OK, "", ""},
	{RESULTS_INFRASTRUCTURE, RESULTS_OK, "the emulator: WARNING: no disk", ""},
	{RESULTS_GUEST, RESULTS_OK,
	 "the kernel complained: WARNING: CPU: 0 PID: 71 at a/b.c:34 f+0x3/0x10; BUG: KASAN: double-free in g+0x1/0x2 [kvm]; and 3 more",
	 "WARNING: at a/b.c f\nBUG: KASAN: double-free in g\n"},
	{RESULTS_GUEST, RESULTS_OK,
	 "Kernel panic - not syncing: Fatal exception; before it: BUG: kernel NULL pointer dereference, address: 0000000000000008 (RIP: 0010:nested_vmx_run+0x1f/0x200 [kvm_intel])",
	 "BUG: kernel NULL pointer dereference, address in nested_vmx_run\npanic: Fatal exception\n"},
	{RESULTS_GUEST, RESULTS_OK,
	 "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
	 "panic: VFS: Unable to mount root fs on unknown-block(N,N)\n"},
	{RESULTS_GUEST, RESULTS_OK,
	 "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b (RIP: 0033:main+0x1/0x2)",
	 "panic: Attempted to kill init! exitcode=N in main\n"},
	{RESULTS_GUEST, RESULTS_OK,
	 "hangs: nothing came for 600 s; after 12 records; the console's last line: x",
	 "hang after 12 records\nhang\n"},
	{RESULTS_GUEST, RESULTS_OK,
	 "not done within 900 s; after 3 records; the console's last line: x; before it: rcu: INFO: rcu_preempt self-detected stall on CPU",
	 "rcu: INFO: rcu_preempt self-detected stall on CPU\nhang after 3 records\nhang\n"},
	{RESULTS_GUEST, RESULTS_OK, "WARNING: CPU: 0 PID: 1 at a/b.c:34 f+0x3/0x10",
	 "WARNING: at a/b.c f\n"},
	{RESULTS_GUEST, RESULTS_OK, "triple fault after 17 records; the console's last line: x",
	 "triple fault after N records\n"},
	{RESULTS_INTEGRITY, RESULTS_OK,
	 "multiplex {}: sum: expected 3, found 4" RESULTS_BESIDES
	 "the kernel complained: WARNING: CPU: 0 PID: 1 at a/b.c:34 f+0x3/0x10",
	 "integrity: multiplex {}: sum: expected N, found N\nWARNING: at a/b.c f\n"},
	{RESULTS_INTEGRITY, RESULTS_GUEST,
	 "multiplex {}: sum: expected 3, found 4" RESULTS_BESIDES
	 "the kernel complained: WARNING: CPU: 0 PID: 1 at a/b.c:34 f+0x3/0x10",
	 "WARNING: at a/b.c f\n"},
	{RESULTS_INTEGRITY, RESULTS_GUEST, "multiplex {}: sum", ""},
};

TEST(lists_the_ways_of_a_boot)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct strbuf list = STRBUF_INIT;

		signature_list(errors[i].class, errors[i].error, errors[i].wanted, &list);
		assert_string_equal(list.buf, errors[i].list);
		strbuf_release(&list);
	}
}

TEST(a_signature_is_a_whole_line)
{
	assert_true(signature_is_listed("hang after 12 records\nhang\n", "hang"));
	assert_false(signature_is_listed("hang after 12 records\n", "hang"));
	assert_false(signature_is_listed("", "hang"));
}

UNIT_MAIN("bisect_signature", NULL, NULL)
