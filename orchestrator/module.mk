# SPDX-License-Identifier: GPL-2.0-only
# main.c and one cmd_NAME.c per command make the CLI; the rest is the engine, in the library.
NESTLAB_SRCS += orchestrator/main.c $(wildcard orchestrator/cmd_*.c)
LIB_SRCS     += $(filter-out orchestrator/main.c $(wildcard orchestrator/cmd_*.c), \
	$(wildcard orchestrator/*.c))

# run.c stores which nestlab made a number: compiled again whenever that changes.
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
$(BUILD)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
$(BUILD)/obj/orchestrator/run.o: $(BUILD)/version
$(BUILD)/obj/orchestrator/run.o: private LIB_CFLAGS += -DNESTLAB_VERSION='"$(VERSION)"'
FORCE:
.PHONY: FORCE
