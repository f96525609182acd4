# SPDX-License-Identifier: GPL-2.0-only
# boot.sh - after tap.sh: what tests need that boot an image. Sets BOOT (tests/lib/boot.c), TINY
# (tests/lib/tiny_init.c) and KERNEL (the baseline variant's bzImage, built if it is not cached).
BUILD_DIR=$(dirname "$(dirname "$NESTLAB")")
BOOT=$TMP/boot
TINY=$TMP/tiny_init
LIBRARIES="json-c sqlite3 gsl libcurl libmicrohttpd libarchive libcrypto"

# shellcheck disable=SC2046
build_boot() {
	(cd "$TOP" &&
		gcc -std=gnu17 -D_GNU_SOURCE -O1 -I. -pthread -o "$BOOT" tests/lib/boot.c \
			"$BUILD_DIR/libnestlab.a" $(pkg-config --libs $LIBRARIES) -lm &&
		musl-gcc -std=gnu17 -D_GNU_SOURCE -O2 -static -I. -o "$TINY" tests/lib/tiny_init.c \
			agents/wire/record.c common/crc32.c)
}

# build_here: HERE, an init that runs /agent as host `here` does (tests/lib/here_init.c)
build_here() {
	HERE=$TMP/here_init
	(cd "$TOP" && musl-gcc -std=gnu17 -D_GNU_SOURCE -O2 -static -I. -idirafter /usr/include \
		-idirafter /usr/include/x86_64-linux-gnu -o "$HERE" tests/lib/here_init.c)
}

find_kernel() { # find_kernel [OPTION...]: options of `nestlab kernel`
	"$NESTLAB" kernel build "$@" baseline >"$TMP/kernel.out" 2>&1 &&
		KERNEL=$("$NESTLAB" kernel show "$@" baseline --json |
			jq -r '.. | .bzimage? // empty' | head -1) && [ -r "$KERNEL" ]
}

# find_pc_kernel: the same with what a PC needs besides (kernels/config/pc.config). It takes 8.5 CPU minutes to
# build, once: NESTLAB_NO_PC_KERNEL=1 says not to, and what needs it is skipped.
find_pc_kernel() {
	local host=$TOP/tests/fixtures/hosts/pc.json
	if [ -n "${NESTLAB_NO_PC_KERNEL:-}" ] && [ "$("$NESTLAB" kernel show --host "$host" baseline \
		--json | jq -r .built)" != true ]; then
		echo "not built; nestlab kernel build --host $host baseline" >"$TMP/kernel.out"
		return 1
	fi
	find_kernel --host "$host"
}
