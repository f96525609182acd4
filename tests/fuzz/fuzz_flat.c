// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flat binary and what it does: the file that is loaded, the same behind a header that is right, accesses to ports and
 * memory, and what it prints.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/l0/flat.h"
#include "agents/l0/subtests.h"

#define RAM (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(const void *file, size_t size)
{
	static uint8_t ram[RAM];
	uint32_t entry;
	char why[80];

	flat_load(ram, sizeof(ram), file, size, &entry, why, sizeof(why));
}

/* The bytes choose entry, program headers and what they point at. */
static void load_behind_header(const uint8_t *data, size_t size)
{
	const uint32_t multiboot[] = {0x1badb002, 0, -0x1badb002u};
	uint8_t *file = malloc(size + 64);
	Elf32_Ehdr e = {.e_ident = ELFMAG, .e_machine = EM_386, .e_phentsize = sizeof(Elf32_Phdr)};

	e.e_ident[EI_CLASS] = ELFCLASS32;
	if (size) {
		e.e_phnum = data[0] % 8;
		e.e_phoff = 64 + data[0] / 8;
	}
	memcpy(file, &e, sizeof(e));
	memcpy(file + sizeof(e), multiboot, sizeof(multiboot));
	memcpy(file + 64, data, size);
	load(file, size + 64);
	free(file);
}

static void use_devices(const uint8_t *data, size_t size)
{
	static struct flat_devices d;
	static const uint16_t ports[] = {0x3f8, 0xe0, 0xf4, 0x510, 0x511, 0x2000, 0x8900, 0xe4};
	uint8_t buffer[64];

	memset(&d, 0, sizeof(d));
	d.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	for (; size >= 4; data += 4, size -= 4) {
		size_t width = 1u << data[1] % 3;

		memset(buffer, data[2], sizeof(buffer));
		flat_port(&d, (uint16_t)(ports[data[0] % 8] + data[0] / 8), data[1] & 4, buffer,
			  width, 1 + data[3] % 16);
		flat_mmio(&d, 0xff000000u + (uint32_t)data[3] * 257, data[1] & 8, buffer, width);
	}
	flat_flush_console(&d);
	close(d.fd);
}

static void read_output(const uint8_t *data, size_t size)
{
	static struct subtests t;
	struct sink s = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};

	if (subtests_init(&t))
		abort();
	subtests_take(&t, (const char *)data, size / 2);
	subtests_take(&t, "\nFAIL: ", 7);
	subtests_take(&t, (const char *)data + size / 2, size - size / 2);
	subtests_finish(&t);
	if (!t.lines[SUBTEST_FAIL])
		abort();
	subtests_report(&t, &s, "a.flat");
	free(subtests_output(&t, "the end"));
	subtests_free(&t);
	close(s.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load(data, size);
	load_behind_header(data, size);
	use_devices(data, size);
	read_output(data, size);
	return 0;
}
