// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/l2vm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agents/guest/hv.h"
#include "agents/l0/records/sink.h"
#include "agents/l0/vm.h"
#include "common/splitmix.h"

/* ---- making it ---- */

/* What L2 has at its address @at. */
static char *memory_at(const struct l2vm *l2, uint64_t at)
{
	return l2->memory + (at - L2VM_BASE);
}

/* Where interrupts go: an interrupt gate to the image's handler (SDM volume 3, 6.14.1). */
static void write_descriptors(const struct l2vm *l2)
{
	uint64_t *gdt = (uint64_t *)memory_at(l2, L2VM_GDT);
	uint64_t *gate = (uint64_t *)memory_at(l2, L2VM_IDT + L2VM_VECTOR * 16);

	gdt[1] = 0x00af9b000000ffff; /* code 8 */
	gdt[2] = 0x00cf93000000ffff; /* data 0x10 */
	gate[0] = (L2VM_ON_INTERRUPT & 0xffff) | 8ull << 16 | 0x8e00ull << 32 |
		  (L2VM_ON_INTERRUPT >> 16 & 0xffff) << 48;
}

static void write_tables(const struct l2vm *l2)
{
	uint64_t *table = (uint64_t *)memory_at(l2, L2VM_TABLES);

	table[0] = (L2VM_TABLES + L1_PAGE) | 3;
	table[512] = (L2VM_TABLES + 2 * L1_PAGE) | 3;
	for (uint64_t i = 0; i < 512; i++)
		table[1024 + i] = i << 21 | 0x83;
}

static int set_up_memory(struct l2vm *l2, uint32_t smp)
{
	size_t size = L2VM_SIZE(smp);

	l2->memory = hv_get_memory(size);
	if (!l2->memory)
		return -ENOMEM;
	write_tables(l2);
	write_descriptors(l2);
	memcpy(memory_at(l2, L2VM_IMAGE), l2vm_image, (size_t)(l2vm_image_end - l2vm_image));
	return hv_map(l2, 0, L2VM_BASE, l2->memory, size);
}

static int add_window(struct l2vm *l2, uint32_t smp)
{
	size_t size = smp * L2VM_WINDOW_PAGES * L1_PAGE;

	l2->window = hv_get_memory(size);
	if (!l2->window)
		return -ENOMEM;
	return hv_map(l2, 1, L2VM_WINDOW, l2->window, size);
}

static int make_vm(struct l2vm *l2, const struct l2vm_recipe *r)
{
	int ret = hv_create(l2, r, NULL);

	if (ret)
		return ret;
	ret = set_up_memory(l2, r->smp);
	if (!ret && r->extras & L2VM_WITH_WINDOW)
		ret = add_window(l2, r->smp);
	return ret;
}

/* The VM is its sibling's. */
static int join_vm(struct l2vm *l2, const struct l2vm_recipe *r, const struct l2vm *before)
{
	l2->memory = before->memory;
	l2->number = before->number + 1;
	if (before->window)
		l2->window = before->window + L2VM_WINDOW_PAGES * L1_PAGE;
	return hv_create(l2, r, before);
}

static void fill_page(struct l2vm *l2, uint64_t seed)
{
	struct l2_page *page = l2->page;

	page->id = l2->id;
	page->number = l2->number;
	page->window = L2VM_WINDOW + l2->number * L2VM_WINDOW_PAGES * L1_PAGE;
	page->samples = (struct l1_sample *)(L2VM_SAMPLES + l2->number * L2VM_SAMPLES_SIZE);
	for (uint32_t i = 0; i < L2_REGISTERS; i++)
		l2->regs[i] = page->regs[i] = splitmix(seed + splitmix(l2->id * L2_REGISTERS + i));
}

static int add_cpu(struct l2vm *l2, const struct l2vm_recipe *r)
{
	uint64_t page = L2VM_PAGE + l2->number * L1_PAGE;
	const struct l2_start start = {.rip = L2VM_IMAGE,
				       .rsp = L2_STACK_TOP(page),
				       .rdi = page,
				       .cr3 = L2VM_TABLES,
				       .gs = page,
				       .gdt = L2VM_GDT,
				       .idt = L2VM_IDT,
				       .gdt_limit = 3 * 8 - 1,
				       .idt_limit = 256 * 16 - 1,
				       .kernel_gs = L1_GS_VALUE,
				       .has_apic = r->extras & L2VM_WITH_APIC,
				       .has_syscall = r->extras & L2VM_WITH_SYSCALL};
	int ret = hv_add_cpu(l2, r, &start);

	if (ret)
		return ret;
	l2->page = (struct l2_page *)memory_at(l2, page);
	fill_page(l2, r->seed);
	l2->page->apic = start.has_apic;
	return hv_read_msr(l2, L2VM_MSR, &l2->page->expect_msr);
}

int l2vm_open(struct l2vm *l2, const struct l2vm_recipe *recipe, uint32_t id,
	      const struct l2vm *before, struct sink *s)
{
	int ret;

	*l2 = (struct l2vm){.id = id, .sink = s};
	if (before)
		ret = join_vm(l2, recipe, before);
	else
		ret = make_vm(l2, recipe);
	if (ret)
		return ret;
	ret = add_cpu(l2, recipe);
	if (ret)
		return ret;
	return l2vm_check_step(l2, l2vm_enter(l2));
}

/* ---- running it ---- */

static int refuse_exit(struct l2vm *l2, int entered, const char *expected)
{
	uint64_t regs[L2_REGISTERS], rip = 0;
	char found[128];

	hv_describe(l2, entered, found, sizeof(found));
	if (entered == -EIO) { /* KVM_BUG_ON(): all that this VM is asked for fails now */
		sink_fail(l2->sink, SINK_GUEST, expected, found,
			  "L1's hypervisor gave L2 %" PRIu32 " up (KVM: it met what no CPU does)",
			  l2->id);
		return VM_SAID;
	}
	hv_read_registers(l2, regs, &rip);
	sink_fail(l2->sink, SINK_GUEST, expected, found,
		  "L1's run of L2 %" PRIu32 " ended otherwise (L2's RIP %#" PRIx64 ")", l2->id,
		  rip);
	return VM_SAID;
}

/* What L2 found wrong itself. */
static int check_l2_found_nothing(const struct l2vm *l2)
{
	const struct l2_fail *f = &l2->page->fail;
	char expected[32], found[32];

	if (!f->what)
		return 0;
	snprintf(expected, sizeof(expected), "%#" PRIx64, f->expected);
	snprintf(found, sizeof(found), "%#" PRIx64, f->found);
	sink_fail(l2->sink, SINK_INTEGRITY, expected, found, "%s (L2 %" PRIu32 ", detail %u)",
		  vm_check_text(f->what - 1), l2->id, f->detail);
	return VM_SAID;
}

int l2vm_check_word(const struct l2vm *l2, enum l1_check what, uint64_t expected, uint64_t found,
		    uint32_t detail)
{
	char e[32], f[32];

	if (expected == found)
		return 0;
	snprintf(e, sizeof(e), "%#" PRIx64, expected);
	snprintf(f, sizeof(f), "%#" PRIx64, found);
	sink_fail(l2->sink, SINK_INTEGRITY, e, f, "%s (L2 %" PRIu32 " of the L1, detail %u)",
		  vm_check_text(what), l2->id, detail);
	return VM_SAID;
}

static int check_registers(struct l2vm *l2)
{
	uint64_t seen[L2_REGISTERS], rip;
	int ret = hv_read_registers(l2, seen, &rip);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < L2_REGISTERS; i++) {
		ret = l2vm_check_word(l2, L1_CHECK_REGISTER, l2->regs[i], seen[i], i);
		if (ret)
			return ret;
		ret = l2vm_check_word(l2, L1_CHECK_MEMORY, l2->regs[i], l2->page->regs[i], i);
		if (ret)
			return ret;
		l2->regs[i] += L2_STRIDE;
	}
	return 0;
}

int l2vm_check_step(struct l2vm *l2, int entered)
{
	int ret;

	if (entered || hv_exit(l2) != L2_EXIT_END)
		return refuse_exit(l2, entered, "the end of a step");
	ret = check_l2_found_nothing(l2);
	if (ret)
		return ret;
	ret = l2vm_check_word(l2, L1_CHECK_STEPS, l2->steps, l2->page->steps, 0);
	if (ret)
		return ret;
	l2->steps++;
	return check_registers(l2);
}

/* An exit on the way to the end of the command: the answer that L2 expects. */
static bool answer_exit(struct l2vm *l2)
{
	enum l2_exit exit = hv_exit(l2);

	l2->exits++;
	if (exit == L2_EXIT_MMIO)
		hv_answer(l2, L2_APIC_ANSWER);
	return exit != L2_EXIT_OTHER;
}

/* L1 took the CPU back, which only happens to an L2 that waits for that. */
static bool is_interrupted(struct l2vm *l2, int entered)
{
	if (entered != -EINTR)
		return false;
	l2->page->go = 1;
	return true;
}

/*
 * L2 is at the end of a step. With another command in its page it makes that step whole, does what it is
 * told, and ends with that; with the next entry it is about to step again.
 */
static int run_command(struct l2vm *l2, enum l2_command command)
{
	int entered;

	l2->page->command = command;
	entered = l2vm_enter(l2);
	while (is_interrupted(l2, entered) || (!entered && hv_exit(l2) != L2_EXIT_END)) {
		if (!entered && !answer_exit(l2))
			return refuse_exit(l2, entered, "an exit of the asked-for kind");
		entered = l2vm_enter(l2);
	}
	if (entered)
		return refuse_exit(l2, entered, "the end of a command");
	l2->page->command = L2_CMD_STEP;
	return check_l2_found_nothing(l2);
}

/* The step that L2 made whole on its way to the command, and the one that brings it back. */
static int go_back_to_steps(struct l2vm *l2)
{
	return l2vm_check_step(l2, l2vm_enter(l2));
}

/* How many of the exits must have come to the agent; of the others L1's kernel keeps none. */
static uint64_t exits_expected(uint32_t kind, uint32_t count)
{
	if (kind == PLAN_REASON_HLT || kind == PLAN_REASON_IO || kind == PLAN_REASON_EPT_VIOLATION)
		return count;
	return 0;
}

int l2vm_exits(struct l2vm *l2, uint32_t kind, uint32_t count)
{
	uint64_t before = l2->exits;
	int ret;

	l2->page->exit_kind = kind;
	l2->page->count = count;
	ret = run_command(l2, L2_CMD_EXITS);
	if (ret)
		return ret;
	ret = l2vm_check_word(l2, L1_CHECK_EXIT_COUNT, exits_expected(kind, count),
			      l2->exits - before, kind);
	if (ret)
		return ret;
	return go_back_to_steps(l2);
}

int l2vm_prove(struct l2vm *l2)
{
	int ret = run_command(l2, L2_CMD_PROVE);

	if (ret)
		return ret;
	return go_back_to_steps(l2);
}

int l2vm_renew_window(struct l2vm *l2, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t found = *(const uint64_t *)(l2->window + i * L1_PAGE);
		int ret =
			l2vm_check_word(l2, L1_CHECK_MEMORY, l2vm_window_word(l2->id, i), found, i);

		if (ret)
			return ret;
	}
	return hv_renew(l2, l2->window, L2VM_WINDOW_PAGES * L1_PAGE);
}

int l2vm_check_bell(struct l2vm *l2, uint64_t count)
{
	return l2vm_check_word(l2, L1_CHECK_EXIT_COUNT, count, hv_take_rings(l2), 0);
}
