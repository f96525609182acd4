# SPDX-License-Identifier: GPL-2.0-only
LIB_SRCS += $(wildcard results/*/*.c)
# the assembler reads it (.incbin): no compiler tells make
$(BUILD)/obj/results/store/open.o: $(wildcard results/store/schema*.sql)
