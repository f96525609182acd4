/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flat.h - a VM for a flat binary as kvm-unit-tests' x86 build makes it (docs/scenarios.md).
 *
 * What such a binary expects of its machine, which is QEMU's with `-device pc-testdev -device
 * isa-debug-exit,iobase=0xf4`: the Multiboot protocol, version 1 (an ELF file for i386, whatever its code is; 32-bit
 * protected mode, EAX = 0x2badb002, EBX = its information); COM1; an exit by a write to 0xf4; the test device; a fw_cfg
 * that knows how many CPUs and how much memory there are; KVM's own PIC, IO-APIC, local APIC and PIT.
 */
#ifndef AGENTS_L0_FLAT_H
#define AGENTS_L0_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLAT_RAM      (128ul << 20) /* what QEMU has where nothing else is said */
#define FLAT_INFO     0x9000u /* the Multiboot information, where QEMU has it; below the images */
#define FLAT_INFO_END 0xa000u
#define FLAT_TESTMEM  0x10000u /* bytes of the test device's memory */
#define FLAT_IRQS     24

/* ---- loading it (flat_load.c) ---- */

/* Copies the ELF file's segments into @ram and clears the rest of it up to the end of each. 0 and @entry; or -EINVAL
 * and in @why what is wrong with the file, which may be anything. */
int flat_load(uint8_t *ram, size_t size, const void *file, size_t len, uint32_t *entry, char *why,
	      size_t whylen);

/* Writes the Multiboot information to FLAT_INFO: the memory, the command line (@name and then @arguments, of which
 * each ends with a newline), and a module with the environment that kvm-unit-tests reads. 0, or -E2BIG. */
int flat_write_info(uint8_t *ram, size_t size, const char *name, const char *arguments);

/* ---- its devices (flat_devices.c) ---- */

struct flat_devices {
	int fd;		    /* what it prints goes here */
	uint8_t uart[8];    /* registers that keep what was written */
	char line[1024];    /* what it has printed since the last newline */
	size_t printed;	    /* of it */
	bool ended;	    /* it wrote to the exit port, or asked to be powered off */
	uint32_t code;	    /* what it wrote */
	uint32_t latch;	    /* the test device's port */
	uint32_t flush;	    /* the page that it wants to be mapped anew; 0: none */
	uint16_t fw_index;  /* fw_cfg: the item, */
	uint32_t fw_offset; /* and how much of it was read */
	uint32_t shutdown;  /* how many letters of "Shutdown" it wrote */
	int irq;	    /* a line of the IO-APIC whose level it sets; -1: none */
	bool level;
	uint8_t memory[FLAT_TESTMEM];
};

/* @count accesses of @size bytes each to @port. Look at ended, flush and irq afterwards. */
void flat_port(struct flat_devices *d, uint16_t port, bool is_out, uint8_t *data, size_t size,
	       size_t count);
/* An access to memory that is not RAM: nobody is there but the test device. */
void flat_mmio(struct flat_devices *d, uint64_t address, bool is_write, uint8_t *data, size_t size);
/* Passes on a line without an end. */
void flat_flush_console(struct flat_devices *d);

/* ---- running it (flat.c) ---- */

enum flat_how {
	FLAT_UNKNOWN, /* the process ended in between */
	FLAT_EXITED,  /* by the exit port; code */
	FLAT_DIED, /* text: a triple fault, an exit that KVM cannot handle, a file that cannot be booted */
};

struct flat_end {
	enum flat_how how;
	uint32_t code;
	char text[200];
};

struct flat_request {
	const char *path, *name, *arguments;
	int fd;		      /* what it prints */
	struct flat_end *end; /* in memory that outlives the process */
};

/* Runs it in the calling process, until it ends. */
void flat_run(const struct flat_request *req);

#endif
