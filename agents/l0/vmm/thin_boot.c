// SPDX-License-Identifier: GPL-2.0-only
/*
 * thin_boot.c - what a Linux finds in its memory when it starts without firmware.
 *
 *	0x500	GDT	0x7000	boot_params	0x8000	page tables	0x20000	command line
 *	0x9fc00	MP table (Intel's MultiProcessor Specification, version 1.4), in the last KiB of low memory,
 *		where the kernel looks for it
 *	16 MiB	the kernel, where its program headers say
 *	below the mail page: the initramfs
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agents/l0/vmm/l1_boot.h"
#include "agents/l0/vmm/thin.h"
#include "agents/l0/vm.h"

#define CMDLINE	       0x20000u
#define CMDLINE_MAX    0x1000u
#define MP_FLOATING    0x9fc00u
#define LOW_END	       0x9fc00u
#define HIGH_START     0x100000u
#define IOAPIC_ADDRESS 0xfec00000u
#define LAPIC_ADDRESS  0xfee00000u
#define ISA_IRQS       16
#define PHDRS_MAX      16

static int refuse_kernel(const struct thin *t, const char *kernel, const char *why)
{
	sink_fail(t->sink, SINK_GUEST, "a 64-bit vmlinux that fits", why,
		  "%s: L1's kernel cannot be started", kernel);
	return VM_SAID;
}

/* ---- the kernel ---- */

static int load_segment(const struct thin *t, const char *kernel, int fd, const Elf64_Phdr *p)
{
	uint64_t end;

	if (p->p_filesz > p->p_memsz || __builtin_add_overflow(p->p_paddr, p->p_memsz, &end) ||
	    p->p_paddr < HIGH_START || end > THIN_MAIL)
		return refuse_kernel(t, kernel, "a segment outside of L1's memory");
	if (pread(fd, t->ram + p->p_paddr, p->p_filesz, (off_t)p->p_offset) != (ssize_t)p->p_filesz)
		return refuse_kernel(t, kernel, "a segment that is cut short");
	memset(t->ram + p->p_paddr + p->p_filesz, 0, p->p_memsz - p->p_filesz);
	return 0;
}

static int load_kernel(const struct thin *t, const char *kernel, int fd, uint64_t *entry)
{
	Elf64_Phdr phdrs[PHDRS_MAX];
	Elf64_Ehdr e;

	if (pread(fd, &e, sizeof(e), 0) != sizeof(e) || memcmp(e.e_ident, ELFMAG, SELFMAG) ||
	    e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_machine != EM_X86_64 ||
	    e.e_phentsize != sizeof(phdrs[0]) || !e.e_phnum || e.e_phnum > PHDRS_MAX)
		return refuse_kernel(t, kernel, "no ELF file for x86-64");
	if (pread(fd, phdrs, e.e_phnum * sizeof(phdrs[0]), (off_t)e.e_phoff) !=
	    (ssize_t)(e.e_phnum * sizeof(phdrs[0])))
		return refuse_kernel(t, kernel, "program headers that are cut short");
	for (int i = 0; i < e.e_phnum; i++) {
		int ret = 0;

		if (phdrs[i].p_type == PT_LOAD)
			ret = load_segment(t, kernel, fd, &phdrs[i]);
		if (ret)
			return ret;
	}
	*entry = e.e_entry;
	return 0;
}

static int open_and_load_kernel(const struct thin *t, const char *kernel, uint64_t *entry)
{
	int fd = open(kernel, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0 && errno == ENOENT) {
		sink_skip(t->sink, "%s: no kernel for a Linux L1 here", kernel);
		return VM_SAID;
	}
	if (fd < 0)
		return -errno;
	ret = load_kernel(t, kernel, fd, entry);
	close(fd);
	return ret;
}

/* Below the mail page. */
static int load_initramfs(const struct thin *t, struct boot_params *boot)
{
	size_t room;
	char *start;
	int ret = l1_initramfs_room(t->inner, &room);

	if (ret)
		return ret;
	if (room > THIN_MAIL / 4) /* the kernel is far below that */
		return -EFBIG;
	start = t->ram + THIN_MAIL - room;
	boot->hdr.ramdisk_image = (uint32_t)(start - t->ram);
	boot->hdr.ramdisk_size = (uint32_t)room;
	return l1_initramfs_write(t->inner, start, room);
}

/* ---- the MP table: CPUs, one bus, one I/O APIC, the ISA interrupts ---- */

struct mp_floating {
	char signature[4];
	uint32_t table;
	uint8_t length, version, checksum, features[5];
} __attribute__((packed));

struct mp_table {
	char signature[4];
	uint16_t length;
	uint8_t version, checksum;
	char oem[8], product[12];
	uint32_t oem_table;
	uint16_t oem_size, entries;
	uint32_t lapic;
	uint16_t extended;
	uint8_t extended_checksum, reserved;
} __attribute__((packed));

struct mp_cpu {
	uint8_t type, apic_id, apic_version, flags;
	uint32_t signature, features, reserved[2];
} __attribute__((packed));

struct mp_bus {
	uint8_t type, id;
	char name[6];
} __attribute__((packed));

struct mp_ioapic {
	uint8_t type, id, version, flags;
	uint32_t address;
} __attribute__((packed));

struct mp_interrupt {
	uint8_t type, kind;
	uint16_t flags;
	uint8_t bus, irq, apic, pin;
} __attribute__((packed));

enum { MP_CPU, MP_BUS, MP_IOAPIC, MP_IRQ, MP_LINT };
enum { MP_INT, MP_NMI, MP_EXTINT = 3 };
#define APIC_VERSION_XAPIC 0x14
#define MP_ENABLED	   1
#define MP_BOOT_CPU	   2

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (len--)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

static char *put_mp(struct mp_table *table, char *at, const void *entry, size_t len)
{
	memcpy(at, entry, len);
	table->entries++;
	return at + len;
}

static char *put_mp_cpus(const struct thin *t, struct mp_table *table, char *at)
{
	for (uint32_t i = 0; i < t->ncpus; i++) {
		struct mp_cpu cpu = {.type = MP_CPU,
				     .apic_id = (uint8_t)i,
				     .apic_version = APIC_VERSION_XAPIC,
				     .flags = MP_ENABLED};

		if (!i)
			cpu.flags |= MP_BOOT_CPU;
		at = put_mp(table, at, &cpu, sizeof(cpu));
	}
	return at;
}

/* KVM's I/O APIC has the timer at pin 2, as PCs do; the others are where they were. */
static char *put_mp_interrupts(struct mp_table *table, char *at, uint8_t ioapic)
{
	const struct mp_interrupt lints[] = {
		{MP_LINT, MP_EXTINT, 0, 0, 0, 0xff, 0},
		{MP_LINT, MP_NMI, 0, 0, 0, 0xff, 1},
	};

	for (uint8_t i = 0; i < ISA_IRQS; i++) {
		struct mp_interrupt irq = {MP_IRQ, MP_INT, 0, 0, i, ioapic, i};

		if (i == 2) /* the cascade of the other controllers */
			continue;
		if (!i)
			irq.pin = 2;
		at = put_mp(table, at, &irq, sizeof(irq));
	}
	at = put_mp(table, at, &lints[0], sizeof(lints[0]));
	return put_mp(table, at, &lints[1], sizeof(lints[1]));
}

static void load_mp_table(const struct thin *t)
{
	struct mp_floating *f = (struct mp_floating *)(t->ram + MP_FLOATING);
	struct mp_table *table = (struct mp_table *)(f + 1);
	const struct mp_bus bus = {MP_BUS, 0, "ISA   "};
	const struct mp_ioapic ioapic = {MP_IOAPIC, (uint8_t)t->ncpus, 0x11, MP_ENABLED,
					 IOAPIC_ADDRESS};
	char *at = (char *)(table + 1);

	memset(f, 0, HIGH_START - MP_FLOATING);
	*table = (struct mp_table){.signature = "PCMP", .version = 4, .lapic = LAPIC_ADDRESS};
	memcpy(table->oem, "NESTLAB ", sizeof(table->oem));
	memcpy(table->product, "THIN VMM    ", sizeof(table->product));
	at = put_mp_cpus(t, table, at);
	at = put_mp(table, at, &bus, sizeof(bus));
	at = put_mp(table, at, &ioapic, sizeof(ioapic));
	at = put_mp_interrupts(table, at, ioapic.id);
	table->length = (uint16_t)(at - (char *)table);
	table->checksum = checksum(table, table->length);
	*f = (struct mp_floating){.signature = "_MP_",
				  .table = MP_FLOATING + sizeof(*f),
				  .length = sizeof(*f) / 16,
				  .version = 4};
	f->checksum = checksum(f, sizeof(*f));
}

/* ---- boot_params ---- */

static void write_cmdline(const struct thin *t, struct boot_params *boot)
{
	l1_cmdline_format(THIN_MAIL, t->ram + CMDLINE, CMDLINE_MAX);
	boot->hdr.cmd_line_ptr = CMDLINE;
	boot->hdr.cmdline_size = CMDLINE_MAX;
}

static void write_map(struct boot_params *boot)
{
	const struct boot_e820_entry map[] = {
		{0, LOW_END, 1},
		{LOW_END, HIGH_START - LOW_END, 2},
		{HIGH_START, THIN_MAIL - HIGH_START, 1},
		{THIN_MAIL, MAIL_SIZE, 2},
	};

	memcpy(boot->e820_table, map, sizeof(map));
	boot->e820_entries = sizeof(map) / sizeof(map[0]);
}

/* One to one, 1 GiB by 2 MiB pages; and the descriptors that the boot protocol names. */
static void write_tables(const struct thin *t)
{
	uint64_t *table = (uint64_t *)(t->ram + THIN_TABLES);
	uint64_t *gdt = (uint64_t *)(t->ram + THIN_GDT);

	memset(table, 0, 3 * L1_PAGE);
	table[0] = (THIN_TABLES + L1_PAGE) | 3;
	table[512] = (THIN_TABLES + 2 * L1_PAGE) | 3;
	for (uint64_t i = 0; i < 512; i++)
		table[1024 + i] = i << 21 | 0x83;
	gdt[0] = gdt[1] = 0;
	gdt[2] = 0x00af9b000000ffff; /* __BOOT_CS: 64-bit code */
	gdt[3] = 0x00cf93000000ffff; /* __BOOT_DS */
}

int thin_load(struct thin *t, const char *kernel, uint64_t *entry)
{
	struct boot_params *boot = (struct boot_params *)(t->ram + THIN_BOOT_PARAMS);
	int ret = open_and_load_kernel(t, kernel, entry);

	if (ret)
		return ret;
	memset(boot, 0, sizeof(*boot));
	boot->hdr.boot_flag = 0xaa55;
	memcpy(&boot->hdr.header, "HdrS", 4);
	boot->hdr.version = 0x20f;
	boot->hdr.type_of_loader = 0xff;
	boot->hdr.loadflags = LOADED_HIGH;
	boot->hdr.kernel_alignment = 0x1000000;
	write_cmdline(t, boot);
	write_map(boot);
	write_tables(t);
	load_mp_table(t);
	memset(thin_mail(t), 0, sizeof(struct mail));
	thin_mail(t)->magic = t->is_l2 ? MAIL_MAGIC_L2 : MAIL_MAGIC;
	return load_initramfs(t, boot);
}
