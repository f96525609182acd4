# SPDX-License-Identifier: GPL-2.0-only
# The agent inside a Windows L1, where mingw-w64 is installed: `make windows-agent`. It shares what is not Linux's.
WINDOWS_CC ?= x86_64-w64-mingw32-gcc
WINDOWS_SRCS := $(wildcard agents/windows/*.c agents/wire/plan.c agents/wire/words.c agents/wire/rules.c agents/wire/record.c) \
	$(addprefix agents/guest/,crew.c exits.c hypervisor.c l2_image.c l2set.c l2vm.c migrate.c multiplex.c) \
	$(addprefix agents/l0/,clock.c records/line.c records/sink.c vm_checks.c) common/crc32.c common/histogram.c common/utf8.c
WINDOWS_OBJS := $(WINDOWS_SRCS:%.c=$(BUILD)/windows/%.o)
# Its format attribute is Microsoft's, the functions are not: no check of formats.
WINDOWS_CFLAGS = -std=gnu17 -O2 $(WARNINGS) -Wno-format -I. -D__USE_MINGW_ANSI_STDIO=1 -D_WIN32_WINNT=0x0A00 -MMD -MP

$(BUILD)/windows/%.o: %.c
	$(call say,WIN-CC,$<)
	@mkdir -p $(@D)
	$(Q)$(WINDOWS_CC) $(WINDOWS_CFLAGS) -c -o $@ $<

$(BUILD)/windows/agents/guest/l2_image.o: $(BUILD)/agent/l2.bin
$(BUILD)/windows/agents/guest/l2_image.o: WINDOWS_CFLAGS += -DL2_BIN='"$(BUILD)/agent/l2.bin"'

$(BUILD)/bin/nestlab-agent.exe: $(WINDOWS_OBJS)
	$(call say,WIN-LD,$@)
	@mkdir -p $(@D)
	$(Q)$(WINDOWS_CC) -static -s -o $@ $^ -lpthread

windows-agent: $(BUILD)/bin/nestlab-agent.exe
