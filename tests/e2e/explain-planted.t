#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A loop of 150 instructions that was planted into KVM is what nestlab explain names first.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

"$NESTLAB" host check emulated >"$TMP/host" || skip_all "$(grep missing "$TMP/host" | head -1)"
find_kernel || skip_all "no kernel: $(tail -1 "$TMP/kernel.out")"
PLANTED=$TOP/tests/kernels/planted-loop.json

"$NESTLAB" explain baseline "$PLANTED" --scenario multiplex --metric switch --param memory=managed \
	--rounds 20 --max-boots 1 --db "$TMP/db" --json -o "$TMP/e.json" 2>"$TMP/err"
ok $? "both kernels are explained" || cat "$TMP/err"
first() { jq -r ".functions[0] | $1" "$TMP/e.json"; }
is "$(first .name)" nested_planted_loop "the planted function comes first"
is "$(first '.low <= 150 and .high >= 150 and .moved')" true "its interval holds 150, and not 0"
is "$(first .caller)" nested_vmx_enter_non_root_mode "its caller is right"
is "$(first .where)" arch/x86/kvm/vmx/nested.c "and its file"
is "$(jq '[.functions[] | select(.moved and (.new - .base | fabs) > 2)] | length' "$TMP/e.json")" 1 \
	"no other function moved by more than the call itself"

# what a report says of it, with boots of the two kernels and without
cat >"$TMP/one.json" <<-J
	{"description": "one", "metrics": {"switch": {"smallest_effect": 0.3}}, "scenarios": [
	 {"scenario": "multiplex", "memory": "managed", "l2_vcpus": 8, "rounds": 20, "warmup": 3}]}
J
"$NESTLAB" run "$TMP/one.json" --kernel baseline --kernel "$PLANTED" --boots 3 --db "$TMP/db" \
	>"$TMP/run" 2>&1
like "$("$NESTLAB" report baseline planted-loop --format email --db "$TMP/db")" \
	'Grew most, .*nested_planted_loop \+150' "the mail of the regression names the function"
like "$("$NESTLAB" report baseline planted-loop --explain --db "$TMP/db")" \
	'Where the instructions went' "report --explain has it"
like "$("$NESTLAB" report baseline planted-loop --format html --explain --db "$TMP/db")" \
	'class="plot flame"' "with the drawing, in a page"

plan_done
