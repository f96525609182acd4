# SPDX-License-Identifier: GPL-2.0-only
# cli/ is the program: main.c and one cmd_NAME.c per command; daemon/nestlabd.c is the other one. The rooms behind
# them are in the library.
NESTLAB_SRCS += $(wildcard orchestrator/cli/*.c)
NESTLABD_SRCS := orchestrator/daemon/nestlabd.c
LIB_SRCS     += $(wildcard orchestrator/*.c orchestrator/request/*.c orchestrator/bisect/*.c orchestrator/engine/*.c \
	orchestrator/explain/*.c orchestrator/demo/*.c orchestrator/hosts/*.c orchestrator/hosts/*/*.c \
	orchestrator/daemon/daemon.c orchestrator/daemon/*/*.c)
PROGRAMS     += $(BUILD)/bin/nestlabd

$(BUILD)/bin/nestlabd: $(NESTLABD_SRCS:%.c=$(BUILD)/obj/%.o) $(BUILD)/libnestlab.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIB_LIBS)

# the assembler reads them (.incbin): no compiler tells make
$(BUILD)/obj/orchestrator/daemon/storage/database.o: $(wildcard orchestrator/daemon/storage/schema*.sql)
$(BUILD)/obj/orchestrator/daemon/api/api_service.o: docs/openapi.json

# What knows libvirt is a program of its own, made where libvirt-dev is installed: its library takes longer to
# load than most commands take in all.
ifeq ($(shell pkg-config --exists libvirt && echo yes),yes)
PROGRAMS += $(BUILD)/bin/nestlab-libvirt
LIBVIRT_OBJS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard orchestrator/libvirt/*.c))
$(BUILD)/bin/nestlab-libvirt: $(LIBVIRT_OBJS) $(BUILD)/libnestlab.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIB_LIBS) $(shell pkg-config --libs libvirt)
endif

# The program explains itself: one page for nestlab, one for each command.
man: $(BUILD)/man/nestlab.1
$(BUILD)/man/nestlab.1: $(BUILD)/bin/nestlab
	$(call say,MAN,$(@D))
	@mkdir -p $(@D)
	$(Q)for c in $$($< complete -- '' | sed -n 's/^\([a-z]*\)\t.*/\1/p'); do \
		$< help --man $$c >$(@D)/nestlab-$$c.1 || exit 1; done
	$(Q)$< help --man >$@

# version.c says which nestlab this is: compiled again whenever that changes.
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
$(BUILD)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
$(BUILD)/obj/orchestrator/version.o: $(BUILD)/version
$(BUILD)/obj/orchestrator/version.o: private LIB_CFLAGS += -DNESTLAB_VERSION='"$(VERSION)"'
FORCE:
.PHONY: FORCE
