# SPDX-License-Identifier: GPL-2.0-only
# The agent is one static program. It shares the .c files of agents/wire with the library, and shares
# nothing else: musl keeps it small, and there is no JSON library on L0.
LIB_SRCS += $(wildcard agents/wire/*.c)
PROGRAMS += $(BUILD)/bin/nestlab-agent

AGENT_SRCS := $(wildcard agents/wire/*.c agents/l0/*.c agents/l0/*/*.c agents/guest/*.c) common/crc32.c common/histogram.c common/utf8.c
AGENT_OBJS := $(AGENT_SRCS:%.c=$(BUILD)/agent/%.o)
# KVM's headers, after musl's own.
AGENT_CFLAGS = -std=gnu17 -O2 $(WARNINGS) -I. -D_GNU_SOURCE -pthread -MMD -MP \
	-idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu

# The micro-hypervisors that it carries; adds to AGENT_OBJS.
include agents/l1/module.mk
include agents/windows/module.mk

# With its symbols, for `nestlab explain`.
$(BUILD)/agent/agent.elf: $(AGENT_OBJS)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) -static -pthread -o $@ $^

$(BUILD)/bin/nestlab-agent: $(BUILD)/agent/agent.elf
	@mkdir -p $(@D)
	$(Q)strip -s -o $@ $<

$(BUILD)/agent/%.o: %.c
	$(call say,AGENTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(AGENT_CFLAGS) -c -o $@ $<

# Preloaded into QEMU: this one is of glibc's world.
PROGRAMS += $(BUILD)/bin/nestlab-devmem.so
$(BUILD)/bin/nestlab-devmem.so: agents/preload/devmem.c
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 $(WARNINGS) -D_GNU_SOURCE -shared -fPIC -s -o $@ $<

# What it needs of libvirt, where libvirt-dev is installed.
ifeq ($(shell pkg-config --exists libvirt libvirt-qemu zlib && echo yes),yes)
PROGRAMS += $(BUILD)/bin/nestlab-l1-libvirt
$(BUILD)/bin/nestlab-l1-libvirt: $(wildcard agents/libvirt/*.[ch])
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 $(WARNINGS) -I. -D_GNU_SOURCE -pthread -s -o $@ $(filter %.c,$^) \
		$(shell pkg-config --cflags --libs libvirt libvirt-qemu zlib)
endif

# In the place of libicudata.so.N, which libvirt loads.
ICU := $(patsubst .%,%,$(suffix $(firstword $(wildcard /lib/x86_64-linux-gnu/libicudata.so.[0-9][0-9]))))
ifneq ($(ICU),)
PROGRAMS += $(BUILD)/bin/nestlab-icudata.so.$(ICU)
$(BUILD)/bin/nestlab-icudata.so.$(ICU): agents/preload/icudata.c
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 $(WARNINGS) -DICU_VERSION=$(ICU) -shared -fPIC -s \
		-Wl,-soname,libicudata.so.$(ICU) -o $@ $<
endif

# The agent's parts that need no KVM, for their unit tests.
$(BUILD)/tests/test_agent $(BUILD)/tests/test_isolate $(BUILD)/tests/test_quiet $(BUILD)/tests/test_channel_framed \
	$(BUILD)/tests/test_channel_upload: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, \
	records/channel clock cpus files records/framed isolate keeper kmsg records/line lockdep machine records/port quiet regions scenario_kselftest records/sink records/sink_file \
	steady records/stream records/upload)
$(BUILD)/tests/test_thin: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, \
	records/channel clock files records/framed vmm/l1_boot vmm/l1_end vmm/l1_records records/line records/port records/sink records/stream vmm/thin_boot vmm/thin_devices vmm/thin_ksm records/upload)
$(BUILD)/tests/test_flat: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, \
	records/channel clock files flat_devices flat_load records/framed records/line records/port records/sink records/stream subtests records/upload)
$(BUILD)/tests/test_qemu $(BUILD)/tests/test_qemu_l1 $(BUILD)/tests/test_qemu_cross: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, \
	records/channel clock cpus files records/framed vmm/handover kvm_stats vmm/l1_boot vmm/l1_end vmm/l1_fault records/line records/port vmm/crossing vmm/qemu vmm/qemu_args vmm/qemu_cross vmm/qemu_memory vmm/lines vmm/qemu_move vmm/qmp regions records/sink records/stream records/upload vm_memory vm_backing)
$(BUILD)/tests/test_handover: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, \
	records/channel clock files records/framed vmm/handover records/line records/port regions records/sink records/stream records/upload vm_memory vm_backing)
$(BUILD)/tests/test_crossing: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, \
	records/channel clock files records/framed vmm/crossing records/line records/port regions records/sink records/stream records/upload vm_memory vm_backing)
$(BUILD)/tests/test_l1_disk: $(BUILD)/obj/agents/l0/vmm/l1_disk_answer.o
$(BUILD)/tests/test_vmap: $(BUILD)/obj/agents/l0/vmm/vmap.o
$(BUILD)/tests/test_slack: $(BUILD)/obj/agents/l0/vmm/slack.o
$(BUILD)/tests/test_libvirt_peer: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, \
	records/channel clock files records/framed vmm/l1_end vmm/l1_libvirt_peer vmm/l1_stay records/line records/port records/sink records/stream records/upload)
$(BUILD)/tests/test_libvirt_helper: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, \
	records/channel clock files records/framed vmm/l1_libvirt_helper vmm/lines records/line records/port records/sink records/stream records/upload)
$(BUILD)/tests/test_l1_moves: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, records/channel clock files records/framed vmm/l1_moves records/line records/port records/sink records/stream records/upload)
$(BUILD)/tests/test_libvirt: $(patsubst %,$(BUILD)/obj/agents/l0/%.o, clock cpus vmm/l1_boot vmm/l1_fault vmm/libvirt_xml vmm/qemu_args)
