// SPDX-License-Identifier: GPL-2.0-only
/* The agent's own VMM as far as it needs no KVM: ports, console, what it loads; and the records that come out of
 * a Linux L1. */
#include "tests/unit/unit.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/l0/records/channel.h"
#include "agents/l0/files.h"
#include "agents/l0/vmm/l1_linux.h"
#include "agents/l0/vmm/thin.h"
#include "agents/l0/vm.h"
#include "tests/unit/agents/sink_fixture.h"

static struct thin_devices devices;

/* ---- the sink of these tests: what it was told ---- */

static struct sink make_sink(void)
{
	assert_int_equal(pipe(pipes), 0);
	return (struct sink){.fd = pipes[1], .id = 7};
}

static void says(const char *text)
{
	if (!strstr(read_sink(), text))
		fail_msg("\"%s\" is not in: %s", text, told);
}

/* ---- ports ---- */

static uint8_t in(uint16_t port)
{
	uint8_t value = 0;

	assert_true(thin_port(&devices, port, false, &value, 1, 1));
	return value;
}

static bool out(uint16_t port, const char *bytes)
{
	return thin_port(&devices, port, true, (uint8_t *)(uintptr_t)bytes, 1, strlen(bytes));
}

TEST(the_serial_port_is_ready_and_keeps_what_it_prints)
{
	char tail[64];

	devices = (struct thin_devices){0};
	assert_int_equal(in(0x3fd) & 0x60, 0x60);
	assert_true(out(0x3f8, "one\r\ntwo\r\n"));
	assert_true(out(0x3fb, "\x80") && out(0x3f8, "x") && out(0x3fb, "\x03")); /* a divisor */
	thin_console_tail(&devices, tail, sizeof(tail));
	assert_string_equal(tail, "one\ntwo\n");
	thin_console_tail(&devices, tail, 8);
	assert_string_equal(tail, "two\n");
	for (int i = 0; i < THIN_CONSOLE; i++)
		assert_true(out(0x3f8, "abcdefg\n"));
	thin_console_tail(&devices, tail, 20);
	assert_string_equal(tail, "abcdefg\nabcdefg\n");
}

TEST(ports_without_devices_read_as_ones)
{
	uint8_t wide[4];

	devices = (struct thin_devices){0};
	assert_int_equal(in(0xcf8), 0xff);
	assert_true(thin_port(&devices, 0x300, false, wide, 4, 1));
	assert_memory_equal(wide, "\xff\xff\xff\xff", 4);
	assert_true(out(0x70, "\x09")); /* the clock's year */
	assert_int_equal(in(0x71), 0x26);
	assert_true(out(0x70, "\x7f"));
	assert_int_equal(in(0x71), 0);
}

TEST(the_bell_rings_and_resets_are_seen)
{
	devices = (struct thin_devices){0};
	assert_true(thin_port(&devices, MAIL_PORT, true, (uint8_t[]){0}, 1, 1));
	assert_true(devices.rung);
	assert_int_equal(in(0x64), 0);
	assert_false(out(0x64, "\xfe"));
	assert_false(out(0xcf9, "\x06"));
	assert_true(out(0xcf9, "\x02"));
}

/* As a kernel with PCI does that looks for it, and puts back what it read there. */
TEST(the_look_for_pci_is_no_reset)
{
	uint8_t address[4];

	devices = (struct thin_devices){0};
	assert_true(thin_port(&devices, 0xcf8, false, address, 4, 1));
	assert_true(thin_port(&devices, 0xcf8, true, address, 4, 1));
}

/* ---- what it loads ---- */

static struct thin thin;

static const char *inner;
static bool is_l2;

static int load(const char *kernel, size_t len)
{
	static struct sink sink;
	__cleanup_free char *path = unit_path("vmlinux");
	struct error err = {0};
	uint64_t entry = 0;
	int ret;

	if (kernel)
		assert_int_equal(fs_write_file(path, kernel, len, &err), 0);
	else
		unlink(path);
	sink = make_sink();
	thin = (struct thin){.sink = &sink, .ncpus = 2, .inner = inner, .is_l2 = is_l2};
	thin.ram = mmap(NULL, THIN_RAM, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ret = thin_load(&thin, path, &entry);
	if (!ret)
		assert_int_equal(entry, 0x1000123);
	return ret;
}

static void unload(void)
{
	munmap(thin.ram, THIN_RAM);
}

struct program {
	Elf64_Ehdr e;
	Elf64_Phdr p;
	char text[8];
};

static struct program make_program(uint64_t paddr, uint64_t memsz)
{
	struct program prog = {
		.e = {.e_machine = EM_X86_64,
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = 1,
		      .e_phoff = sizeof(Elf64_Ehdr),
		      .e_entry = 0x1000123},
		.p = {.p_type = PT_LOAD,
		      .p_offset = offsetof(struct program, text),
		      .p_filesz = 8,
		      .p_memsz = memsz,
		      .p_paddr = paddr},
		.text = "a kernel",
	};

	memcpy(prog.e.e_ident, ELFMAG, SELFMAG);
	prog.e.e_ident[EI_CLASS] = ELFCLASS64;
	return prog;
}

static uint8_t sum(const char *at, size_t len)
{
	uint8_t s = 0;

	while (len--)
		s = (uint8_t)(s + (uint8_t)*at++);
	return s;
}

TEST(a_kernel_finds_its_memory_and_its_cpus)
{
	const struct program prog = make_program(0x1000000, 4096);
	const struct boot_params *boot;
	const char *mp;
	uint16_t len;

	assert_int_equal(load((const char *)&prog, sizeof(prog)), 0);
	assert_memory_equal(thin.ram + 0x1000000, "a kernel", 8);
	boot = (const struct boot_params *)(thin.ram + THIN_BOOT_PARAMS);
	assert_int_equal(boot->e820_entries, 4);
	assert_int_equal(boot->e820_table[3].addr, THIN_MAIL);
	assert_int_equal(boot->e820_table[3].type, 2);
	assert_non_null(strstr(thin.ram + boot->hdr.cmd_line_ptr, MAIL_PARAMETER "7f00000 "));
	assert_memory_equal(thin.ram + boot->hdr.ramdisk_image, "070701", 6);
	assert_true(boot->hdr.ramdisk_image + boot->hdr.ramdisk_size <= THIN_MAIL);
	assert_int_equal(thin_mail(&thin)->magic, MAIL_MAGIC);
	mp = thin.ram + 0x9fc00;
	assert_memory_equal(mp, "_MP_", 4);
	assert_int_equal(sum(mp, 16), 0);
	memcpy(&len, mp + 20, 2);
	assert_memory_equal(mp + 16, "PCMP", 4);
	assert_int_equal(sum(mp + 16, len), 0);
	assert_int_equal(len, 44 + 2 * 20 + 8 + 8 + 17 * 8);
	unload();
	read_sink();
}

static const char *last_of(const char *at, size_t len, const char *text)
{
	const char *last = NULL, *next;

	while ((next = memmem(at, len, text, strlen(text)))) {
		len -= (size_t)(next + 1 - at);
		at = next + 1;
		last = next;
	}
	assert_non_null(last);
	return last;
}

/* As initramfs has it: name and size in the header, the bytes after the name. */
TEST(a_kernel_for_l2_is_in_the_initramfs)
{
	const struct program prog = make_program(0x1000000, 4096);
	__cleanup_free char *path = unit_write("inner", "the kernel of L2");
	const struct boot_params *boot;
	const char *name, *start;

	inner = path;
	assert_int_equal(load((const char *)&prog, sizeof(prog)), 0);
	boot = (const struct boot_params *)(thin.ram + THIN_BOOT_PARAMS);
	start = thin.ram + boot->hdr.ramdisk_image;
	name = last_of(start, boot->hdr.ramdisk_size, "l2/vmlinux"); /* this program has it, too */
	assert_memory_equal(name - 110 + 54, "00000010", 8);
	assert_memory_equal(name + ((110 + 11 + 3) & ~3) - 110, "the kernel of L2", 16);
	unload();
	inner = "/no/such/kernel";
	assert_int_equal(load((const char *)&prog, sizeof(prog)), -ENOENT);
	unload();
	inner = NULL;
	is_l2 = true;
	assert_int_equal(load((const char *)&prog, sizeof(prog)), 0);
	assert_int_equal(thin_mail(&thin)->magic, MAIL_MAGIC_L2);
	unload();
	is_l2 = false;
	read_sink();
}

TEST(what_is_no_kernel_is_refused)
{
	struct program prog = make_program(0x1000, 8);

	assert_int_equal(load("hello", 5), VM_SAID);
	says("no ELF file for x86-64");
	unload();
	assert_int_equal(load((const char *)&prog, sizeof(prog)), VM_SAID);
	says("outside of L1's memory");
	unload();
	prog = make_program(0x1000000, THIN_RAM);
	assert_int_equal(load((const char *)&prog, sizeof(prog)), VM_SAID);
	says("outside of L1's memory");
	unload();
	prog = make_program(0x1000000, 8);
	assert_int_equal(load((const char *)&prog, sizeof(prog) - 1), VM_SAID);
	says("cut short");
	unload();
	assert_int_equal(load(NULL, 0), VM_SAID);
	says("\"type\":\"skip\"");
	unload();
}

/* ---- records of L1 ---- */

#define HELLO "\"type\":\"hello\",\"hypervisor\":\"KVMKVMKVM\",\"nested\":\"vmcs\""

static char mail[4096];

/* Adds a sealed record of number @seq. */
static void write_record(int seq, const char *body)
{
	size_t at = strlen(mail);
	int n = snprintf(mail + at, sizeof(mail) - at, "{\"seq\":%d,%s", seq, body);

	n = record_seal(mail + at, (size_t)n, sizeof(mail) - at);
	assert_true(n > 0);
	snprintf(mail + at + n, 2, "\n");
}

static int pass(const char *nested)
{
	struct l1_records r = {.via = "thin", .nested = nested, .hypervisor = "KVMKVMKVM"};
	struct sink s = make_sink();

	return l1_records_pass(&r, mail, strlen(mail), &s);
}

static void fill_with_equal_pages(size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		memset(thin.ram + i * 4096, 0x5a, 4096);
}

static uint64_t read_setting(const char *path)
{
	char text[32] = "";

	file_read(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* This machine's kernel does it, for the time of two scans. */
TEST(pages_that_are_alike_become_one)
{
	static struct sink sink;
	uint64_t to_scan = read_setting("/sys/kernel/mm/ksm/pages_to_scan");

	if (access("/sys/kernel/mm/ksm/run", W_OK) || read_setting("/sys/kernel/mm/ksm/run"))
		skip(); /* no KSM, or it is somebody's */
	sink = make_sink();
	thin = (struct thin){.sink = &sink};
	thin.ram = mmap(NULL, THIN_RAM, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	fill_with_equal_pages(64);
	assert_int_equal(thin_merge_pages(&thin), 0);
	if (thin.merged < 60)
		fail_msg("%" PRIu64 " pages merged", thin.merged);
	assert_int_equal(read_setting("/sys/kernel/mm/ksm/run"), 0);
	assert_int_equal(read_setting("/sys/kernel/mm/ksm/pages_to_scan"), to_scan);
	thin.ram[0] = 1;
	assert_int_equal(thin.ram[4096], 0x5a);
	unload();
	assert_string_equal(read_sink(), "");
}

TEST(records_of_l1_are_passed_on)
{
	mail[0] = '\0';
	write_record(0, HELLO);
	write_record(1, "\"type\":\"begin\",\"id\":7");
	write_record(2, "\"type\":\"metric\",\"id\":7");
	write_record(3, "\"type\":\"end\",\"id\":7");
	assert_int_equal(pass("vmcs"), 0);
	assert_string_equal(
		read_sink(),
		"\"type\":\"l1\",\"id\":7,\"via\":\"thin\",\"hypervisor\":\"KVMKVMKVM\","
		"\"nested\":\"vmcs\"\n"
		"\"type\":\"metric\",\"id\":7,\"via\":\"thin\"\n");
}

TEST(an_l1_of_the_other_kind_fails)
{
	mail[0] = '\0';
	write_record(0, HELLO);
	assert_int_equal(pass("evmcs"), VM_SAID);
	says("\"expected\":\"evmcs\",\"found\":\"vmcs\"");
}

TEST(an_l1_with_another_clock_fails)
{
	struct l1_records r = {
		.via = "qemu", .nested = "vmcs", .hypervisor = "KVMKVMKVM", .clock = "emulated"};
	struct sink s = make_sink();

	mail[0] = '\0';
	write_record(
		0,
		"\"type\":\"hello\",\"hypervisor\":\"KVMKVMKVM\",\"nested\":\"vmcs\",\"clock\":\"tsc\"");
	assert_int_equal(l1_records_pass(&r, mail, strlen(mail), &s), VM_SAID);
	says("nestlab.clock=emulated in its command line");
	s = make_sink();
	r.clock = "tsc";
	r.next = 0;
	assert_int_equal(l1_records_pass(&r, mail, strlen(mail), &s), 0);
}

TEST(an_l1_that_sees_another_hypervisor_fails)
{
	mail[0] = '\0';
	write_record(0, "\"type\":\"hello\",\"hypervisor\":\"Microsoft Hv\",\"nested\":\"vmcs\"");
	assert_int_equal(pass("vmcs"), VM_SAID);
	says("sees another hypervisor below it");
}

TEST(damaged_records_of_l1_fail)
{
	mail[0] = '\0';
	write_record(0, "\"type\":\"metric\",\"id\":7");
	mail[20] ^= 1;
	assert_int_equal(pass("vmcs"), VM_SAID);
	says("\"class\":\"integrity\"");
	mail[0] = '\0';
	write_record(1, "\"type\":\"metric\",\"id\":7");
	assert_int_equal(pass("vmcs"), VM_SAID);
	says("one is missing");
	mail[0] = '\0';
	write_record(0, "\"type\":\"metric\",\"id\":7");
	mail[strlen(mail) - 1] = '\0';
	assert_int_equal(pass("vmcs"), VM_SAID);
	says("cut short");
}

static void pass_refuses(const char *why)
{
	assert_int_equal(pass("vmcs"), VM_SAID);
	says(why);
	assert_null(strstr(told, "\"via\":\"thin\",\"x\""));
}

TEST(an_l1_that_does_not_say_who_it_is_fails)
{
	mail[0] = '\0';
	pass_refuses("it rang without any");
	write_record(0, "\"type\":\"metric\",\"id\":7,\"metric\":\"exit\"");
	pass_refuses("it does not say which L1 it is");
	mail[0] = '\0';
	write_record(0, "\"type\":\"fatal\",\"text\":\"no VMX\"");
	pass_refuses("the agent inside L1 cannot go on");
	assert_non_null(strstr(told, "no VMX"));
}

/* A hostile L1 can seal what it likes: what it says is about this measurement all the same. */
TEST(an_l1_speaks_of_its_own_measurement_alone)
{
	static const char *const others[] = {
		"\"type\":\"metric\",\"id\":8,\"x\":1",	  "\"type\":\"metric\",\"id\":71,\"x\":1",
		"\"type\":\"bye\",\"records\":3",	  "\"type\":\"fatal\",\"text\":\"\"",
		"\"type\":\"hello\",\"nested\":\"vmcs\"", "\"type\":\"l1\",\"id\":7,\"x\":1",
		"\"type\":\"metrics\",\"id\":7,\"x\":1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		mail[0] = '\0';
		write_record(0, HELLO);
		write_record(1, others[i]);
		pass_refuses("not of this measurement");
	}
	mail[0] = '\0';
	write_record(0, HELLO);
	write_record(1, "\"type\":\"metric\",\"id\":7,\"metric\":\"\t\"");
	pass_refuses("not a record");
}

TEST(a_record_that_fits_no_line_again_is_refused)
{
	static char big[PROTOCOL_LINE_MAX];
	struct l1_records r = {.via = "thin", .nested = "vmcs", .next = 1};
	struct sink s = make_sink();
	int n = snprintf(big, sizeof(big), "{\"seq\":1,\"type\":\"metric\",\"id\":7,\"x\":\"");

	memset(big + n, 'x', sizeof(big) - 64 - (size_t)n);
	n = record_seal(big, sizeof(big) - 64, sizeof(big));
	assert_true(n > 0);
	big[n] = '\n';
	assert_int_equal(l1_records_pass(&r, big, (size_t)n + 1, &s), VM_SAID);
	says("not a record");
}

TEST(a_console_without_an_end_of_line_is_shown)
{
	char tail[16];

	devices = (struct thin_devices){0};
	for (int i = 0; i < THIN_CONSOLE; i++)
		assert_true(out(0x3f8, "#"));
	assert_true(out(0x3f8, "the end"));
	thin_console_tail(&devices, tail, sizeof(tail));
	assert_string_equal(tail, "########the end");
}

UNIT_MAIN("thin", unit_make_dir, unit_drop_dir)
