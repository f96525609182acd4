// SPDX-License-Identifier: GPL-2.0-only
/*
 * The micro-hypervisor's parts that need no VMX: the enlightened VMCS in memory, the MSR bitmaps, what
 * L1 checks. L1's memory is mapped into this process at the addresses that it has in the VM.
 */
#include "tests/unit/unit.h"

#include <sys/mman.h>

#include "agents/l1/evmcs.h"
#include "agents/l1/l1.h"

#define BLOCKS 4u

/* ---- what the tested code needs of the rest ---- */

static struct cpu cpu;
static struct l1_job job;
static jmp_buf ended;
static struct l1_report report;
static enum l1_status status;
static int skipped, resumed;

struct l2 l2s[L1_MAX_L2];

void l1_end(enum l1_status s, uint32_t what, uint32_t l2, uint64_t expected, uint64_t found,
	    uint64_t detail)
{
	status = s;
	report = (struct l1_report){what, l2, expected, found, detail};
	longjmp(ended, 1);
}

void l1_lacks(enum l1_lack what)
{
	l1_end(L1_STATUS_UNSUPPORTED, what, ~0u, 0, 0, 0);
}

void vmx_failed(enum l1_instruction which, uint64_t error)
{
	l1_end(L1_STATUS_DIED, L1_DEATH_VMFAIL, ~0u, which, error, 0);
}

void vmx_clear_region(uint64_t gpa)
{
	(void)gpa;
}

void guest_skip(struct cpu *c, struct l2 *l2)
{
	(void)c;
	(void)l2;
	skipped++;
}

void guest_resume_at(struct cpu *c, struct l2 *l2)
{
	(void)c;
	(void)l2;
	resumed++;
}

void guest_exited(struct cpu *c, struct l2 *l2, uint32_t reason)
{
	(void)c;
	(void)l2;
	(void)reason;
}

void guest_unexpected(struct cpu *c, struct l2 *l2, uint32_t expected, uint32_t found)
{
	(void)c;
	l1_end(L1_STATUS_BROKEN, L1_CHECK_EXIT_REASON, l2->id, expected, found, 0);
}

/* L2 as it should be, one exit after the other; a test bends it. */
static struct {
	bool ignores_bitmap, ignores_apic, keeps_tpr;
	uint32_t at;
} guest;

int l1_enter(struct l2 *l2, bool resume)
{
	(void)l2;
	(void)resume;
	return 0;
}

uint32_t guest_reason(struct cpu *c, struct l2 *l2)
{
	(void)c;
	if (guest.at == 0 && guest.at++ == 0 && l2->intercepted && !guest.ignores_bitmap) {
		l2->frame.rcx = MSR_KERNEL_GS_BASE;
		return REASON_RDMSR;
	}
	if (guest.at == 1 && guest.at++ == 1 && l2->page->apic && !guest.ignores_apic) {
		c->ops->write(l2, VMCS_QUALIFICATION, APIC_VERSION);
		return REASON_APIC_ACCESS;
	}
	if (l2->page->has_cr8 && !guest.keeps_tpr)
		*pages_vtpr(l2) = l2->page->tpr_next << 4;
	return REASON_VMCALL;
}

static int set_up(void **state)
{
	size_t size = BLOCKS * L1_BLOCK_SIZE;
	void *p = mmap((void *)L1_AREA, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	(void)state;
	memset(&guest, 0, sizeof(guest));
	memset(l2s, 0, sizeof(l2s));
	job = (struct l1_job){.ncpus = 1, .nl2 = BLOCKS, .features = L1_FEATURE_EVMCS};
	cpu = (struct cpu){.job = &job, .ops = &vmcs_ops_evmcs};
	skipped = resumed = 0;
	return p == (void *)L1_AREA ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return munmap((void *)L1_AREA, BLOCKS * L1_BLOCK_SIZE);
}

static struct l2 *l2_number(uint32_t id)
{
	struct l2 *l2 = &l2s[id];

	l2->id = id;
	l2->page = (struct l2_page *)l1_block(id, L1_BLOCK_L2);
	return l2;
}

static struct evmcs *evmcs_of(uint32_t id)
{
	return (struct evmcs *)l1_block(id, L1_BLOCK_VMCS);
}

#define ENDS(what_status, what_report, code)                \
	do {                                                \
		if (!setjmp(ended)) {                       \
			code;                               \
			fail_msg("%s: L1 goes on", #code);  \
		}                                           \
		assert_int_equal(status, what_status);      \
		assert_int_equal(report.what, what_report); \
	} while (0)

/* ---- the enlightened VMCS ---- */

TEST(fields_have_their_place_and_width)
{
	struct l2 *l2 = l2_number(1);

	evmcs_fill_index();
	vmcs_ops_evmcs.write(l2, VMCS_GUEST_RIP, 0x1122334455667788);
	assert_int_equal(*(uint64_t *)((char *)evmcs_of(1) + 816), 0x1122334455667788);
	vmcs_ops_evmcs.write(l2, VMCS_EXCEPTION_BITMAP, ~0ull);
	assert_int_equal(evmcs_of(1)->exception_bitmap, 0xffffffff);
	assert_int_equal(evmcs_of(1)->proc, 0);
	assert_int_equal(evmcs_of(1)->entry_controls, 0);
	vmcs_ops_evmcs.write(l2, VMCS_VPID, 0xffff1234);
	assert_int_equal(evmcs_of(1)->vpid, 0x1234);
	assert_int_equal(evmcs_of(1)->reserved3[0], 0);
	assert_int_equal(vmcs_ops_evmcs.read(l2, VMCS_VPID), 0x1234);
	assert_int_equal(evmcs_of(2)->vpid, 0);
}

TEST(a_write_dirties_its_group_and_no_other)
{
	static const struct {
		uint32_t field, clean;
	} groups[] = {
		{VMCS_MSR_BITMAP, EVMCS_CLEAN_MSR_BITMAP},
		{VMCS_IO_BITMAP_B, EVMCS_CLEAN_IO_BITMAP},
		{VMCS_VIRTUAL_APIC, EVMCS_CLEAN_CONTROL_GRP2},
		{VMCS_PIN, EVMCS_CLEAN_CONTROL_GRP1},
		{VMCS_PROC, EVMCS_CLEAN_CONTROL_PROC},
		{VMCS_EPTP, EVMCS_CLEAN_CONTROL_XLAT},
		{VMCS_GUEST_CR3, EVMCS_CLEAN_CRDR},
		{VMCS_GUEST_TR_BASE, EVMCS_CLEAN_GUEST_GRP2},
		{VMCS_LINK_POINTER, EVMCS_CLEAN_GUEST_GRP1},
		{VMCS_GUEST_RSP, EVMCS_CLEAN_GUEST_BASIC},
		{VMCS_HOST_RSP, EVMCS_CLEAN_HOST_POINTER},
		{VMCS_HOST_CR3, EVMCS_CLEAN_HOST_GRP1},
		{VMCS_GUEST_RIP, 0},
		{VMCS_TPR_THRESHOLD, 0},
	};
	struct l2 *l2 = l2_number(0);

	evmcs_fill_index();
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		vmcs_ops_evmcs.exited(l2);
		assert_int_equal(evmcs_of(0)->clean, EVMCS_CLEAN_ALL);
		vmcs_ops_evmcs.write(l2, groups[i].field, 1);
		assert_int_equal(evmcs_of(0)->clean, EVMCS_CLEAN_ALL & ~groups[i].clean);
	}
}

TEST(what_is_not_in_version_1_is_refused)
{
	evmcs_fill_index();
	ENDS(L1_STATUS_DIED, L1_DEATH_VMFAIL,
	     vmcs_ops_evmcs.write(l2_number(0), VMCS_APIC_ACCESS, 0x1000));
	ENDS(L1_STATUS_DIED, L1_DEATH_VMFAIL,
	     vmcs_ops_evmcs.write(l2_number(0), VMCS_POSTED_DESC, 0x1000));
}

/* ---- MSR bitmaps ---- */

static bool bit(uint32_t l2, enum l1_block_page page, uint32_t byte, uint32_t number)
{
	return *(uint8_t *)(l1_block(l2, page) + byte) >> number & 1;
}

TEST(bitmaps_intercept_all_but_what_is_tested)
{
	struct l2 *l2 = l2_number(2); /* even: passed through */
	const uint8_t *page = (uint8_t *)l1_block(2, L1_BLOCK_MSR);
	int clear = 0;

	evmcs_fill_index();
	pages_setup(&cpu, l2);
	for (uint32_t i = 0; i < L1_PAGE * 8; i++)
		clear += !(page[i / 8] >> (i & 7) & 1);
	assert_int_equal(clear, 2);
	/* SDM 25.6.9: reads of 0xc0000102 are bit 0x102 of the part at 1024, writes of 0x83f are bit
	 * 0x83f of the part at 2048 */
	assert_false(bit(2, L1_BLOCK_MSR, 1024 + 0x20, 2));
	assert_false(bit(2, L1_BLOCK_MSR, 2048 + 0x107, 7));
	assert_int_equal(evmcs_of(2)->msr_bitmap, l1_block(2, L1_BLOCK_MSR));
	assert_false(l2->intercepted);
	assert_int_equal(l2->page->expect_msr, L1_GS_VALUE);
}

TEST(an_intercept_is_flipped_or_swapped)
{
	struct l2 *l2 = l2_number(2);

	evmcs_fill_index();
	pages_setup(&cpu, l2);
	vmcs_ops_evmcs.exited(l2);
	pages_set_intercept(&cpu, l2, true, false);
	assert_true(bit(2, L1_BLOCK_MSR, 1024 + 0x20, 2));
	assert_int_equal(evmcs_of(2)->clean, EVMCS_CLEAN_ALL & ~EVMCS_CLEAN_MSR_BITMAP);
	assert_int_equal(l2->page->expect_msr, L2_ANSWER);
	pages_set_intercept(&cpu, l2, false, true);
	assert_int_equal(evmcs_of(2)->msr_bitmap, l1_block(2, L1_BLOCK_MSR_OTHER));
	assert_false(bit(2, L1_BLOCK_MSR_OTHER, 1024 + 0x20, 2));
	assert_true(bit(2, L1_BLOCK_MSR, 1024 + 0x20, 2)); /* the other one says otherwise */
}

/* ---- what L1 checks ---- */

static struct l2 *stepping(void)
{
	struct l2 *l2 = l2_number(1);
	uint64_t *frame[L2_REGISTERS] = {
		&l2->frame.rax, &l2->frame.rbx, &l2->frame.rcx, &l2->frame.rdx, &l2->frame.rsi,
		&l2->frame.rdi, &l2->frame.r8,	&l2->frame.r9,	&l2->frame.r10, &l2->frame.r11,
		&l2->frame.r12, &l2->frame.r13, &l2->frame.r14};

	for (uint32_t i = 0; i < L2_REGISTERS; i++)
		l2->regs[i] = l2->page->regs[i] = *frame[i] = 1000 + i;
	return l2;
}

TEST(a_step_is_checked_and_counted)
{
	struct l2 *l2 = stepping();

	assert_int_equal(setjmp(ended), 0);
	prove_step(&cpu, l2);
	assert_int_equal(l2->steps, 1);
	assert_int_equal(skipped, 1);
	assert_int_equal(l2->regs[3], 1003 + L2_STRIDE);
}

TEST(a_lost_register_is_found)
{
	struct l2 *l2 = stepping();

	l2->frame.r14 ^= 1;
	ENDS(L1_STATUS_BROKEN, L1_CHECK_REGISTER, prove_step(&cpu, l2));
	assert_int_equal(report.detail, 12);
	assert_int_equal(report.expected, 1012);
	assert_int_equal(report.found, 1013);
}

TEST(lost_memory_is_found)
{
	struct l2 *l2 = stepping();

	l2->page->regs[5] = 0;
	ENDS(L1_STATUS_BROKEN, L1_CHECK_MEMORY, prove_step(&cpu, l2));
	stepping()->page->steps = 7;
	ENDS(L1_STATUS_BROKEN, L1_CHECK_STEPS, prove_step(&cpu, l2));
}

TEST(what_l2_found_is_passed_on)
{
	struct l2 *l2 = stepping();

	l2->page->fail = (struct l2_fail){L1_CHECK_CR8 + 1, 0, 5, 6};
	ENDS(L1_STATUS_BROKEN, L1_CHECK_CR8, prove_step(&cpu, l2));
	assert_int_equal(report.found, 6);
}

static struct l2 *proving(bool intercepted, bool apic)
{
	struct l2 *l2 = l2_number(1);

	evmcs_fill_index();
	memset(&guest, 0, sizeof(guest));
	l2->msr_page = L1_BLOCK_MSR;
	l2->vapic_page = L1_BLOCK_VAPIC;
	l2->intercepted = intercepted;
	l2->page->apic = apic ? l1_block(1, L1_BLOCK_APIC_ACCESS) : 0;
	l2->page->has_cr8 = apic;
	return l2;
}

TEST(a_proof_takes_the_exits_that_it_must)
{
	assert_int_equal(setjmp(ended), 0);
	prove_pages(&cpu, proving(true, true));
	assert_int_equal(resumed, 1);
	prove_pages(&cpu, proving(false, false));
}

TEST(exits_that_fail_to_come_are_found)
{
	struct l2 *l2 = proving(true, true);

	guest.ignores_bitmap = true;
	ENDS(L1_STATUS_BROKEN, L1_CHECK_EXIT_COUNT, prove_pages(&cpu, l2));
	assert_int_equal(report.detail, REASON_RDMSR);
	l2 = proving(false, true);
	guest.ignores_apic = true;
	ENDS(L1_STATUS_BROKEN, L1_CHECK_EXIT_COUNT, prove_pages(&cpu, l2));
	assert_int_equal(report.detail, REASON_APIC_ACCESS);
	l2 = proving(false, true);
	guest.keeps_tpr = true;
	ENDS(L1_STATUS_BROKEN, L1_CHECK_VTPR, prove_pages(&cpu, l2));
}

/* ---- exits by reason ---- */

TEST(an_unknown_exit_kind_ends_the_job)
{
	job.rounds = 1;
	job.exit_kind = PLAN_REASON_COUNT;
	ENDS(L1_STATUS_DIED, L1_DEATH_JOB, exits_run(&cpu));
	assert_int_equal(report.found, PLAN_REASON_COUNT);
}

/* ---- who runs whom ---- */

TEST(each_l2_vcpu_has_one_l1_vcpu_whatever_the_shift)
{
	for (uint32_t ncpus = 1; ncpus <= L1_MAX_CPUS; ncpus++)
		for (uint32_t shift = 0; shift < 20; shift++) {
			uint32_t owners[17] = {0};

			for (uint32_t c = 0; c < ncpus; c++) {
				struct l1_job j = {
					.cpu = c, .ncpus = ncpus, .nl2 = 17, .shift = shift};
				struct cpu this = {.job = &j};

				for_each_l2(&this, i)
				{
					assert_int_equal((i + shift) % ncpus, c);
					owners[i]++;
				}
			}
			for (uint32_t i = 0; i < 17; i++)
				assert_int_equal(owners[i], 1);
		}
}

UNIT_MAIN_EACH("l1", set_up, tear_down)
