# SPDX-License-Identifier: GPL-2.0-only
# fake-kernel.sh - a kernel tree of a few files that answers to the targets nestlab calls, for tests
# of the builder where compiling Linux would prove nothing more.
#
# fake_kernel DIR: writes it. It appends a line to $FAKE_COUNT for each make bzImage; with $FAKE_GATE
# set (a folder with the FIFOs "started" and "go") that waits between the two, with $FAKE_DEAF deaf to SIGTERM.
fake_kernel() {
	mkdir -p "$1/src" "$1/scripts"
	for i in 1 2 3 4; do
		echo "int f$i(void) { return $i; }" >"$1/src/f$i.c"
	done
	# Of two lines for one option the last counts; Kconfig knows no CONFIG_UNKNOWN_*.
	cat >"$1/scripts/olddefconfig.awk" <<-'EOF'
		/^CONFIG_/ { split($0, a, "="); v[a[1]] = $0; if (!(a[1] in n)) n[a[1]] = ++k }
		/^# CONFIG_.* is not set$/ { v[$2] = $0; if (!($2 in n)) n[$2] = ++k }
		END { for (i in n) if (i !~ /^CONFIG_UNKNOWN_/) print v[i] | "sort" }
	EOF
	cat >"$1/Makefile" <<-'EOF'
		.RECIPEPREFIX := >
		ifneq ($(LLVM),)
		CC := clang$(filter -%,$(LLVM))
		LD := ld.lld$(filter -%,$(LLVM))
		endif
		objs := src/f1.o src/f2.o src/f3.o src/f4.o
		tinyconfig:
		> @echo 'CONFIG_TINY=y' >.config
		olddefconfig:
		> @awk -f scripts/olddefconfig.awk .config >.config.new && mv .config.new .config
		%.o: %.c .config
		> @echo "  CC      $@"
		> @$(CC) -c -o $@ $<
		vmlinux: $(objs)
		> @echo "  LD      $@"
		> @$(LD) -e 0 --build-id=sha1 -o $@ $^
		> @echo linked >>linked.log
		bzImage: vmlinux
		> @mkdir -p arch/x86/boot include/config
		> @cat vmlinux .config >arch/x86/boot/bzImage
		> @nm vmlinux >System.map
		> @echo 6.12.0-fake >include/config/kernel.release
		> @[ -z "$$FAKE_COUNT" ] || echo made >>"$$FAKE_COUNT"
		> @[ -z "$$FAKE_DEAF" ] || trap "" TERM; [ -z "$$FAKE_GATE" ] || { echo >"$$FAKE_GATE/started"; read -r x <"$$FAKE_GATE/go"; }
	EOF
}

# fake_patch N [WRONG]: prints a patch that changes src/fN.c; with WRONG its context is not there.
fake_patch() {
	cat <<-EOF
		Change f$1.
		---
		--- a/src/f$1.c
		+++ b/src/f$1.c
		@@ -1 +1 @@
		-int f$1(void) { return $1${2:+ + 1}; }
		+int f$1(void) { return ${1}0; }
	EOF
}

# fake_lab DIR: a folder with kernels/, a tarball of a fake kernel, and the variants "root" and
# "child" (root with a patch); sets NESTLAB_ROOT and NESTLAB_CACHE to it.
fake_lab() {
	mkdir -p "$1/kernels/config" "$1/kernels/patches/child" "$1/linux-fake"
	fake_kernel "$1/linux-fake"
	tar -C "$1" -cf "$1/fake.tar" --mtime=@1000000000 linux-fake
	FAKE_SHA=$(sha256sum "$1/fake.tar" | cut -d' ' -f1)
	echo 'CONFIG_ONE=y' >"$1/kernels/config/one.config"
	cat >"$1/kernels/root.json" <<-EOF
		{ "source": { "kind": "tarball", "location": "../fake.tar", "sha256": "$FAKE_SHA" },
		  "config": ["config/one.config"] }
	EOF
	fake_patch 2 >"$1/kernels/patches/child/0001-f2.patch"
	echo 0001-f2.patch >"$1/kernels/patches/child/series"
	echo '{ "base": "root", "patches": "patches/child" }' >"$1/kernels/child.json"
	export NESTLAB_ROOT=$1 NESTLAB_CACHE=$1/cache
}

build() { "$NESTLAB" kernel build "$@" 2>&1; }

entry() { # entry VARIANT: the folder of its files in the cache
	"$NESTLAB" kernel show --json "$1" | sed -n 's/.*"bzimage": *"\(.*\)\/bzImage".*/\1/p'
}
