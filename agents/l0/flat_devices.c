// SPDX-License-Identifier: GPL-2.0-only
/* flat_devices.c - the ports of a flat binary's machine. */
#include <string.h>
#include <unistd.h>

#include "agents/l0/flat.h"

#define UART	   0x3f8
#define UART_LCR   3
#define UART_LSR   5
#define UART_EMPTY 0x60 /* LSR: the transmitter is empty */
#define UART_DLAB  0x80 /* LCR: the divisor is at 0 and 1 */

/* QEMU's hw/misc/pc-testdev.c and debugexit.c, and the port by which Bochs' BIOS is told to power off. */
#define EXIT_PORT     0xf4
#define TEST_PORT     0xe0
#define TEST_FLUSH    0xe4
#define TEST_IRQ      0x2000
#define TEST_MEMORY   0xff000000u
#define SHUTDOWN_PORT 0x8900

/* QEMU's fw_cfg (docs/specs/fw_cfg.rst): the items that kvm-unit-tests knows. */
#define FW_SELECT    0x510
#define FW_DATA	     0x511
#define FW_SIGNATURE 0
#define FW_ID	     1
#define FW_RAM_SIZE  3
#define FW_CPUS	     5
#define FW_MAX_CPUS  15

void flat_flush_console(struct flat_devices *d)
{
	for (size_t at = 0; at < d->printed;) {
		ssize_t n = write(d->fd, d->line + at, d->printed - at);

		if (n <= 0)
			break; /* nobody reads it any more: the process is about to be ended */
		at += (size_t)n;
	}
	d->printed = 0;
}

/* Line by line: each write takes the reader's time. */
static void print_byte(struct flat_devices *d, char c)
{
	d->line[d->printed++] = c;
	if (c == '\n' || d->printed == sizeof(d->line))
		flat_flush_console(d);
}

static void write_uart(struct flat_devices *d, unsigned int reg, uint8_t value)
{
	if (!reg && !(d->uart[UART_LCR] & UART_DLAB))
		print_byte(d, (char)value);
	d->uart[reg] = value;
}

static uint8_t read_uart(const struct flat_devices *d, unsigned int reg)
{
	if (reg == UART_LSR)
		return UART_EMPTY;
	return reg ? d->uart[reg] : 0;
}

static uint8_t read_fw_cfg(struct flat_devices *d)
{
	static const struct {
		uint16_t index;
		const char *bytes;
		size_t len;
	} items[] = {
		{FW_SIGNATURE, "QEMU", 4},
		{FW_ID, "\1\0\0\0", 4},
		{FW_CPUS, "\1\0", 2},
		{FW_MAX_CPUS, "\1\0", 2},
	};
	const uint64_t ram = FLAT_RAM;
	uint32_t at = d->fw_offset++;

	if (d->fw_index == FW_RAM_SIZE && at < sizeof(ram))
		return ((const uint8_t *)&ram)[at];
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (items[i].index == d->fw_index && at < items[i].len)
			return (uint8_t)items[i].bytes[at];
	return 0;
}

static void write_shutdown(struct flat_devices *d, uint8_t letter)
{
	static const char word[] = "Shutdown";

	if (letter != (uint8_t)word[d->shutdown])
		d->shutdown = 0; /* it may begin here */
	if (letter != (uint8_t)word[d->shutdown])
		return;
	if (!word[++d->shutdown])
		d->ended = true; /* code stays 0: a test that got here could not tell */
}

static uint32_t value_of(const uint8_t *data, size_t size)
{
	uint32_t value = 0;

	memcpy(&value, data, size);
	return value;
}

static void write_port(struct flat_devices *d, uint16_t port, const uint8_t *data, size_t size)
{
	uint32_t value = value_of(data, size);

	if (port >= UART && port < UART + 8) {
		write_uart(d, port - UART, (uint8_t)value);
	} else if (port == EXIT_PORT) {
		d->code = value;
		d->ended = true;
	} else if (port >= TEST_PORT && port < TEST_PORT + 4) {
		memcpy((uint8_t *)&d->latch + (port - TEST_PORT), data,
		       size < 4u - (port - TEST_PORT) ? size : 4u - (port - TEST_PORT));
	} else if (port == TEST_FLUSH) {
		d->flush = value;
	} else if (port >= TEST_IRQ && port < TEST_IRQ + FLAT_IRQS) {
		d->irq = port - TEST_IRQ;
		d->level = value;
	} else if (port == FW_SELECT) {
		d->fw_index = (uint16_t)value;
		d->fw_offset = 0;
	} else if (port == SHUTDOWN_PORT) {
		write_shutdown(d, (uint8_t)value);
	}
}

static uint8_t read_byte(struct flat_devices *d, uint16_t port)
{
	if (port >= UART && port < UART + 8)
		return read_uart(d, port - UART);
	if (port >= TEST_PORT && port < TEST_PORT + 4)
		return ((const uint8_t *)&d->latch)[port - TEST_PORT];
	if (port == FW_DATA)
		return read_fw_cfg(d);
	return 0xff;
}

void flat_port(struct flat_devices *d, uint16_t port, bool is_out, uint8_t *data, size_t size,
	       size_t count)
{
	d->irq = -1;
	d->flush = 0;
	for (size_t i = 0; i < count && !d->ended; i++, data += size) {
		if (is_out)
			write_port(d, port, data, size);
		for (size_t b = 0; !is_out && b < size; b++)
			data[b] = read_byte(d, (uint16_t)(port + b));
	}
}

void flat_mmio(struct flat_devices *d, uint64_t address, bool is_write, uint8_t *data, size_t size)
{
	bool is_ours = address >= TEST_MEMORY && address - TEST_MEMORY < FLAT_TESTMEM &&
		       size <= FLAT_TESTMEM - (address - TEST_MEMORY);

	if (is_ours && is_write)
		memcpy(d->memory + (address - TEST_MEMORY), data, size);
	else if (is_ours)
		memcpy(data, d->memory + (address - TEST_MEMORY), size);
	else if (!is_write)
		memset(data, 0xff, size);
}
