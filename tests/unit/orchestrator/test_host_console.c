// SPDX-License-Identifier: GPL-2.0-only
/* What consoles tell: samples are what real kernels printed. */

#include "tests/unit/unit.h"

#include "orchestrator/engine/console.h"

/* The emulated host's two, as 6.12.117 printed them there (shortened in the middle). */
static const char known[] =
	"[    0.000000] ------------[ cut here ]------------\r\n"
	"[    0.000000] WARNING: CPU: 0 PID: 0 at arch/x86/kernel/cpu/topology_common.c:57 "
	"parse_legacy+0xaf/0xc0\r\n"
	"[    0.000000] CPU: 0 UID: 0 PID: 0 Comm: swapper Not tainted 6.12.117 #2 \r\n"
	"[    0.000000] RIP: 0010:parse_legacy+0xaf/0xc0\r\n"
	"[    0.000000] Call Trace:\r\n"
	"[    0.000000] ---[ end trace 0000000000000000 ]---\r\n"
	"[    0.131192] [Firmware Bug]: TSC_DEADLINE disabled due to Errata; please update "
	"microcode to version: 0x2000014 (or later)\r\n"
	"[    0.369342] ------------[ cut here ]------------\r\n"
	"[    0.372769] XSAVE consistency problem: size 2432 != kernel_size 2688\r\n"
	"[    0.376835] WARNING: CPU: 0 PID: 0 at arch/x86/kernel/fpu/xstate.c:605 "
	"fpu__init_system_xstate+0xa4f/0xbd0\r\n"
	"[    0.384781] Tainted: [W]=WARN\r\n"
	"[    0.464780]  </TASK>\r\n"
	"[    0.748753] Failed to access perfctr msr (MSR c4 is 0)\r\n";

/* An init that exits, on the emulated host. */
static const char panic[] =
	"[    0.763] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300\r\n"
	"[    0.763] CPU: 0 UID: 0 PID: 1 Comm: init Tainted: G        W          6.12.117 #2\r\n"
	"[    0.763] Call Trace:\r\n"
	"[    0.763]  <TASK>\r\n"
	"[    0.763] ---[ end Kernel panic - not syncing: Attempted to kill init! "
	"exitcode=0x00000300 ]---\r\n";

static const char oops[] = "BUG: kernel NULL pointer dereference, address: 0000000000000010\n"
			   "#PF: supervisor read access in kernel mode\n"
			   "Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
			   "CPU: 0 UID: 0 PID: 57 Comm: nestlab-agent Not tainted 6.12.117 #1\n"
			   "RIP: 0010:nested_vmx_run+0x42/0x3a0\n"
			   "RIP: 0033:0x40123\n"
			   "Kernel panic - not syncing: Fatal exception\n";

static struct console read_text(const char *text)
{
	struct console c = CONSOLE_INIT;

	console_feed(&c, text, strlen(text));
	return c;
}

TEST(known_warnings_pass)
{
	struct console c = read_text(known);

	assert_int_equal(c.ncomplaints, 0);
	assert_string_equal(c.last.buf, "Failed to access perfctr msr (MSR c4 is 0)");
	console_release(&c);
}

/* Known by file and function: neither alone will do. */
TEST(near_misses_are_complaints)
{
	static const char *const lines[] = {
		"WARNING: CPU: 0 PID: 0 at arch/x86/kernel/cpu/topology_common.c:90 "
		"cpu_init_topology+0x1/0x2\n",
		"WARNING: CPU: 0 PID: 9 at arch/x86/kernel/fpu/xstate.c:980 "
		"get_xsave_addr+0x1/0x2\n",
		"WARNING: CPU: 0 PID: 9 at arch/x86/kvm/x86.c:98 parse_legacy+0xaf/0xc0\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct console c = read_text(lines[i]);

		assert_int_equal(c.ncomplaints, 1);
		console_release(&c);
	}
}

TEST(complaints_are_found)
{
	static const char *const lines[] = {
		"[   12.3] WARNING: CPU: 0 PID: 41 at arch/x86/kvm/vmx/nested.c:3410 "
		"nested_get_vmcs12_pages+0x1/0x2 [kvm_intel]",
		"[   12.3][   T41] BUG: KASAN: slab-use-after-free in "
		"nested_release_vmcs12+0x1/0x2",
		"<0>[   12.3] kernel BUG at mm/slub.c:449!",
		"BUG: sleeping function called from invalid context at mm/gup.c:1",
		"WARNING: possible circular locking dependency detected",
		"WARNING: suspicious RCU usage",
		"rcu: INFO: rcu_preempt self-detected stall on CPU",
		"INFO: task nestlab-agent:41 blocked for more than 120 seconds.",
		"watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [nestlab-agent:41]",
		"unchecked MSR access error: RDMSR from 0x48f at rIP: 0xffffffff81000000",
		"UBSAN: array-index-out-of-bounds in arch/x86/kvm/vmx/nested.c:1:2",
		"refcount_t: underflow; use-after-free.",
		"general protection fault, probably for non-canonical address 0x1: 0000 [#1]",
		"[   12.3] INFO: trying to register non-static key.",
		"INFO: lockdep is turned off.",
		"[   12.3][   T41] BUG kmalloc-64 (Not tainted): Poison overwritten",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct console c = CONSOLE_INIT;

		console_feed(&c, lines[i], strlen(lines[i]));
		assert_int_equal(c.ncomplaints, 0); /* the line is not over */
		console_feed(&c, "\r\n", 2);
		if (c.ncomplaints != 1)
			fail_msg("not found: %s", lines[i]);
		console_release(&c);
	}
}

TEST(panic_is_found_byte_by_byte)
{
	struct console c = CONSOLE_INIT;

	for (const char *p = panic; *p; p++)
		console_feed(&c, p, 1);
	assert_string_equal(c.panic.buf, "Kernel panic - not syncing: Attempted to kill init! "
					 "exitcode=0x00000300");
	assert_true(c.panic_told);
	console_release(&c);
}

TEST(oops_keeps_its_place)
{
	struct console c = read_text(oops);

	assert_int_equal(c.ncomplaints, 2);
	assert_string_equal(c.place.buf, "RIP: 0010:nested_vmx_run+0x42/0x3a0");
	assert_string_equal(c.panic.buf, "Kernel panic - not syncing: Fatal exception");
	assert_false(c.panic_told);
	console_release(&c);
}

/* panic_print= repeats the whole log. */
TEST(repetition_counts_once)
{
	struct console c = read_text(oops);

	console_feed(&c, oops, strlen(oops));
	assert_int_equal(c.ncomplaints, 2);
	console_release(&c);
}

TEST(noise_is_harmless)
{
	struct console c = CONSOLE_INIT;
	char noise[100000];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7919 >> 3);
	console_feed(&c, noise, sizeof(noise));
	memset(noise, 'x', sizeof(noise)); /* one line, longer than any */
	console_feed(&c, noise, sizeof(noise));
	console_feed(&c, "\n\0\n[[[\n<9>\n", 10);
	assert_int_equal(c.ncomplaints, 0);
	console_release(&c);
}

UNIT_MAIN("host console", NULL, NULL)
