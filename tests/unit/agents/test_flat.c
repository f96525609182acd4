// SPDX-License-Identifier: GPL-2.0-only
/* The VM of kvm-unit-tests' flat binaries as far as it needs no KVM: what it loads, its ports; and what is read out of
 * what they print. */
#include "tests/unit/unit.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agents/l0/flat.h"
#include "agents/l0/subtests.h"
#include "tests/unit/agents/sink_fixture.h"

#define RAM (4u << 20)

/* ---- files ---- */

struct file {
	Elf32_Ehdr e;
	Elf32_Phdr p;
	uint32_t multiboot[3];
	char data[16];
};

static uint8_t ram[RAM];
static uint32_t entry;
static char why[160];

static struct file good_file(void)
{
	struct file f = {
		.e = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32},
		      .e_machine = EM_386,
		      .e_entry = 0x100004,
		      .e_phoff = offsetof(struct file, p),
		      .e_phentsize = sizeof(Elf32_Phdr),
		      .e_phnum = 1},
		.p = {.p_type = PT_LOAD,
		      .p_offset = offsetof(struct file, multiboot),
		      .p_paddr = 0x100000,
		      .p_filesz = 28,
		      .p_memsz = 64},
		.multiboot = {0x1badb002, 3, -(0x1badb002u + 3)},
		.data = "sixteen letters",
	};
	return f;
}

static int load(const struct file *f, size_t len)
{
	why[0] = '\0';
	return flat_load(ram, sizeof(ram), f, len, &entry, why, sizeof(why));
}

static void refuses(const struct file *f, size_t len, const char *reason)
{
	assert_int_equal(load(f, len), -EINVAL);
	if (!strstr(why, reason))
		fail_msg("\"%s\" is not in \"%s\"", reason, why);
}

TEST(a_flat_binary_is_loaded_where_its_segments_say)
{
	struct file f = good_file();

	memset(ram, 0xee, sizeof(ram));
	assert_int_equal(load(&f, sizeof(f)), 0);
	assert_int_equal(entry, 0x100004);
	assert_memory_equal(ram + 0x10000c, "sixteen letters", 16);
	assert_int_equal(ram[0x10001c], 0); /* not in the file, but in memory */
	assert_int_equal(ram[0x10003f], 0);
	assert_int_equal(ram[0x100040], 0xee);
	assert_int_equal(ram[0x0fffff], 0xee);
}

TEST(what_is_no_flat_binary_is_refused_with_the_reason)
{
	struct file f = good_file();

	refuses(&f, 3, "no ELF file");
	f.e.e_ident[0] = 'M';
	refuses(&f, sizeof(f), "no ELF file");
	f = good_file();
	f.e.e_ident[EI_CLASS] = ELFCLASS64;
	refuses(&f, sizeof(f), "a .flat of kvm-unit-tests is, its .elf is not");
	f = good_file();
	f.multiboot[2]++;
	refuses(&f, sizeof(f), "no Multiboot header");
	f = good_file();
	f.multiboot[1] = 1 << 16;
	f.multiboot[2] = -(f.multiboot[0] + f.multiboot[1]);
	refuses(&f, sizeof(f), "asks for what is not built");
}

TEST(no_segment_leaves_the_file_or_the_memory)
{
	struct file f = good_file();

	f.e.e_phnum = 2000;
	refuses(&f, sizeof(f), "program headers");
	f = good_file();
	f.e.e_phoff = ~0u;
	refuses(&f, sizeof(f), "program headers");
	f = good_file();
	f.p.p_offset = ~0u - 8;
	refuses(&f, sizeof(f), "not in the file");
	f = good_file();
	f.p.p_filesz = 29;
	refuses(&f, sizeof(f), "not in the file");
	f = good_file();
	f.p.p_memsz = 27;
	refuses(&f, sizeof(f), "longer in the file");
	f = good_file();
	f.p.p_paddr = ~0u - 3;
	refuses(&f, sizeof(f), "not within the guest's memory");
	f = good_file();
	f.p.p_memsz = RAM;
	refuses(&f, sizeof(f), "not within the guest's memory");
	f = good_file();
	f.p.p_paddr = FLAT_INFO; /* where the loader writes */
	refuses(&f, sizeof(f), "not within the guest's memory");
}

static uint32_t info_word(size_t at)
{
	uint32_t value;

	memcpy(&value, ram + FLAT_INFO + at, sizeof(value));
	return value;
}

static const char *text_at(uint32_t address)
{
	assert_true(address > FLAT_INFO && address < FLAT_INFO_END);
	return (const char *)ram + address;
}

TEST(the_guest_is_told_its_memory_command_line_and_environment)
{
	uint32_t module;

	assert_int_equal(flat_write_info(ram, RAM, "vmx.flat", "vmx_*\n-x\n"), 0);
	assert_int_equal(info_word(0) & 0x4d, 0x4d); /* memory, command line, modules, map */
	assert_int_equal(info_word(8), 3 << 10);     /* KiB from 1 MiB on */
	assert_string_equal(text_at(info_word(16)), "vmx.flat vmx_* -x");
	assert_int_equal(info_word(20), 1);
	module = info_word(24) - FLAT_INFO;
	assert_string_equal(text_at(info_word(module)),
			    "NR_CPUS=1\nMEMSIZE=4\nTEST_DEVICE=1\nBOOTLOADER=0\n");
	assert_int_equal(info_word(module + 4) - info_word(module),
			 strlen(text_at(info_word(module))));
	assert_int_equal(flat_write_info(ram, RAM, "vmx.flat", ""), 0);
	assert_string_equal(text_at(info_word(16)), "vmx.flat");
}

/* ---- ports ---- */

static struct flat_devices devices;

static void reset_devices(void)
{
	assert_int_equal(pipe(pipes), 0);
	devices = (struct flat_devices){.fd = pipes[1]};
}

static void out(uint16_t port, uint32_t value, size_t size)
{
	flat_port(&devices, port, true, (uint8_t *)&value, size, 1);
}

static uint32_t in(uint16_t port, size_t size)
{
	uint32_t value = 0;

	flat_port(&devices, port, false, (uint8_t *)&value, size, 1);
	return value;
}

TEST(the_serial_port_prints_line_by_line)
{
	reset_devices();
	assert_int_equal(in(0x3fd, 1) & 0x60, 0x60);
	out(0x3fb, 0x80, 1);
	out(0x3f8, 1, 1); /* a divisor */
	out(0x3fb, 3, 1);
	for (const char *p = "one\ntwo"; *p; p++)
		out(0x3f8, (uint8_t)*p, 1);
	assert_int_equal(devices.printed, 3);
	flat_flush_console(&devices);
	assert_string_equal(read_sink(), "one\ntwo");
}

TEST(the_exit_port_takes_a_whole_code)
{
	reset_devices();
	out(0xf4, 0x12345, 4);
	assert_true(devices.ended);
	assert_int_equal(devices.code, 0x12345);
	reset_devices();
	for (const char *p = "ShuShutdow"; *p; p++)
		out(0x8900, (uint8_t)*p, 1);
	assert_false(devices.ended);
	out(0x8900, 'n', 1);
	assert_true(devices.ended);
}

TEST(the_test_device_keeps_values_and_sets_interrupt_lines)
{
	uint8_t bytes[4] = {1, 2, 3, 4};

	reset_devices();
	out(0xe0, 0x11223344, 4);
	out(0xe2, 0x55, 1);
	assert_int_equal(in(0xe0, 4), 0x11553344);
	out(0xe3, 0xffff, 2); /* half of it is outside */
	assert_int_equal(in(0xe0, 4), 0xff553344);
	out(0x2005, 1, 1);
	assert_int_equal(devices.irq, 5);
	assert_true(devices.level);
	out(0xe4, 0x401000, 4);
	assert_int_equal(devices.irq, -1);
	assert_int_equal(devices.flush, 0x401000);
	flat_mmio(&devices, 0xff00fffe, true, bytes, 2);
	flat_mmio(&devices, 0xff00fffe, true, bytes + 2, 4); /* does not fit */
	flat_mmio(&devices, 0xff00fffe, false, bytes + 2, 2);
	assert_int_equal(bytes[3], 2);
	flat_mmio(&devices, 0xfed00000, false, bytes, 4);
	assert_memory_equal(bytes, "\xff\xff\xff\xff", 4);
	assert_int_equal(in(0xcf8, 4), 0xffffffff);
}

TEST(fw_cfg_knows_cpus_and_memory)
{
	uint64_t size = 0;

	reset_devices();
	out(0x510, 5, 2);
	assert_int_equal(in(0x511, 1), 1);
	assert_int_equal(in(0x511, 1), 0);
	assert_int_equal(in(0x511, 1), 0); /* behind its end */
	out(0x510, 3, 2);
	for (unsigned int i = 0; i < 8; i++)
		size |= (uint64_t)in(0x511, 1) << 8 * i;
	assert_int_equal(size, FLAT_RAM);
	out(0x510, 0xffff, 2);
	assert_int_equal(in(0x511, 1), 0);
}

/* ---- what is printed ---- */

static struct subtests subtests;

/* In pieces, of which none is a line. */
static const char *told_of(const char *text)
{
	struct sink sink;

	assert_int_equal(pipe(pipes), 0);
	sink = (struct sink){.fd = pipes[1], .id = 7};
	assert_int_equal(subtests_init(&subtests), 0);
	for (size_t len = strlen(text), n; len; text += n, len -= n) {
		n = len < 5 ? len : 5;
		subtests_take(&subtests, text, n);
	}
	subtests_finish(&subtests);
	subtests_report(&subtests, &sink, "a.flat");
	return read_sink();
}

static void says(const char *name, const char *result)
{
	char text[256];

	snprintf(text, sizeof(text), "\"name\":\"%s\",\"result\":\"%s\"", name, result);
	if (!strstr(told, text))
		fail_msg("%s is not in: %s", text, told);
}

TEST(each_line_of_a_result_is_a_subtest)
{
	told_of("BIOS\r\nPASS: one\r\nFAIL: two: three\r\nSKIP: four\r\nXFAIL: five\r\nXPASS: six\r\n"
		"ABORT: seven\r\nINFO: eight\r\n PASS: nine\r\nPASS:ten\r\nSUMMARY: 6 tests\r\nPASS: eleven");
	says("a.flat: one", "pass");
	says("a.flat: two: three", "fail");
	says("a.flat: four", "skip");
	says("a.flat: five", "pass");
	says("a.flat: six", "fail");
	says("a.flat: seven", "fail");
	says("a.flat: eleven", "pass");
	assert_int_equal(subtests.nfound, 7);
	assert_int_equal(subtests.lines[SUBTEST_FAIL], 3);
	subtests_free(&subtests);
}

TEST(a_name_is_one_subtest_however_often_it_comes)
{
	told_of("PASS: one\nSKIP: one\nPASS: two\nFAIL: two\nPASS: two\nSKIP: three\nTest suite: vmx_a\n"
		"PASS: one\nTest suite: vmx_b\nFAIL: one\n");
	says("a.flat: one", "pass");
	says("a.flat: two", "fail");
	says("a.flat: three", "skip");
	says("a.flat: vmx_a: one", "pass");
	says("a.flat: vmx_b: one", "fail");
	assert_non_null(strstr(told, "3 times, of which it failed at least once"));
	assert_int_equal(subtests.nfound, 5);
	subtests_free(&subtests);
}

TEST(a_guest_can_print_what_it_likes)
{
	static char text[3 * SUBTESTS_OUTPUT];
	char *kept;

	assert_int_equal(subtests_init(&subtests), 0);
	for (unsigned int i = 0; i < 2 * SUBTESTS_MAX; i++) {
		int n = snprintf(text, sizeof(text), "%s: name %u\n", i == 5000 ? "FAIL" : "PASS",
				 i);

		subtests_take(&subtests, text, (size_t)n);
	}
	assert_int_equal(subtests.nfound, SUBTESTS_MAX);
	assert_int_equal(subtests.found[SUBTESTS_MAX - 1].worst, SUBTEST_FAIL);
	memset(text, 'z', sizeof(text));
	memcpy(text, "PASS: ", 6);
	subtests_take(&subtests, text, sizeof(text));
	subtests_take(&subtests, "\nPASS: a\0b\n", 11);
	kept = subtests_output(&subtests, "how it ended");
	assert_true(strlen(kept) < SUBTESTS_OUTPUT + 100);
	assert_memory_equal(kept, "PASS: name 0\n", 13);
	assert_non_null(strstr(kept, " bytes are left out]\n"));
	assert_string_equal(kept + strlen(kept) - 21, "PASS: ab\nhow it ended");
	free(kept);
	subtests_free(&subtests);
}

UNIT_MAIN("flat", NULL, NULL)
