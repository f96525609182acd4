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

find_kernel() {
	"$NESTLAB" kernel build baseline >"$TMP/kernel.out" 2>&1 &&
		KERNEL=$("$NESTLAB" kernel show baseline --json | jq -r '.. | .bzimage? // empty' |
			head -1) && [ -r "$KERNEL" ]
}
