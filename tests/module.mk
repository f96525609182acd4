# SPDX-License-Identifier: GPL-2.0-only
# Unit tests: one cmocka program per file, TAP output. Integration and end-to-end: TAP scripts (*.t).
UNIT_SRCS  := $(wildcard tests/unit/*/test_*.c) # folders mirror the source folders
UNIT_TESTS := $(foreach s,$(UNIT_SRCS),$(BUILD)/tests/$(basename $(notdir $(s))))
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS    := $(FUZZ_NAMES:%=$(BUILD)/fuzz/%)
UNIT_TESTS += $(FUZZ_NAMES:%=$(BUILD)/tests/%)# each linked, and run for a moment (tests/lib/fuzz_once.c)
BENCHES    := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
SCRIPTS    := $(wildcard tests/e2e/*.t) $(wildcard tests/integration/*.t tests/style/*.t)
# Tests run side by side: those that take longest start first, so that none is left alone at the end.
LONGEST    := $(patsubst %,tests/%.t,e2e/mutants-abuse e2e/mutants-invalidate e2e/mutants-switch \
	e2e/faults integration/host_boot integration/redfish e2e/main-job integration/selftests integration/image)
FUZZ_SECONDS ?= 20

define unit_test
$(BUILD)/tests/$(basename $(notdir $(1))): $(BUILD)/obj/$(1:.c=.o) $(BUILD)/libnestlab.a
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcmocka $$(LIB_LIBS)
endef
$(foreach s,$(UNIT_SRCS),$(eval $(call unit_test,$(s))))

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libnestlab.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIB_LIBS)

# clang's fuzzer instruments what it fuzzes, so the library is compiled anew, once for all fuzzers.
FUZZ_OBJS = $(BUILD)/fuzz/obj
FUZZED     = clang -std=gnu17 -O1 -g -I. -D_GNU_SOURCE -DNESTLAB_VERSION='"fuzz"' -MMD -MP $(LIB_CFLAGS) -pthread
$(FUZZ_OBJS)/%.o: %.c
	$(call say,FUZZ-CC,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZED) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(BUILD)/fuzz/libnestlab.a: $(LIB_SRCS:%.c=$(FUZZ_OBJS)/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# What they are about besides the library: parts of the agent.
PARTS_fuzz_mail    := clock files vmm/l1_records records/line records/sink vmm/thin_devices
PARTS_fuzz_l1_disk := vmm/l1_disk_answer
PARTS_fuzz_flat    := records/channel clock files flat_devices flat_load records/framed records/line records/port records/sink \
	records/stream subtests records/upload

define fuzz_target
$(BUILD)/fuzz/$(1): $(FUZZ_OBJS)/tests/fuzz/$(1).o $(PARTS_$(1):%=$(FUZZ_OBJS)/agents/l0/%.o) $(BUILD)/fuzz/libnestlab.a
	$$(call say,LINK,$$@)
	$$(Q)$$(FUZZED) -fsanitize=fuzzer,address,undefined -o $$@ $$^ $$(LIB_LIBS)

$(BUILD)/tests/$(1): $(BUILD)/obj/tests/fuzz/$(1).o $(BUILD)/obj/tests/lib/fuzz_once.o $(PARTS_$(1):%=$(BUILD)/obj/agents/l0/%.o) \
	$(BUILD)/libnestlab.a
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) -o $$@ $$^ $$(LIB_LIBS)
endef
$(foreach f,$(FUZZ_NAMES),$(eval $(call fuzz_target,$(f))))

CHECK_PACKAGES += slurmctld slurmd slurm-client munge # a Slurm for daemon-slurm.t
CHECK_PACKAGES += gcc-mingw-w64-x86-64-win32 wine64 # windows.t: the agent of a Windows L1
CHECK_PACKAGES += curl libfaketime systemd # daemon*.t and nights.t: asks, sets the clock, systemd-analyze knows calendars
CHECK_PACKAGES += public-inbox # lists.t: a list to watch
CHECK_PACKAGES += libjs-dygraphs # daemon-pages.t: a plot that can be zoomed
CHECK_PACKAGES += bubblewrap # sandbox.t
# One list of everything, one runner, one closing line.
check: PACKAGES += $(CHECK_PACKAGES)
check: deps
	@$(MAKE) --no-print-directory programs unit-programs
	$(Q)tests/run $(BUILD) $(LONGEST) $(filter-out $(LONGEST),$(SCRIPTS)) $(UNIT_TESTS)

unit-programs: $(UNIT_TESTS)
unit: unit-programs
	$(Q)tests/run $(BUILD) $(UNIT_TESTS)

# The unit tests under a sanitizer, in a build folder of their own. ThreadSanitizer wants memory where it
# expects it: no random places, where setarch may say so.
SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_tsan := -fsanitize=thread
FIXED_tsan     = $(shell setarch -R true 2>/dev/null && echo setarch -R)
asan tsan:
	$(Q)$(FIXED_$@) $(MAKE) --no-print-directory BUILD=$(BUILD)/$@ \
		CFLAGS='-O1 -g -fno-omit-frame-pointer' SANITIZE='$(SANITIZE_$@)' unit

fuzz:
	@command -v clang >/dev/null || { echo "make fuzz needs clang; install it and try again:"; \
		echo "  apt-get install -y --no-install-recommends clang libclang-rt-14-dev"; exit 1; }
	$(Q)$(MAKE) --no-print-directory run-fuzzers

run-fuzzers: $(FUZZERS)
	$(Q)for f in $(FUZZERS); do echo "== $$f"; corpus=$(BUILD)/fuzz/corpus/$${f##*/}; \
		mkdir -p $$corpus; \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/fuzz/ $$corpus || exit 1; done

bench: programs $(BENCHES)
	$(Q)for b in $(BENCHES) $(wildcard tests/bench/*.sh); do echo "== $$b"; $$b || exit 1; done

FORMATTED = $(wildcard common/*.[ch] kernels/*.[ch] images/*.[ch] scenarios/*.[ch] agents/*.[ch] \
	agents/*/*.[ch] agents/*/*/*.[ch] results/*/*.[ch] orchestrator/*.[ch] orchestrator/*/*.[ch] orchestrator/*/*/*.[ch] \
	tests/*/*.[ch] tests/*/*/*.[ch])
format:
	clang-format -i $(FORMATTED)

.PHONY: check unit unit-programs asan tsan fuzz run-fuzzers bench format
