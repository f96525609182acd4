#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# l1-quick.sh [KERNEL [BOOTS]]: what boots of l1-quick cost: instructions of the emulated host (its clock: what it idles counts), the
# same on each machine; and seconds of a core, the image's making included, which are not. A boot is to take 60 s of a free core.
# KEEP=FILE keeps the database there.
set -u
cd "$(dirname "$0")/../.." || exit 1
NESTLAB=${NESTLAB:-${BUILD:-build}/bin/nestlab}
KERNEL=${1:-baseline} BOOTS=${2:-3}
SECONDS_BAR=60
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
TIMEFORMAT='%U %S'

DB=${KEEP:-$TMP/l1-quick.db}

boots=0 over=0
for ((i = 1; boots < BOOTS; i++)); do
	{ time "$NESTLAB" run l1-quick --kernel "$KERNEL" --boots 1 --seed $i --db "$DB" >"$TMP/out" 2>&1; } 2>"$TMP/spent" ||
		{ tail -20 "$TMP/out"; exit 1; }
	seconds=$(awk '{ print $1 + $2 }' "$TMP/spent")
	session=$(sed -n 's/.*(session \(.*\)).*/\1/p' "$TMP/out")
	ticks=$(grep -h PANIC "$(dirname "$DB")/runs/$session"/*/emulator.log | grep -o '^[0-9]*')
	# what it was told is in the images of the next ones
	if grep -q "libvirt asked QEMU what it can do" "$TMP/out"; then
		[ "$i" = 1 ] || { echo "boot $i: libvirt asked QEMU again"; exit 1; }
		echo "first: $((10#$ticks / 1000000)) M instructions, $seconds s: libvirt asked QEMU what it can do"
		continue
	fi
	boots=$((boots + 1))
	echo "boot $boots: $((10#$ticks / 1000000)) M instructions, $seconds s"
	over=$((over + $(awk "BEGIN { print ($seconds > $SECONDS_BAR) }")))
done
[ $over -eq 0 ]
