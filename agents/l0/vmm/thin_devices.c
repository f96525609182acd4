// SPDX-License-Identifier: GPL-2.0-only
/* thin_devices.c - the ports that a Linux L1 touches. */
#include <string.h>

#include "agents/l0/vmm/thin.h"

#define UART	     0x3f8
#define UART_IIR     2
#define UART_LCR     3
#define UART_LSR     5
#define UART_MSR     6
#define UART_NO_IRQ  0x01 /* IIR: nothing is pending; no FIFO */
#define UART_EMPTY   0x60 /* LSR: the transmitter is empty */
#define UART_PRESENT 0xb0 /* MSR: DCD, DSR, CTS */
#define UART_DLAB    0x80 /* LCR: the divisor is at 0 and 1 */

#define CMOS_INDEX   0x70
#define CMOS_DATA    0x71
#define RESET_KBD    0x64
#define RESET_KBD_ON 0xfe
#define RESET_CF9    0xcf9 /* a byte; as part of the four at 0xcf8 it is of PCI's CONFIG_ADDRESS */

static void print_byte(struct thin_devices *d, char c)
{
	d->console[d->printed++ % THIN_CONSOLE] = c;
}

static void write_uart(struct thin_devices *d, unsigned int reg, uint8_t value)
{
	if (!reg && !(d->uart[UART_LCR] & UART_DLAB))
		print_byte(d, (char)value);
	d->uart[reg] = value;
}

static uint8_t read_uart(const struct thin_devices *d, unsigned int reg)
{
	switch (reg) {
	case 0:
		return 0;
	case UART_IIR:
		return UART_NO_IRQ;
	case UART_LSR:
		return UART_EMPTY;
	case UART_MSR:
		return UART_PRESENT;
	default:
		return d->uart[reg];
	}
}

/* The MC146818's registers: Thursday, 1 January 2026, 00:00:00, and it never moves: no boot is to differ by the
 * time of day. Register A never says that an update is in progress, B says BCD and 24 hours, D that the
 * battery is good. */
static uint8_t read_cmos(uint8_t index)
{
	static const uint8_t registers[] = {
		[6] = 5, [7] = 1, [8] = 1, [9] = 0x26, [10] = 0x26, [11] = 0x02, [13] = 0x80,
	};

	index &= 0x7f;
	if (index == 0x32)
		return 0x20; /* century */
	return index < sizeof(registers) ? registers[index] : 0;
}

static void write_byte(struct thin_devices *d, uint16_t port, uint8_t value)
{
	if (port >= UART && port < UART + 8)
		write_uart(d, port - UART, value);
	else if (port == CMOS_INDEX)
		d->cmos_index = value;
	else if (port == MAIL_PORT)
		d->rung = true;
	else if (port == MAIL_CHANGE_PORT)
		d->wants_change = true;
}

static bool is_reset(uint16_t port, uint8_t value, size_t size)
{
	if (port == RESET_KBD)
		return value == RESET_KBD_ON;
	return port == RESET_CF9 && size == 1 && value & 4;
}

static uint8_t read_byte(const struct thin_devices *d, uint16_t port)
{
	if (port >= UART && port < UART + 8)
		return read_uart(d, port - UART);
	if (port == CMOS_DATA)
		return read_cmos(d->cmos_index);
	if (port == RESET_KBD)
		return 0; /* its input buffer is empty: the kernel waits for that before it resets */
	return 0xff;
}

bool thin_port(struct thin_devices *d, uint16_t port, bool is_out, uint8_t *data, size_t size,
	       size_t count)
{
	for (size_t i = 0; i < size * count; i++) {
		uint16_t at = (uint16_t)(port + i % size);

		if (!is_out)
			data[i] = read_byte(d, at);
		else if (is_reset(at, data[i], size))
			return false;
		else
			write_byte(d, at, data[i]);
	}
	return true;
}

/* Where the first whole line from @at on begins; @at itself if none ends: a line without an end is shown, too. */
static size_t start_of_line(const struct thin_devices *d, size_t at)
{
	size_t from = at;

	while (from && from < d->printed && d->console[(from - 1) % THIN_CONSOLE] != '\n')
		from++;
	if (from == d->printed)
		return at;
	return from;
}

void thin_console_tail(const struct thin_devices *d, char *text, size_t len)
{
	size_t have = d->printed, n = 0, from;

	if (have > THIN_CONSOLE)
		have = THIN_CONSOLE;
	if (have > len - 1)
		have = len - 1;
	from = start_of_line(d, d->printed - have);
	for (; from < d->printed; from++)
		if (d->console[from % THIN_CONSOLE] != '\r')
			text[n++] = d->console[from % THIN_CONSOLE];
	text[n] = '\0';
}
