# SPDX-License-Identifier: GPL-2.0-only
# L1 is freestanding: a flat binary at a fixed address, embedded in the agent (agents/l0/vm_image.c).
L1_SRCS   := $(wildcard agents/l1/*.c agents/l1/*.S)
L1_OBJS   := $(patsubst %,$(BUILD)/l1/%.o,$(L1_SRCS))
L1_CFLAGS := -std=gnu17 -O2 -g $(WARNINGS) -I. -ffreestanding -fno-pic -fno-pie -mno-red-zone \
	-mno-sse -mgeneral-regs-only -fno-stack-protector -fcf-protection=none -mcmodel=small \
	-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -MMD -MP

$(BUILD)/l1/%.o: %
	$(call say,L1-CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(L1_CFLAGS) -c -o $@ $<

$(BUILD)/agent/l1.elf: $(L1_OBJS) agents/l1/l1.lds
	$(call say,L1-LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LD) -nostdlib -static --no-warn-rwx-segments -T agents/l1/l1.lds -o $@ $(L1_OBJS)

$(BUILD)/agent/l1.bin: $(BUILD)/agent/l1.elf
	$(Q)objcopy -O binary $< $@

# Carried by the agent: agents/l0/vm_image.c includes it.
$(BUILD)/agent/agents/l0/vm_image.o: $(BUILD)/agent/l1.bin
$(BUILD)/agent/agents/l0/vm_image.o: AGENT_CFLAGS += -DL1_BIN='"$(BUILD)/agent/l1.bin"'

# L1's parts that need no VMX, for their unit test.
$(BUILD)/tests/test_l1: $(patsubst %,$(BUILD)/obj/agents/l1/%.o, backend_evmcs exits pages prove)
$(BUILD)/tests/test_l1_memory: $(BUILD)/obj/agents/l0/vm_memory.o $(BUILD)/obj/agents/l0/vm_backing.o $(BUILD)/obj/agents/l0/files.o

# The L2 of a Linux L1, as flat: agents/guest/l2vm.c runs it. It shares what is not L1's own.
L2_OBJS := $(patsubst %,$(BUILD)/l2/%.o,agents/guest/l2/start.S agents/guest/l2/l2.c agents/guest/l2/proof.c agents/guest/l2/work.c agents/l1/l2_main.c \
	agents/l1/l2_step.S agents/l1/lib.c)

$(BUILD)/l2/%.o: %
	$(call say,L2-CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(L1_CFLAGS) -DL2_OF_LINUX -c -o $@ $<

$(BUILD)/agent/l2.elf: $(L2_OBJS) agents/guest/l2/l2.lds
	$(call say,L2-LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LD) -nostdlib -static --no-warn-rwx-segments -T agents/guest/l2/l2.lds -o $@ $(L2_OBJS)

$(BUILD)/agent/l2.bin: $(BUILD)/agent/l2.elf
	$(Q)objcopy -O binary $< $@

$(BUILD)/agent/agents/guest/l2_image.o: $(BUILD)/agent/l2.bin
$(BUILD)/agent/agents/guest/l2_image.o: AGENT_CFLAGS += -DL2_BIN='"$(BUILD)/agent/l2.bin"'
