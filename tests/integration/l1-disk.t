#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An L1 that boots from a disk image of the user's: a Linux with the agent as a service (tests/lib/disk_init.c), booted by
# QEMU on the emulated host.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

build_boot || { ok 1 "the tests' boot program builds"; plan_done; }
musl-gcc -std=gnu17 -D_GNU_SOURCE -O2 -static -o "$TMP/init" "$TOP/tests/lib/disk_init.c"
ok $? "a Linux's first process builds"
"$NESTLAB" kernel build l1-linux >"$TMP/kernel.out" 2>&1
ok $? "its kernel is there"
kernel=$("$NESTLAB" kernel show l1-linux --json | jq -r '.. | .bzimage? // empty' | head -1)
iso=$("$BOOT" image "$kernel" "$TMP/init" "" "console=ttyS0 quiet" "$BUILD_DIR/bin/nestlab-agent")
# A CD that starts from a disk as well (SYSLINUX: isohybrid).
xorriso -indev "$iso" -outdev "$TMP/mine.img" -boot_image any replay \
	-boot_image isolinux system_area=/usr/lib/ISOLINUX/isohdpfx.bin >"$TMP/xorriso" 2>&1
ok $? "a disk image is made of them"
sum=$(sha256sum "$TMP/mine.img" | cut -d' ' -f1)

cat >"$TMP/mine.json" <<-'EOF'
	{ "description": "an L1 of a user's", "scenarios": [
	  { "scenario": "exits", "reason": "cpuid", "l1": "disk", "rounds": 50, "warmup": 5 },
	  { "scenario": "multiplex", "l1": "disk", "l2_vcpus": 4, "rounds": 10, "warmup": 2, "l1_megabytes": 200 } ] }
EOF
"$NESTLAB" run "$TMP/mine.json" --kernel baseline --boots 1 --db "$TMP/db" >"$TMP/out" 2>&1
is "$? $(grep -c 'SKIP: mine .*--l1-image FILE' "$TMP/out")" "125 1" "without an image: a skip that says what is missing"
"$NESTLAB" run "$TMP/mine.json" --kernel baseline --boots 1 --l1-image "$TMP/mine.img" --db "$TMP/db" >"$TMP/out" 2>&1
is $? 0 "both measurements run in an L1 that boots from the disk" || sed 's/^/# /' "$TMP/out"
is "$(sqlite3 "$TMP/db" "SELECT l1_kernel_name, l1_kernel_key = '$sum' FROM run")" "mine.img|1" \
	"stored with the image's name and hash"
is "$(sqlite3 "$TMP/db" 'SELECT count(*) FROM metric')" 3 "and the metrics of both"
records=$(echo "$TMP"/runs/*/*/records.jsonl)
is "$(jq -r 'select(.type == "l1") | [.via, .nested, .hypervisor] | join(" ")' "$records" | sort -u)" \
	"qemu vmcs KVMKVMKVM" "L1 says who it is"
is "$(sha256sum "$TMP/mine.img" | cut -d' ' -f1)" "$sum" "the image is as it was"
plan_done
