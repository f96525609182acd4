// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_once.c - what `make check` has of a fuzz target: that it links with all that it is about, and takes nothing, some bytes
 * and some text. `make fuzz` is the fuzzer, which needs clang.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/splitmix.h"

#define INPUTS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of @size bytes, every other one printable. */
static void fill(uint8_t *data, size_t size, unsigned int number)
{
	for (size_t i = 0; i < size; i++) {
		data[i] = (uint8_t)splitmix(number * 1000 + i);
		if (number % 2)
			data[i] = ' ' + data[i] % ('~' - ' ');
	}
}

int main(int argc, char **argv)
{
	uint8_t data[2 * INPUTS];

	(void)argc;
	for (unsigned int i = 0; i < INPUTS; i++) {
		fill(data, 2 * i, i);
		LLVMFuzzerTestOneInput(data, 2 * i);
	}
	printf("1..1\nok 1 - %s takes %d inputs\n", strrchr(argv[0], '/') + 1, INPUTS);
	return 0;
}
