# SPDX-License-Identifier: GPL-2.0-only
LIB_SRCS += $(wildcard results/*/*.c)
# the assembler reads them (.incbin): no compiler tells make
$(BUILD)/obj/results/store/open.o: $(wildcard results/store/schema*.sql)
$(BUILD)/obj/results/web/assets.o: $(wildcard results/web/*.css results/web/*.js)
