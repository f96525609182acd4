# SPDX-License-Identifier: GPL-2.0-only
LIB_SRCS += $(wildcard images/*.c)
# the assembler reads them (.incbin): no compiler tells make
$(BUILD)/obj/images/windows.o: $(wildcard images/windows/*)
