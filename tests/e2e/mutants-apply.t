#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each mutant and each past bug still applies to what it goes on top of, and does something there. Whoever changes the series
# learns here which of them need to be made anew, not only those that a test boots.
set -u
. "$(dirname "$0")/../lib/tap.sh"

"$NESTLAB" kernel build baseline nested-context >"$TMP/out" 2>&1
ok $? "what they go on top of is built" || tail -5 "$TMP/out"
# `kernel import` tries patches where the base's sources are at hand. It writes beside the variants: here.
mkdir "$TMP/root"
cp -r "$TOP/kernels" "$TMP/root/"
export NESTLAB_ROOT=$TMP/root
for kernel in "$TOP"/tests/mutants/*.json "$TOP"/tests/past-bugs/*.json; do
	name=$(basename "$kernel" .json) base=$(jq -r .base "$kernel") patches=${kernel%.json}
	"$NESTLAB" kernel import --patches "$patches" --onto "$base" --name "$name" >"$TMP/out" 2>&1
	ok $? "$name applies to $base" || sed 's/^/#   /' "$TMP/out"
	# on the base's sources, or with its patches on those of baseline where the built tree of the base is not kept
	like "$(cat "$TMP/out")" "tried_on: ($base|baseline)$" "... and was tried"
done
is "$(ls -d "$TOP"/tests/mutants/*/ "$TOP"/tests/past-bugs/*/ | wc -l)" \
	"$(ls "$TOP"/tests/mutants/*.json "$TOP"/tests/past-bugs/*.json | wc -l)" "each folder of patches is a variant's"
is "$(for kernel in "$TOP"/tests/mutants/*.json "$TOP"/tests/past-bugs/*.json; do
	name=$(basename "$kernel" .json)
	grep -q "^| $name |" "$(dirname "$kernel")/README.md" || echo "$name"
done)" "" "each is in its README's table"
plan_done
