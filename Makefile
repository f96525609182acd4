# SPDX-License-Identifier: GPL-2.0-only
# nestlab: one non-recursive make. Each folder's module.mk adds its files to the lists below.
#
#   make          the programs, in build/bin/
#   make run      the main job: baseline against nested-context on the emulated host
#   make check    every test, under prove
#   make asan     the unit tests under AddressSanitizer and UBSan
#   make tsan     the unit tests under ThreadSanitizer
#   make fuzz     every parser of outside input, FUZZ_SECONDS each
#   make bench    timings and detection rates (never part of check)
#   make man      the manual pages, in build/man/
#   make install  programs, manual pages, completions, docs, to DESTDIR and PREFIX
#   make uninstall  removes what make install put there
#   make format   clang-format over the tree
#   make clean    removes build/
#   make help     this list

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=

# What Debian 12 calls everything that we build with, run on and test with.
PACKAGES := gcc make pkg-config git patch perl xz-utils flex bison bc libelf-dev libssl-dev kmod cpio \
	rsync libjson-c-dev libsqlite3-dev libgsl-dev libcurl4-openssl-dev libmicrohttpd-dev \
	libarchive-dev musl-tools libcmocka-dev bochs bochs-term bochsbios vgabios linux-source-6.12 xorriso mtools \
	grub-common grub-efi-amd64-bin isolinux syslinux-common qemu-system-x86 ovmf clang-format \
	sqlite3 libxml2-utils jq python3 lz4 libsystemd-dev
# Only for the tests: a browser for the reports' pages (large), groff for the manual pages, what is behind hosts.
CHECK_PACKAGES := chromium groff-base libvirt-dev libvirt-daemon libvirt-daemon-driver-qemu busybox-static \
	clang lld dropbear-bin kexec-tools openssh-client socat openssl dnsmasq-base iproute2
CHECK_PACKAGES += ipmitool openipmi ipxe
LIBRARIES := json-c sqlite3 gsl libcurl libmicrohttpd libarchive libcrypto libelf libsystemd

CC      ?= gcc
MUSL_CC ?= musl-gcc
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
	-Wno-missing-field-initializers
ifneq ($(CI),)
WARNINGS += -Werror
endif
SANITIZE ?=
CFLAGS  ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARNINGS) $(SANITIZE) -I. -D_GNU_SOURCE -pthread -MMD -MP \
	$(LIB_CFLAGS)
LIB_CFLAGS = $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
LIB_LIBS   = $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null) -lm

Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
ifneq ($(V),)
Q :=
say = @:
endif

# Those of PACKAGES that are not installed.
MISSING = $(shell for p in $(PACKAGES); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | \
	grep -q '^install ok installed' || echo $$p; done)
APT_INSTALL := apt-get install -y --no-install-recommends

# What compiling needs is looked for before the first file is compiled. `make run` and `make check`
# install it.
ifneq ($(filter-out clean deps run check help format,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell pkg-config --exists $(LIBRARIES) && command -v $(firstword $(CC)) >/dev/null && \
	command -v $(firstword $(MUSL_CC)) >/dev/null || echo missing),)
$(info nestlab needs these packages; install them and try again:)
$(info $()  sudo $(APT_INSTALL) $(or $(MISSING),$(PACKAGES)))
$(error packages are missing)
endif
endif

# Filled by the module.mk files.
LIB_SRCS     :=# the library that every program but the agent links
NESTLAB_SRCS :=# the CLI
UNIT_TESTS   :=# tests/unit/FOLDER/test_X.c, one program each
PROGRAMS     := $(BUILD)/bin/nestlab
CLEAN        :=

all: programs

include $(wildcard common/module.mk kernels/module.mk images/module.mk scenarios/module.mk \
	agents/module.mk results/module.mk orchestrator/module.mk tests/module.mk)

LIB_OBJS     = $(LIB_SRCS:%.c=$(BUILD)/obj/%.o)
NESTLAB_OBJS = $(NESTLAB_SRCS:%.c=$(BUILD)/obj/%.o)

programs: $(PROGRAMS)

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/libnestlab.a: $(LIB_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/bin/nestlab: $(NESTLAB_OBJS) $(BUILD)/libnestlab.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIB_LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)

# ---- what is needed: installed if we may, else the one line that does it is printed ----

deps:
	@missing="$(strip $(MISSING))"; [ -z "$$missing" ] && exit 0; \
	if [ $$(id -u) = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo=sudo; else \
		echo "nestlab needs these packages; install them and try again:"; \
		echo "  sudo $(APT_INSTALL) $$missing"; exit 1; fi; \
	echo "installing: $$missing"; \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive \
		$(APT_INSTALL) -qq $$missing >/dev/null

# ---- the main job ----

run: deps
	@$(MAKE) --no-print-directory programs
	@$(BUILD)/bin/nestlab run quick --kernel baseline --kernel nested-context

# ---- install ----

# What comes with nestlab: the files that git knows, so that nobody's own variants are installed; without
# git (a tarball of a release) all there are.
DATA_FOLDERS := kernels scenarios results/policies hosts
DATA_NAMES   := %.json %.config %.patch %/series
DATA_FILES    = $(wildcard $(filter $(DATA_NAMES),$(if $(filter kernels/baseline.json,$(GIT_FILES)), \
	$(GIT_FILES),$(shell find $(DATA_FOLDERS) -type f 2>/dev/null))))
GIT_FILES     = $(shell git ls-files -- $(DATA_FOLDERS) 2>/dev/null)
COMPLETION   := orchestrator/cli/completion
UNITS        := orchestrator/daemon/systemd
# The list of what was installed, for the next install and for uninstall.
INSTALLED    := share/nestlab/installed-files

install: programs man
	@set -e; root='$(DESTDIR)$(PREFIX)'; $(remove_installed); install -d "$$root/share/nestlab"; \
	put() { install -D -m "$$1" "$$2" "$$root/$$3"; echo "$$3"; }; { \
	for f in $(PROGRAMS); do put 755 $$f bin/$${f##*/}; done; \
	for f in agent l1; do put 644 $(BUILD)/agent/$$f.elf share/nestlab/symbols/$$f.elf; done; \
	for f in $(BUILD)/man/*.1; do put 644 $$f share/man/man1/$${f##*/}; done; \
	for f in README.md LICENSE docs/*.md; do put 644 $$f share/doc/nestlab/$${f##*/}; done; \
	for f in $(DATA_FILES); do put 644 $$f share/nestlab/$$f; done; \
	for f in $(notdir $(wildcard $(UNITS)/*.socket $(UNITS)/*.service $(UNITS)/*.timer)); do \
		sed 's|@PREFIX@|$(PREFIX)|' $(UNITS)/$$f >$(BUILD)/unit; put 644 $(BUILD)/unit lib/systemd/system/$$f; done; \
	put 644 $(UNITS)/nestlab.sysusers lib/sysusers.d/nestlab.conf; \
	put 644 $(COMPLETION)/nestlab.bash share/bash-completion/completions/nestlab; \
	put 644 $(COMPLETION)/_nestlab share/zsh/site-functions/_nestlab; \
	} >"$$root/$(INSTALLED)"; chmod 644 "$$root/$(INSTALLED)"
	@echo "installed in $(DESTDIR)$(PREFIX)"

uninstall:
	@set -e; root='$(DESTDIR)$(PREFIX)'; [ -f "$$root/$(INSTALLED)" ] || \
		{ echo "$$root: no nestlab is installed here (PREFIX and DESTDIR say where)"; exit 1; }; \
	$(remove_installed); for d in share/nestlab share/doc/nestlab; do \
		[ ! -d "$$root/$$d" ] || find "$$root/$$d" -depth -type d -empty -delete; \
		[ ! -d "$$root/$$d" ] || echo "$$root/$$d: has files that make install did not put there"; done

define remove_installed
if [ -f "$$root/$(INSTALLED)" ]; then while read -r f; do rm -f "$$root/$$f"; done \
	<"$$root/$(INSTALLED)"; rm -f "$$root/$(INSTALLED)"; fi
endef

help:
	@sed -n 's/^#   \(make [a-z]*  *.*\)/\1/p' Makefile

.PHONY: all programs man clean deps run install uninstall help
.SECONDARY:
.DELETE_ON_ERROR:
